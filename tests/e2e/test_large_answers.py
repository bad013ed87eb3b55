"""The API server may say half a gigabyte: more than that is refused, without more than that in memory.

No cluster is needed; it is here because it takes seconds and half a gigabyte of memory.
"""

from __future__ import annotations

import pytest

from tests.commands.conftest import small_cluster
from tests.faults.runs import Launcher
from tests.simcluster import Fault

METRICS = "/apis/metrics.k8s.io/v1beta1"
MEMORY = 1 << 20  # KiB: as much as was read, and as much again while a buffer grows
LARGE = {
    "chunked": (Fault.oversized(1 << 30, announced=False), "the body is larger than 536870912 bytes"),
    "gzip": (Fault.gzip_bomb(1024), "the decompressed body is larger than the limit"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_gigabyte(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    fault, words = LARGE[name]
    folder = tmp_path_factory.mktemp("runs")
    with small_cluster() as cluster, Launcher(folder, ceiling=120) as launch, cluster.fault("api", fault, METRICS):
        (run,) = launch(["nodes", "--source", "api", "--kubeconfig", str(cluster.kubeconfig())])
    assert (run.status, run.out) == (3, "")
    assert words in run.said[-1]
    assert run.peak < MEMORY
