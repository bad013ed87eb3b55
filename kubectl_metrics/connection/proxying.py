"""The way through a proxy.

Facts
- CONNECT for https servers, absolute request targets for http ones (RFC 9110 9.3.6, RFC 9112 3.2.2). The proxy gets
  its own userinfo as Proxy-Authorization and nothing of ours.
- ``socks5`` hands host names to the proxy, as Go does; PySocks is an optional extra.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from kubectl_metrics.connection import failures
from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.jobs import Job
from kubectl_metrics.connection.lookup import lookup
from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.stream import Stream
from kubectl_metrics.connection.tcp import dial, join
from kubectl_metrics.connection.tls import check_name, client_context
from kubectl_metrics.errors import KubeconfigError
from kubectl_metrics.wire import http

if TYPE_CHECKING:
    import socket

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_ANSWER = 64 * 1024  # bytes that a proxy may say besides yes or no


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
        if self.scheme not in _PORTS or not self.host:
            raise KubeconfigError(
                f"the URL of the proxy has to be http, https or socks5 with a host, not {self.scheme}://{self.host}"
            )
        self.port = port or _PORTS[self.scheme]
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

    async def open(self, to: tuple[str, int], deadline: Deadline, connect_timeout: float, *, tunnel: bool) -> Stream:
        """The way to a server (host, port), or, without a tunnel, to the proxy that forwards requests to it.

        Raises TimeoutError when the time is over, ProxyFailed for what the proxy, and not the server, is to blame for.
        """
        try:
            if self.socks:
                return Stream(await _dial_socks(self, *to, deadline, connect_timeout))
            stream = Stream(await dial(self.host, self.port, deadline, connect_timeout))
            try:
                if self.context is not None:
                    await stream.start_tls(self.context, self.host, deadline.when)
                    check_name(stream.names(), [self.host])
                if tunnel:
                    await self._tunnel(stream, join(*to), deadline)
            except BaseException:
                stream.close()
                raise
        except failures.EXPECTED as error:
            if deadline.over():
                raise TimeoutError from error
            raise self._failed(failures.classify(error)[1]) from None
        return stream

    async def _tunnel(self, stream: Stream, target: str, deadline: Deadline) -> None:
        headers = [("Host", target), *self.headers().items()]
        await stream.send(http.request("CONNECT", target, headers), deadline.when)
        # In TLS, the client speaks first, so nothing comes behind the head.
        reader = http.ResponseReader(_ANSWER, 0, head_only=True)
        await stream.read(reader, deadline.when)
        if reader.status != 200:
            hint = " Proxy Authentication Required" if reader.status == 407 else ""
            raise self._failed(f"CONNECT was refused: {reader.status}{hint}")

    def _failed(self, reason: str) -> failures.ProxyFailed:
        return failures.ProxyFailed(f"proxy {self.address}: {reason}")


def _import_socks() -> Any:
    try:
        import socks  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        raise KubeconfigError(
            "a socks5 proxy needs the Python package PySocks, which is not installed",
            hint="pip install 'kubectl-metrics[socks]'",
        ) from None
    return socks


async def _dial_socks(proxy: Proxy, host: str, port: int, deadline: Deadline, connect_timeout: float) -> socket.socket:
    """PySocks blocks, and its time limit is one of silence, while a proxy could drip: a thread has to wait for it."""
    limit = Deadline(connect_timeout, within=deadline)
    sock = await Job(lambda: _negotiate(proxy, host, port, limit), "socks").result(deadline.when)
    sock.setblocking(False)
    return sock


def _negotiate(proxy: Proxy, host: str, port: int, limit: Deadline) -> socket.socket:
    socks = _import_socks()
    error: OSError = OSError("no address")
    for family, _, _, _, address in run(lookup(proxy.host, proxy.port, limit)):
        sock: socket.socket = socks.socksocket(family)
        try:
            sock.settimeout(max(limit.left(), 0.001))
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
        return sock
    raise error
