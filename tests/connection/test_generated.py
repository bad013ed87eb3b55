"""The generated API classes over our own connection, with whichever release of ``kubernetes`` is installed."""

from __future__ import annotations

import json
import logging
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import urllib3

from kubectl_metrics.connection import tls
from kubectl_metrics.connection.generated import Answer, ObjectAPI, client, read
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from tests.connection.servers import Handler, Peer, Request, Server, always, answering, refusing, reply

SHORT = 0.3  # seconds
LONG = 20.0  # seconds that only a hang takes

BY_NAME: dict[str, tuple[str, Callable[[ObjectAPI], Any], tuple[Any, ...]]] = {
    "version": ("/version/", lambda api: api.version.get_code, ()),
    "core": ("/api/v1/nodes", lambda api: api.core.list_node, ()),
    "apps": ("/apis/apps/v1/deployments", lambda api: api.apps.list_deployment_for_all_namespaces, ()),
    "rbac": ("/apis/rbac.authorization.k8s.io/v1/clusterroles", lambda api: api.rbac.list_cluster_role, ()),
    "discovery": (
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
        lambda api: api.discovery.list_namespaced_endpoint_slice,
        ("kube-system",),
    ),
    "apiregistration": (
        "/apis/apiregistration.k8s.io/v1/apiservices",
        lambda api: api.apiregistration.list_api_service,
        (),
    ),
    "certificates": (
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        lambda api: api.certificates.list_certificate_signing_request,
        (),
    ),
    "networking": (
        "/apis/networking.k8s.io/v1/namespaces/kube-system/networkpolicies",
        lambda api: api.networking.list_namespaced_network_policy,
        ("kube-system",),
    ),
    "autoscaling": (
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        lambda api: api.autoscaling.list_horizontal_pod_autoscaler_for_all_namespaces,
        (),
    ),
}


@pytest.fixture(autouse=True)
def hostile_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of this may be looked at."""
    with refusing() as port:
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
        yield


@pytest.fixture(autouse=True)
def silence(
    hostile_environment: None, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Nothing is printed, nothing is logged, no log level changes, and no pool is opened."""
    del hostile_environment
    caplog.set_level(logging.DEBUG)
    levels = {name: logging.getLogger(name).level for name in ("client", "urllib3", "kubernetes")}
    yield
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert [r.getMessage() for r in caplog.records if not r.name.startswith("urllib3.connection")] == []
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.fixture(autouse=True)
def no_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection pool of urllib3")

    monkeypatch.setattr(urllib3.PoolManager, "__init__", refuse)


def take(peer: Peer) -> bytes | None:
    """The body of the next request; None at the end of the connection."""
    body, request = b"", peer.request()
    if request is None:
        return None
    while len(body) < int(request.get("Content-Length") or 0):
        body += peer.sock.recv(65536)
    return body


def echoing(answer: Callable[[bytes], bytes]) -> tuple[Handler, list[bytes]]:
    """A handler that reads bodies too, and the list in which it keeps them."""
    bodies: list[bytes] = []

    def handle(peer: Peer) -> None:
        while (body := take(peer)) is not None:
            bodies.append(body)
            peer.send(answer(body))

    return handle, bodies


class Talk:
    """A server, and an ``ObjectAPI`` that asks it."""

    def __init__(self, server: Server, transport: Transport) -> None:
        self.server = server
        self.transport = transport
        self.api = ObjectAPI(transport)

    @property
    def request(self) -> Request:
        (request,) = self.server.requests
        return request


@pytest.fixture
def talk(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> Iterator[Callable[..., Talk]]:
    open_now: list[Talk] = []

    def start(handle: Handler | None = None, **settings: Any) -> Talk:
        server = Server(handle or always(), context=server_context)
        server.__enter__()
        open_now.append(Talk(server, Transport(server.url, context=trusting, **settings)))
        return open_now[-1]

    yield start
    for each in open_now:
        each.transport.close()
        each.server.__exit__(None, None, None)


def query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True)


# ---- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_NAME)
def test_every_group(name: str, talk: Callable[..., Talk]) -> None:
    path, method, args = BY_NAME[name]
    one = talk(always(reply(b'{"items": []}')))
    response = one.api.read(method(one.api), *args)
    assert (response.status, response.reason, response.body) == (200, "OK", b'{"items": []}')
    assert (one.request.method, one.request.target) == ("GET", path)
    assert one.server.connections == 1


def test_what_a_method_returns(talk: Callable[..., Talk]) -> None:
    one = talk(always(reply(b"[]", headers=("X-One: 1",))))
    answer = one.api.core.list_node(limit=500, _preload_content=False)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.reason, answer.data) == (200, "OK", b"[]")
    assert answer.headers["x-one"] == answer.getheader("X-One") == answer.getheaders()["x-one"] == "1"
    assert answer.getheader("X-Two", "none") == "none"
    assert one.request.target == "/api/v1/nodes?limit=500"


def test_selectors_and_pages(talk: Callable[..., Talk]) -> None:
    one = talk()
    one.api.read(
        one.api.core.list_namespaced_pod,
        "kube-system",
        label_selector="k8s-app in (metrics-server, a+b),!x",
        field_selector="spec.nodeName=nöde,status.phase!=Failed",
        limit=500,
        _continue="a/b+c==&d",
    )
    assert urlsplit(one.request.target).path == "/api/v1/namespaces/kube-system/pods"
    assert sorted(query(one.request)) == [
        ("continue", "a/b+c==&d"),
        ("fieldSelector", "spec.nodeName=nöde,status.phase!=Failed"),
        ("labelSelector", "k8s-app in (metrics-server, a+b),!x"),
        ("limit", "500"),
    ]


def test_truth_values(talk: Callable[..., Talk]) -> None:
    one = talk(always(reply(b"log\n")))
    read_log = one.api.core.read_namespaced_pod_log
    response = one.api.read(read_log, "p", "ns", container="c", previous=True, tail_lines=5, accept="text/plain, */*")
    assert response.body == b"log\n"
    assert urlsplit(one.request.target).path == "/api/v1/namespaces/ns/pods/p/log"
    assert sorted(query(one.request)) == [("container", "c"), ("previous", "true"), ("tailLines", "5")]
    assert one.request.all("Accept") == ["text/plain, */*"]


@pytest.mark.parametrize(
    "name", ["system:metrics-server", "v1beta1.metrics.k8s.io", "a b", "a/../b", "a?b#c", "100%2f"]
)
def test_path_parameters(name: str, talk: Callable[..., Talk]) -> None:
    one = talk()
    one.api.read(one.api.rbac.read_cluster_role, name)
    prefix, _, last = one.request.target.rpartition("/")
    assert prefix == "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    assert unquote(last) == name


def test_service_proxy(talk: Callable[..., Talk]) -> None:
    one = talk(always(reply(b"ok", status="503 Service Unavailable")))
    proxy = one.api.core.connect_get_namespaced_service_proxy_with_path
    response = one.api.read(proxy, "https:metrics-server:https", "kube-system", "readyz")
    assert (response.status, response.body) == (503, b"ok")
    assert one.request.target == "/api/v1/namespaces/kube-system/services/https:metrics-server:https/proxy/readyz"


@pytest.mark.parametrize("status", ["301 Moved", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone",
                                    "429 Too Many Requests", "500 Internal", "503 Service Unavailable"])  # fmt: skip
def test_no_status_is_an_exception(status: str, talk: Callable[..., Talk]) -> None:
    body = b'{"kind": "Status", "code": 1}'
    one = talk(always(reply(body, status=status, headers=("Location: https://192.0.2.1/", "Retry-After: 100"))))
    code, _, reason = status.partition(" ")
    response = one.api.read(one.api.core.read_node, "n")
    assert (response.status, response.reason, response.body) == (int(code), reason, body)
    assert response.headers["location"] == "https://192.0.2.1/"
    answer = one.api.core.read_node("n", _preload_content=False)
    assert (answer.status, answer.data) == (int(code), body)
    assert len(one.server.requests) == 2


def test_body_that_is_not_json(talk: Callable[..., Talk]) -> None:
    one = talk(always(reply(b"<html>\xff", headers=("Content-Type: text/html; charset=klingon",))))
    assert one.api.read(one.api.core.list_node).body == b"<html>\xff"


def test_too_large(talk: Callable[..., Talk]) -> None:
    one = talk(always(reply(bytes(1000))))
    with pytest.raises(ConnectionFailed) as caught:
        one.api.read(one.api.core.list_node, limit=3, max_bytes=999)
    assert caught.value.kind is FailureKind.TOO_LARGE
    assert len(one.api.read(one.api.core.list_node, max_bytes=1000).body) == 1000


# ---- headers ---------------------------------------------------------------------------------------------------------


def test_headers(talk: Callable[..., Talk]) -> None:
    one = talk(
        authorization="Bearer s3cret",
        headers=[("Impersonate-User", "jürgen"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")],
        user_agent="test/1",
    )
    one.api.read(one.api.core.list_node)
    assert sorted(one.request.headers) == [
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Authorization", "Bearer s3cret"),
        ("Host", one.server.address),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-User", "jürgen"),
        ("User-Agent", "test/1"),
    ]


def test_the_prefix_is_the_transports(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server:
        transport = Transport(server.url + "/k8s/clusters/c-1", context=trusting)
        api = ObjectAPI(transport)
        api.read(api.version.get_code)
        transport.close()
    assert [r.target for r in server.requests] == ["/k8s/clusters/c-1/version/"]


# ---- posting ---------------------------------------------------------------------------------------------------------

ACCESS = {
    "apiVersion": "authorization.k8s.io/v1",
    "kind": "SelfSubjectAccessReview",
    "spec": {
        "resourceAttributes": {
            "verb": "get",
            "group": "",
            "resource": "services",
            "subresource": "proxy",
            "namespace": "kube-system",
            "name": "https:metrics-server:https",
        }
    },
}
WHO_AM_I = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


@pytest.mark.parametrize(
    ("method", "body", "path"),
    [
        (
            lambda api: api.authorization.create_self_subject_access_review,
            ACCESS,
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        ),
        (
            lambda api: api.authentication.create_self_subject_review,
            WHO_AM_I,
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        ),
    ],
    ids=["access", "who am I"],
)
def test_reviews(
    method: Callable[[ObjectAPI], Any], body: dict[str, Any], path: str, talk: Callable[..., Talk]
) -> None:
    lines: list[str] = []
    handle, bodies = echoing(lambda _: reply(b'{"status": {}}', status="201 Created"))
    one = talk(handle, authorization="Bearer t", trace=lines.append)
    response = one.api.read(method(one.api), body)
    assert (response.status, response.body) == (201, b'{"status": {}}')
    assert (one.request.method, one.request.target) == ("POST", path)
    assert [json.loads(sent) for sent in bodies] == [body]
    names = [name for name, _ in one.request.headers]
    assert len(names) == len(set(names))
    assert one.request.get("Content-Type") == one.request.get("Accept") == "application/json"
    assert one.request.get("Authorization") == "Bearer t"
    (line,) = lines
    assert line.startswith(f"POST {one.server.url}{path} 201 Created in ")


def test_reviews_keep_the_connection(talk: Callable[..., Talk]) -> None:
    one = talk(echoing(reply)[0])
    for _ in range(3):
        one.api.read(one.api.authorization.create_self_subject_access_review, body=ACCESS)
        one.api.read(one.api.core.list_node)
    assert [r.method for r in one.server.requests] == ["POST", "GET"] * 3
    assert one.server.connections == 1


def test_nothing_but_get_and_post(talk: Callable[..., Talk]) -> None:
    one = talk()
    with pytest.raises((NotImplementedError, AttributeError)):
        one.api.read(one.api.core.delete_node, "n")
    assert one.server.requests == []


# ---- failures --------------------------------------------------------------------------------------------------------


def failing(call: Callable[[], object]) -> ConnectionFailed:
    started = time.monotonic()
    with pytest.raises(ConnectionFailed) as caught:
        call()
    assert time.monotonic() - started < LONG
    return caught.value


def both(api: ObjectAPI, **options: Any) -> list[ConnectionFailed]:
    return [
        failing(lambda: api.read(api.core.list_node, **options)),
        failing(lambda: api.read(api.authorization.create_self_subject_access_review, ACCESS, **options)),
    ]


def test_refused(trusting: ssl.SSLContext) -> None:
    with refusing() as port:
        for failure in both(ObjectAPI(Transport(f"https://127.0.0.1:{port}", context=trusting))):
            assert failure.kind is FailureKind.REFUSED


def test_untrusted(server_context: ssl.SSLContext) -> None:
    with Server(always(), context=server_context) as server:
        transport = Transport(server.url, context=tls.client_context(authorities=None), authorization="Bearer s3cret")
        for failure in both(ObjectAPI(transport)):
            assert failure.kind is FailureKind.TLS_UNTRUSTED
    assert server.requests == []


def test_hung(talk: Callable[..., Talk]) -> None:
    one = talk(lambda peer: (peer.request(), peer.hang()))
    for failure in both(one.api, timeout=SHORT):
        assert failure.kind in (FailureKind.HUNG, FailureKind.TIMEOUT)  # the handshake may have taken all the time
        assert "within 0.3s" in failure.reason


def test_the_transports_timeout_is_the_default(talk: Callable[..., Talk]) -> None:
    one = talk(lambda peer: (peer.request(), peer.hang()), timeout=SHORT)
    for failure in both(one.api):
        assert "within 0.3s" in failure.reason


def test_timeout_of_the_generated_method(talk: Callable[..., Talk]) -> None:
    one = talk(lambda peer: (peer.request(), peer.hang()))
    failure = failing(lambda: one.api.core.list_node(_preload_content=False, _request_timeout=SHORT))
    assert "within 0.3s" in failure.reason


def test_closed_before_the_answer(talk: Callable[..., Talk]) -> None:
    one = talk(lambda peer: peer.request())
    for failure in both(one.api):
        assert failure.kind is FailureKind.RESET
    assert len(one.server.requests) == 2  # none of them twice


def test_a_review_on_an_idle_connection_that_the_server_closed(talk: Callable[..., Talk]) -> None:
    bodies: list[bytes | None] = []

    def handle(peer: Peer) -> None:
        bodies.append(take(peer))
        peer.send(reply(b"x"))
        bodies.append(take(peer))

    one = talk(handle)
    review = one.api.authorization.create_self_subject_access_review
    assert [one.api.read(review, ACCESS).body for _ in range(2)] == [b"x"] * 2
    assert one.server.connections == 2
    assert [json.loads(body or b"") for body in bodies] == [ACCESS] * 3  # the second and the third are one review


def test_a_review_whose_answer_breaks_off_is_not_repeated(talk: Callable[..., Talk]) -> None:
    def handle(peer: Peer) -> None:
        take(peer)
        peer.send(reply(b"x"))
        take(peer)
        peer.send(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nabc")

    one = talk(handle)
    review = one.api.authorization.create_self_subject_access_review
    one.api.read(review, ACCESS)
    assert failing(lambda: one.api.read(review, ACCESS)).kind is FailureKind.RESET
    assert len(one.server.requests) == 2


def test_content_must_not_be_preloaded(talk: Callable[..., Talk]) -> None:
    one = talk()
    with pytest.raises(TypeError, match="_preload_content"):
        one.api.core.list_node()


def test_a_method_of_somebody_else() -> None:
    with pytest.raises(TypeError, match="client"):
        read(lambda **_: "answer")


# ---- threads and imports ---------------------------------------------------------------------------------------------


def test_threads(talk: Callable[..., Talk]) -> None:
    def respond(request: Request) -> bytes:
        return reply(f"{request.target} {request.get('Accept')}".encode(), status=f"4{request.target[-2:]} X")

    one = talk(answering(respond))
    api = one.api

    def ask(number: int) -> None:
        code = 400 + number % 100
        accept = f"application/x-{number}"
        response = api.read(api.core.read_node, f"n{code}", accept=accept)
        assert (response.status, response.body) == (code, f"/api/v1/nodes/n{code} {accept}".encode())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(200)))
    assert len(one.server.requests) == 200


def test_client_for_a_class_of_the_callers(talk: Callable[..., Talk]) -> None:
    from kubernetes.client import CoreV1Api

    one = talk()
    core: Any = CoreV1Api(client(one.transport))
    assert core.list_node(_preload_content=False).status == 200


def test_imported_when_needed() -> None:
    program = """
import sys
from kubectl_metrics.connection.generated import ObjectAPI
from kubectl_metrics.connection.transport import Transport
api = ObjectAPI(Transport("http://127.0.0.1:1", context=None))
assert "kubernetes" not in sys.modules
import kubectl_metrics.cli, kubectl_metrics.commands.nodes, kubectl_metrics.commands.pods, kubectl_metrics.commands.raw
assert "kubernetes" not in sys.modules
api.version
assert "kubernetes" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
