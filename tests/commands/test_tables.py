"""nodes and pods with every flag of kubectl top, from the API and from the kubelets."""

from __future__ import annotations

import re
from functools import partial

import pytest

from tests.commands.conftest import paths_of
from tests.harness import Tool, tool
from tests.simcluster import METRICS_READER, SimCluster, User

NODES = """\
NAME     CPU(cores)   CPU(%)   MEMORY(bytes)   MEMORY(%)   
node-a   500m         12%      4096Mi          25%         
node-b   1000m        25%      2048Mi          12%         
node-c   250m         6%       1024Mi          6%          
"""  # noqa: W291  # kubectl pads the last column, too
PODS = """\
NAME    CPU(cores)   MEMORY(bytes)   
db-0    20m          96Mi            
web-1   35m          32Mi            
web-2   40m          20Mi            
"""  # noqa: W291
ALL_PODS = """\
NAMESPACE     NAME    CPU(cores)   MEMORY(bytes)   
kube-system   dns     3m           30Mi            
shop          db-0    20m          96Mi            
shop          web-1   35m          32Mi            
shop          web-2   40m          20Mi            
"""  # noqa: W291

both = pytest.mark.parametrize("source", ["api", "kubelet"])


@both
def test_nodes(admin: Tool, source: str) -> None:
    result = admin("nodes", "--source", source)
    assert (result.status, result.out, result.err) == (0, NODES, "")


@both
def test_pods(admin: Tool, source: str) -> None:
    result = admin("pods", "-n", "shop", "--source", source)
    assert (result.status, result.out, result.err) == (0, PODS, "")


@pytest.mark.parametrize("alias", ["nodes", "node", "no"])
def test_aliases_of_nodes(admin: Tool, alias: str) -> None:
    assert admin(alias).out == NODES


@pytest.mark.parametrize("alias", ["pods", "pod", "po"])
def test_aliases_of_pods(admin: Tool, alias: str) -> None:
    assert admin(alias, "-n", "shop").out == PODS


@both
def test_all_pods(admin: Tool, source: str) -> None:
    # The agent's counter is zero: no source shows it, and it is not passed over in silence.
    result = admin("pods", "-A", "--source", source)
    assert (result.status, result.out) == (0, ALL_PODS)
    assert result.err.startswith("warning: no usage of pod kube-system/agent")
    assert len(result.err.splitlines()) == 1


@both
@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        (["nodes", "node-b"], ["node-b 1000m 25% 2048Mi 12%"]),
        (["nodes", "-l", "zone=west"], ["node-b 1000m 25% 2048Mi 12%", "node-c 250m 6% 1024Mi 6%"]),
        (["nodes", "--selector", "zone in (east), zone"], ["node-a 500m 12% 4096Mi 25%"]),
        (["nodes", "-l=zone=east"], ["node-a 500m 12% 4096Mi 25%"]),
        (["nodes", "--show-capacity", "node-a"], ["node-a 500m 12% 4096Mi 25%"]),
        (["pods", "-n", "shop", "web-1"], ["web-1 35m 32Mi"]),
        (["pods", "-n", "shop", "-l", "app=web"], ["web-1 35m 32Mi", "web-2 40m 20Mi"]),
        (["pods", "-n", "shop", "--field-selector", "metadata.name=db-0"], ["db-0 20m 96Mi"]),
        (["pods", "-n", "shop", "--field-selector=spec.nodeName=node-b"], ["db-0 20m 96Mi", "web-2 40m 20Mi"]),
        (["pods", "-n", "shop", "--field-selector", "spec.nodeName=node-b", "-l", "app=db"], ["db-0 20m 96Mi"]),
        (["pods", "-n", "shop", "--sort-by", "memory"], ["db-0 20m 96Mi", "web-1 35m 32Mi", "web-2 40m 20Mi"]),
        (["pods", "-n", "shop", "--sort-by=cpu"], ["web-2 40m 20Mi", "web-1 35m 32Mi", "db-0 20m 96Mi"]),
        (["pods", "-n", "shop", "web-1", "--containers"], ["web-1 app 30m 24Mi", "web-1 log 5m 8Mi"]),
        (
            ["pods", "-n", "shop", "--sum"],
            ["db-0 20m 96Mi", "web-1 35m 32Mi", "web-2 40m 20Mi", "________ ________", "95m 148Mi"],
        ),
        (["--namespace", "shop", "pods", "--no-headers=false", "web-2"], ["web-2 40m 20Mi"]),
        (["pods", "-ln=1", "-n=shop", "-l=app=db"], ["db-0 20m 96Mi"]),
        # Of a switch the last one counts.
        (["pods", "-n", "shop", "web-2", "--containers", "--containers=false"], ["web-2 40m 20Mi"]),
        (["pods", "-n", "shop", "web-2", "--containers=false", "--containers"], ["web-2 app 40m 20Mi"]),
        (["pods", "-A", "-n", "shop", "-A=false", "web-2"], ["web-2 40m 20Mi"]),
        (["pods", "-n", "shop", "web-2", "--no-headers", "--no-headers=false"], ["web-2 40m 20Mi"]),
    ],
)
def test_flags(admin: Tool, source: str, arguments: list[str], rows: list[str]) -> None:
    result = admin(*arguments, "--source", source)
    assert (result.status, [" ".join(row) for row in result.rows], result.err) == (0, rows, "")


@both
@pytest.mark.parametrize("sort_by", ["cpu", "memory"])
def test_nodes_sorted(admin: Tool, source: str, sort_by: str) -> None:
    names = [row[0] for row in admin("nodes", "--sort-by", sort_by, "--source", source).rows]
    assert names == {"cpu": ["node-b", "node-a", "node-c"], "memory": ["node-a", "node-b", "node-c"]}[sort_by]


@both
def test_no_headers(admin: Tool, source: str) -> None:
    # Without the header the columns are as wide as their cells.
    assert admin("nodes", "--no-headers", "--source", source).out == (
        "node-a   500m    12%   4096Mi   25%   \n"
        "node-b   1000m   25%   2048Mi   12%   \n"
        "node-c   250m    6%    1024Mi   6%    \n"
    )


@both
def test_swap(cluster: SimCluster, admin: Tool, source: str) -> None:
    node = cluster.nodes["node-a"]
    node.swap, node.swap_capacity = 1 << 20, 4 << 20
    try:
        rows = admin("nodes", "--show-swap", "--source", source).rows
    finally:
        node.swap = node.swap_capacity = None
    assert rows[0][-2:] == ["1Mi", "25%"]
    assert rows[1][-2:] == ["<unknown>", "<unknown>"]


@both
def test_nothing_there(admin: Tool, source: str) -> None:
    result = admin("pods", "-n", "empty", "--source", source)
    assert (result.status, result.out, result.err) == (0, "", "No resources found in empty namespace.\n")
    result = admin("pods", "-A", "-l", "app=none", "--source", source)
    assert (result.status, result.out, result.err) == (0, "", "No resources found\n")
    result = admin("nodes", "-l", "zone=none", "--source", source)
    assert (result.status, result.out, result.err) == (0, "", "No resources found\n")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nodes", "node-x", "--source", "api"], 'node "node-x" not found'),  # metrics-server's own wording
        (["nodes", "node-x", "--source", "kubelet"], 'nodes "node-x" not found'),
        (["pods", "-n", "shop", "web-x", "--source", "api"], 'pods "web-x" not found'),
        (["pods", "-n", "shop", "web-x", "--source", "kubelet"], 'pods "web-x" not found'),
    ],
)
def test_a_name_that_does_not_exist(admin: Tool, arguments: list[str], error: str) -> None:
    result = admin(*arguments)
    assert (result.status, result.out, result.err) == (1, "", f"Error from server (NotFound): {error}\n")


def test_only_what_does_not_run(admin: Tool) -> None:
    result = admin("pods", "-n", "shop", "--field-selector", "metadata.name=report")
    assert (result.status, result.out) == (1, "")
    first, second = result.err.splitlines()
    # The pod was an hour old when the tests began.
    assert re.match(r"error: Metrics not available for pod shop/report, age: 1h\d{1,2}m\d", first)
    assert second == "only running pods have usage; here they are Succeeded"
    result = admin("pods", "-n", "shop", "waiting", "--source", "kubelet")
    assert (result.status, result.out) == (1, "")
    assert result.err == "error: no usage: pod shop/waiting is Pending\nonly running pods have usage\n"


def test_what_is_asked_of_the_api_server(cluster: SimCluster, admin: Tool) -> None:
    """All at once, and nothing else: metrics, and the nodes or the running pods."""
    before = len(cluster.requests)
    cases = [
        (["nodes"], ["/api/v1/nodes", "/apis/metrics.k8s.io/v1beta1/nodes"]),
        (["nodes", "node-a"], ["/api/v1/nodes/node-a", "/apis/metrics.k8s.io/v1beta1/nodes/node-a"]),
        (
            ["pods", "-n", "shop"],
            ["/api/v1/namespaces/shop/pods", "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"],
        ),
        (["pods", "-n", "shop", "web-1"], ["/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/web-1"]),
    ]
    for arguments, paths in cases:
        assert paths_of(partial(admin, *arguments), cluster) == paths
    assert {request.server for request in cluster.requests[before:]} == {"api"}


def test_selectors_are_passed_to_the_server(cluster: SimCluster, admin: Tool) -> None:
    admin("pods", "-n", "shop", "-l", "app=web", "--field-selector", "metadata.name=web-1")
    (asked,) = cluster.asked("api", "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods")[-1:]
    assert asked.query == {"labelSelector": "app=web", "fieldSelector": "metadata.name=web-1"}


def test_who_may_read_metrics_need_not_be_allowed_to_list_pods(cluster: SimCluster) -> None:
    cluster.users["reader"] = User(rules=METRICS_READER)
    result = tool(cluster, "reader")("pods", "-n", "shop")
    assert (result.status, result.out, result.err) == (0, PODS, "")


def test_namespace_of_the_context(cluster: SimCluster) -> None:
    assert tool(cluster, namespace="shop")("pods").out == PODS
