"""Connections that are opened before anybody wants them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from kubectl_metrics.connection import connect_ahead
from kubectl_metrics.connection.config import ClientConfig
from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.tcp import Ahead, place
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from tests.connection.servers import Server, always


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def test_a_request_takes_one_that_is_there() -> None:
    with Server(always()) as server:
        ahead = Ahead(server.url, 2)
        transport = Transport(server.url, context=None, ahead=ahead)
        for _ in range(3):
            assert transport.get("/").status == 200
        wait_for(lambda: server.connections == 2)  # closed before, it might never be seen
        transport.close()
        assert len(server.requests) == 3
    assert server.connections == 2  # one was taken, one was closed unused


def test_more_requests_at_once_than_there_are_open_more() -> None:
    together = threading.Barrier(3, timeout=20)

    def handle(peer: object) -> None:
        together.wait()
        always()(peer)  # type: ignore[arg-type]  # a Peer

    with Server(handle) as server:
        transport = Transport(server.url, context=None, ahead=Ahead(server.url, 1))
        threads = [threading.Thread(target=transport.get, args=("/",)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transport.close()
    assert server.connections == 3


def test_what_is_refused_is_refused_when_it_is_wanted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    transport = Transport(url, context=None, ahead=Ahead(url, 1))
    with pytest.raises(ConnectionFailed) as raised:
        transport.get("/")
    assert raised.value.kind is FailureKind.REFUSED


def test_nobody_waits_for_it_longer_than_for_any_other() -> None:
    """An address that takes no connection: the queue of those that nobody accepts is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        filling = [socket.socket() for _ in range(4)]
        for sock in filling:
            sock.setblocking(False)
            sock.connect_ex(address)
        ahead = Ahead(f"http://127.0.0.1:{address[1]}", 1)
        with pytest.raises(TimeoutError):
            run(ahead.take(Deadline(0.05), 10.0))
        ahead.close()
        for sock in filling:
            sock.close()


@pytest.mark.parametrize(
    ("server", "proxy", "environ"),
    [
        ("http://127.0.0.1:1", None, {}),  # who knows what is said there
        ("https://api.example:1", "http://proxy:3128", {}),
        ("https://api.example:1", None, {"HTTPS_PROXY": "http://proxy:3128"}),
    ],
)
def test_not_where_there_is_somebody_in_between(server: str, proxy: str | None, environ: dict[str, str]) -> None:
    config = ClientConfig(server=server, proxy_url=proxy)
    assert connect_ahead(config, environ=environ, count=2) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example", ("api.example", 443)),
        ("http://api.example", ("api.example", 80)),
        ("https://[fe80::1%25eth0]:6443/prefix", ("fe80::1%eth0", 6443)),
        ("https://bücher.example:1", ("xn--bcher-kva.example", 1)),
    ],
)
def test_the_place_of_a_server(url: str, expected: tuple[str, int]) -> None:
    assert place(url) == expected


@pytest.mark.parametrize("url", ["ftp://x", "https://", "x"])
def test_what_is_no_server(url: str) -> None:
    with pytest.raises(ValueError, match="not the URL of a server"):
        place(url)
