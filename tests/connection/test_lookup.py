"""Name resolution within a time. The resolver itself is the one thing here that cannot be had on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.failures import connection_failed
from kubectl_metrics.connection.lookup import lookup
from kubectl_metrics.connection.loop import run
from kubectl_metrics.errors import FailureKind


@pytest.fixture
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    over = threading.Event()

    def wait(*_: object, **__: object) -> None:
        over.wait(20)
        raise socket.gaierror(socket.EAI_FAIL, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    yield
    over.set()


@pytest.mark.usefixtures("silent_name_server")
def test_a_name_server_that_does_not_answer() -> None:
    with pytest.raises(socket.gaierror) as caught:
        run(lookup("node-a.example", 10250, Deadline(0.05)))
    failure = connection_failed("node-a.example:10250", caught.value)
    assert failure.kind is FailureKind.DNS
    assert failure.reason.endswith("temporary failure in name resolution: no answer within 0.05s")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses_need_no_resolver(host: str) -> None:
    before = set(threading.enumerate())
    assert run(lookup(host, 1, Deadline(0.0)))[0][4][0] == host
    assert set(threading.enumerate()) <= before


def test_names() -> None:
    assert {address[0] for *_, address in run(lookup("localhost", 1, Deadline(20.0)))} <= {"127.0.0.1", "::1"}
    for name in ("no-such-host.invalid", "x" * 64 + ".example"):
        with pytest.raises(socket.gaierror):
            run(lookup(name, 1, Deadline(20.0)))
