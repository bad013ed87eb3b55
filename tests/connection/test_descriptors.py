"""How many connections may be open, in processes with limits of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

resource = pytest.importorskip("resource", reason="a system without such limits")

ROOM = "from kubectl_metrics.connection.descriptors import room; print(room())"


def room(soft: int, hard: int, before: str = "") -> int:
    done = subprocess.run(
        [sys.executable, "-c", before + ROOM],
        stdout=subprocess.PIPE,
        check=True,
        timeout=20,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),  # no threads yet
    )
    return int(done.stdout)


def test_the_soft_limit_is_raised() -> None:
    assert 900 < room(100, 1024) < 1024


def test_what_is_open_counts() -> None:
    assert room(500, 500) - room(500, 500, "files = [open('/dev/null') for _ in range(100)]; ") == 100


def test_there_is_always_one() -> None:
    assert room(20, 20) == 1
