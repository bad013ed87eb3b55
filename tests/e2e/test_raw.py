"""raw: what a server answers, byte for byte; without the metrics API its paths are answered from the kubelets."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from tests.e2e.kit import METRICS, Cluster, Kit, Ran, undated

PATHS = [
    "/apis/metrics.k8s.io/v1beta1",
    f"{METRICS}/nodes",
    f"{METRICS}/pods",
    f"{METRICS}/namespaces/kube-system/pods",
    f"{METRICS}/namespaces/kube-system/pods?labelSelector=no-such-label",
    "/version",
    "/api/v1/namespaces/kube-system",
    "/readyz",
]
PATHS_OF_KIT = [
    f"{METRICS}/nodes/node-a",
    f"{METRICS}/nodes?labelSelector=kubernetes.io%2Fhostname%3Dnode-b",
    f"{METRICS}/namespaces/shop/pods/store-0",
    "/api/v1/nodes/node-b/proxy/healthz",
]
WRONG = [
    "/no/such/path",
    f"{METRICS}/nodes/no-such-node",
    f"{METRICS}/namespaces/kube-system/pods/no-such-pod",
    f"{METRICS}/pods?labelSelector=a%20in%20b",
]


def _without_chance(ran: Ran) -> tuple[int, Ran]:
    """As far as metrics-server says the same twice: the length, and the meaning."""
    return len(ran.stdout), undated(ran)


def _dateless(ran: Ran) -> Ran:
    """All but the second in which metrics-server has answered, where it has nothing to shuffle."""
    text = re.sub(r'"creationTimestamp":"[^"]*"', '"creationTimestamp":""', ran.stdout)
    return dataclasses.replace(ran, stdout=text)


@pytest.mark.parametrize("path", PATHS)
def test_equal_to_kubectl_get_raw(cluster: Cluster, path: str) -> None:
    theirs, ours = cluster.raw(path)
    assert _without_chance(ours) == _without_chance(theirs)


@pytest.mark.kit
@pytest.mark.parametrize("path", PATHS_OF_KIT)
def test_equal_for_some_paths(cluster: Cluster, path: str) -> None:
    theirs, ours = cluster.raw(path)
    assert _dateless(ours) == _dateless(theirs)


@pytest.mark.parametrize("path", WRONG)
def test_a_path_with_no_answer(cluster: Cluster, path: str) -> None:
    theirs, ours = cluster.raw(path)
    assert ours.first_error() == theirs.first_error()
    assert (ours.status, ours.stdout) == (1, "")


@pytest.mark.kit
def test_a_path_of_a_kubelet(kit: Kit) -> None:
    summary = kit.ours("raw", "--node", "node-a", "/stats/summary")
    assert summary.json()["node"]["nodeName"] == "node-a"
    exposition = kit.ours("raw", "--node", "node-b", "--kubelet-insecure-tls", "/metrics/resource")
    assert "\nnode_cpu_usage_seconds_total " in exposition.stdout


@pytest.mark.kit
def test_a_path_that_a_kubelet_does_not_have(kit: Kit) -> None:
    ran = kit.ours("raw", "--node", "node-a", "/no/such/path")
    assert ran.status == 1
    assert "404" in ran.stderr or "not find" in ran.stderr.lower() or "notfound" in ran.stderr.lower()


# ---- from the kubelets ---------------------------------------------------------------------------------------------

OFF = pytest.mark.metrics_server("off")


def _usage(usage: dict[str, str]) -> None:
    assert usage.keys() - {"swap"} == {"cpu", "memory"}
    assert re.fullmatch(r"[0-9]+[num]?", usage["cpu"])
    assert re.fullmatch(r"[0-9]+(Ki|Mi|Gi)?", usage["memory"])


def _measured(item: Any) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", item["timestamp"])
    assert re.fullmatch(r"([0-9.]+(h|m|s|ms))+", item["window"])
    assert item["metadata"]["name"]


@OFF
def test_the_nodes(kit: Kit) -> None:
    answer = kit.ours("raw", f"{METRICS}/nodes").json()
    assert (answer["kind"], answer["apiVersion"]) == ("NodeMetricsList", "metrics.k8s.io/v1beta1")
    assert [item["metadata"]["name"] for item in answer["items"]] == ["node-a", "node-b"]
    for item in answer["items"]:
        _measured(item)
        _usage(item["usage"])


@OFF
def test_a_node(kit: Kit) -> None:
    answer = kit.ours("raw", f"{METRICS}/nodes/node-b").json()
    assert (answer["kind"], answer["apiVersion"]) == ("NodeMetrics", "metrics.k8s.io/v1beta1")
    assert answer["metadata"]["name"] == "node-b"
    _usage(answer["usage"])


@OFF
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/pods", {"agent", "store", "web"}),
        ("/namespaces/shop/pods", {"store", "web"}),
        ("/namespaces/shop/pods?labelSelector=app%3Dweb", {"web"}),
        ("/pods?labelSelector=app+notin+(web,agent),app", {"store"}),
        ("/namespaces/no-such-namespace/pods", set()),
    ],
)
def test_pods(kit: Kit, path: str, expected: set[str]) -> None:
    answer = kit.ours("raw", METRICS + path).json()
    assert (answer["kind"], answer["apiVersion"]) == ("PodMetricsList", "metrics.k8s.io/v1beta1")
    assert {item["metadata"]["name"].split("-")[0] for item in answer["items"]} == expected
    for item in answer["items"]:
        _measured(item)
        assert item["metadata"]["namespace"]
        for container in item["containers"]:
            _usage(container["usage"])


@OFF
def test_a_pod(kit: Kit) -> None:
    answer = kit.ours("raw", f"{METRICS}/namespaces/shop/pods/store-0").json()
    assert answer["kind"] == "PodMetrics"
    assert [container["name"] for container in answer["containers"]] == ["db"]


@OFF
@pytest.mark.parametrize("path", ["/nodes/no-such-node", "/namespaces/shop/pods/no-such-pod", "/no-such-resource"])
def test_what_nobody_has(kit: Kit, path: str) -> None:
    ran = kit.ours("raw", METRICS + path)
    assert (ran.status, ran.stdout) == (1, "")
    assert "NotFound" in ran.stderr


@OFF
def test_with_source_api_it_stays_absent(kit: Kit) -> None:
    theirs = kit.kubectl("get", "--raw", f"{METRICS}/nodes")
    ours = kit.ours("raw", "--source=api", f"{METRICS}/nodes")
    assert (ours.status, ours.stdout) == (3, "") or (ours.status, ours.first_error()) == (1, theirs.first_error())
