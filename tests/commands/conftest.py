"""One simulated cluster for each test module; tests undo what they change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.harness import Result, Tool, tool
from tests.simcluster import MI, MILLICORE, Container, Node, Pod, SimCluster


def small_cluster() -> SimCluster:
    """Three nodes and a handful of pods with round numbers."""
    return SimCluster(
        nodes=[
            Node("node-a", cpu=500 * MILLICORE, memory=4096 * MI, labels={"zone": "east"}),
            Node("node-b", cpu=1000 * MILLICORE, memory=2048 * MI, labels={"zone": "west"}),
            Node("node-c", cpu=250 * MILLICORE, memory=1024 * MI, labels={"zone": "west"}),
        ],
        pods=[
            Pod(
                "web-1",
                "shop",
                "node-a",
                [Container("app", 30 * MILLICORE, 24 * MI), Container("log", 5 * MILLICORE, 8 * MI)],
                labels={"app": "web"},
            ),
            Pod("web-2", "shop", "node-b", [Container("app", 40 * MILLICORE, 20 * MI)], labels={"app": "web"}),
            Pod("db-0", "shop", "node-b", [Container("db", 20 * MILLICORE, 96 * MI)], labels={"app": "db"}),
            Pod("agent", "kube-system", "node-c", [Container("agent", 0, 4 * MI)]),
            Pod("dns", "kube-system", "node-c", [Container("dns", 3 * MILLICORE, 30 * MI)]),
            Pod("report", "shop", "node-a", phase="Succeeded"),
            Pod("waiting", "shop", None, phase="Pending"),
        ],
    )


def paths_of(command: Callable[[], Result], cluster: SimCluster) -> list[str]:
    """What a command that ends well asks of the API server, sorted.

    Where the metrics take longer than a second, it also looks whether the server answers anything else.
    """
    before, started = len(cluster.requests), time.monotonic()
    result = command()
    assert result.status == 0, result
    paths = sorted(request.path for request in cluster.requests[before:] if request.server == "api")
    return paths if time.monotonic() - started < 1 else [path for path in paths if path != "/apis/metrics.k8s.io"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SimCluster]:
    with small_cluster() as running:
        yield running


@pytest.fixture(scope="module")
def admin(cluster: SimCluster) -> Tool:
    return tool(cluster)


@pytest.fixture
def no_api(cluster: SimCluster) -> Iterator[None]:
    """The cluster without metrics.k8s.io."""
    versions, cluster.metrics.versions = cluster.metrics.versions, ()
    yield
    cluster.metrics.versions = versions
