"""More than a thousand commands in one process leave nothing behind: no descriptor, no thread, no memory.

No cluster of its own is needed: the simulated one does, in another process, so that what is counted here is the tool's.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import run

ROUNDS = 250
COMMANDS = (
    ("nodes",),
    ("pods", "-A"),
    ("nodes", "--source", "kubelet", "--kubelet-access", "direct"),
    ("raw", "/apis/metrics.k8s.io/v1beta1/nodes", "--source", "kubelet"),
)
# Those that take longer, of which there are fewer; the kubelet that is down is no error of theirs.
RARELY = 10  # once in so many rounds
SLOWER = (
    ("diagnose", "--fail-on", "never", "--kubelet-access", "proxy"),
    ("nodes", "--window", "50ms", "--kubelet-access", "direct"),
    ("pods", "-A", "--source", "kubelet", "--kubelet-access", "proxy"),
)
# A request's deadline is kept until its time has come, also when the answer came long before.
LIMITS = ("--request-timeout", "5s", "--kubelet-request-timeout", "5s")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The kubeconfig of a cluster of three nodes, one of which refuses connections."""
    folder = tmp_path_factory.mktemp("cluster")
    command = [sys.executable, "-m", "tests.simcluster", "--dir", str(folder), "--down", "node-3"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as cluster:
        assert cluster.stdout is not None
        yield cluster.stdout.readline().strip()
        cluster.send_signal(signal.SIGTERM)


def rounds(config: str, count: int) -> None:
    for number in range(count):
        for command in COMMANDS if number % RARELY else (*COMMANDS, *SLOWER):
            result = run(*command, "--kubeconfig", config, *LIMITS)
            assert result.status == 0, result


def held() -> tuple[int, int]:
    """Descriptors and threads, once every worker has seen that there is no more work."""
    gc.collect()
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("Thread-")]
    for thread in workers:
        thread.join(timeout=60)
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def resident() -> int:
    """Memory in KiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 10


def test_more_than_a_thousand_commands(config: str) -> None:
    rounds(config, ROUNDS // 10)
    before, memory = held(), resident()
    rounds(config, ROUNDS)
    assert held() == before
    assert resident() < memory + (4 << 10)
