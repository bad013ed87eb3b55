"""Servers that write down every byte a client sends, as it came over the wire and as they could read it."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from tests.simcluster.pki import Authority, Pki

Kind = Literal["verified", "unknown-ca", "expired", "other-name", "plain", "old-tls", "silent"]
UNVERIFIED: tuple[Kind, ...] = ("unknown-ca", "expired", "other-name", "plain", "old-tls")

Answer = Callable[[str], bytes]
"""Makes a whole response for the target of a request."""


def reply(body: str, status: str = "200 OK", *headers: str) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


def not_found(target: str) -> bytes:
    """The API server's answer to a path that it does not know."""
    del target
    return reply('{"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}', "404 Not Found")


class Listener:
    """Listens on loopback for the length of a ``with`` block."""

    def __init__(
        self, pki: Pki, kind: Kind, answer: Answer = not_found, *, names: tuple[str, ...] = ("127.0.0.1",)
    ) -> None:
        """``pki.cluster`` is what clients trust, ``names`` are what they expect; a silent one never answers."""
        self.wire = bytearray()  # what came, encrypted or not
        self.said = bytearray()  # what of it could be read
        self.handshakes = 0  # that were done
        self.certificates: list[bytes] = []  # of clients, DER
        self.targets: list[str] = []  # of requests, in the order in which they came
        self.connections = 0
        self.heard_something = threading.Event()
        self.kind = kind
        self._context = None if kind in ("plain", "silent") else _context(pki, kind, names)
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Listener:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def heard(self) -> bytes:
        """All there is of what clients have sent."""
        return bytes(self.wire + self.said) + b"".join(self.certificates)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            thread = threading.Thread(target=self._guard, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _guard(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):  # the client has gone, or does not want to be served
            self.serve(sock)

    def serve(self, sock: socket.socket) -> None:
        """One connection, until its end."""
        if self._context is None:
            self._serve_plain(sock)
        else:
            self._serve_tls(sock, self._context)

    def _serve_plain(self, sock: socket.socket) -> None:
        heads = _Heads()
        while data := sock.recv(65536):
            self.wire += data
            self.said += data
            self.heard_something.set()
            if self.kind == "silent":
                continue
            if data[:1] == b"\x16":  # the first record of TLS: what a web server says to it
                sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
            for target in heads.feed(data):
                self.targets.append(target)
                sock.sendall(self._answer(target))

    def _serve_tls(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(received, sent, server_side=True)
        heads, done = _Heads(), False
        while data := sock.recv(65536):
            self.wire += data
            received.write(data)
            try:
                if not done:
                    tls.do_handshake()
                    done = True
                    self.handshakes += 1
                    if shown := tls.getpeercert(binary_form=True):
                        self.certificates.append(shown)
                while plain := tls.read(65536):
                    self.said += plain
                    for target in heads.feed(plain):
                        self.targets.append(target)
                        tls.write(self._answer(target))
            except ssl.SSLWantReadError:
                pass
            finally:
                sock.sendall(sent.read())  # also an alert


class Tunnel(Listener):
    """An HTTP proxy that leads every CONNECT to one port, whatever was asked for; a plain request it answers itself."""

    def __init__(self, pki: Pki, target: int) -> None:
        super().__init__(pki, "plain")
        self._target = target

    def serve(self, sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = sock.recv(65536)
            if not data:
                return
            head += data
        self.wire += head
        self.said += head
        method, target, _ = head.decode("latin-1").split(" ", 2)
        self.targets.append(target)
        if method != "CONNECT":
            sock.sendall(not_found(target))
            return
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self._target)) as onward:
            back = threading.Thread(target=_copy, args=(onward, sock))
            back.start()
            _copy(sock, onward, self.wire)
            back.join()


def _copy(source: socket.socket, sink: socket.socket, record: bytearray | None = None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if record is not None:
                record += data
            sink.sendall(data)
    for sock in (source, sink):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


class _Heads:
    """Finds the targets of the requests in a stream."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        self._rest += data
        targets = []
        while b"\r\n\r\n" in self._rest:
            head, _, rest = self._rest.partition(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
            if length and len(rest) < int(length[1]):
                break
            self._rest = rest[int(length[1]) if length else 0 :]
            targets.append(head.split(b" ", 2)[1].decode("latin-1"))
        return targets


def _context(pki: Pki, kind: Kind, names: tuple[str, ...]) -> ssl.SSLContext:
    authority = Authority("unknown") if kind == "unknown-ca" else pki.cluster
    names = ("elsewhere.example", "192.0.2.1") if kind == "other-name" else names
    context = pki.server_context(authority.server("server", names, expired=kind == "expired"))
    if kind == "old-tls":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
    return context
