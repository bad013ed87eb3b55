"""From an address to a connection on which a request may be sent: TCP, proxy, TLS, the server's name, in this order.

Strategy: http.client's connection class speaks HTTP; only its ``connect`` is ours, because three things have to happen
inside: every socket is attached to the request's deadline before anything can block on it, the server's name is
checked before one byte of the request is sent, and proxies are told apart from the server in every error.

Facts
- CONNECT for https servers, absolute request targets for http ones (RFC 9110 9.3.6, RFC 9112 3.2.2). The proxy gets
  its own userinfo as Proxy-Authorization and nothing of ours.
- TLS inside of TLS, to an https server through an https proxy, is urllib3's: ``ssl`` can wrap only what the kernel
  knows. Nothing else of urllib3 is needed, and its import was a third of the start of a command.
- ``socks5`` hands host names to the proxy, as Go does; PySocks is an optional extra.
"""

from __future__ import annotations

import base64
import errno
import http.client
import socket
import ssl
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

from kubectl_metrics.connection import failures
from kubectl_metrics.connection.lookup import lookup
from kubectl_metrics.connection.tcp import Ahead, dial, join
from kubectl_metrics.connection.tls import check_name, client_context
from kubectl_metrics.errors import KubeconfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_metrics.connection.deadlines import Deadline

_PROXY_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Proxy:
    """A proxy and how to ask it."""

    def __init__(self, url: str) -> None:
        """Read a proxy's URL.

        Raises:
            KubeconfigError: it is none, or PySocks is missing for it.
        """
        try:
            parts: SplitResult = urlsplit(url)
            port = parts.port
        except ValueError:
            raise KubeconfigError("the URL of the proxy cannot be parsed") from None
        self.scheme = parts.scheme
        self.host = parts.hostname or ""
        if self.scheme not in _PROXY_PORTS or not self.host:
            raise KubeconfigError(
                f"the URL of the proxy has to be http, https or socks5 with a host, not {self.scheme}://{self.host}"
            )
        self.port = port or _PROXY_PORTS[self.scheme]
        self.username = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.address = join(self.host, self.port)
        self.socks = self.scheme.startswith("socks")
        if self.socks:
            _import_socks()
        self.context = None
        if self.scheme == "https":
            self.context = client_context(authorities=None)

    def headers(self) -> dict[str, str]:
        """What the proxy wants to hear about who we are."""
        if not self.username and not self.password:
            return {}
        pair = f"{self.username}:{self.password}".encode()
        return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}

    def failed(self, reason: str) -> failures.ProxyFailed:
        """The error that the proxy, not the server, is to blame for."""
        return failures.ProxyFailed(f"proxy {self.address}: {reason}")


class _Response(http.client.HTTPResponse):
    """A response none of whose chunks has fewer bytes than none, and which is not an interim one.

    http.client takes -1 for the size of a chunk, and then reads whatever comes, for as long as it comes. Of the interim
    responses it passes over 100 alone, not over 102 and 103 (RFC 9110 15.2).
    """

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # it is there, but not public
            if not 101 < status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # it is there, but not public
        if size < 0:
            raise ValueError("the size of a chunk is negative")  # as for what is not a number
        return size


class Connection(http.client.HTTPConnection):
    """One connection to one server, in plain text or TLS, direct or through a proxy.

    Args:
        host, port: of the server.
        context: for TLS, None for plain text.
        names: which the certificate may be for.
        server_hostname: for SNI, None to send none.
        proxy: on the way.
        ahead: connections to the server that others have begun to open.
    """

    response_class = _Response
    auto_open = 0  # http.client would open a closed connection again by itself, in plain text

    def __init__(
        self,
        host: str,
        port: int,
        *,
        context: ssl.SSLContext | None,
        names: Sequence[str],
        server_hostname: str | None,
        proxy: Proxy | None,
        ahead: Ahead | None = None,
    ) -> None:
        super().__init__(host, port)
        self._ahead = ahead
        self._context = context
        self._names = names
        self._server_hostname = server_hostname
        self._through = proxy
        self.phase = "connect"  # how far a request is: connect, handshake, answer, body
        self.wire: socket.socket | None = None  # what the kernel knows of it, once it is open
        self.used = False  # whether a response has come over it
        self.certificate: bytes | None = None  # the server's, DER, once the handshake is done, whatever its names

    def open(self, deadline: Deadline, connect_timeout: float) -> None:
        """Connect; afterwards requests may be sent, also secret ones.

        Raises:
            one of failures.EXPECTED, failures.ProxyFailed or tls.NameMismatch.
        """
        proxy = self._through
        self.phase = "connect"
        if proxy is None:
            begun = self._ahead.take(deadline, connect_timeout) if self._ahead is not None else None
            self.sock = begun or dial(self.host, self.port, deadline, connect_timeout)
        else:
            self._open_proxy(proxy, deadline, connect_timeout)
        self.wire = self.sock  # or, if that is TLS to a proxy, what is below the server's
        if self._context is not None:
            self.phase = "handshake"
            self._start_tls(self._context, deadline)

    def _open_proxy(self, proxy: Proxy, deadline: Deadline, connect_timeout: float) -> None:
        try:
            if proxy.socks:
                self.sock = _dial_socks(proxy, self.host, self.port, deadline, connect_timeout)
                return
            self.sock = dial(proxy.host, proxy.port, deadline, connect_timeout)
            if proxy.context is not None:
                secured = handshake(proxy.context, self.sock, proxy.host, deadline)
                self.sock = secured
                check_name(secured.getpeercert() or {}, [proxy.host])
            if self._context is not None:
                self._tunnel_through(proxy, deadline)
        except failures.EXPECTED as error:
            if deadline.over():
                raise TimeoutError from error
            raise proxy.failed(failures.classify(error)[1]) from None

    def _tunnel_through(self, proxy: Proxy, deadline: Deadline) -> None:
        target = join(self.host, self.port)
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        lines += [f"{name}: {value}" for name, value in proxy.headers().items()]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        response = http.client.HTTPResponse(self.sock, method="CONNECT")
        try:
            response.begin()
            if deadline.passed:  # we have cut the head off, which http.client takes for its end
                raise TimeoutError
        finally:
            response.close()  # its buffer is empty: in TLS, the client speaks first
        if response.status != 200:
            hint = " Proxy Authentication Required" if response.status == 407 else ""
            raise proxy.failed(f"CONNECT was refused: {response.status}{hint}")

    def _start_tls(self, context: ssl.SSLContext, deadline: Deadline) -> None:
        if isinstance(self.sock, ssl.SSLSocket):  # TLS to the proxy, and TLS inside of it
            from urllib3.util.ssltransport import SSLTransport

            inside = SSLTransport(self.sock, context, server_hostname=self._server_hostname)
            self.sock = cast(Any, inside)
            self.certificate = inside.getpeercert(binary_form=True)
            certificate = cast("dict[str, object] | None", inside.getpeercert())
        else:
            outside = handshake(context, self.sock, self._server_hostname, deadline)
            self.sock = self.wire = outside
            self.certificate = outside.getpeercert(binary_form=True)
            certificate = cast("dict[str, object] | None", outside.getpeercert())
        if context.verify_mode != ssl.CERT_NONE:
            check_name(certificate or {}, self._names)

    def ask(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes | None) -> None:
        """Send a request with exactly these headers; ``getresponse`` has the answer."""
        self.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value)
        if body is not None:
            self.putheader("Content-Length", str(len(body)))
        self.endheaders(body)

    def is_quiet(self) -> bool:
        """Whether a connection that nobody uses is open: one that has ended, or says something, is not to be used."""
        if self.wire is None or self.sock is None:
            return False
        try:
            self.wire.settimeout(0)
            socket.socket.recv(self.wire, 1, socket.MSG_PEEK)  # below TLS, which may have something to say any time
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def handshake(context: ssl.SSLContext, sock: socket.socket, name: str | None, deadline: Deadline) -> ssl.SSLSocket:
    """TLS on a connected socket, whose names nobody has checked yet. Raises one of failures.EXPECTED."""
    try:
        sock.getpeername()
    except OSError as error:  # reset already; wrap_socket would find out too, and lose the descriptor
        raise ConnectionResetError(errno.ECONNRESET, "connection reset by peer") from error
    tls = context.wrap_socket(sock, server_hostname=name, do_handshake_on_connect=False)
    deadline.attach(tls)  # ``sock`` is an empty shell from here on
    try:
        tls.settimeout(deadline.left())
        tls.do_handshake()
    except BaseException:
        tls.close()
        raise
    return tls


def _import_socks() -> Any:
    try:
        import socks  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        raise KubeconfigError(
            "a socks5 proxy needs the Python package PySocks, which is not installed",
            hint="pip install 'kubectl-metrics[socks]'",
        ) from None
    return socks


def _dial_socks(proxy: Proxy, host: str, port: int, deadline: Deadline, connect_timeout: float) -> socket.socket:
    socks = _import_socks()
    seconds = min(connect_timeout, deadline.left())
    error: OSError = OSError("no address")
    for family, _, _, _, address in lookup(proxy.host, proxy.port, seconds):
        sock: socket.socket = socks.socksocket(family)
        deadline.attach(sock)  # its own timeout is one of silence: a proxy could drip
        try:
            sock.settimeout(min(connect_timeout, deadline.left()))
            sock.set_proxy(  # type: ignore[attr-defined]  # a socksocket
                socks.SOCKS5, address[0], address[1], rdns=True,
                username=proxy.username or None, password=proxy.password or None,
            )  # fmt: skip
            sock.connect((host, port))
        except OSError as this:
            sock.close()
            wrapped = getattr(this, "socket_err", None)  # of a socks.ProxyError
            error = wrapped if isinstance(wrapped, OSError) else this
            continue
        except BaseException:
            sock.close()
            raise
        sock.settimeout(deadline.left())
        return sock
    raise error
