"""Bytes over a socket that does not block: to send them, to receive them, and TLS around them.

Strategy: every call is tried first, and only if the system says that it would block, the coroutine waits (``loop``).
So what has come already costs no turn.

Facts
- A handshake may have to be written to while reading, and the other way round: OpenSSL says what it waits for.
- TLS 1.3 lets a server refuse a client's certificate only after the client thinks the handshake done: the first thing
  that is received raises it.
- TLS inside of TLS, to an https server through an https proxy, is not to be had from a socket: ``ssl`` can only wrap
  what the kernel knows. So there, the inner one reads and writes memory.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from kubectl_metrics.connection.loop import Call, readable, sleep, writable
from kubectl_metrics.connection.threads import outcome
from kubectl_metrics.wire.http import ResponseReader

T = TypeVar("T")
Ready = Callable[[socket.socket, float], Call[None]]


_TURN = 0.002  # seconds, after which it is the others' turn: who sends without a pause never makes us wait
_PIECE = 64 * 1024  # bytes received at once; of TLS, one record is 16 KiB


class TLSInTLS:
    """TLS over an SSLSocket that does not block; what a Stream needs of such a socket."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, name: str | None) -> None:
        """Nothing is sent yet."""
        self._outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._unsent = b""

    def do_handshake(self) -> None:
        """As of an SSLSocket, like all of them."""
        self._try(self._inner.do_handshake)

    def recv(self, size: int) -> bytes:
        try:
            return self._try(self._inner.read, size)
        except ssl.SSLEOFError:
            return b""

    def send(self, data: Any) -> int:
        return self._try(self._inner.write, data)

    def getpeercert(self, binary_form: bool = False) -> Any:
        return self._inner.getpeercert(binary_form)

    def close(self) -> None:
        self._outer.close()

    def _try(self, call: Callable[..., T], *args: Any) -> T:
        while True:
            try:
                result = call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                data = self._outer.recv(_PIECE)  # raises SSLWantReadError itself where there is nothing
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    self._flush()  # what is left over goes with the next call, which is one for the answer
                return result

    def _flush(self) -> None:
        self._unsent += self._outgoing.read()
        while self._unsent:
            self._unsent = self._unsent[self._outer.send(self._unsent) :]


class Stream:
    """A connected socket, and the TLS that it has got. ``wire`` is what the kernel knows of it."""

    __slots__ = ("_begun", "_top", "wire")

    def __init__(self, sock: socket.socket) -> None:
        """``sock`` is connected, and does not block."""
        self.wire = sock
        self._top: socket.socket | TLSInTLS = sock
        self._begun: Callable[[], None] | None = None  # goes on with what ``begin_tls`` has begun

    def begin_tls(self, context: ssl.SSLContext, name: str | None) -> None:
        """As ``start_tls``, whose turn it is then, but without waiting: the first words are sent.

        Raises OSError: the connection has been reset already.
        """
        handshake = self._secure(context, name)
        try:
            handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as error:
            handshake = partial(outcome, None, error.with_traceback(None))
        self._begun = handshake

    async def start_tls(self, context: ssl.SSLContext, name: str | None, until: float) -> None:
        """TLS, once more where there is TLS already; names are for the caller to check.

        Args:
            context: verifies the chain, or does not.
            name: for SNI, None to send none.
            until: time.monotonic() of the end.

        Raises:
            OSError: it failed (with ssl.SSLError), or was not done in time (TimeoutError).
        """
        handshake, self._begun = self._begun or self._secure(context, name), None
        await self._done(handshake, until=until)

    def _secure(self, context: ssl.SSLContext, name: str | None) -> Callable[[], None]:
        """One more layer of TLS, whose handshake is what is returned. Raises OSError."""
        secured: ssl.SSLSocket | TLSInTLS
        if isinstance(self._top, ssl.SSLSocket):
            self._top = secured = TLSInTLS(self._top, context, name)
        else:
            # The socket is an empty shell afterwards.
            self._top = self.wire = secured = _secured(self.wire, context, name)
        return secured.do_handshake

    def certificate(self) -> bytes | None:
        """The other side's, DER; None without TLS."""
        top = self._top
        return top.getpeercert(binary_form=True) if isinstance(top, (ssl.SSLSocket, TLSInTLS)) else None

    def names(self) -> Mapping[str, object]:
        """What the certificate is for, as ``SSLSocket.getpeercert()`` gives it; empty where nothing was verified."""
        top = self._top
        return (top.getpeercert() if isinstance(top, (ssl.SSLSocket, TLSInTLS)) else None) or {}

    async def send(self, data: bytes, until: float) -> None:
        """Send all of it. Raises OSError."""
        while data:
            data = data[await self._done(self._top.send, data, until=until, plain=writable) :]

    async def receive(self, until: float) -> bytes:
        """What has come, at least a byte; none at the end. Raises OSError."""
        return await self._done(self._top.recv, _PIECE, until=until)

    async def read(self, reader: ResponseReader, until: float) -> None:
        """Give what comes to ``reader``, until that is done. Raises OSError, or what the reader raises."""
        since = time.monotonic()
        while not reader.done:
            now = time.monotonic()
            if now >= until:
                raise TimeoutError
            if now - since > _TURN:
                await sleep(0.0)
                since = time.monotonic()
            if data := await self.receive(until):
                reader.feed(data)
            else:
                reader.end()

    async def _done(self, call: Callable[..., T], *args: Any, until: float, plain: Ready = readable) -> T:
        """What a call returns that may have to wait; ``plain`` is what for, where there is no TLS that says so."""
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                ready: Ready = readable
            except ssl.SSLWantWriteError:
                ready = writable
            except BlockingIOError:
                ready = plain
            await ready(self.wire, until)

    def is_quiet(self) -> bool:
        """Whether it is open, and nobody has said anything that has not been received."""
        try:
            socket.socket.recv(self.wire, 1, socket.MSG_PEEK)  # below TLS, which may have something to say any time
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def shut_down(self) -> None:
        """End both directions, from any thread: whoever waits for it wakes up, and finds it ended."""
        with contextlib.suppress(OSError):  # not connected any more
            socket.socket.shutdown(self.wire, socket.SHUT_RDWR)  # an SSLSocket's own would take its state away

    def close(self) -> None:
        """Close it."""
        self._top.close()


def _secured(sock: socket.socket, context: ssl.SSLContext, name: str | None) -> ssl.SSLSocket:
    """What has taken the descriptor over from ``sock``. Raises OSError where the connection has been reset already."""
    try:
        return context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
    except OSError as error:
        # Before Python 3.13, what has the descriptor by then is left open, and known to these calls alone.
        calls = error.__traceback__  # this one first
        while calls is not None and (calls := calls.tb_next) is not None:
            lost = calls.tb_frame.f_locals.get("self")
            if isinstance(lost, ssl.SSLSocket):
                lost.close()
        raise ConnectionResetError(errno.ECONNRESET, "connection reset by peer") from error
