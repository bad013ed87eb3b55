"""Small servers on loopback that behave, or misbehave, exactly as a test says.

A ``Server`` accepts on a port of its own and gives each connection a thread that runs ``handle(peer)``. It remembers
the requests it saw, which is what most tests look at: not what the client meant to send, but what reached the other
side.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

import msgspec


class Request(msgspec.Struct, frozen=True):
    """One request as it came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock

    def read_head(self) -> bytes:
        """Bytes up to the empty line; fewer if the client has gone."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            byte = self.sock.recv(1)
            if not byte:
                break
            data += byte
        return data

    def request(self) -> Request | None:
        """The next request, None at the end of the connection."""
        head = self.read_head()
        if not head.endswith(b"\r\n\r\n"):
            return None
        first, *lines = head.decode("utf-8").split("\r\n")[:-2]
        method, target, _ = first.split(" ")
        pairs = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        request = Request(method, target, pairs)
        with self.server.lock:
            self.server.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, pause: float = 0.02) -> None:
        """Send byte by byte, until the client goes or the test is over."""
        for index in range(len(data)):
            if self.server.stopping.wait(pause):
                return
            self.sock.sendall(data[index : index + 1])

    def hang(self) -> None:
        """Do nothing until the test is over."""
        self.server.stopping.wait()

    def reset(self) -> None:
        """Close with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Handler = Callable[[Peer], None]


class Server:
    """A server for the length of a ``with`` block."""

    def __init__(self, handle: Handler, *, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind((host, 0))
        self.listener.listen(64)
        self.port: int = self.listener.getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        self.address = f"{name}:{self.port}"
        self.url = f"http{'s' if context else ''}://{self.address}"
        self.requests: list[Request] = []
        self.connections = 0  # TCP connections accepted
        self.handshakes: list[str | None] = []  # the SNI of each that completed
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._handle = handle
        self._context = context
        self._names = threading.local()
        if context is not None:
            context.sni_callback = self._remember_name
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)

    def __enter__(self) -> Server:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self.listener.close()
        with self.lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _remember_name(self, _: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        del context
        self._names.value = name

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._names.value = None
        with self.lock:
            self._open.add(sock)
        raw = sock
        try:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                with self.lock:
                    self._open.remove(raw)
                    self._open.add(sock)
                if self.stopping.is_set():
                    return
                sock.do_handshake()
                self.handshakes.append(self._names.value)
            self._handle(Peer(self, sock))
        except OSError:
            pass  # the client has gone, which many tests want
        finally:
            with self.lock:
                self._open.discard(sock)
            sock.close()


def reply(body: bytes = b"{}", *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answering(respond: Callable[[Request], bytes]) -> Handler:
    """Answer each request of a connection with what ``respond`` makes of it."""

    def handle(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            peer.send(respond(request))

    return handle


def always(data: bytes = reply()) -> Handler:
    """Answer each request with ``data``."""
    return answering(lambda _: data)


def once(data: bytes) -> Handler:
    """Answer one request with ``data``, then close."""

    def handle(peer: Peer) -> None:
        peer.request()
        peer.send(data)

    return handle


@contextlib.contextmanager
def full_listener() -> Iterator[int]:
    """The port of a listener whose queue is full: connecting to it neither succeeds nor fails."""
    listener = socket.socket()
    waiting: list[socket.socket] = []
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        while len(waiting) < 64:
            sock = socket.socket()
            waiting.append(sock)
            sock.settimeout(0.2)
            try:
                sock.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        yield port
    finally:
        for sock in [*waiting, listener]:
            sock.close()


@contextlib.contextmanager
def refusing() -> Iterator[int]:
    """A port at which nobody listens, and which is taken all the same: nobody else can get it meanwhile."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
