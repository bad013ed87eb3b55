"""A cluster whose clock stands still, and a client for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simcluster import ManualClock, SimCluster
from tests.simcluster_tests.client import Client


@pytest.fixture
def cluster() -> Iterator[SimCluster]:
    with SimCluster(nodes=2, clock=ManualClock()) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: SimCluster) -> Client:
    return Client(cluster)
