"""HTTP requests to one server, within a total time and a total size, and nothing secret to anybody else.

Strategy: a ``Transport`` is one server, a context and what to say; it keeps idle connections and gives each request
one of them. It returns what the server said, whatever the status; it follows no redirect, so credentials cannot
follow one. What goes wrong below HTTP is a ``ConnectionFailed``. ``fetch`` is for a coroutine (``loop``), ``get`` and
``post`` are for a thread that has nothing else to do.

Facts
- A server may close an idle connection at any moment. A request that finds it closed before there was an answer is
  sent once more on a new one, as Go's net/http does for GET. Nobody can tell whether the server had read it: harmless
  for GET, and for POST because only what is answered and not stored may be posted (reviews).
- A server that has too much to do says when to come again; see ``again``. Waiting is part of the request's time.
- The API server compresses only what is larger than 128 KiB and only if asked; on loopback that costs more than it
  saves.
- A kubelet and the API server answer HTTP/1.1; HTTP/2 would save connections, not round trips.
"""

from __future__ import annotations

import re
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

import msgspec

import kubectl_metrics
from kubectl_metrics.connection import again, failures
from kubectl_metrics.connection import proxy as proxies
from kubectl_metrics.connection.deadlines import Deadline, Total, format_seconds
from kubectl_metrics.connection.dialing import Connection
from kubectl_metrics.connection.echoes import Echoes
from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.pool import Closed, Pool
from kubectl_metrics.connection.stream import Stream
from kubectl_metrics.connection.tcp import CONNECT_TIMEOUT, join, place
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from kubectl_metrics.wire.http import ResponseReader, Sink, request
from kubectl_metrics.wire.servername import is_ip

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_metrics.connection.ahead import Ahead

API_TIMEOUT = 120.0  # seconds for one request, if nobody says otherwise
MAX_BODY = 512 * 1024 * 1024  # bytes
_ERROR = 64 * 1024  # bytes of the body of an error: more is not read
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")  # what ssl takes for SNI


class Response(msgspec.Struct, frozen=True):
    """What the server answered, to the last byte of the body."""

    status: int
    reason: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes  # decompressed; of an error, what comes first
    size: int  # bytes of it
    sink: Sink | None  # what has got the body instead
    seconds: float  # from the call to the last byte


class _Question(msgspec.Struct):
    """What is sent, apart from the transport's own headers, and what becomes of the answer."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None
    limit: int
    sink: Callable[[], Sink] | None = None
    target: str = ""  # path and query as they are sent, with the server's prefix


class Transport:
    """The way to one server. Thread-safe; cheap to make, connections are opened when needed."""

    def __init__(
        self,
        url: str,
        *,
        context: ssl.SSLContext | None,
        names: Sequence[str] = (),
        authorization: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        proxy_url: str | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        timeout: float = API_TIMEOUT,
        total: Total | None = None,
        user_agent: str = f"kubectl-metrics/{kubectl_metrics.__version__}",
        compress: bool = True,
        trace: Callable[[str], None] | None = None,
        connections: int = 8,
        ahead: Ahead | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: scheme://host[:port][/prefix], IPv6 in brackets.
            context: of ``tls.client_context``; needed for https, ignored for http.
            names: the certificate has to be for one of them; by default for the URL's host.
            authorization: the header of that name. Not sent over http.
            headers: more headers, e.g. impersonation. Not sent over http.
            proxy_url: the proxy to use, None for the direct way.
            connect_timeout: seconds until TCP has to be connected.
            timeout: seconds for a whole request.
            total: for all requests together, also those of other transports.
            user_agent: the header.
            compress: whether to ask for gzip (never asked of loopback).
            trace: gets one line for each request, without headers.
            connections: how many idle ones to keep.
            ahead: connections to this server that are being opened already; used only without a proxy.

        Raises:
            KubeconfigError: the proxy's URL cannot be used.
        """
        host, port = place(url)
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        if self._secure and context is None:
            raise ValueError("https needs a context")
        self.server = join(host, port)
        self.certificate: bytes | None = None  # that the server has shown last, DER, whatever its names
        self._host, self._port = host, port
        self._prefix = _encode(parts.path).rstrip("/") if parts.path else ""
        self._context = context if self._secure else None
        self._names = tuple(names) or (host,)
        self._sni = next((n.rstrip(".") for n in (*names, host) if _HOST_NAME.fullmatch(n) and not is_ip(n)), None)
        self._proxy = None
        if proxy_url:
            from kubectl_metrics.connection.proxying import Proxy

            self._proxy = Proxy(proxy_url)
        public = host.partition("%")[0]  # a zone means nothing to the server
        name = join(public, port) if parts.port else f"[{public}]" if ":" in host else host
        encoding = "gzip" if compress and not proxies.is_loopback(host) else "identity"
        self._headers = [("Host", name), ("User-Agent", user_agent), ("Accept-Encoding", encoding)]
        if self._secure:
            if authorization:
                self._headers.append(("Authorization", authorization))
            # As UTF-8, like Go; as Latin-1, each character is one byte of it.
            self._headers += [(name, value.encode().decode("latin-1")) for name, value in headers]
        self.proxied = self._proxy is not None  # whether somebody stands in between, whose headers one may see
        self._forward = self._proxy is not None and not self._secure and not self._proxy.socks
        for_proxy = self._proxy.headers() if self._proxy else {}
        if self._forward:
            self._headers += for_proxy.items()
        self._connect_timeout = connect_timeout
        self.timeout = timeout  # seconds for a request where nobody says otherwise
        self._total = total
        self._pause = again.Pause()
        self._echoes = Echoes(authorization, *for_proxy.values())
        self._trace = trace
        self._ahead = ahead if self._proxy is None else None
        if self._ahead is not None:
            self._ahead.greet(self._greeting)
        self._pool = Pool(connections)

    def get(
        self,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        accept: str = "application/json",
        timeout: float | None = None,
        limit: int = MAX_BODY,
        sink: Callable[[], Sink] | None = None,
    ) -> Response:
        """Ask for ``path`` and read the answer, whatever its status.

        Args:
            path: absolute; what needs it is percent-encoded, what is encoded already stays so.
            query: names and values, not encoded.
            accept: the header.
            timeout: seconds for everything from connecting to the last byte; by default the transport's.
            limit: bytes of the body, compressed and decompressed.
            sink: makes what gets the body, while it comes, of an answer that is no error.

        Raises:
            ConnectionFailed: there was no whole answer.
        """
        return run(self.fetch(path, query, accept=accept, timeout=timeout, limit=limit, sink=sink))

    async def fetch(
        self,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        *,
        accept: str = "application/json",
        timeout: float | None = None,
        limit: int = MAX_BODY,
        sink: Callable[[], Sink] | None = None,
        within: Deadline | None = None,
    ) -> Response:
        """As ``get``, while others do something else; ``within`` is the end of this and other requests together."""
        question = _Question("GET", {"Accept": accept}, None, limit, sink)
        return await self._exchange(path, query, question, timeout, within)

    def post(
        self,
        path: str,
        body: bytes,
        *,
        query: Sequence[tuple[str, str]] = (),
        accept: str = "application/json",
        timeout: float | None = None,
        limit: int = MAX_BODY,
    ) -> Response:
        """Send JSON to ``path`` and read the answer, whatever its status: a review, nothing that changes anything.

        It may be sent twice (see the top of the module), so it must not matter how often it arrives.

        Args:
            path: absolute; what needs it is percent-encoded, what is encoded already stays so.
            body: as it is sent.
            query: names and values, not encoded.
            accept: the header.
            timeout: seconds for everything from connecting to the last byte; by default the transport's.
            limit: bytes of the answer's body, compressed and decompressed.

        Raises:
            ConnectionFailed: there was no whole answer.
        """
        headers = {"Accept": accept, "Content-Type": "application/json"}
        return run(self._exchange(path, query, _Question("POST", headers, body, limit), timeout))

    def redact(self, text: str) -> str:
        """A text that may quote what the server said, without the credential."""
        return self._echoes.out_of_text(text)

    def rest(self) -> None:
        """Close the connections that are not in use; the next request opens one again."""
        self._pool.rest()

    def close(self) -> None:
        """Close all connections; requests on their way fail."""
        if self._ahead is not None:
            self._ahead.close()
        self._pool.close()
        self._pause.end()

    def _greeting(self, sock: socket.socket) -> Stream:
        stream = Stream(sock)
        if self._context is not None:
            stream.begin_tls(self._context, self._sni)
        return stream

    def _connection(self) -> Connection:
        return Connection(
            self._host,
            self._port,
            context=self._context,
            names=self._names,
            server_hostname=self._sni,
            proxy=self._proxy,
            ahead=self._ahead,
        )

    async def _exchange(
        self,
        path: str,
        query: Sequence[tuple[str, str]],
        question: _Question,
        timeout: float | None,
        within: Deadline | None = None,
    ) -> Response:
        question.target = self._prefix + _encode(path)
        if query:
            question.target += "?" + urlencode(query, errors="surrogateescape", quote_via=quote)
        if self._total is not None and self._total.left() <= 0:
            raise ConnectionFailed(FailureKind.OVER, self.server, f"not asked: {self._total} are over")
        deadline = Deadline(self.timeout if timeout is None else timeout, self._total, within=within)
        try:
            response = await self._patiently(question, deadline)
        except ConnectionFailed as failure:
            self._tell(question, f"failed in {_ms(deadline.started)}: {failure.reason}")
            raise
        self._tell(
            question,
            f"{response.status} {response.reason} in {_ms(deadline.started)}, {response.size} bytes",
        )
        return response

    async def _patiently(self, question: _Question, deadline: Deadline) -> Response:
        """The answer; another one if the first says when to come again, and there is time for it."""
        tries = again.TRIES
        while True:
            while 0 < (left := self._pause.left()) < deadline.left():  # it told somebody else to wait
                if not await self._pause.wait(left):
                    break
            response = await self._request(question, deadline)
            seconds = again.retry_after(response.status, response.headers.get("retry-after"))
            if seconds is None or not tries or seconds >= deadline.left():
                return response
            tries -= 1
            if response.status == 429:  # before it is told: whoever hears of it waits, too
                self._pause.extend(min(seconds, again.SHARED))
            self._tell(question, f"{response.status} {response.reason}, once more in {seconds:.0f} s")
            await self._pause.wait(seconds)

    async def _request(self, question: _Question, deadline: Deadline) -> Response:
        while True:
            try:
                connection = self._pool.take(self._connection)
            except Closed:
                raise ConnectionFailed(FailureKind.RESET, self.server, "use of closed connection") from None
            reader = ResponseReader(question.limit, _ERROR, question.sink)
            reusable = False
            try:
                await self._ask(connection, question, reader, deadline)
                reusable = reader.reusable
                return self._response(reader, deadline)
            except (*failures.EXPECTED, failures.ProxyFailed) as error:
                # An idle connection may have been closed by the server.
                gone = failures.is_gone(error)
                if connection.used and gone and not reader.begun and not deadline.over() and not self._pool.closed:
                    continue
                raise self._failure(error, connection, reader, deadline) from error
            finally:
                self._pool.give_back(connection, reusable=reusable)

    async def _ask(
        self, connection: Connection, question: _Question, reader: ResponseReader, deadline: Deadline
    ) -> None:
        if connection.stream is None:
            try:
                await connection.open(deadline, self._connect_timeout)
            finally:
                self.certificate = connection.certificate or self.certificate
            if self._pool.closed:  # close() could not know of the socket
                raise ConnectionAbortedError
        target = f"http://{self.server}{question.target}" if self._forward else question.target
        headers = [*self._headers, *question.headers.items()]
        await connection.ask(request(question.method, target, headers, question.body), reader, deadline)

    def _response(self, reader: ResponseReader, deadline: Deadline) -> Response:
        body = reader.body()
        return Response(
            status=reader.status,
            reason=_one_line(self._echoes.out_of_text(reader.reason)),
            headers=reader.headers,
            body=self._echoes.out_of(body) if reader.status >= 300 else body,
            size=reader.size,
            sink=reader.sink,
            seconds=time.monotonic() - deadline.started,
        )

    def _failure(
        self, error: Exception, connection: Connection, reader: ResponseReader, deadline: Deadline
    ) -> ConnectionFailed:
        if deadline.over():
            kind = FailureKind.HUNG if connection.phase == "answer" else FailureKind.TIMEOUT
            if deadline.total is not None:
                kind = FailureKind.OVER
            return ConnectionFailed(kind, self.server, _late(connection, reader, deadline))
        if isinstance(error, TimeoutError) and connection.phase == "connect":
            reason = _no_connection(format_seconds(self._connect_timeout))
            return ConnectionFailed(FailureKind.TIMEOUT, self.server, reason)
        if failures.is_gone(error) and reader.status:
            reason = f"EOF: closed the connection after {reader.so_far()}"
            return ConnectionFailed(FailureKind.RESET, self.server, reason)
        return failures.connection_failed(self.server, error)

    def _tell(self, question: _Question, outcome: str) -> None:
        if self._trace is not None and not self._pool.closed:  # nobody waits for what is cut off at the end
            scheme = "https" if self._secure else "http"
            self._trace(f"{question.method} {scheme}://{self.server}{question.target} {outcome}")


def _late(connection: Connection, reader: ResponseReader, deadline: Deadline) -> str:
    """What had not happened when the time was over."""
    if connection.phase == "connect":
        return _no_connection(deadline.words)
    if connection.phase == "handshake":
        return f"net/http: TLS handshake timeout: not done within {deadline.words}"
    if not reader.status:
        return f"i/o timeout: no answer within {deadline.words}"
    return f"i/o timeout: only {reader.so_far()} within {deadline.words}"


def _no_connection(limit: str) -> str:
    return f"i/o timeout: no connection within {limit}"


def _encode(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("the path has to be absolute")
    path = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", path)
    return quote(path, safe="/%:@!$&'()*+,;=~", errors="surrogateescape")


def _one_line(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:100]


def _ms(started: float) -> str:
    return f"{(time.monotonic() - started) * 1000:.0f} ms"
