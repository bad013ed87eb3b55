"""Requests that fail: each server is broken in its own way, and the client has to end in time and say how.

Limits given to the client are long enough for a server in this process to begin its answer, however busy the machine;
the only upper bound asserted is that a test does not hang.
"""

from __future__ import annotations

import datetime
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable

import pytest
import trustme

from kubectl_metrics.connection import tls
from kubectl_metrics.connection.places import gather
from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from tests.connection.servers import Handler, Peer, Server, always, answering, full_listener, once, refusing, reply
from tests.harness import invalid_is_unknown

SHORT = 1.0  # seconds
LONG = 20.0  # seconds that only a hang takes


def failing(call: Callable[[], Response]) -> ConnectionFailed:
    started = time.monotonic()
    with pytest.raises(ConnectionFailed) as caught:
        call()
    assert time.monotonic() - started < LONG
    return caught.value


# ---- time ------------------------------------------------------------------------------------------------------------


def test_connect_hangs() -> None:
    with full_listener() as port:
        by_connect = failing(
            lambda: Transport(f"http://127.0.0.1:{port}", context=None, connect_timeout=SHORT).get("/")
        )
        by_total = failing(lambda: Transport(f"http://127.0.0.1:{port}", context=None, timeout=SHORT).get("/"))
    for failure in (by_connect, by_total):
        assert failure.kind is FailureKind.TIMEOUT
        assert failure.reason == "i/o timeout: no connection within 1s"
        assert failure.server == f"127.0.0.1:{port}"


def test_handshake_hangs(trusting: ssl.SSLContext) -> None:
    with Server(lambda peer: peer.hang()) as server:
        url = server.url.replace("http:", "https:")
        failure = failing(lambda: Transport(url, context=trusting, timeout=SHORT).get("/"))
    assert failure.kind is FailureKind.TIMEOUT
    assert failure.reason == "net/http: TLS handshake timeout: not done within 1s"


def test_handshake_drips(trusting: ssl.SSLContext) -> None:
    # The head of a TLS record that announces 16,000 bytes, and then one of them at a time.
    with Server(lambda peer: peer.drip(b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c" + bytes(2000))) as server:
        url = server.url.replace("http:", "https:")
        failure = failing(lambda: Transport(url, context=trusting, timeout=SHORT).get("/"))
    assert failure.kind is FailureKind.TIMEOUT
    assert failure.reason == "net/http: TLS handshake timeout: not done within 1s"


def asked_then(act: Callable[[Peer], None]) -> Handler:
    def handle(peer: Peer) -> None:
        peer.request()
        act(peer)

    return handle


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda peer: peer.hang(), "i/o timeout: no answer within 1s"),
        (lambda peer: peer.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000), "i/o timeout: no answer within 1s"),
        (lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nabc"), peer.hang()),
         "i/o timeout: only 3 of 5000 bytes within 1s"),
        (lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"), peer.drip(bytes(5000))), None),
        (lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), peer.hang()),
         None),
        (lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                       peer.drip(b"1\r\na\r\n" * 1000)), None),
        (lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), peer.drip(bytes(5000))), None),
    ],
    ids=["silent", "head drips", "body stops", "body drips", "chunks stop", "chunks drip", "endless drip"],
)  # fmt: skip
def test_answer_takes_too_long(
    act: Callable[[Peer], None],
    reason: str | None,
    secure: bool,
    server_context: ssl.SSLContext,
    trusting: ssl.SSLContext,
) -> None:
    with Server(asked_then(act), context=server_context if secure else None) as server:
        transport = Transport(server.url, context=trusting if secure else None)
        failure = failing(lambda: transport.get("/", timeout=SHORT))
        transport.close()
    # On a busy machine the handshake may have taken all the time.
    assert failure.kind is (FailureKind.TIMEOUT if "handshake" in failure.reason else FailureKind.HUNG)
    if reason and "handshake" not in failure.reason:  # on a busy machine, that may have taken all the time
        assert failure.reason == reason
    assert "within 1s" in failure.reason


def test_deadline_on_a_connection_that_is_used_again(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(reply(b"x"))
        peer.request()
        peer.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5000)

    with Server(handle, context=server_context) as server:
        transport = Transport(server.url, context=trusting)
        transport.get("/1")
        failure = failing(lambda: transport.get("/2", timeout=SHORT))
        transport.close()
    assert failure.reason == "i/o timeout: no answer within 1s"
    assert server.connections == 1


def test_a_deadline_that_was_kept_does_not_strike_later() -> None:
    with Server(always(reply(b"x"))) as server, Server(lambda peer: peer.hang()) as other:
        transport = Transport(server.url, context=None)
        transport.get("/1", timeout=SHORT)
        # Once this later deadline has passed, the first one has, too.
        failing(lambda: Transport(other.url, context=None).get("/", timeout=SHORT))
        transport.get("/2")
        transport.close()
    assert [r.target for r in server.requests] == ["/1", "/2"]
    assert server.connections == 1


def test_a_connection_is_anybodys_while_a_request_waits_to_be_made_again() -> None:
    answers = iter([reply(status="429 Too Many Requests", headers=("Retry-After: 0",)), reply(b"a"), reply(b"b")])
    with Server(answering(lambda _: next(answers))) as server:
        meanwhile: list[bytes] = []

        def trace(line: str) -> None:
            if "once more" in line:
                meanwhile.append(transport.get("/second").body)

        transport = Transport(server.url, context=None, trace=trace)
        assert transport.get("/first").body == b"b"
        transport.close()
        assert meanwhile == [b"a"]
        assert server.connections == 1


def test_hundred_requests_need_no_more_threads() -> None:
    with Server(lambda peer: peer.hang()) as server:
        before = threading.active_count()
        most = 0

        async def ask(_: int) -> Response:
            nonlocal most
            try:
                return await Transport(server.url, context=None).fetch("/", timeout=SHORT)
            finally:
                most = max(most, threading.active_count() - before - server.connections)

        failures = gather(ask, range(100), workers=100)
    assert {failure.kind for failure in failures if isinstance(failure, ConnectionFailed)} <= {
        FailureKind.HUNG,
        FailureKind.TIMEOUT,
    }
    assert len(failures) == 100
    assert most <= 0  # but for the server's own


# ---- connections that break ------------------------------------------------------------------------------------------


def test_refused() -> None:
    with refusing() as port:
        failure = failing(lambda: Transport(f"http://127.0.0.1:{port}", context=None).get("/"))
    assert (failure.kind, failure.reason) == (FailureKind.REFUSED, "connect: connection refused")
    assert str(failure) == (
        f"The connection to the server 127.0.0.1:{port} was refused - did you specify the right host or port?"
    )


@pytest.mark.parametrize("host", ["does-not-exist.invalid", "a" * 64 + ".example", "a..b"])
def test_no_such_host(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    invalid_is_unknown(monkeypatch)
    failure = failing(lambda: Transport(f"http://{host}", context=None).get("/"))
    assert (failure.kind, failure.reason) == (FailureKind.DNS, f"lookup {host}: no such host")


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"", FailureKind.RESET, "EOF: the server closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", FailureKind.RESET, "EOF: the server closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", FailureKind.RESET,
         "EOF: closed the connection after 3 of 10 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde", FailureKind.RESET, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", FailureKind.RESET, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", FailureKind.PROTOCOL,
         "malformed chunked encoding"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", FailureKind.PROTOCOL, "malformed HTTP response"),
        (b"\x15\x03\x03\x00\x02\x02\x46", FailureKind.PROTOCOL, "malformed HTTP response"),
        (b"HTTP/1.1 abc OK\r\n\r\n", FailureKind.PROTOCOL, "malformed HTTP response"),
        (b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n", FailureKind.PROTOCOL, "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", FailureKind.PROTOCOL, "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", FailureKind.PROTOCOL, "malformed HTTP response"),
        (reply(b"x", headers=("Content-Encoding: br",)), FailureKind.PROTOCOL,
         "the body has a content encoding that was not asked for"),
        (reply(b"not gzip", headers=("Content-Encoding: gzip",)), FailureKind.PROTOCOL, "gzip: invalid data"),
        (reply(gzip.compress(b"x" * 1000, mtime=0)[:-9], headers=("Content-Encoding: gzip",)), FailureKind.PROTOCOL,
         "gzip: unexpected EOF"),
    ],
)  # fmt: skip
def test_broken_answer(data: bytes, kind: FailureKind, reason: str | None) -> None:
    with Server(once(data)) as server:
        failure = failing(lambda: Transport(server.url, context=None).get("/"))
    assert failure.kind is kind
    if reason is None:
        assert failure.reason.startswith("EOF: closed the connection after ")
    else:
        assert failure.reason == reason


def test_reset() -> None:
    with Server(asked_then(lambda peer: peer.reset())) as server:
        failure = failing(lambda: Transport(server.url, context=None).get("/"))
    assert (failure.kind, failure.reason) == (FailureKind.RESET, "connection reset by peer")


def test_reset_in_the_body() -> None:
    def act(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        peer.reset()

    with Server(asked_then(act)) as server:
        failure = failing(lambda: Transport(server.url, context=None).get("/"))
    assert failure.kind is FailureKind.RESET


def test_closed_in_the_handshake(trusting: ssl.SSLContext) -> None:
    with Server(lambda _: None) as server:
        failure = failing(lambda: Transport(server.url.replace("http:", "https:"), context=trusting).get("/"))
    assert failure.kind is FailureKind.RESET


# ---- size ------------------------------------------------------------------------------------------------------------

BOMB = gzip.compress(bytes(50_000_000), mtime=0)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",  # and nothing more: refused before the first byte
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(1001),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + bytes(100) + b"\r\n" + b"385\r\n"
        + bytes(901) + b"\r\n0\r\n\r\n",
        reply(BOMB[:500] + BOMB[500:], headers=("Content-Encoding: gzip",)),
        reply(gzip.compress(bytes(1001), mtime=0), headers=("Content-Encoding: gzip",)),
    ],
    ids=["announced", "absurd", "until close", "chunked", "bomb", "one byte too many"],
)  # fmt: skip
def test_too_large(data: bytes) -> None:
    limit = 100_000 if len(data) > 10_000 else 1000
    with Server(once(data)) as server:
        failure = failing(lambda: Transport(server.url, context=None).get("/", limit=limit))
    assert failure.kind is FailureKind.TOO_LARGE


def test_a_bomb_does_not_go_off() -> None:
    with Server(once(reply(BOMB, headers=("Content-Encoding: gzip",)))) as server:
        transport = Transport(server.url, context=None)
        tracemalloc.start()
        try:
            failing(lambda: transport.get("/", limit=1_000_000))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 10_000_000  # bytes, of 50,000,000 in the bomb


def test_exactly_the_limit() -> None:
    with Server(always(reply(bytes(1000)))) as server:
        transport = Transport(server.url, context=None)
        assert len(transport.get("/", limit=1000).body) == 1000
        transport.close()


# ---- certificates ----------------------------------------------------------------------------------------------------


def serve_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def ask_with_secret(server: Server, context: ssl.SSLContext, **options: object) -> ConnectionFailed:
    transport = Transport(server.url, context=context, authorization="Bearer s3cret", **options)  # type: ignore[arg-type]
    return failing(lambda: transport.get("/"))


DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (FailureKind.TLS_UNTRUSTED, "x509: certificate signed by unknown authority (OpenSSL: "),
        (FailureKind.TLS_EXPIRED, "x509: certificate has expired or is not yet valid (OpenSSL: "),
        (FailureKind.TLS_NAME, "x509: certificate is valid for other.example, 10.0.0.9, not node.example"),
        (
            FailureKind.TLS_NAME,
            "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
        ),
    ],
    ids=["unknown", "expired", "name", "address"],
)
def test_nothing_is_sent_to_an_unverified_server(
    kind: FailureKind, words: str, ca: trustme.CA, trusting: ssl.SSLContext
) -> None:
    names: tuple[str, ...] = ()
    if kind is FailureKind.TLS_UNTRUSTED:
        certificate = trustme.CA().issue_cert("127.0.0.1")
    elif kind is FailureKind.TLS_EXPIRED:
        certificate = ca.issue_cert("127.0.0.1", not_before=NOW - 2 * DAY, not_after=NOW - DAY)
    elif "node.example" in words:
        certificate, names = ca.issue_cert("other.example", "10.0.0.9"), ("node.example",)
    else:
        certificate = ca.issue_cert("other.example")
    with Server(always(), context=serve_with(certificate)) as server:
        failure = ask_with_secret(server, trusting, names=names)
    assert failure.kind is kind
    assert failure.reason.startswith(words)
    assert server.requests == []
    assert failure.server == server.address
    assert "s3cret" not in f"{failure!s}{failure!r}"


def test_not_yet_valid(ca: trustme.CA, trusting: ssl.SSLContext) -> None:
    certificate = ca.issue_cert("127.0.0.1", not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    with Server(always(), context=serve_with(certificate)) as server:
        assert ask_with_secret(server, trusting).kind is FailureKind.TLS_EXPIRED


def test_system_roots_do_not_trust_the_test_ca(server_context: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server:
        assert ask_with_secret(server, tls.client_context(authorities=None)).kind is FailureKind.TLS_UNTRUSTED


def test_plain_http_where_tls_is_expected(trusting: ssl.SSLContext) -> None:
    def handle(peer: Peer) -> None:
        peer.sock.recv(100)
        peer.send(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        peer.hang()

    with Server(handle) as server:
        transport = Transport(server.url.replace("http:", "https:"), context=trusting)
        failure = failing(lambda: transport.get("/"))
    assert failure.kind is FailureKind.TLS
    assert failure.reason.startswith("tls: first record does not look like a TLS handshake")


def test_server_wants_a_client_certificate(
    ca: trustme.CA, server_context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    ca.configure_trust(server_context)
    server_context.verify_mode = ssl.CERT_REQUIRED
    with Server(always(), context=server_context) as server:
        failure = failing(lambda: Transport(server.url, context=trusting).get("/"))
    assert failure.kind in (FailureKind.TLS, FailureKind.RESET)  # the alert may be lost to the reset behind it
    if failure.kind is FailureKind.TLS:
        assert failure.reason == "remote error: tls: certificate required"


def test_old_tls_is_refused() -> None:
    assert tls.client_context(authorities=None, insecure=True).minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_time_to_connect_is_shared_by_the_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    # A name with a dead address in front of a living one, as a stale DNS entry or a broken IPv6 makes it.
    with full_listener() as dead, Server(always(reply(b"alive"))) as server:
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (dead, server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        transport = Transport("http://two.example", context=None, connect_timeout=3.0)
        assert transport.get("/").body == b"alive"
        transport.close()


@pytest.mark.parametrize("length", ["abc", "-1", "1.0", ""])
def test_a_length_that_is_none(length: str) -> None:
    data = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nx".encode()

    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(data)
        peer.hang()

    with Server(handle) as server, pytest.raises(ConnectionFailed) as caught:
        Transport(server.url, context=None).get("/")
    assert (caught.value.kind, caught.value.reason) == (FailureKind.PROTOCOL, "the length of the body is no number")
