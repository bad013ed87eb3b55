"""What a command sends and reads beside its answer: with which methods, how often, and what at the same time."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import paths_of, small_cluster
from tests.commands.test_tables import NODES, PODS
from tests.harness import Result, Tool, run, tool
from tests.simcluster import Fault, Gate, SimCluster
from tests.simcluster.pipeline import install

METRICS = "/apis/metrics.k8s.io/v1beta1"
SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
KUBELET = ["--source", "kubelet"]
TABLES = [
    ["nodes"],
    ["nodes", "-o", "json", "-l", "zone=west"],
    ["nodes", *KUBELET],
    ["nodes", *KUBELET, "--kubelet-access", "proxy"],
    ["nodes", "--window", "50ms"],
    ["pods", "-n", "shop"],
    ["pods", "-n", "shop", *KUBELET],
    ["raw", "/version"],
    ["raw", f"{METRICS}/nodes", *KUBELET],
    ["raw", "--node", "node-a", "/metrics/resource"],
]
DIAGNOSES = [["diagnose"], ["diagnose", "--logs"], ["diagnose", "--node", "node-a", "--kubelet-access", "proxy"]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SimCluster]:
    with small_cluster() as running:
        install(running)
        yield running


# ---- methods ---------------------------------------------------------------------------------------------------------


def methods(cluster: SimCluster, admin: Tool, command: list[str]) -> Counter[str]:
    before = len(cluster.requests)
    assert admin(*command).status == 0
    return Counter(request.method for request in cluster.requests[before:])


@pytest.mark.parametrize("command", TABLES, ids=" ".join)
def test_tables_are_made_of_nothing_but_get(cluster: SimCluster, admin: Tool, command: list[str]) -> None:
    assert set(methods(cluster, admin, command)) == {"GET"}


@pytest.mark.usefixtures("no_api")
def test_so_are_those_of_a_cluster_without_metrics(cluster: SimCluster, admin: Tool) -> None:
    assert set(methods(cluster, admin, ["nodes"])) == {"GET"}


@pytest.mark.parametrize("command", DIAGNOSES, ids=" ".join)
def test_diagnose_posts_once_and_that_asks_who_it_is(cluster: SimCluster, admin: Tool, command: list[str]) -> None:
    sent = methods(cluster, admin, command)
    assert (set(sent), sent["POST"]) == ({"GET", "POST"}, 1)
    assert [request.path for request in cluster.requests if request.method == "POST"][-1] == SELF


# ---- what is read and run once ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [*TABLES, *DIAGNOSES], ids=" ".join)
def test_a_plugin_is_run_once(cluster: SimCluster, tmp_path: Path, command: list[str]) -> None:
    ran = tmp_path / "ran"
    version = "client.authentication.k8s.io/v1"
    credential = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": cluster.token("admin")}}
    script = f"echo >> '{ran}'; echo '{json.dumps(credential)}'"
    plugin = {"apiVersion": version, "command": "/bin/sh", "args": ["-c", script], "interactiveMode": "Never"}
    path = cluster.kubeconfig(path=tmp_path / "config")
    document = json.loads(path.read_text())
    document["users"][0]["user"] = {"exec": plugin}
    path.write_text(json.dumps(document))
    assert run(*command, "--kubeconfig", str(path)).status == 0
    assert ran.read_text() == "\n"


@pytest.mark.parametrize("command", [*TABLES, *DIAGNOSES], ids=" ".join)
def test_the_kubeconfig_is_read_once(cluster: SimCluster, command: list[str]) -> None:
    """From a pipe, whose second reader would find nothing in it."""
    pipe, end = os.pipe()
    try:
        with open(end, "wb") as file:
            file.write(cluster.kubeconfig().read_bytes())
        assert run(*command, "--kubeconfig", f"/dev/fd/{pipe}").status == 0
        assert os.read(pipe, 1) == b""
    finally:
        os.close(pipe)


# ---- at the same time, and again -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "path", "table"),
    [(["nodes"], "/nodes", NODES), (["pods", "-n", "shop"], "/namespaces/shop/pods", PODS)],
    ids=["nodes", "pods"],
)
def test_objects_and_metrics_are_asked_for_at_the_same_time(
    cluster: SimCluster, admin: Tool, command: list[str], path: str, table: str
) -> None:
    """Neither is answered before the other has been asked for."""
    gate = Gate(2)
    with (
        cluster.fault("api", Fault.held(gate), METRICS + path),
        cluster.fault("api", Fault.held(gate), f"/api/v1{path}"),
    ):
        result = admin(*command, "--request-timeout", "20s")
    assert (result.status, result.out, result.err) == (0, table, "")
    assert (gate.most, len(gate.came)) == (2, 2)


@pytest.mark.parametrize("retry_after", [0, 1])
def test_kubelets_whose_proxy_is_too_busy_are_asked_again(cluster: SimCluster, retry_after: int) -> None:
    before = len(cluster.requests)
    busy = Fault.status(429, retry_after=retry_after)
    with cluster.fault("api", busy, "/api/v1/nodes/", times=4) as fault:
        result = tool(cluster)("nodes", *KUBELET, "--kubelet-access", "proxy")
    assert (result.status, result.out, result.err) == (0, NODES, "")
    sent = Counter(request.path for request in cluster.requests[before:] if "/proxy/" in request.path)
    assert set(sent) == {f"/api/v1/nodes/{name}/proxy/stats/summary" for name in cluster.nodes}
    assert (fault.hits, sent.total()) == (4, len(cluster.nodes) + 4)


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["nodes"], [f"{METRICS}/nodes", "/api/v1/nodes"]),
        (["nodes", "node-a"], [f"{METRICS}/nodes/node-a", "/api/v1/nodes/node-a"]),
        (
            ["pods", "-n", "shop", "--field-selector", "spec.nodeName=node-a"],
            [f"{METRICS}/namespaces/shop/pods", "/api/v1/namespaces/shop/pods", "/api/v1/nodes/node-a"],
        ),
        (
            ["pods", "-n", "shop", "web-1"],
            [f"{METRICS}/namespaces/shop/pods/web-1", "/api/v1/namespaces/shop/pods/web-1", "/api/v1/nodes/node-a"],
        ),
    ],
    ids=lambda value: " ".join(value) if len(value) < 6 else "",
)
def test_nothing_is_asked_for_twice_where_there_are_no_metrics_yet(
    cluster: SimCluster, admin: Tool, command: list[str], asked: list[str]
) -> None:
    named = command[-1] in ("node-a", "web-1")
    resource = command[0]
    missing = f'{{"kind":"Status","status":"Failure","code":404,"details":{{"name":"{command[-1]}"}}}}'
    fault = Fault.body(missing.encode(), status=404) if named else Fault.empty_list()
    results = []

    def ask() -> Result:
        results.append(admin(*command))
        return results[0]

    with cluster.fault("api", fault, METRICS):
        assert paths_of(ask, cluster) == sorted(asked), resource
    assert "usage is computed from the kubelets" in results[0].err
