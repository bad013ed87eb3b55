"""Connections that are opened before anybody wants them."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable

import pytest
import trustme

from kubectl_metrics.connection import connect_ahead
from kubectl_metrics.connection.ahead import Ahead
from kubectl_metrics.connection.config import ClientConfig
from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.tcp import place
from kubectl_metrics.connection.threads import Later
from kubectl_metrics.connection.tls import client_context
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from tests.connection.servers import Peer, Server, always, full_listener, refusing, reply


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
    with refusing() as port:
        url = f"http://127.0.0.1:{port}"
        transport = Transport(url, context=None, ahead=Ahead(url, 1))
        with pytest.raises(ConnectionFailed) as raised:
            transport.get("/")
    assert raised.value.kind is FailureKind.REFUSED


def test_nobody_waits_for_it_longer_than_for_any_other() -> None:
    """An address that takes no connection: the queue of those that nobody accepts is full."""
    with full_listener() as port:
        ahead = Ahead(f"http://127.0.0.1:{port}", 1)
        with pytest.raises(TimeoutError):
            run(ahead.take(Deadline(0.05), 10.0))
        ahead.close()


def test_tls_has_begun_before_anybody_asks(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        transport = Transport(url, context=trusting, ahead=Ahead(url, 1))
        theirs, _ = listener.accept()
        theirs.settimeout(20)
        assert theirs.recv(1, socket.MSG_PEEK) == b"\x16"  # a handshake, as RFC 8446 5.1 has it
        with server_context.wrap_socket(theirs, server_side=True, do_handshake_on_connect=False) as secure:
            asking = Later(lambda: transport.get("/"))
            secure.do_handshake()
            assert secure.recv(5) == b"GET /"
            secure.sendall(reply())
            assert asking.result(seconds=20).status == 200
    transport.close()


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.6\r\n", b""])
def test_what_is_wrong_with_tls_is_wrong_when_it_is_wanted(said: bytes, trusting: ssl.SSLContext) -> None:
    """And in the same words as where nothing was begun."""
    failures = []

    def handle(peer: Peer) -> None:
        peer.sock.recv(65536)  # all that has been said: with some of it unread, to close would be to reset
        peer.send(said)

    with Server(handle) as server:
        url = server.url.replace("http:", "https:")
        for ahead in (None, Ahead(url, 1)):
            transport = Transport(url, context=trusting, ahead=ahead)
            with pytest.raises(ConnectionFailed) as raised:
                transport.get("/")
            transport.close()
            failures.append((raised.value.kind, str(raised.value)))
    assert failures[0] == failures[1]


def test_a_certificate_that_nobody_trusts(server_context: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server:
        strange = client_context(authorities=trustme.CA().cert_pem.bytes())
        transport = Transport(server.url, context=strange, ahead=Ahead(server.url, 1))
        with pytest.raises(ConnectionFailed) as raised:
            transport.get("/")
        transport.close()
    assert raised.value.kind is FailureKind.TLS_UNTRUSTED
    assert not server.requests


def test_the_end_comes_before_anybody_knows_tls(server_context: ssl.SSLContext) -> None:
    """Nothing is left: no thread waits, no socket is open."""
    with Server(always(), context=server_context) as server:
        ahead = Ahead(server.url, 2)
        wait_for(lambda: server.connections == 2)
        ahead.close()
        wait_for(lambda: not any(thread.name == "connect" for thread in threading.enumerate()))
    assert not any(thread.name == "connect" for thread in threading.enumerate())


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
