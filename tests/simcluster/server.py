"""HTTP/1.1 over TLS on sockets of our own, so that every layer can be made to fail.

One ``Loop`` accepts for all servers of a cluster; each connection then has a thread. A ``Server`` knows an address, a
TLS context, a handler that turns a request into a response, and the faults that stand in between. Everything that waits
waits for ``Loop.closing`` or on a socket that ``Loop.close`` shuts down, so closing never takes longer than joining.
"""

from __future__ import annotations

import contextlib
import email.utils
import http
import select
import selectors
import socket
import ssl
import struct
import threading
import urllib.parse
from collections.abc import Callable

from tests.simcluster.faults import FaultBoard
from tests.simcluster.messages import Handler, Request, Response

_LIMIT = 1 << 20  # of a request's head
_BACKLOG = 1024
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Gone(Exception):
    """This connection has nothing more to say."""


class Connection:
    """One accepted connection: reads requests, answers them, until either side has enough."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.closing = server.loop.closing
        self._lock = threading.Lock()  # abort must not meet the moment in which the socket becomes a TLS socket
        self._aborted = False
        self._buffer = b""
        self._reading = True  # or it waits for something else than the client

    def run(self) -> None:
        """The whole life of the connection."""
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            fault = self.server.faults.find(self.server.name, "connect")
            if fault is not None:
                fault.on_connect(self)
            else:
                self.secure()
                self.serve()
        except (Gone, OSError):  # ssl.SSLError is an OSError
            pass
        finally:
            self.close()

    def secure(self, context: ssl.SSLContext | None = None) -> None:
        """The TLS handshake; a client that speaks plain HTTP is told so, in Go's words."""
        context = context or self.server.context
        if context is None:
            return
        if self.sock.recv(1, socket.MSG_PEEK).isalpha():
            self.sock.recv(65536)  # unread bytes would turn the close into a reset
            self.sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
            raise Gone
        with self._lock:
            if self._aborted:
                raise Gone
            self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()

    def serve(self) -> None:
        """Answer requests until the client closes."""
        while True:
            request = self.read_request()
            if request is None:
                return
            exchange = Exchange(self, request)
            response = self.server.handler(request)
            fault = self.server.faults.find(self.server.name, "respond", request.path)
            try:
                if fault is not None:
                    fault.on_response(exchange, response)
                else:
                    exchange.respond(response)
            finally:
                response.close()
            if request.headers.get("connection", "").lower() == "close":
                return

    def read_request(self) -> Request | None:
        """The next request; None when there is none."""
        self._reading = True
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > _LIMIT or not self._fill():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        method, target, protocol = [*line.split(" "), "", ""][:3]
        if not protocol.startswith("HTTP/1."):
            self.sock.sendall(_BAD_REQUEST)
            return None
        headers: dict[str, str] = {}
        for name, _, value in (text.partition(":") for text in lines):
            name, before = name.lower(), headers.get(name.lower())
            headers[name] = value.strip() if before is None else f"{before}, {value.strip()}"
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._fill():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        url = urllib.parse.urlsplit(target)
        certificate = (self.sock.getpeercert() if isinstance(self.sock, ssl.SSLSocket) else None) or {}
        request = Request(
            self.server.name,
            method,
            urllib.parse.unquote(url.path),
            dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
            headers,
            body,
            secure=isinstance(self.sock, ssl.SSLSocket),
            target=target,
            certificate=certificate,
        )
        self.server.requests.append(request)
        self._reading = False
        return request

    def is_behind(self) -> bool:
        """Whether the client has said something, or gone, and it has not been read yet."""
        if not self._reading:
            return False
        poll = select.poll()
        try:
            poll.register(self.sock, select.POLLIN)
        except ValueError:  # it is closed
            return False
        return bool(poll.poll(0))

    def _fill(self) -> bool:
        data = self.sock.recv(65536)
        self._buffer += data
        return bool(data)

    def serve_plain(self) -> None:
        """Answer requests without TLS; to a TLS handshake, what an HTTP server says to nonsense."""
        if self.sock.recv(1, socket.MSG_PEEK) == b"\x16":
            self.sock.recv(65536)
            self.sock.sendall(_BAD_REQUEST)
            raise Gone
        self.serve()

    def serve_with(self, make: Callable[[str, str], ssl.SSLContext]) -> None:
        """Serve with another TLS context than the server's own."""
        self.secure(make(self.server.name, self.server.address[0]))
        self.serve()

    def answer_handshake(self, data: bytes) -> None:
        """Say ``data`` to whoever begins a handshake, and close."""
        self.sock.recv(65536)
        self.sock.sendall(data)

    def drip(self, data: bytes, interval: float) -> None:
        """Say ``data`` to whoever begins a handshake, one byte every ``interval`` seconds."""
        self.sock.recv(65536)
        for byte in data:
            self.sock.sendall(bytes([byte]))
            self.wait(interval)

    def wait(self, seconds: float | None = None) -> None:
        """Sleep, for ever by default; closing the cluster ends it and the connection."""
        self._reading = False
        if self.closing.wait(seconds):
            raise Gone

    def reset_at_first_byte(self) -> None:
        """Let the client begin, so that what it sees does not depend on who is faster; then RST."""
        self.sock.recv(1)
        self.reset()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def abort(self) -> None:
        """Wake whatever this connection's thread waits for; called from another thread."""
        with self._lock:
            self._aborted = True
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown, which would take the TLS state away under the thread that uses it.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """End of life: leave the server's list, then let the socket go."""
        self.server.connections.discard(self)
        with self._lock, contextlib.suppress(OSError):
            self.sock.close()


class Exchange:
    """One request on its connection and the means to answer it, well or badly."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self.request = request
        self.send = connection.sock.sendall
        self.wait = connection.wait
        self.reset = connection.reset
        self._server = connection.server
        self._sock = connection.sock

    def send_beneath(self, data: bytes) -> None:
        """Send without encryption, also on a TLS connection."""
        socket.socket.sendall(self._sock, data)

    def finish(self) -> None:
        """Close the connection in an orderly way."""
        raise Gone

    def head(self, response: Response, length: int | None = None) -> bytes:
        """Status line and headers; ``length`` is for a body that is sent otherwise than ``respond`` would."""
        headers = {
            "Content-Type": response.content_type,
            "Date": email.utils.formatdate(self._server.now(), usegmt=True),
            **response.headers,
        }
        if length is not None:
            headers["Content-Length"] = str(length)
        elif isinstance(response.body, bytes):
            headers.setdefault("Content-Length", str(len(response.body)))
        else:
            headers.setdefault("Transfer-Encoding", "chunked")
        try:
            phrase = http.HTTPStatus(response.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {response.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def body(self, response: Response) -> bytes:
        """The whole body as one piece."""
        return response.body if isinstance(response.body, bytes) else b"".join(response.body)

    def respond(self, response: Response) -> None:
        """Send a response as it should be sent."""
        head = self.head(response)
        if self.request.method == "HEAD":
            self.send(head)
        elif isinstance(response.body, bytes):
            self.send(head + response.body)
        else:
            self.send(head)
            for piece in response.body:
                self.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.send(b"0\r\n\r\n")


class Server:
    """One listening address."""

    def __init__(
        self,
        loop: Loop,
        name: str,
        handler: Handler,
        context: ssl.SSLContext | None,
        *,
        faults: FaultBoard,
        requests: list[Request],
        now: Callable[[], float],
    ) -> None:
        self.loop, self.name, self.handler, self.context = loop, name, handler, context
        self.faults, self.requests, self.now = faults, requests, now
        self.address: tuple[str, int] = ("", 0)
        self.accepted = 0
        self.connections: set[Connection] = set()
        self._listener: socket.socket | None = None
        self._fillers: list[socket.socket] = []

    def bind(self, host: str, port: int = 0) -> int:
        """Take an address and listen there; the port is returned."""
        self._listen((host, port), _BACKLOG)
        assert self._listener is not None
        self.address = (host, self._listener.getsockname()[1])
        self.loop.watch(self._listener, self)
        return self.address[1]

    def _listen(self, address: tuple[str, int], backlog: int | None) -> None:
        """Take an address; without a backlog nobody listens there, and nobody else can take it."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind(address)
            if backlog is not None:
                listener.listen(backlog)
        except OSError:
            listener.close()
            raise
        self._listener = listener

    def refresh(self) -> None:
        """Listen in the way that the faults of the moment want it: as usual, not at all, or with a full queue."""
        fault = self.faults.find(self.name, "listen")
        self.unlisten()
        if fault is None:
            self.bind(*self.address)
        elif fault.queue_full:
            self._listen(self.address, 0)
            # The second fills the queue, and the kernel drops every SYN from then on: to a client, the host is gone.
            for queued in (True, False):
                filler = socket.socket(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET)
                self._fillers.append(filler)
                filler.setblocking(queued)
                filler.connect_ex(self.address)
        else:
            self._listen(self.address, None)

    def unlisten(self) -> None:
        """Stop listening, and cut the connections that came over the address."""
        if self._listener is not None:
            self.loop.forget(self._listener)
            self._listener.close()
            self._listener = None
        while self._fillers:
            self._fillers.pop().close()
        for connection in list(self.connections):
            connection.abort()

    def accept(self, sock: socket.socket) -> threading.Thread:
        """Start a connection's life."""
        connection = Connection(self, sock)
        self.accepted += 1
        self.connections.add(connection)
        thread = threading.Thread(target=connection.run, name=f"simcluster {self.name}", daemon=True)
        thread.start()
        return thread


class Loop:
    """The thread that accepts connections for every server of a cluster."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._servers: set[Server] = set()
        self._threads: set[threading.Thread] = set()
        self._thread = threading.Thread(target=self._run, name="simcluster accept", daemon=True)
        self._thread.start()

    def watch(self, listener: socket.socket, server: Server) -> None:
        self._servers.add(server)
        self._selector.register(listener, selectors.EVENT_READ, server)

    def forget(self, listener: socket.socket) -> None:
        with contextlib.suppress(KeyError):  # a listener with a full queue is not watched
            self._selector.unregister(listener)

    def _run(self) -> None:
        while not self.closing.is_set():
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                with contextlib.suppress(OSError):  # the listener was closed, or the client has gone
                    sock, _ = key.fileobj.accept()  # type: ignore[union-attr]
                    sock.setblocking(True)
                    self._threads.add(key.data.accept(sock))
            if len(self._threads) > 256:
                self._threads = {thread for thread in self._threads if thread.is_alive()}

    def close(self) -> None:
        """Stop accepting, end every connection, wait for the threads, let every socket go."""
        self.closing.set()
        self._wake.send(b"x")
        self._thread.join()
        for server in self._servers:
            server.unlisten()
        for thread in self._threads:
            thread.join()
        self._selector.close()
        self._wake.close()
        self._woken.close()
