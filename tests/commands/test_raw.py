"""raw: the server's own bytes, or the same shape from the kubelets."""

from __future__ import annotations

import json

import pytest

from tests.harness import Tool, tool
from tests.simcluster import CORE_READER, Fault, SimCluster, User, allow

ROOT = "/apis/metrics.k8s.io"


@pytest.mark.parametrize(
    "path", ["/version", f"{ROOT}", f"{ROOT}/v1beta1", "/api/v1/nodes/node-a", "/api/v1/pods?limit=1", "/apis/"]
)
def test_the_servers_body_unchanged(cluster: SimCluster, admin: Tool, path: str) -> None:
    result = admin("raw", path)
    assert (result.status, result.err) == (0, "")
    asked = cluster.requests[-1]
    assert asked.path == path.partition("?")[0]
    assert json.loads(result.out)


def test_any_bytes(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.body("\u00fc {x}  ".encode(), "text/plain"), path="/odd"):
        assert admin("raw", "/odd").out == "\u00fc {x}  "


@pytest.mark.parametrize(
    "path",
    [
        f"{ROOT}/v1beta1/nodes",
        f"{ROOT}/v1beta1/nodes/node-a",
        f"{ROOT}/v1beta1/nodes?labelSelector=zone%3Dwest",
        f"{ROOT}/v1beta1/pods",
        f"{ROOT}/v1beta1/namespaces/shop/pods",
        f"{ROOT}/v1beta1/namespaces/shop/pods/web-1",
        f"{ROOT}/v1beta1/namespaces/shop/pods?labelSelector=app=web",
        f"{ROOT}/v1beta1/namespaces/shop/pods?fieldSelector=metadata.name=db-0",
        f"{ROOT}/",
        f"{ROOT}",
    ],
)
def test_the_same_shape_from_the_kubelets(admin: Tool, path: str) -> None:
    """jq recipes keep working: same objects, same usage; labels and windows are the API server's to know."""
    served = json.loads(admin("raw", path, "--source", "api").out)
    computed = admin("raw", path, "--source", "kubelet")
    assert computed.status == 0

    def essence(document: object) -> object:
        if isinstance(document, dict):
            passing = ("timestamp", "window", "creationTimestamp", "labels", "resourceVersion")
            return {key: essence(value) for key, value in document.items() if key not in passing}
        return [essence(item) for item in document] if isinstance(document, list) else document

    assert essence(json.loads(computed.out)) == essence(served)


@pytest.mark.usefixtures("no_api")
def test_auto_falls_back(admin: Tool) -> None:
    result = admin("raw", f"{ROOT}/v1beta1/nodes")
    assert result.status == 0
    assert [item["metadata"]["name"] for item in json.loads(result.out)["items"]] == ["node-a", "node-b", "node-c"]
    assert result.err == (
        "note: metrics.k8s.io is not served by this cluster (no metrics-server is registered); usage is computed from "
        "the kubelets; 'kubectl metrics diagnose' looks for the cause\n"
    )
    assert json.loads(admin("raw", ROOT).out)["kind"] == "APIGroup"
    result = admin("raw", f"{ROOT}/v1beta1/nodes", "--source", "api")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("Error from server (NotFound): the server could not find the requested resource")


def test_not_available(cluster: SimCluster, admin: Tool) -> None:
    cluster.metrics.unavailable = ("ServiceNotFound", "service/metrics-server is not present")
    try:
        result = admin("raw", f"{ROOT}/v1beta1/namespaces/shop/pods/web-1")
    finally:
        cluster.metrics.unavailable = None
    assert json.loads(result.out)["containers"][0]["usage"] == {"cpu": "30m", "memory": "24Mi"}
    assert "ServiceNotFound: service/metrics-server is not present" in result.err


@pytest.mark.usefixtures("no_api")
def test_forbidden_before_not_found(cluster: SimCluster) -> None:
    """The API server authorizes first: without metrics-server a user without rights to it reads 403, not 404."""
    cluster.users["frank"] = User(rules=(*CORE_READER, allow("get", "nodes/stats")))
    assert tool(cluster, "frank")("raw", f"{ROOT}/v1beta1/nodes").status == 0


def test_any_path_of_a_kubelet(admin: Tool) -> None:
    result = admin("raw", "--node", "node-b", "/stats/summary?only_cpu_and_memory=true")
    assert (result.status, result.err) == (0, "")
    assert json.loads(result.out)["node"]["nodeName"] == "node-b"
    assert admin("raw", "/healthz", "--node", "node-c").out == "ok"
    result = admin("raw", "--node", "node-b", "/nothing")
    assert (result.status, result.out) == (1, "")
    assert "/nothing with 404" in result.err
    assert (
        admin("raw", "--node", "node-x", "/healthz").err == 'Error from server (NotFound): nodes "node-x" not found\n'
    )
    assert admin("raw", "--node", "node-b", "/healthz", "--source", "api").status == 2


@pytest.mark.parametrize(
    ("path", "better"),
    [
        (f"{ROOT}/v1beta1/namespace/shop/pods/web-1", f"{ROOT}/v1beta1/namespaces/shop/pods/web-1"),
        (f"{ROOT}/v1beta1/node/node-a", f"{ROOT}/v1beta1/nodes/node-a"),
        (f"{ROOT}/nodes", f"{ROOT}/v1beta1/nodes"),
        ("/api/v1/namespaces/shop/pod/web-1", "/api/v1/namespaces/shop/pods/web-1"),
        ("/api/metrics.k8s.io/v1beta1/nodes", f"{ROOT}/v1beta1/nodes"),
    ],
)
def test_a_path_that_misses_by_a_word(admin: Tool, path: str, better: str) -> None:
    result = admin("raw", path)
    assert (result.status, result.out) == (1, "")
    first, second = result.err.splitlines()
    assert first == "Error from server (NotFound): the server could not find the requested resource"
    assert second == f"did you mean {better} ?"


@pytest.mark.usefixtures("no_api")
def test_a_miss_stays_a_miss_without_the_api(admin: Tool) -> None:
    result = admin("raw", f"{ROOT}/v1beta1/namespace/shop/pods/web-1")
    assert (result.status, result.out) == (1, "")
    assert "did you mean" in result.err


@pytest.mark.parametrize("path", ["version", "https://example.com/version", "//example.com/version", ""])
def test_what_is_no_path(cluster: SimCluster, admin: Tool, path: str) -> None:
    before = len(cluster.requests)
    result = admin("raw", path)
    assert (result.status, result.out, len(cluster.requests)) == (2, "", before)
    assert "is not a path" in result.err


def test_other_failures(cluster: SimCluster, admin: Tool) -> None:
    assert admin("raw", "/nowhere").err == (
        "Error from server (NotFound): the server could not find the requested resource\n"
    )
    assert admin("raw", "/nowhere", "--source", "kubelet").status == 1
    result = admin("raw", f"{ROOT}/v1beta1/nodes/node-x")
    assert (result.status, result.err) == (1, 'Error from server (NotFound): node "node-x" not found\n')
    with cluster.fault("api", Fault.redirect("https://127.0.0.1:1/")):
        assert "wants to redirect" in admin("raw", "/version").err


def test_a_kubelet_that_is_down(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("node-b", Fault.refuse()):
        result = admin("raw", f"{ROOT}/v1beta1/nodes", "--source", "kubelet")
    assert result.status == 0
    assert [item["metadata"]["name"] for item in json.loads(result.out)["items"]] == ["node-a", "node-c"]
    assert "warning: no usage of node node-b" in result.err
