"""Which cluster is tested, and in which order its tests run.

Without E2E_KUBECONFIG it is the project's own (``cluster/cluster up``), which the tests may change: one at a time, and
whatever they change they put back. With E2E_KUBECONFIG it is somebody's, and the tests marked ``kit`` are skipped.

Those that have to do with it are marked ``cluster``: ``python -m tests.e2e`` runs the others beside them.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kit import STATES, TOOLS, Cluster, Kit, State

HERE = Path(__file__).parent


def _wanted(item: pytest.Item) -> State:
    marker = item.get_closest_marker("metrics_server")
    state: State = marker.args[0] if marker else "on"
    assert state in STATES
    return state


def _uses_cluster(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "cluster" in item.fixturenames


@pytest.hookimpl(tryfirst=True)  # before -m is obeyed
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.timeout(600))
        if _wanted(item) != "on":
            item.add_marker(pytest.mark.kit)
        if os.environ.get("E2E_KUBECONFIG") and item.get_closest_marker("kit"):
            item.add_marker(pytest.mark.skip(reason="needs the project's own cluster"))
        if _uses_cluster(item):
            item.add_marker(pytest.mark.cluster)
    # Switching metrics-server takes half a minute, so all tests that want it in one state come together. Of them, those
    # come first that mostly wait for the cluster: the tests beside them have the processors meanwhile.
    items.sort(key=lambda item: (STATES.index(_wanted(item)), item.path.name != "test_diagnose.py"))


@pytest.fixture(scope="session")
def programs() -> Cluster:
    """The cluster's programs, kubectl for one; to ask the cluster itself is for those who have it to themselves."""
    given = os.environ.get("E2E_KUBECONFIG")
    return Cluster(Path(given).resolve()) if given else Kit()


@pytest.fixture(scope="session")
def cluster(programs: Cluster) -> Iterator[Cluster]:
    """The cluster under test."""
    if not isinstance(programs, Kit):
        _works(programs)
        top = programs.kubectl("top", "node")
        assert top.status == 0, f"kubectl top has to work on the cluster that E2E_KUBECONFIG names: {top.stderr}"
        yield programs
        return
    with (Path(tempfile.gettempdir()) / "kubectl-metrics-e2e.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run of these tests, if there is one, ends first
        _works(programs)
        try:
            yield programs
        finally:
            programs.metrics_server("on")


def _works(cluster: Cluster) -> None:
    """Ends the run where every test would fail for one reason that is not the cluster's."""
    version = cluster.run(str(TOOLS / "kubectl-metrics"), "--version")
    if version.status != 0:
        pytest.exit(f"kubectl-metrics --version: {version.stderr}", returncode=1)


@pytest.fixture
def kit(cluster: Cluster) -> Kit:
    """The project's own cluster."""
    assert isinstance(cluster, Kit), "a test that asks for the kit is marked so"
    return cluster


@pytest.fixture(autouse=True)
def _metrics_api(request: pytest.FixtureRequest) -> None:
    """The metrics API in the state that the test wants it in, if the test has to do with the cluster at all."""
    if _uses_cluster(request.node):
        cluster: Cluster = request.getfixturevalue("cluster")
        if isinstance(cluster, Kit):
            cluster.metrics_server(_wanted(request.node))
