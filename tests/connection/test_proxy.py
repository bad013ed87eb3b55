"""Proxies: which one is taken, and what it gets to see."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Callable

import pytest
import trustme

from kubectl_metrics.connection import tls
from kubectl_metrics.connection.proxy import is_loopback, proxy_for
from kubectl_metrics.connection.proxying import Proxy
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import ConnectionFailed, FailureKind, KubeconfigError
from tests.connection.servers import Peer, Server, always, refusing, reply

P = "http://proxy:3128"


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://a.example", {}, None),
        ("https://a.example", {"HTTPS_PROXY": P}, P),
        ("https://a.example", {"https_proxy": P}, P),
        ("https://a.example", {"HTTPS_PROXY": P, "https_proxy": "http://other"}, P),
        ("https://a.example", {"HTTPS_PROXY": "", "https_proxy": P}, P),
        ("https://a.example", {"HTTP_PROXY": P, "ALL_PROXY": P}, None),
        ("http://a.example", {"HTTP_PROXY": P}, P),
        ("http://a.example", {"http_proxy": P}, P),
        ("http://a.example", {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, None),
        ("https://a.example", {"HTTPS_PROXY": "proxy:3128"}, P),
        ("https://a.example", {"HTTPS_PROXY": "socks5://proxy:1"}, "socks5://proxy:1"),
        ("https://localhost:6443", {"HTTPS_PROXY": P}, None),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": P}, None),
        ("https://127.9.9.9:6443", {"HTTPS_PROXY": P}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": P}, None),
        ("https://10.0.0.1", {"HTTPS_PROXY": P}, P),
    ],
)
def test_proxy_for(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, environ) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "https://a.example", True),
        ("b.example, *", "https://a.example", True),
        ("example.com", "https://example.com", True),
        ("example.com", "https://a.example.com:6443", True),
        ("EXAMPLE.com", "https://A.example.COM", True),
        ("example.com", "https://notexample.com", False),
        (".example.com", "https://example.com", False),
        (".example.com", "https://a.example.com", True),
        ("*.example.com", "https://example.com", False),
        ("*.example.com", "https://a.b.example.com", True),
        ("example.com:6443", "https://example.com:6443", True),
        ("example.com:6443", "https://example.com", False),
        ("example.com:443", "https://example.com", True),
        ("10.0.0.1", "https://10.0.0.1", True),
        ("10.0.0.1", "https://10.0.0.2", False),
        ("10.0.0.1:6443", "https://10.0.0.1:6443", True),
        ("10.0.0.1:6443", "https://10.0.0.1:443", False),
        ("10.0.0.0/8", "https://10.255.0.1:6443", True),
        ("10.0.0.0/8", "https://11.0.0.1", False),
        ("10.0.0.0/8", "https://a.example", False),
        ("fd00::/8", "https://[fd00::1]:6443", True),
        ("[fd00::1]:6443", "https://[fd00:0::1]:6443", True),
        ("fd00::1", "https://[fd00::1]", True),
        ("0.1", "https://10.0.0.1", False),
        (" , ,:80,10.0.0.0/99,", "https://a.example", False),
        ("a.example,", "https://b.example", False),
    ],
)
def test_no_proxy(no_proxy: str, url: str, direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        environ = {"HTTPS_PROXY": P, name: no_proxy}
        assert proxy_for(url, environ) == (None if direct else P)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("LocalHost.", True), ("127.0.0.2", True), ("::1", True), ("::ffff:127.0.0.1", True),
     ("10.0.0.1", False), ("localhost.example", False), ("", False)],
)  # fmt: skip
def test_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


class ConnectProxy:
    """An HTTP proxy that leads every CONNECT to one port, whatever was asked for."""

    def __init__(self, target: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> None:
        self.target = target
        self.answer = answer

    def __call__(self, peer: Peer) -> None:
        if peer.request() is None:
            return
        peer.send(self.answer)
        if b" 200 " in self.answer:
            self.lead(peer)

    def lead(self, peer: Peer) -> None:
        """Copies to and fro until one of them has enough."""
        with socket.create_connection(("127.0.0.1", self.target)) as onward:
            back = threading.Thread(target=self._copy, args=(onward, peer.sock))
            back.start()
            self._copy(peer.sock, onward)
            back.join()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def test_tunnel(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with (
        Server(always(reply(b"through")), context=server_context) as server,
        Server(ConnectProxy(server.port)) as proxy,
    ):
        transport = Transport(
            "https://node.example:6443",
            context=trusting,
            authorization="Bearer s3cret",
            proxy_url=f"http://us%40er:pa%3Ass@{proxy.address}",
        )
        bodies = [transport.get("/x").body for _ in range(2)]
        transport.close()
    assert bodies == [b"through"] * 2
    (connect,) = proxy.requests
    assert (connect.method, connect.target) == ("CONNECT", "node.example:6443")
    assert connect.get("Host") == "node.example:6443"
    assert connect.get("Proxy-Authorization") == "Basic dXNAZXI6cGE6c3M="  # us@er:pa:ss
    assert connect.get("Authorization") is None
    assert {r.get("Authorization") for r in server.requests} == {"Bearer s3cret"}
    assert {r.get("Proxy-Authorization") for r in server.requests} == {None}
    assert {r.get("Host") for r in server.requests} == {"node.example:6443"}


def test_tunnel_to_ipv6(trusting: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server, Server(ConnectProxy(server.port)) as proxy:
        transport = Transport("https://[::1]:6443", context=trusting, proxy_url=proxy.url)
        assert transport.get("/").status == 200
        transport.close()
    assert proxy.requests[0].target == "[::1]:6443"


def test_name_is_checked_through_a_tunnel(trusting: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server, Server(ConnectProxy(server.port)) as proxy:
        transport = Transport(
            "https://other.example", context=trusting, authorization="Bearer s3cret", proxy_url=proxy.url
        )
        with pytest.raises(ConnectionFailed) as caught:
            transport.get("/")
    assert caught.value.kind is FailureKind.TLS_NAME
    assert server.requests == []


@pytest.fixture
def proxy_context(
    ca: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> ssl.SSLContext:
    """Of a proxy that is spoken to in TLS, as "localhost", and which this system trusts."""
    roots = tmp_path_factory.mktemp("roots") / "ca.pem"
    roots.write_bytes(ca.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    return context


def test_tls_to_the_proxy(
    server_context: ssl.SSLContext, trusting: ssl.SSLContext, proxy_context: ssl.SSLContext
) -> None:
    with (
        Server(always(reply(b"inside")), context=server_context) as server,
        Server(ConnectProxy(server.port), context=proxy_context) as proxy,
    ):
        good = Transport("https://node.example", context=trusting, proxy_url=f"https://localhost:{proxy.port}")
        assert [good.get("/").body for _ in range(2)] == [b"inside"] * 2
        good.close()
        assert server.connections == 1
        wrong = Transport("https://node.example", context=trusting, proxy_url=f"https://127.0.0.1:{proxy.port}")
        with pytest.raises(ConnectionFailed) as caught:
            wrong.get("/")
    assert caught.value.kind is FailureKind.PROXY
    assert "x509: cannot validate certificate for 127.0.0.1" in caught.value.reason


def test_tls_inside_of_tls_carries_more_than_any_buffer_holds(
    server_context: ssl.SSLContext, trusting: ssl.SSLContext, proxy_context: ssl.SSLContext
) -> None:
    much = bytes(range(256)) * 40_000  # 10 MB
    received: list[bytes] = []

    def handle(peer: Peer) -> None:
        request = peer.request()
        assert request is not None
        body = b""
        while len(body) < int(request.get("Content-Length") or 0):
            body += peer.sock.recv(65536)
        received.append(body)
        peer.send(reply(much))

    with (
        Server(handle, context=server_context) as server,
        Server(ConnectProxy(server.port), context=proxy_context) as proxy,
    ):
        transport = Transport("https://node.example", context=trusting, proxy_url=f"https://localhost:{proxy.port}")
        assert transport.post("/", much).body == much
        transport.close()
    assert received == [much]


@pytest.mark.parametrize(
    ("handle", "words"),
    [
        (Peer.reset, "EOF: the server closed the connection"),
        (id, "EOF: the server closed the connection"),
        (lambda peer: peer.send(reply(b"abc")[:-1]), "EOF: closed the connection after 2 of 3 bytes"),
    ],
    ids=["reset", "closed", "cut off"],
)
def test_tls_inside_of_tls_that_breaks(
    handle: Callable[[Peer], object], words: str,
    server_context: ssl.SSLContext, trusting: ssl.SSLContext, proxy_context: ssl.SSLContext,
) -> None:  # fmt: skip
    def answer(peer: Peer) -> None:
        peer.request()
        handle(peer)

    with (
        Server(answer, context=server_context) as server,
        Server(ConnectProxy(server.port), context=proxy_context) as proxy,
    ):
        url = f"https://localhost:{proxy.port}"
        transport = Transport("https://node.example", context=trusting, proxy_url=url, timeout=20)
        with pytest.raises(ConnectionFailed) as caught:
            transport.get("/")
    assert (caught.value.kind, caught.value.reason) == (FailureKind.RESET, words)


@pytest.mark.parametrize("secure", [False, True], ids=["handshake", "answer"])
def test_tls_inside_of_tls_that_hangs(
    secure: bool, server_context: ssl.SSLContext, trusting: ssl.SSLContext, proxy_context: ssl.SSLContext
) -> None:
    with (
        Server(Peer.hang, context=server_context if secure else None) as server,
        Server(ConnectProxy(server.port), context=proxy_context) as proxy,
    ):
        url = f"https://localhost:{proxy.port}"
        transport = Transport("https://node.example", context=trusting, proxy_url=url, timeout=0.5)
        with pytest.raises(ConnectionFailed) as caught:
            transport.get("/")
    assert caught.value.kind in ((FailureKind.HUNG, FailureKind.TIMEOUT) if secure else (FailureKind.TIMEOUT,))
    assert "within 0.5s" in caught.value.reason


def test_plain_http_through_a_proxy() -> None:
    with Server(always(reply(b"forwarded"))) as proxy:
        transport = Transport(
            "http://a.example/prefix",
            context=None,
            authorization="Bearer s3cret",
            proxy_url=f"http://u:p@{proxy.address}",
        )
        assert transport.get("/x", (("a", "b"),)).body == b"forwarded"
        transport.close()
    (request,) = proxy.requests
    assert request.target == "http://a.example:80/prefix/x?a=b"
    assert request.get("Host") == "a.example"
    assert request.get("Proxy-Authorization") == "Basic dTpw"
    assert request.get("Authorization") is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 secret text\r\n\r\n", "CONNECT was refused: 407 Proxy Authentication Required"),
        (b"HTTP/1.1 502 secret text\r\n\r\n", "CONNECT was refused: 502"),
        (b"garbage\r\n\r\n", "malformed HTTP response"),
        (b"", "EOF: the server closed the connection"),
    ],
)
def test_proxy_refuses(answer: bytes, words: str, trusting: ssl.SSLContext) -> None:
    with Server(ConnectProxy(0, answer)) as proxy:
        transport = Transport("https://a.example", context=trusting, proxy_url=f"http://user:pass@{proxy.address}")
        with pytest.raises(ConnectionFailed) as caught:
            transport.get("/")
    assert caught.value.kind is FailureKind.PROXY
    assert caught.value.reason == f"proxy {proxy.address}: {words}"
    assert caught.value.server == "a.example:443"


def test_proxy_is_not_there(trusting: ssl.SSLContext) -> None:
    with refusing() as port:
        transport = Transport("https://a.example", context=trusting, proxy_url=f"http://user:pass@127.0.0.1:{port}")
        with pytest.raises(ConnectionFailed) as caught:
            transport.get("/")
    assert caught.value.kind is FailureKind.PROXY
    assert caught.value.reason == f"proxy 127.0.0.1:{port}: connect: connection refused"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000])
def test_proxy_takes_too_long(head: bytes, trusting: ssl.SSLContext) -> None:
    def handle(peer: Peer) -> None:
        peer.request()
        peer.drip(head)
        peer.hang()

    with Server(handle) as proxy:
        transport = Transport("https://a.example", context=trusting, proxy_url=proxy.url, timeout=0.3)
        with pytest.raises(ConnectionFailed) as caught:
            transport.get("/")
    assert caught.value.kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    "url", ["ftp://user:pass@x", "http://", "http://user:pass@:80", "http://[::1", "http://x:99999999"]
)
def test_bad_url(url: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        Proxy(url)
    assert "pass" not in str(caught.value)


def test_socks_needs_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    with pytest.raises(KubeconfigError, match="PySocks") as caught:
        Transport("http://a.example", context=None, proxy_url="socks5://127.0.0.1:1080")
    assert caught.value.hint == "pip install 'kubectl-metrics[socks]'"


def test_socks() -> None:
    pytest.importorskip("socks")
    asked: list[bytes] = []

    def handle(peer: Peer) -> None:
        greeting = peer.sock.recv(2)
        peer.sock.recv(greeting[1])
        peer.send(b"\x05\x00")
        head = peer.sock.recv(5)
        asked.append(peer.sock.recv(head[4]))  # a host name: resolved by the proxy
        peer.sock.recv(2)
        peer.send(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        always(reply(b"through"))(peer)

    with Server(handle) as proxy, refusing() as port:
        transport = Transport("http://far.example", context=None, proxy_url=f"socks5://{proxy.address}")
        assert transport.get("/").body == b"through"
        transport.close()
        assert asked == [b"far.example"]
        refused = Transport("http://a.example", context=None, proxy_url=f"socks5://127.0.0.1:{port}")
        with pytest.raises(ConnectionFailed) as caught:
            refused.get("/")
    assert caught.value.kind is FailureKind.PROXY


def test_a_socks_proxy_that_drips() -> None:
    """Its bytes come often enough for a socket's own timeout, and never all of them."""
    pytest.importorskip("socks")

    def handle(peer: Peer) -> None:
        peer.sock.recv(3)
        peer.drip(b"\x05\x00" + b"\x05\x00\x00\x03\xff" + b"x" * 10_000, 0.05)

    with Server(handle) as proxy, pytest.raises(ConnectionFailed) as caught:
        Transport("http://far.example", context=None, proxy_url=f"socks5://{proxy.address}", timeout=0.5).get("/")
    assert caught.value.kind is FailureKind.TIMEOUT


def test_a_proxy_that_does_not_finish() -> None:
    def handle(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 200 Connec")
        peer.hang()

    context = tls.client_context(authorities=None, insecure=True)
    with Server(handle) as proxy, pytest.raises(ConnectionFailed) as caught:
        Transport("https://a.example", context=context, proxy_url=proxy.url, timeout=0.5).get("/")
    assert (caught.value.kind, caught.value.reason) == (
        FailureKind.TIMEOUT,
        "i/o timeout: no connection within 0.5s",
    )
