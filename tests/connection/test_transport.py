"""Requests that succeed: what the server sees, and what comes back."""

from __future__ import annotations

import gzip
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme

from kubectl_metrics.connection import api_transport, tls
from kubectl_metrics.connection.config import ClientConfig
from kubectl_metrics.connection.credentials import Credentials
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import ConnectionFailed, FailureKind, KubeconfigError
from tests.connection.servers import Peer, Request, Server, always, answering, has_ipv6, once, reply


def test_response(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    body = b'{"kind": "Status"}'
    data = reply(body, status="404 Not Found", headers=("Content-Type: application/json",))
    with Server(always(data), context=server_context) as server:
        transport = Transport(server.url, context=trusting)
        response = transport.get("/apis")
        transport.close()
    assert (response.status, response.reason, response.body) == (404, "Not Found", body)
    assert response.headers["content-type"] == "application/json"
    assert 0 < response.seconds < 30


@pytest.mark.parametrize(
    ("authorization", "secret"),
    [
        ("Bearer 0123456789", "0123456789"),
        ("Basic dXNlcjpzM2NyM3QtcGFzcw==", "dXNlcjpzM2NyM3QtcGFzcw=="),
        ("Basic dXNlcjpzM2NyM3QtcGFzcw==", "s3cr3t-pass"),
        ('Bearer abc/def"ghi&jkl', r"abc/def\"ghi\u0026jkl"),
        ("Bearer 0123456789", "MDEyMzQ1Njc4OQ=="),
        ("Bearer 0123/56789+", "0123%2F56789%2B"),
        ("Bearer 01234<6789", "01234&lt;6789"),
        ("Basic dTpww6Rzc3fDtnJk", r"p\u00e4ssw\u00F6rd"),
        ("Basic dTpww6Rzc3fDtnJk", "pässwörd"),
        ("Basic dTpwYSZzczx3b3JkPg==", r"pa\u0026ss\u003cword\u003e"),
        ("Bearer AbCdEfGhI", "abcdefghi"),
    ],
)
def test_an_error_that_repeats_the_credential(
    server_context: ssl.SSLContext, trusting: ssl.SSLContext, authorization: str, secret: str
) -> None:
    def respond(request: Request) -> bytes:
        status = "200 OK" if request.target == "/fine" else "401 Unauthorized"
        return reply(f"{request.get('Authorization')}: {secret}!".encode(), status=status)

    with Server(answering(respond), context=server_context) as server:
        transport = Transport(server.url, context=trusting, authorization=authorization)
        assert secret.encode() in transport.get("/fine").body  # a document is what it is
        body = transport.get("/").body
        transport.close()
    assert secret.encode() not in body
    assert body.endswith(b": REDACTED!")


@pytest.mark.parametrize(
    ("headers", "body"),
    [((), b"x" * (4 << 20)), (("Content-Encoding: gzip",), gzip.compress(b"x" * (256 << 20)))],
    ids=["large", "gzip"],
)
def test_of_an_error_no_more_is_read_than_is_needed(headers: tuple[str, ...], body: bytes) -> None:
    def respond(request: Request) -> bytes:
        return (
            reply() if request.target == "/fine" else reply(body, status="500 Internal Server Error", headers=headers)
        )

    with Server(answering(respond)) as server:
        transport = Transport(server.url, context=None)
        answer = transport.get("/", limit=2 << 20)
        assert (answer.status, answer.body) == (500, b"x" * (64 << 10))
        assert transport.get("/fine").status == 200  # by another connection
        transport.close()


@pytest.mark.parametrize("interim", ["102 Processing", "103 Early Hints", "100 Continue"])
def test_interim_responses_are_passed_over(interim: str) -> None:
    early = f"HTTP/1.1 {interim}\r\nLink: </x>; rel=preload\r\n\r\n".encode()
    with Server(always(early + early + reply(b"x"))) as server:
        transport = Transport(server.url, context=None)
        assert [transport.get("/").body for _ in range(2)] == [b"x", b"x"]
        assert server.connections == 1
        transport.close()


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
def test_body_until_close(protocol: str) -> None:
    with Server(once(f"{protocol} 200 OK\r\nConnection: close\r\n\r\nuntil the end".encode())) as server:
        assert Transport(server.url, context=None).get("/").body == b"until the end"


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/", (), "/"),
        ("/api/v1/nodes", (("limit", "500"),), "/api/v1/nodes?limit=500"),
        ("/a b", (), "/a%20b"),
        ("/a%20b", (), "/a%20b"),
        ("/100%", (), "/100%25"),
        ("/50%zz%2f", (), "/50%25zz%2f"),
        ("/ü?#x", (), "/%C3%BC%3F%23x"),
        ("/proxy/http:node:10250/x", (), "/proxy/http:node:10250/x"),
        ("/a\r\nHost: evil", (), "/a%0D%0AHost:%20evil"),
        ("/x", (("labelSelector", "a=b,c in (d)"), ("a", "1"), ("a", "2")),
         "/x?labelSelector=a%3Db%2Cc%20in%20%28d%29&a=1&a=2"),
        ("/\udcff", (("q", "\udcff"),), "/%FF?q=%FF"),
    ],
)  # fmt: skip
def test_target(path: str, query: tuple[tuple[str, str], ...], target: str) -> None:
    with Server(always()) as server:
        transport = Transport(server.url, context=None)
        transport.get(path, query)
        transport.close()
    assert [r.target for r in server.requests] == [target]


def test_target_has_to_be_absolute() -> None:
    with pytest.raises(ValueError, match="absolute"):
        Transport("http://127.0.0.1:1", context=None).get("apis")


@pytest.mark.parametrize("prefix", ["/k8s/clusters/c-1", "/k8s/clusters/c-1/"])
def test_prefix(prefix: str) -> None:
    with Server(always()) as server:
        transport = Transport(server.url + prefix, context=None)
        transport.get("/api", (("a", "b"),))
        transport.close()
    assert server.requests[0].target == "/k8s/clusters/c-1/api?a=b"


def test_a_prefix_in_any_script() -> None:
    with Server(always()) as server:
        transport = Transport(server.url + "/ключ/ü", context=None)
        transport.get("/api")
        transport.close()
    assert server.requests[0].target == "/%D0%BA%D0%BB%D1%8E%D1%87/%C3%BC/api"


def test_headers(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server:
        transport = Transport(
            server.url,
            context=trusting,
            authorization="Bearer s3cret",
            headers=[("Impersonate-User", "jürgen"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")],
            user_agent="test/1",
        )
        transport.get("/", accept="text/plain")
        transport.get("/")
        transport.close()
    first, second = server.requests
    assert first.all("Authorization") == ["Bearer s3cret"]
    assert first.all("Impersonate-User") == ["jürgen"]
    assert first.all("Impersonate-Group") == ["a", "b"]
    assert first.all("User-Agent") == ["test/1"]
    assert first.all("Host") == [server.address]
    assert (first.all("Accept"), second.all("Accept")) == (["text/plain"], ["application/json"])


def test_no_secret_over_plain_http() -> None:
    with Server(always()) as server:
        transport = Transport(
            server.url, context=None, authorization="Bearer s3cret", headers=[("Impersonate-User", "u")]
        )
        transport.get("/")
        transport.close()
    assert server.requests[0].get("Authorization") is None
    assert server.requests[0].get("Impersonate-User") is None


def test_no_secret_across_a_redirect(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with Server(always(reply(b"elsewhere")), context=server_context) as other:
        data = reply(b"moved", status="307 Temporary Redirect", headers=(f"Location: {other.url}/x",))
        with Server(always(data), context=server_context) as server:
            transport = Transport(server.url, context=trusting, authorization="Bearer s3cret")
            response = transport.get("/x")
            transport.close()
        assert (response.status, response.body) == (307, b"moved")
        assert other.connections == 0


def test_one_connection_for_many_requests(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    answers = {"/plain": reply(b"x"), "/chunked": chunked, "/empty": reply(b"")}
    with Server(answering(lambda request: answers[request.target]), context=server_context) as server:
        transport = Transport(server.url, context=trusting)
        bodies = [transport.get(path).body for path in [*answers, *answers]]
        transport.close()
    assert bodies == [b"x", b"abcde", b""] * 2
    assert server.connections == 1


def test_connection_close_is_respected() -> None:
    with Server(once(reply(b"x", headers=("Connection: close",)))) as server:
        transport = Transport(server.url, context=None)
        assert [transport.get("/").body for _ in range(3)] == [b"x"] * 3
    assert server.connections == 3


def test_an_idle_connection_that_the_server_closed_is_replaced() -> None:
    # The server answers once and then closes at the moment of the second request: nobody can have seen it before.
    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(reply(b"x"))
        peer.request()

    with Server(handle) as server:
        transport = Transport(server.url, context=None)
        transport.get("/1")
        response = transport.get("/2")
        transport.close()
    assert response.body == b"x"
    assert [r.target for r in server.requests] == ["/1", "/2", "/2"]
    assert server.connections == 2


def test_a_new_connection_that_the_server_closes_is_not_tried_again() -> None:
    with Server(lambda peer: void(peer.request())) as server, pytest.raises(ConnectionFailed) as caught:
        Transport(server.url, context=None).get("/")
    assert caught.value.kind is FailureKind.RESET
    assert len(server.requests) == 1


def void(value: object) -> None:
    """Ignore ``value``."""


def test_many_threads(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    def respond(request: Request) -> bytes:
        return reply(request.target.encode() * 1000)

    with Server(answering(respond), context=server_context) as server:
        transport = Transport(server.url, context=trusting, connections=4)
        with ThreadPoolExecutor(8) as pool:
            bodies = list(pool.map(lambda i: transport.get(f"/{i}").body, range(200)))
        transport.close()
    assert bodies == [f"/{i}".encode() * 1000 for i in range(200)]
    assert server.connections < 200


def test_idle_connections_are_bounded() -> None:
    barrier = threading.Barrier(6, timeout=20)

    def handle(peer: Peer) -> None:
        while peer.request() is not None:
            barrier.wait()  # all six are on their way at once
            peer.send(reply(b"x"))

    with Server(handle) as server:
        transport = Transport(server.url, context=None, connections=2)
        with ThreadPoolExecutor(6) as pool:
            for _ in range(2):
                list(pool.map(lambda _: transport.get("/"), range(6)))
        transport.close()
    assert server.connections == 6 + 4


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback")
def test_ipv6(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with Server(always(), context=server_context, host="::1") as server:
        transport = Transport(server.url, context=trusting)
        assert transport.get("/").status == 200
        transport.close()
    assert transport.server == f"[::1]:{server.port}"
    assert server.requests[0].get("Host") == f"[::1]:{server.port}"
    assert server.handshakes == [None]


@pytest.mark.parametrize(
    ("names", "sni"),
    [
        ((), None),  # the URL's host is an address: nothing to say
        (("node.example",), "node.example"),
        (("node.example.",), "node.example"),
        (("10.9.9.9", "node.example"), "node.example"),
        (("not-this.example", "127.0.0.1"), "not-this.example"),
        (("NODE.example",), "NODE.example"),
        (("a.wild.example",), "a.wild.example"),
        (("", ".x", "a..b", "a" * 64, "\0", "\u00fc", "*.x", "a b", "127.0.0.1", "node.example"), "node.example"),
    ],
)
def test_any_of_the_names_is_enough(
    names: tuple[str, ...], sni: str | None, server_context: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with Server(always(), context=server_context) as server:
        transport = Transport(server.url, context=trusting, names=names)
        assert transport.get("/").status == 200
        transport.close()
    assert server.handshakes == [sni]


def test_insecure_context_sends_credentials(server_context: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server:
        transport = Transport(
            server.url,
            context=tls.client_context(authorities=None, insecure=True),
            names=["wrong.example"],
            authorization="Bearer s3cret",
        )
        transport.get("/")
        transport.close()
    assert server.requests[0].get("Authorization") == "Bearer s3cret"


def test_client_certificate(ca: trustme.CA, server_context: ssl.SSLContext) -> None:
    ca.configure_trust(server_context)
    server_context.verify_mode = ssl.CERT_REQUIRED
    client = ca.issue_cert("admin@example", common_name="admin")
    context = tls.client_context(
        authorities=ca.cert_pem.bytes(),
        certificate=(client.cert_chain_pems[0].bytes(), client.private_key_pem.bytes()),
    )
    seen: list[object] = []

    def handle(peer: Peer) -> None:
        assert isinstance(peer.sock, ssl.SSLSocket)
        seen.append(peer.sock.getpeercert())
        always()(peer)

    with Server(handle, context=server_context) as server:
        transport = Transport(server.url, context=context)
        assert transport.get("/").status == 200
        transport.close()
    assert "admin" in str(seen[0])


@pytest.mark.parametrize("pieces", [1, 3])
def test_gzip(pieces: int) -> None:
    text = b'{"a": 1}' * 10_000
    size = len(text) // pieces + 1
    packed = b"".join(gzip.compress(text[i : i + size]) for i in range(0, len(text), size))
    with Server(always(reply(packed, headers=("Content-Encoding: gzip",)))) as server:
        transport = Transport(server.url, context=None)
        response = transport.get("/", limit=len(text))
        transport.close()
    assert response.body == text


def test_gzip_is_not_asked_of_loopback() -> None:
    with Server(always()) as server:
        transport = Transport(server.url, context=None)
        transport.get("/")
        transport.close()
    assert server.requests[0].all("Accept-Encoding") == ["identity"]


@pytest.mark.parametrize(("compress", "asked"), [(True, "gzip"), (False, "identity")])
def test_gzip_is_asked_of_others(compress: bool, asked: str) -> None:
    # Somebody far away is played by a proxy.
    with Server(always()) as server:
        transport = Transport("http://far.example", context=None, proxy_url=server.url, compress=compress)
        transport.get("/")
        transport.close()
    assert server.requests[0].all("Accept-Encoding") == [asked]


def test_trace_has_no_secret(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    lines: list[str] = []
    with Server(always(reply(b"12345")), context=server_context) as server:
        transport = Transport(server.url, context=trusting, authorization="Bearer s3cret", trace=lines.append)
        transport.get("/a b", (("x", "y"),))
        with pytest.raises(ConnectionFailed):
            transport.get("/large", limit=4)
        transport.close()
    first, second = lines
    assert first.startswith(f"GET {server.url}/a%20b?x=y 200 OK in ")
    assert first.endswith(" ms, 5 bytes")
    assert second.startswith(f"GET {server.url}/large failed in ")
    assert "s3cret" not in first + second


def test_close_closes(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    ended = threading.Event()

    def handle(peer: Peer) -> None:
        always(reply(b"x"))(peer)
        ended.set()

    with Server(handle, context=server_context) as server:
        transport = Transport(server.url, context=trusting)
        transport.get("/")
        assert not ended.is_set()
        transport.close()
        assert ended.wait(20)
        with pytest.raises(ConnectionFailed):
            transport.get("/")


def test_close_ends_requests_on_their_way(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    asked = threading.Event()

    def handle(peer: Peer) -> None:
        peer.request()
        asked.set()
        peer.hang()

    with Server(handle, context=server_context) as server, ThreadPoolExecutor(1) as pool:
        transport = Transport(server.url, context=trusting, timeout=25)
        future = pool.submit(transport.get, "/")
        assert asked.wait(20)
        transport.close()
        with pytest.raises(ConnectionFailed) as caught:
            future.result(20)
    assert caught.value.kind is FailureKind.RESET


def test_api_transport(ca: trustme.CA, server_context: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server:
        config = ClientConfig(
            server=f"{server.url}/prefix", certificate_authority=ca.cert_pem.bytes(), tls_server_name="node.example"
        )
        credentials = Credentials("Bearer t", (("Impersonate-User", "u"),))
        transport = api_transport(config, credentials, environ={"HTTPS_PROXY": "http://127.0.0.1:1"})
        transport.get("/api")
        transport.close()
    request = server.requests[0]
    assert (request.target, request.get("Authorization")) == ("/prefix/api", "Bearer t")
    assert request.get("Impersonate-User") == "u"
    assert server.handshakes == ["node.example"]


def test_api_transport_refuses_impersonation_over_plain_http() -> None:
    credentials = Credentials(None, (("Impersonate-User", "u"),))
    with pytest.raises(KubeconfigError, match="needs https"):
        api_transport(ClientConfig(server="http://127.0.0.1:8001"), credentials, environ={})


def test_host_names() -> None:
    assert Transport("http://b\u00fccher.example", context=None).server == "xn--bcher-kva.example:80"
    assert Transport("http://[fe80::1%25eth0]", context=None).server == "[fe80::1%eth0]:80"
    with pytest.raises(ConnectionFailed) as caught:
        Transport("http://" + "\u00fc" * 64, context=None).get("/")
    assert caught.value.kind is FailureKind.DNS


def test_nonsense_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not the URL"):
        Transport("ftp://x", context=None)
    with pytest.raises(ValueError, match="needs a context"):
        Transport("https://x", context=None)
