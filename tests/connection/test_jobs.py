"""Calls that block, for those who must not."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from kubectl_metrics.connection.jobs import Job
from kubectl_metrics.connection.loop import run
from kubectl_metrics.errors import MetricsError


def test_what_the_call_returns_or_raises() -> None:
    assert run(Job(lambda: 1).result()) == 1

    def fail() -> int:
        raise MetricsError("no")

    with pytest.raises(MetricsError, match="no"):
        run(Job(fail).result())


def test_nobody_waits_for_longer_than_wished() -> None:
    over = threading.Event()
    with pytest.raises(TimeoutError):
        run(Job(over.wait).result(time.monotonic() + 0.05))
    over.set()


def test_one_whose_result_nobody_wants() -> None:
    done = threading.Event()
    job = Job(done.set)
    job.forget()
    assert done.wait(20)


def test_one_that_hangs_takes_no_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = socket.socketpair()
    monkeypatch.setattr(socket, "socketpair", lambda: pair)
    over = threading.Event()
    with pytest.raises(TimeoutError):
        run(Job(over.wait).result(time.monotonic() + 0.05))
    assert [end.fileno() for end in pair] == [-1, -1]
    over.set()


def test_without_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socketpair", none)
    with pytest.raises(OSError, match="Too many open files"):
        Job(int)
