"""The fallback policy: what the API says, and which source answers then."""

from __future__ import annotations

import json

import pytest

from tests.harness import Tool, tool
from tests.simcluster import CORE_READER, Container, Fault, Pod, SimCluster, User, allow

NAMES = ["node-a", "node-b", "node-c"]
METRICS = "/apis/metrics.k8s.io"


def names(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines()[1:]]


@pytest.mark.usefixtures("no_api")
class TestGroupNotServed:
    def test_auto_asks_the_kubelets_and_says_so(self, admin: Tool) -> None:
        result = admin("nodes")
        assert (result.status, names(result.out)) == (0, NAMES)
        note = (
            "note: metrics.k8s.io is not served by this cluster (no metrics-server is registered); usage is computed "
            "from the kubelets; 'kubectl metrics diagnose' looks for the cause\n"
        )
        assert result.err == note
        assert admin("pods", "-n", "shop").err == note

    def test_the_nodes_are_asked_for_once(self, cluster: SimCluster, admin: Tool) -> None:
        before = len(cluster.asked("api", "/api/v1/nodes"))
        assert admin("nodes").status == 0
        assert len(cluster.asked("api", "/api/v1/nodes")) == before + 1

    def test_api_is_an_error(self, admin: Tool) -> None:
        for command in ("nodes", "pods"):
            result = admin(command, "--source", "api")
            assert (result.status, result.out) == (3, "")
            assert result.err == (
                "error: Metrics API not available\nmetrics.k8s.io is not served by this cluster (no metrics-server is "
                "registered); 'kubectl metrics diagnose' looks for the cause\n"
            )

    def test_only_a_version_that_nobody_knows(self, cluster: SimCluster, admin: Tool) -> None:
        cluster.metrics.versions = ("v2",)
        result = admin("nodes")
        assert (result.status, names(result.out)) == (0, NAMES)
        assert "(only v2 is served)" in result.err
        assert "only v2 is served" in admin("nodes", "--source", "api").err

    @pytest.mark.parametrize("versions", [("v1",), ("v1", "v1beta1"), ("v1beta1", "v1")])
    def test_the_version_is_discovered(self, cluster: SimCluster, admin: Tool, versions: tuple[str, ...]) -> None:
        cluster.metrics.versions = versions
        result = admin("nodes", "-o", "json")
        assert (result.status, result.err) == (0, "")
        assert json.loads(result.out)["source"]["kind"] == "api"
        assert [row[:1] for row in admin("pods", "-n", "shop").rows] == [["db-0"], ["web-1"], ["web-2"]]

    def test_neither_source(self, cluster: SimCluster, admin: Tool) -> None:
        with cluster.fault("kubelets", Fault.refuse()):
            result = admin("nodes")
        assert (result.status, result.out) == (3, "")
        first, second = result.err.splitlines()
        assert first == "error: Metrics API not available"
        assert "(no metrics-server is registered); and the kubelets could not be used instead: node node-a" in second
        assert "connection refused" in second
        assert second.endswith("(and 2 more without usage); 'kubectl metrics diagnose' looks for the cause")

    def test_without_the_right_to_ask_kubelets(self, cluster: SimCluster) -> None:
        cluster.users["nobody"] = User(rules=CORE_READER)
        result = tool(cluster, "nobody")("nodes")
        assert (result.status, result.out) == (3, "")
        assert "nobody" in result.err
        assert "nodes/proxy" in result.err or "proxy" in result.err

    def test_without_the_right_to_list_nodes(self, cluster: SimCluster) -> None:
        cluster.users["stranger"] = User()
        result = tool(cluster, "stranger")("nodes")
        assert (result.status, result.out) == (3, "")
        assert 'User "stranger" cannot list resource "nodes"' in result.err


def test_not_available(cluster: SimCluster, admin: Tool) -> None:
    cluster.metrics.unavailable = ("MissingEndpoints", "endpointslices for service/metrics-server have no addresses")
    try:
        result = admin("nodes")
        alone = admin("nodes", "--source", "api")
    finally:
        cluster.metrics.unavailable = None
    assert (result.status, names(result.out)) == (0, NAMES)
    assert result.err == (
        "note: metrics.k8s.io is not available: no pod of metrics-server is ready (MissingEndpoints: endpointslices "
        "for service/metrics-server have no addresses); usage is computed from the kubelets; "
        "'kubectl metrics diagnose' looks for the cause\n"
    )
    assert alone.status == 3
    error, why = alone.err.splitlines()
    assert error == "error: Metrics API not available"
    assert "no pod of metrics-server is ready (MissingEndpoints: " in why
    assert why.endswith("; 'kubectl metrics diagnose' looks for the cause")


def test_not_available_and_the_api_service_may_not_be_read(cluster: SimCluster) -> None:
    cluster.users["lead"] = User(rules=(*CORE_READER, allow("get", "nodes/stats nodes/metrics")))
    with cluster.fault("api", Fault.status(503, message="service unavailable"), path=f"{METRICS}/v1beta1"):
        result = tool(cluster, "lead")("nodes")
    assert (result.status, names(result.out)) == (0, NAMES)
    assert "note: metrics.k8s.io is not available (service unavailable)" in result.err


@pytest.mark.parametrize("command", [["nodes"], ["pods", "-n", "shop"]])
def test_served_but_empty(cluster: SimCluster, admin: Tool, command: list[str]) -> None:
    cluster.metrics.empty = True
    try:
        result = admin(*command)
        alone = admin(*command, "--source", "api")
    finally:
        cluster.metrics.empty = False
    assert result.status == 0
    assert len(result.rows) == 3
    assert result.err == (
        "note: metrics.k8s.io is served but has no metrics yet (metrics-server is new, or reaches no kubelet); usage "
        "is computed from the kubelets; 'kubectl metrics diagnose' looks for the cause\n"
    )
    assert (alone.status, alone.out) == (3, "")
    assert alone.err.startswith(("error: metrics not available yet", "error: Metrics not available for pod shop/"))


def test_the_metrics_hang_and_the_api_server_does_not(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.hang(), path=f"{METRICS}/v1beta1"):
        result = admin("nodes", "--request-timeout", "3s")
    assert (result.status, names(result.out)) == (0, NAMES)
    assert "its pod (i/o timeout: no answer within" in result.err


def test_the_whole_api_server_hangs(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.hang()):
        result = admin("nodes", "--request-timeout", "300ms")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("Unable to connect to the server: ")
    assert len(result.err.splitlines()) == 1


@pytest.mark.usefixtures("no_api")
def test_nobody_we_know_is_no_matter_of_the_source(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.status(401), path="/api/v1/nodes"):
        result = admin("nodes")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: You must be logged in to the server")


def test_more_pods_than_one_page() -> None:
    with SimCluster(nodes=1, pods_per_node=1003, namespaces=("shop",)) as cluster:
        result = tool(cluster)("pods", "-n", "shop", "--source", "kubelet")
        pages = [request.query.get("continue") for request in cluster.asked("api", "/api/v1/namespaces/shop/pods")]
    assert (result.status, len(result.rows), result.err) == (0, 1003, "")
    assert len(pages) == 2
    assert pages[0] is None
    assert pages[1]


def test_some_nodes_missing(cluster: SimCluster, admin: Tool) -> None:
    cluster.metrics.missing = {"node-b", "shop/db-0"}
    try:
        nodes, pods = admin("nodes"), admin("pods", "-n", "shop")
        strict = admin("nodes", "--strict"), admin("pods", "-n", "shop", "--strict")
    finally:
        cluster.metrics.missing = set()
    assert (nodes.status, names(nodes.out)) == (0, ["node-a", "node-c", "node-b"])
    assert nodes.rows[-1] == ["node-b", *["<unknown>"] * 4]
    assert nodes.err == (
        "warning: no usage of node node-b: metrics.k8s.io has no metrics of it; "
        "'kubectl metrics diagnose' looks for the cause\n"
    )
    assert names(pods.out) == ["web-1", "web-2"]
    assert pods.err == "warning: no usage of pod shop/db-0: metrics.k8s.io has no metrics of it\n"
    assert [result.status for result in strict] == [4, 4]
    assert strict[0].out == nodes.out


@pytest.mark.parametrize(
    ("command", "name", "theirs"),
    [
        (["nodes", "node-b"], "node-b", 'nodemetrics.metrics.k8s.io "node-b" not found'),
        (["pods", "-n", "shop", "web-2"], "shop/web-2", 'podmetrics.metrics.k8s.io "shop/web-2" not found'),
    ],
)
def test_one_that_exists_and_has_no_metrics(
    cluster: SimCluster, admin: Tool, command: list[str], name: str, theirs: str
) -> None:
    cluster.metrics.missing = {name}
    try:
        result = admin(*command)
        alone = admin(*command, "--source", "api")
        with cluster.fault("kubelets", Fault.refuse()):
            neither = admin(*command)
    finally:
        cluster.metrics.missing = set()
    assert (result.status, [row[0] for row in result.rows]) == (0, command[-1:])
    assert result.err == (
        "note: metrics.k8s.io is served but has no metrics of this one; usage is computed from the kubelets; "
        "'kubectl metrics diagnose' looks for the cause\n"
    )
    assert (alone.status, alone.err) == (1, f"Error from server (NotFound): {theirs}\n")
    assert neither.status == 3
    first, second = neither.err.splitlines()
    assert first == f"Error from server (NotFound): {theirs}"
    assert "connection refused" in second


@pytest.mark.usefixtures("no_api")
@pytest.mark.parametrize(
    ("command", "error"),
    [
        (["nodes", "node-x"], 'nodes "node-x" not found'),
        (["pods", "-n", "shop", "web-x"], 'pods "web-x" not found'),
        (["raw", f"{METRICS}/v1beta1/nodes/node-x"], 'nodes "node-x" not found'),
    ],
)
def test_a_name_that_does_not_exist_is_no_matter_of_the_source(admin: Tool, command: list[str], error: str) -> None:
    result = admin(*command)
    assert (result.status, result.out, result.err) == (1, "", f"Error from server (NotFound): {error}\n")


def test_a_pod_that_does_not_run(admin: Tool) -> None:
    result = admin("pods", "-n", "shop", "report")
    first, second = result.err.splitlines()
    assert result.status == 1
    assert first.startswith("Error from server (NotFound): ")
    assert second == "only running pods have usage; this one is Succeeded"


@pytest.mark.parametrize("command", [["nodes"], ["pods", "-n", "shop"], ["pods", "-A"]])
def test_forbidden_is_an_error_at_once(cluster: SimCluster, command: list[str]) -> None:
    cluster.users["keeper"] = User(rules=(*CORE_READER, allow("get", "nodes/stats nodes/metrics")))
    before = len(cluster.requests)
    result = tool(cluster, "keeper")(*command)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith(
        f'Error from server (Forbidden): {command[0]}.metrics.k8s.io is forbidden: User "keeper" cannot list resource'
    )
    assert len(result.err.splitlines()) == 1
    assert {request.server for request in cluster.requests[before:]} == {"api"}


def test_unknown_token(cluster: SimCluster) -> None:
    result = tool(cluster, token="no-such-token")("nodes")
    assert (result.status, result.out) == (1, "")
    assert result.err == (
        "error: You must be logged in to the server (the server has asked for the client to provide credentials)\n"
    )


def test_source_kubelet_does_not_ask_the_metrics_api(cluster: SimCluster, admin: Tool) -> None:
    before = len(cluster.requests)
    assert admin("nodes", "--source", "kubelet").status == 0
    assert not [request for request in cluster.requests[before:] if request.path.startswith(METRICS)]


def test_only_the_nodes_that_hold_an_answer_are_asked(cluster: SimCluster, admin: Tool) -> None:
    before = len(cluster.requests)
    result = admin("pods", "-n", "kube-system", "dns", "--source", "kubelet")
    assert [row[0] for row in result.rows] == ["dns"]
    assert {request.server for request in cluster.requests[before:]} == {"api", "node-c"}


@pytest.mark.parametrize("command", [["nodes"], ["pods", "-A"]])
def test_a_window_of_ones_own(admin: Tool, command: list[str]) -> None:
    result = admin(*command, "--window", "200ms", "-o", "json")
    document = json.loads(result.out)
    assert result.status == 0
    assert document["source"] == {"kind": "kubelet", "detail": "/metrics/resource"}
    assert document["items"]
    for item in document["items"]:
        assert item["windowSeconds"] >= 0.2
        assert item["usage"]["cpuNanocores"] > 0


def test_a_kubelet_that_reports_pods_of_others_is_not_believed(cluster: SimCluster, admin: Tool) -> None:
    def lie(document: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        document["pods"][0]["podRef"].update(name="web-2", namespace="shop")

    with cluster.fault("node-c", Fault.edit(lie), path="/stats/summary"):
        result = admin("pods", "-A", "--source", "kubelet")
    assert [row[1:] for row in result.rows if row[1] == "web-2"] == [["web-2", "40m", "20Mi"]]


def test_a_crashing_pod_is_named_with_its_reason(cluster: SimCluster, admin: Tool) -> None:
    pod = Pod("crashing", "lab", "node-a", [Container("app", waiting="CrashLoopBackOff")])
    cluster.add(pod)
    try:
        result = admin("pods", "-n", "lab", "--source", "kubelet")
    finally:
        del cluster.pods[pod.key]
    assert (result.status, result.out) == (3, "")
    assert "container app waits: CrashLoopBackOff" in result.err


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.truncated(5), Fault.drip("body", 0.2), Fault.raw(b"nonsense")])
def test_metrics_that_break_off_are_not_available(cluster: SimCluster, admin: Tool, fault: Fault) -> None:
    with cluster.fault("api", fault, path=f"{METRICS}/v1beta1"):
        result = admin("nodes", "--request-timeout", "3s")
        raw = admin("raw", f"{METRICS}/v1beta1/nodes", "--request-timeout", "3s")
    assert (result.status, names(result.out), raw.status) == (0, NAMES, 0)
    for answer in (result, raw):
        assert answer.err.startswith("note: metrics.k8s.io is not available")
        assert len(answer.err.splitlines()) == 1


@pytest.mark.usefixtures("no_api")
@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["pods", "-A", "--field-selector", "foo=bar"], 1),
        (["raw", f"{METRICS}/v1beta1/nodes?labelSelector=a+in+("], 1),
        (["raw", f"{METRICS}/v1beta1/nodes?fieldSelector=foo=bar"], 1),
    ],
)
def test_a_wrong_question_is_no_matter_of_the_source(admin: Tool, command: list[str], status: int) -> None:
    result = admin(*command)
    assert (result.status, result.out) == (status, "")
    assert result.err.startswith("Error from server (BadRequest): ")


@pytest.mark.usefixtures("no_api")
def test_selectors_of_nodes_by_raw(admin: Tool) -> None:
    document = json.loads(admin("raw", f"{METRICS}/v1beta1/nodes?fieldSelector=metadata.name=node-b").out)
    assert [item["metadata"]["name"] for item in document["items"]] == ["node-b"]


def test_what_cannot_be_compared_is_said(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.status(500, message="no pods today"), "/api/v1/namespaces/shop/pods"):
        result = admin("pods", "-n", "shop")
    assert (result.status, len(result.rows)) == (0, 3)
    assert result.err == "note: whether running pods are without metrics could not be seen: no pods today\n"
