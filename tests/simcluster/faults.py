"""What can be wrong with a server, on demand.

Every way to make one is a static method of ``Fault``; ``FaultBoard`` knows which are in force. A fault acts in one of
three stages: ``listen`` (whether there is anybody to connect to), ``connect`` (instead of the TLS handshake) and
``respond`` (in place of the orderly sending of a response, for the paths it was meant for).
"""

from __future__ import annotations

import functools
import json
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from tests.simcluster.messages import Response, failure

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from tests.simcluster.server import Connection, Exchange

Stage = Literal["listen", "connect", "respond"]
Part = Literal["start", "head", "headers", "body"]
"""Before the first byte, in the middle of the headers, right after them, in the middle of the body."""

_MEBIBYTE = 1 << 20
_LONG_RECORD = b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c" + bytes(2000)

_REASONS = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "Unauthorized"),
    403: ("Forbidden", "forbidden"),
    404: ("NotFound", "the server could not find the requested resource"),
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    500: ("InternalError", "Internal error occurred"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
}


def _nothing(*_: object) -> None:
    """What a fault does in the stages that are not its own."""


class Gate:
    """Where answers wait for one another, see ``Fault.held``: it opens, for good, when so many wait at once."""

    def __init__(self, wanted: int, linger: float = 0) -> None:
        """It stays shut for ``linger`` seconds more, to see whether others come."""
        self.most = 0
        """The most that have ever waited at once."""
        self.came: list[float] = []
        """When each request came, by ``time.monotonic``."""
        self._wanted, self._linger = wanted, linger
        self._waiting = 0
        self._lock = threading.Lock()
        self._open = threading.Event()

    def wait(self, exchange: Exchange) -> None:
        """Returns when the gate is open."""
        with self._lock:
            self.came.append(time.monotonic())
            self._waiting += 1
            self.most = max(self.most, self._waiting)
            last = self._waiting == self._wanted
        try:
            if last:
                exchange.wait(self._linger)
                self._open.set()
            while not self._open.wait(0.2):
                exchange.wait(0)  # the cluster may be closing
        finally:
            with self._lock:
                self._waiting -= 1


@dataclass(frozen=True)
class Fault:
    """One way to misbehave. Make it with one of the static methods."""

    name: str
    stage: Stage
    on_response: Callable[[Exchange, Response], None] = field(default=_nothing, repr=False)
    on_connect: Callable[[Connection], None] = field(default=_nothing, repr=False)
    queue_full: bool = False

    # ---- nobody there ------------------------------------------------------------------------------------------------

    @staticmethod
    def refuse() -> Fault:
        """Connections are refused: the process is not running. Open connections are cut."""
        return Fault("refuse", "listen")

    @staticmethod
    def unreachable() -> Fault:
        """Connecting never ends: the host is gone, or a firewall drops packets. Open connections are cut."""
        return Fault("unreachable", "listen", queue_full=True)

    # ---- instead of a TLS handshake ----------------------------------------------------------------------------------

    @staticmethod
    def hang_handshake() -> Fault:
        """The connection is accepted and never answered."""
        return Fault("hang handshake", "connect", on_connect=lambda connection: connection.wait())

    @staticmethod
    def reset_handshake() -> Fault:
        """RST in answer to the first byte of the handshake."""
        return Fault("reset handshake", "connect", on_connect=lambda connection: connection.reset_at_first_byte())

    @staticmethod
    def drip_handshake(interval: float = 0.05) -> Fault:
        """The head of a TLS record that announces 16,000 bytes, and then one of them every ``interval`` seconds."""
        return Fault("drip handshake", "connect", on_connect=lambda connection: connection.drip(_LONG_RECORD, interval))

    @staticmethod
    def raw_handshake(data: bytes) -> Fault:
        """These bytes in answer to the first bytes of the handshake, then the end."""
        return Fault("raw handshake", "connect", on_connect=lambda connection: connection.answer_handshake(data))

    @staticmethod
    def tls(make: Callable[[str, str], ssl.SSLContext]) -> Fault:
        """Another certificate or another protocol: ``make`` has the server's name and address and makes the context."""
        return Fault("tls", "connect", on_connect=lambda connection: connection.serve_with(make))

    @staticmethod
    def plain_http() -> Fault:
        """The TLS port speaks plain HTTP (and would serve it)."""
        return Fault("plain http", "connect", on_connect=lambda connection: connection.serve_plain())

    # ---- silence and broken connections ------------------------------------------------------------------------------

    @staticmethod
    def delay(seconds: float) -> Fault:
        """The right answer, late."""

        def respond(exchange: Exchange, response: Response) -> None:
            exchange.wait(seconds)
            exchange.respond(response)

        return Fault("delay", "respond", respond)

    @staticmethod
    def held(gate: Gate) -> Fault:
        """The right answer, when the gate is open. Whoever has given up waiting still counts as one that waits."""

        def respond(exchange: Exchange, response: Response) -> None:
            gate.wait(exchange)
            exchange.respond(response)

        return Fault("held", "respond", respond)

    @staticmethod
    def hang(at: Part = "start") -> Fault:
        """Nothing comes from the start, or from somewhere (see ``Part``) on."""

        def respond(exchange: Exchange, response: Response) -> None:
            _send_until(at, exchange, response)
            exchange.wait()

        return Fault(f"hang at {at}", "respond", respond)

    @staticmethod
    def drip(part: Literal["headers", "body"] = "body", interval: float = 0.05) -> Fault:
        """One byte every ``interval`` seconds, from the first one (``headers``) or after the headers (``body``)."""

        def respond(exchange: Exchange, response: Response) -> None:
            body = exchange.body(response)
            head = exchange.head(response, length=len(body))
            if part == "body":
                exchange.send(head)
            for byte in body if part == "body" else head + body:
                exchange.send(bytes([byte]))
                exchange.wait(interval)

        return Fault(f"drip {part}", "respond", respond)

    @staticmethod
    def reset(at: Part = "start") -> Fault:
        """RST before anything is sent, or at some other place (see ``Part``)."""

        def respond(exchange: Exchange, response: Response) -> None:
            _send_until(at, exchange, response)
            exchange.reset()

        return Fault(f"reset at {at}", "respond", respond)

    @staticmethod
    def truncated(missing: int = 1) -> Fault:
        """An orderly close ``missing`` bytes before the Content-Length is reached."""

        def respond(exchange: Exchange, response: Response) -> None:
            body = exchange.body(response)
            exchange.send(exchange.head(response, length=len(body)) + body[: max(0, len(body) - missing)])
            exchange.finish()

        return Fault("truncated", "respond", respond)

    @staticmethod
    def raw(data: bytes) -> Fault:
        """These bytes inside TLS in place of an HTTP response, then the end."""

        def respond(exchange: Exchange, _: Response) -> None:
            exchange.send(data)
            exchange.finish()

        return Fault("raw", "respond", respond)

    @staticmethod
    def beneath_tls(data: bytes) -> Fault:
        """These bytes on the wire where an encrypted record should begin, then the end."""

        def respond(exchange: Exchange, _: Response) -> None:
            exchange.send_beneath(data)
            exchange.finish()

        return Fault("beneath tls", "respond", respond)

    @staticmethod
    def endless(begin: bytes, again: bytes, interval: float = 0) -> Fault:
        """``begin``, and then ``again`` every ``interval`` seconds as long as somebody listens."""

        def respond(exchange: Exchange, _: Response) -> None:
            exchange.send(begin)
            while True:
                exchange.send(again)
                exchange.wait(interval)

        return Fault("endless", "respond", respond)

    # ---- other answers -----------------------------------------------------------------------------------------------

    @staticmethod
    def status(
        code: int,
        reason: str | None = None,
        message: str | None = None,
        *,
        retry_after: int | None = None,
        html: bool = False,
    ) -> Fault:
        """An error: a Status with Kubernetes' own reason and message unless others are given, or a page of HTML."""
        usual_reason, usual_message = _REASONS.get(
            code, ("", "an error on the server has prevented the request from succeeding")
        )
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if html:
            page = f"<html><head><title>{code}</title></head><body><h1>{message or code}</h1></body></html>\n"
            return Fault.body(page.encode(), "text/html", code, headers)
        answer = failure(
            code, usual_reason if reason is None else reason, usual_message if message is None else message
        )
        return Fault.answer(replace(answer, headers=headers))

    @staticmethod
    def body(
        body: bytes, content_type: str = "application/json", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Fault:
        """Any other response."""
        return Fault.answer(Response(status, body, content_type, dict(headers or {})))

    @staticmethod
    def answer(answer: Response) -> Fault:
        """The same as ``body``, ready made."""
        return Fault("other answer", "respond", lambda exchange, _: exchange.respond(answer))

    @staticmethod
    def headers(headers: Mapping[str, str], content_type: str | None = None) -> Fault:
        """The right body with other headers; Content-Length and Transfer-Encoding are believed here, not checked."""

        def respond(exchange: Exchange, response: Response) -> None:
            body = exchange.body(response)
            said = Response(
                response.status, body, content_type or response.content_type, {**response.headers, **headers}
            )
            exchange.send(exchange.head(said) + body)
            exchange.finish()

        return Fault("headers", "respond", respond)

    @staticmethod
    def edit(change: Callable[[Any], object]) -> Fault:
        """The right JSON document after ``change`` has had its hands on it (what it returns does not matter)."""

        def respond(exchange: Exchange, response: Response) -> None:
            document = json.loads(exchange.body(response))
            change(document)
            exchange.respond(replace(response, body=json.dumps(document).encode()))

        return Fault("edit", "respond", respond)

    @staticmethod
    def edit_text(change: Callable[[str], str], encoding: str = "utf-8") -> Fault:
        """The right body as a text after ``change``, in some encoding."""

        return Fault.edit_bytes(lambda body: change(body.decode()).encode(encoding))

    @staticmethod
    def edit_bytes(change: Callable[[bytes], bytes]) -> Fault:
        """The right body after ``change``."""

        def respond(exchange: Exchange, response: Response) -> None:
            exchange.respond(replace(response, body=change(exchange.body(response))))

        return Fault("edit bytes", "respond", respond)

    @staticmethod
    def empty_list() -> Fault:
        """The right list without its items."""
        return Fault.edit(lambda document: document.update(items=[]))

    @staticmethod
    def oversized(size: int, *, announced: bool = True) -> Fault:
        """``size`` bytes of spaces, streamed, with the right Content-Length or (not ``announced``) in chunks."""

        def respond(exchange: Exchange, response: Response) -> None:
            if announced:
                exchange.send(exchange.head(response, length=size))
                for begin in range(0, size, _MEBIBYTE):
                    exchange.send(b" " * min(_MEBIBYTE, size - begin))
            else:
                pieces = (b" " * min(_MEBIBYTE, size - begin) for begin in range(0, size, _MEBIBYTE))
                exchange.respond(replace(response, body=pieces))

        return Fault("oversized", "respond", respond)

    @staticmethod
    def gzip_bomb(mebibytes: int = 1024) -> Fault:
        """A valid gzip body, about a thousandth of the size it unpacks to."""
        return Fault.body(_gzip_of_spaces(mebibytes), headers={"Content-Encoding": "gzip"})

    @staticmethod
    def redirect(url: str, status: int = 302) -> Fault:
        """Somewhere else."""
        return Fault.body(b"", "text/html", status, {"Location": url})


def _send_until(part: Part, exchange: Exchange, response: Response) -> None:
    """The answer as far as that."""
    body = exchange.body(response)
    head = exchange.head(response, length=len(body))
    ends = {"start": 0, "head": len(head) // 2, "headers": len(head), "body": len(head) + len(body) // 2}
    exchange.send((head + body)[: ends[part]])


@functools.lru_cache(maxsize=4)
def _gzip_of_spaces(mebibytes: int) -> bytes:
    """One gzip stream: a block that was flushed with its history forgotten may be repeated as often as one likes."""
    block = b" " * _MEBIBYTE
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(mebibytes):
        checksum = zlib.crc32(block, checksum)
    trailer = checksum.to_bytes(4, "little") + (mebibytes * _MEBIBYTE % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + packed * mebibytes + b"\x03\x00" + trailer


class Installed:
    """A fault in force; also a context manager that ends it."""

    def __init__(self, board: FaultBoard, fault: Fault, targets: frozenset[str], path: str, times: int | None) -> None:
        self.fault, self.targets, self.path, self.hits = fault, targets, path, 0
        self._board, self._times = board, times

    def remove(self) -> None:
        """Back to normal. What already hangs goes on hanging until the cluster is closed."""
        self._board.remove(self)

    def concerns(self, server: str, stage: Stage, path: str) -> bool:
        """Whether it is meant for this server, stage and path, and not used up."""
        return (
            self.fault.stage == stage
            and (server in self.targets or (server != "api" and "kubelets" in self.targets))
            and (stage != "respond" or path.startswith(self.path))
            and (self._times is None or self.hits < self._times)
        )

    def __enter__(self) -> Installed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


class FaultBoard:
    """The faults in force in one cluster; the newest one that fits is the one that acts."""

    def __init__(self) -> None:
        self.changed: Callable[[frozenset[str]], None] = _nothing
        """Called when whether somebody listens may have changed."""
        self._installed: list[Installed] = []
        self._lock = threading.Lock()

    def install(self, fault: Fault, targets: frozenset[str], path: str, times: int | None) -> Installed:
        """Put a fault in force."""
        installed = Installed(self, fault, targets, path, times)
        with self._lock:
            self._installed.insert(0, installed)
        if fault.stage == "listen":
            self.changed(targets)
        return installed

    def remove(self, installed: Installed) -> None:
        """Take a fault out of force; once is enough, more often does no harm."""
        with self._lock:
            if installed not in self._installed:
                return
            self._installed.remove(installed)
        if installed.fault.stage == "listen":
            self.changed(installed.targets)

    def find(self, server: str, stage: Stage, path: str = "/") -> Fault | None:
        """The fault that acts here and now; it counts as a hit."""
        with self._lock:
            for installed in self._installed:
                if installed.concerns(server, stage, path):
                    installed.hits += 1
                    return installed.fault
        return None
