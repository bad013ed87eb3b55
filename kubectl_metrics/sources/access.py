"""How one kubelet is reached: directly, by one of its node's addresses, or through the API server's node proxy.

Direct access needs only the rights to what is read (``nodes/stats``, ``nodes/metrics``); the proxy needs
``nodes/proxy``, which is nearly the right to run commands in every pod of the node. So ``auto`` goes direct, and takes
the proxy for a node only when it cannot be reached, when its certificate cannot be verified, or when it turns these
credentials away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ssl import SSLContext
from urllib.parse import quote

import msgspec

from kubectl_metrics.connection.deadlines import Deadline, Total
from kubectl_metrics.connection.loop import Call, alone
from kubectl_metrics.connection.places import Places
from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.errors import (
    UNREACHABLE_KINDS,
    UNVERIFIED_KINDS,
    ConnectionFailed,
    FailureKind,
    HTTPStatusError,
    MetricsError,
)
from kubectl_metrics.sources import addresses
from kubectl_metrics.sources.query import KubeletOptions
from kubectl_metrics.sources.reach import Reach
from kubectl_metrics.wire import status
from kubectl_metrics.wire.core import Node

CONNECT_TIMEOUT = 3.0  # seconds for one address: kubelets are near, or not reachable at all
PROXIED = 16  # requests through the API server at a time ...
PROXIED_MOST = 128  # ... and with those that hang
_REMEDY = (
    "; --kubelet-certificate-authority names another CA, --kubelet-access=proxy goes through the API server, "
    "--kubelet-insecure-tls verifies nothing"
)
MAX_ANSWER = 64 << 20  # bytes of one kubelet's answer, whatever it is
MAX_USAGE = 8 << 20  # bytes of what is computed with: 500 pods make about 1 MB, and whatever there is has to be read


Parameters = Sequence[tuple[str, str]]
Question = tuple[str, Parameters]  # a kubelet's path, and a query


class Channel(msgspec.Struct):
    """A way to one kubelet: ``await fetch(path, query, bytes, within)``. ``proxied`` tells which way."""

    fetch: Callable[[str, Parameters, int, Deadline | None], Call[Response]]
    close: Callable[[], None]
    rest: Callable[[], None]  # keeps no connection until the next fetch
    redact: Callable[[str], str]  # takes the credential out of a text that may quote an answer
    proxied: bool


class Answer(msgspec.Struct):
    """A kubelet's answer, and the question that it is to."""

    channel: Channel  # that it came by, open for more
    number: int  # of the question, from 0
    response: Response


class Kubelets:
    """Opens channels to kubelets and remembers what it learned on the way. For the coroutines of one loop at a time."""

    def __init__(
        self,
        api: Transport,
        options: KubeletOptions,
        context: Callable[[], SSLContext],
        authorization: str | None,
        trace: Callable[[str], None] | None = None,
        total: Total | None = None,
    ) -> None:
        """``context`` and ``authorization`` are for direct access; ``api`` for access by proxy.

        ``context`` is called once, when the first kubelet is asked: where the API answers, no kubelet ever is.
        """
        self.options = options
        self._api = api
        self._make_context = context
        self._context: SSLContext | None = None
        self._authorization = authorization
        self._trace = trace
        self.total = total
        self._reach = Reach()
        self._proxied = Places(PROXIED, PROXIED_MOST)

    async def ask(
        self, node: Node, questions: Sequence[Question], within: Deadline | None = None, limit: int = MAX_USAGE
    ) -> Answer:
        """The answer to the first of ``questions`` that the kubelet does not refuse (403, 404).

        There is none when ``within`` is over, nor when its own time is, nor one of more than ``limit`` bytes.

        Raises ConnectionFailed or HTTPStatusError when no way leads to an answer; the message tells all that was tried.
        """
        access = self.options.access
        if access == "proxy":
            return await self._put(self.proxy(node), questions, limit, within)
        try:
            return await self._direct(node, questions, limit, within)
        except ConnectionFailed as error:
            if access == "direct" or error.kind not in UNREACHABLE_KINDS | UNVERIFIED_KINDS:
                raise
            failure: MetricsError = alone(error)  # or it and this call keep each other
        except HTTPStatusError as error:
            if access == "direct" or error.status not in (401, 403):
                raise
            failure = alone(error)
        try:
            return await self._put(self.proxy(node), questions, limit, within)
        except MetricsError as error:
            failure.message += f"; through the API server: {error.message}"
            raise failure from error

    async def _direct(self, node: Node, questions: Sequence[Question], limit: int, within: Deadline | None) -> Answer:
        hosts = list(addresses.addresses(node, self.options.address_types))
        if not hosts:
            reason = f"no address matched types [{' '.join(self.options.address_types)}]"
            raise ConnectionFailed(FailureKind.UNREACHABLE, node.name, reason)
        port = self.port(node)
        if not 0 < port < 65536:
            raise ConnectionFailed(FailureKind.UNREACHABLE, node.name, f"{port} is not a port")
        first, hosts = hosts[0], [host for host in hosts if addresses.is_host(host)]
        if not hosts:
            reason = f"its address {first!r:.80} is neither an IP address nor a host name"
            raise ConnectionFailed(FailureKind.UNREACHABLE, node.name, reason)
        if unreached := self._reach.hopeless():
            reason = f"not tried: the first {unreached} kubelets could not be reached"
            raise ConnectionFailed(FailureKind.UNREACHABLE, node.name, reason)
        failures: list[ConnectionFailed] = []
        deadline = Deadline(self.options.timeout, within=within)  # for all addresses together
        for host in hosts:
            transport = self.transport(node, host, port)
            try:
                answer = await self._put(direct_channel(transport), questions, limit, deadline)
            except ConnectionFailed as error:
                transport.close()
                failures.append(alone(error))
                if error.kind not in UNREACHABLE_KINDS:
                    self._reach.note(reached=True)
                    break  # there is a kubelet, and it would be the same one at its other addresses
                if len(failures) == 1 and error.kind is FailureKind.TIMEOUT:
                    self._reach.note(reached=False)
                if deadline.over():
                    break
            except MetricsError:
                transport.close()
                self._reach.note(reached=True)
                raise
            else:
                self._reach.note(reached=True)
                return answer
        failures[0].message = "; ".join(failure.message for failure in failures)
        if self.options.access == "direct" and failures[0].kind in UNVERIFIED_KINDS:
            failures[0].message += _REMEDY
        raise failures[0]

    async def _put(
        self, channel: Channel, questions: Sequence[Question], limit: int, within: Deadline | None
    ) -> Answer:
        refusals: list[HTTPStatusError] = []
        for number, (path, query) in enumerate(questions):
            response = await channel.fetch(path, query, limit, within)
            if 200 <= response.status < 300:
                return Answer(channel, number, response)
            refusals.append(refusal(path, response))
            if response.status not in (403, 404) or is_api_refusal(response):
                break
        refusals[0].message = "; ".join(dict.fromkeys(refusal.message for refusal in refusals))
        try:
            raise refusals[0]
        finally:
            del refusals  # as there

    def port(self, node: Node) -> int:
        """Where a kubelet is asked directly; nothing says that it is a port at all."""
        options = self.options
        if options.port is not None:
            return options.port
        if not options.secure:
            return addresses.READ_ONLY_PORT
        return addresses.status_port(node) if options.use_node_status_port else addresses.SECURE_PORT

    def transport(self, node: Node, host: str, port: int) -> Transport:
        """The direct way, to one of the node's addresses. Raises KubeconfigError."""
        options = self.options
        return Transport(
            addresses.url(host, port, secure=options.secure),
            context=self._shared_context() if options.secure else None,
            names=addresses.names(node),
            authorization=self._authorization,  # which a Transport never sends over plain HTTP
            connect_timeout=min(CONNECT_TIMEOUT, options.timeout),
            timeout=options.timeout,
            total=self.total,
            trace=self._trace,
            connections=1,
        )

    def _shared_context(self) -> SSLContext:
        if self._context is None:
            self._context = self._make_context()
        return self._context

    def proxy(self, node: Node) -> Channel:
        """The way through the API server."""
        prefix = f"/api/v1/nodes/{quote(node.name, safe='')}"
        if self.options.port is not None:
            prefix += f":{self.options.port}"

        async def fetch(path: str, query: Parameters, limit: int, within: Deadline | None) -> Response:
            async with self._proxied.one():  # the time begins when its turn has come
                return await self._api.fetch(
                    f"{prefix}/proxy{path}", query, timeout=self.options.timeout, limit=limit, within=within
                )

        return Channel(fetch, lambda: None, lambda: None, self._api.redact, proxied=True)


def direct_channel(transport: Transport) -> Channel:
    """The way to a kubelet over a connection of its own."""

    def fetch(path: str, query: Parameters, limit: int, within: Deadline | None) -> Call[Response]:
        return transport.fetch(path, query, limit=limit, within=within)

    return Channel(fetch, transport.close, transport.rest, transport.redact, proxied=False)


def is_api_refusal(response: Response) -> bool:
    """Whether a refusal is the API server's own (a Status) and not the kubelet's (plain text)."""
    return response.body.lstrip()[:1] == b"{"


def refusal(path: str, response: Response) -> HTTPStatusError:
    """What an answer other than 2xx means. The API server explains itself in a Status, a kubelet in a line of text."""
    if is_api_refusal(response) or response.status >= 500:
        return status.error(response.status, response.body, path)
    text = status.shorten(response.body[:1000].decode("utf-8", "replace"))
    if response.status == 401:
        return HTTPStatusError(401, "Unauthorized", "the kubelet does not accept these credentials (401 Unauthorized)")
    if response.status == 403 and text and not text.startswith("<"):
        return HTTPStatusError(403, "Forbidden", text)
    return HTTPStatusError(response.status, "", f"the kubelet answered {path} with {response.status} {response.reason}")
