"""A small cluster to complete names of, and the command line that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kubectl_metrics.commands.candidates import Asking
from kubectl_metrics.completing.engine import Completion, complete
from tests.commands.conftest import small_cluster
from tests.simcluster import SimCluster

ASKING = Asking(20.0)  # seconds enough for any machine

Complete = Callable[..., list[str]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[SimCluster]:
    with small_cluster() as running:
        yield running


@pytest.fixture
def config(cluster: SimCluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """$KUBECONFIG, and the only one: nothing else is found in the environment."""
    path = str(cluster.kubeconfig())
    monkeypatch.setenv("KUBECONFIG", path)
    return path


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kubeconfig, no pod."""
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def completion(*words: str) -> Completion:
    return complete(words, ASKING)


def values(*words: str) -> list[str]:
    """The candidates for the last of the words."""
    return [one.value for one in completion(*words).candidates]
