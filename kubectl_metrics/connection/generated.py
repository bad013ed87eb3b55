"""The ``kubernetes`` package's generated API classes over our own connection.

Strategy: of the package only the classes that know paths and parameters are used (``CoreV1Api`` and the like). They are
given an ``ApiClient`` whose ``rest_client`` is an adapter over a ``Transport``, so there is one set of credentials, TLS
rules, time limits and errors. Its constructor is not called: that would read proxies from the environment, set log
levels and open a connection pool. Answers come back as bytes, whatever their status; nothing is decoded by the package.

    objects = ObjectAPI(transport)
    response = objects.read(objects.core.list_namespaced_pod, "kube-system", label_selector="k8s-app=metrics-server")

Facts
- Up to 36 the client calls ``rest_client.GET(url, query_params=...)`` and ``POST(..., body=...)``, from 37 on
  ``rest_client.request(method, url, ...)`` with the query in the URL.
- 37 raises an ApiException itself if the status of what it got is not 2xx, and otherwise returns its ``response``
  attribute. So what it gets is an envelope that says 200, and the answer, with its true status, is in there.
- 37 checks arguments with pydantic: strings have to be strings, and a body may be a dictionary with the API's names.
- Importing ``kubernetes`` takes a third of a second up to 36, and half of one from 37 on. It is done when an
  ``ObjectAPI`` is first asked for a class, and not before.
"""

from __future__ import annotations

import contextvars
import functools
import json
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

import msgspec

from kubectl_metrics.connection.transport import MAX_BODY, Response, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_JSON = "application/json"


class Answer:
    """What a generated method returns when it is called with ``_preload_content=False``."""

    def __init__(self, response: Response) -> None:
        self.response = response  # ours, complete
        self.status = response.status
        self.reason = response.reason
        self.data = response.body
        self.headers = response.headers

    def getheaders(self) -> Mapping[str, str]:
        return dict(self.headers.items())

    def getheader(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name.lower(), default)


def client(transport: Transport) -> Any:
    """The ``api_client`` for a generated class, e.g. ``CoreV1Api(client(transport))``. Thread-safe.

    Methods have to be called with ``_preload_content=False``, as ``read`` does. They make one request and return an
    ``Answer`` with the server's status, whatever it is.

    Args:
        transport: the way to the API server.
    """
    from kubernetes.client.api_client import ApiClient

    api: Any = object.__new__(ApiClient)  # without its constructor; see the top of the module
    api.configuration = _Settings()
    api.rest_client = _Rest(transport)
    api.default_headers = {}
    api.cookie = None
    api.client_side_validation = True
    return api


def read(
    method: Callable[..., Any],
    /,
    *args: Any,
    timeout: float | None = None,
    accept: str = _JSON,
    max_bytes: int = MAX_BODY,
    **kwargs: Any,
) -> Response:
    """Call a generated method: one request, and its answer, whatever its status.

    Args:
        method: of a generated class over ``client``.
        args: the method's own, e.g. name and namespace.
        timeout: seconds for everything from connecting to the last byte; by default the transport's.
        accept: the header.
        max_bytes: of the answer's body. (``limit`` is a parameter of the lists.)
        kwargs: the method's own, e.g. ``label_selector``. A ``body`` is a dictionary with the API's own names.

    Raises:
        ConnectionFailed: there was no whole answer.
    """
    before = _WANTED.set(_Wanted(timeout, accept, max_bytes))
    try:
        answer = method(*args, _preload_content=False, **kwargs)
    finally:
        _WANTED.reset(before)
    if not isinstance(answer, Answer):
        raise TypeError("not a method over client()")
    return answer.response


class ObjectAPI:
    """The generated classes of the API groups that are read, each made when it is first asked for. Thread-safe."""

    def __init__(self, transport: Transport) -> None:
        """Nothing is imported and nothing is sent yet.

        Args:
            transport: the way to the API server.
        """
        self._transport = transport

    read = staticmethod(read)

    @functools.cached_property
    def version(self) -> Any:
        return self._make("VersionApi")

    @functools.cached_property
    def core(self) -> Any:
        return self._make("CoreV1Api")

    @functools.cached_property
    def apps(self) -> Any:
        return self._make("AppsV1Api")

    @functools.cached_property
    def rbac(self) -> Any:
        return self._make("RbacAuthorizationV1Api")

    @functools.cached_property
    def discovery(self) -> Any:
        return self._make("DiscoveryV1Api")

    @functools.cached_property
    def apiregistration(self) -> Any:
        return self._make("ApiregistrationV1Api")

    @functools.cached_property
    def certificates(self) -> Any:
        return self._make("CertificatesV1Api")

    @functools.cached_property
    def networking(self) -> Any:
        return self._make("NetworkingV1Api")

    @functools.cached_property
    def autoscaling(self) -> Any:
        return self._make("AutoscalingV2Api")

    @functools.cached_property
    def authentication(self) -> Any:
        return self._make("AuthenticationV1Api")

    @functools.cached_property
    def authorization(self) -> Any:
        return self._make("AuthorizationV1Api")

    def _make(self, name: str) -> Any:
        import kubernetes.client

        return getattr(kubernetes.client, name)(client(self._transport))


class _Wanted(msgspec.Struct, frozen=True):
    """What the generated methods have no parameter for, in all their versions."""

    timeout: float | None = None
    accept: str = _JSON
    max_bytes: int = MAX_BODY


_WANTED: contextvars.ContextVar[_Wanted | None] = contextvars.ContextVar("wanted", default=None)


class _Settings:
    """What ``ApiClient`` and the generated classes look up in a ``Configuration``."""

    host = ""  # the transport knows it
    safe_chars_for_path_param = ":"  # as in https:metrics-server:https
    client_side_validation = True  # required parameters
    ignore_operation_servers = True
    datetime_format = "%Y-%m-%dT%H:%M:%S.%fZ"
    date_format = "%Y-%m-%d"

    def auth_settings(self) -> dict[str, Any]:
        return {}


class _Envelope:
    """What 37 wants of its ``rest_client``; see the top of the module."""

    status = 200

    def __init__(self, answer: Answer) -> None:
        self.response = answer

    def read(self) -> NoReturn:
        _refuse()


class _Rest:
    """The ``rest_client``: one request of the generated code is one request of the transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def GET(self, url: str, *, query_params: _Pairs | None = None, **others: Any) -> Answer:
        _check_preload(others)
        return self._ask("GET", url, query_params, None, others.get("_request_timeout"))

    def POST(self, url: str, *, query_params: _Pairs | None = None, body: Any = None, **others: Any) -> Answer:
        _check_preload(others)
        return self._ask("POST", url, query_params, body, others.get("_request_timeout"))

    def request(
        self, method: str, url: str, *, body: Any = None, _request_timeout: Any = None, **others: Any
    ) -> _Envelope:
        del others  # the generated headers are none of ours
        path, _, query = url.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        return _Envelope(self._ask(method, path, pairs, body, _request_timeout))

    def close(self) -> None:
        """Nothing: the transport is somebody else's."""

    def _ask(self, method: str, path: str, query: _Pairs | None, body: Any, timeout: Any) -> Answer:
        wanted = _WANTED.get() or _Wanted()
        pairs = [(name, _text(value)) for name, value in query or ()]
        seconds = wanted.timeout if timeout is None else float(timeout)
        if method == "GET":
            response = self._transport.get(path, pairs, accept=wanted.accept, timeout=seconds, limit=wanted.max_bytes)
        elif method == "POST":
            response = self._transport.post(
                path,
                json.dumps({} if body is None else body).encode(),
                query=pairs,
                accept=wanted.accept,
                timeout=seconds,
                limit=wanted.max_bytes,
            )
        else:
            raise NotImplementedError(f"{method} is nothing that this program does")
        return Answer(response)


if TYPE_CHECKING:
    _Pairs = Sequence[tuple[str, Any]]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_preload(options: Mapping[str, Any]) -> None:
    if options.get("_preload_content", True):
        _refuse()


def _refuse() -> NoReturn:
    raise TypeError("generated methods have to be called with _preload_content=False, see read()")
