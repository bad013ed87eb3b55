"""From an address to a connection on which a request may be sent: TCP, proxy, TLS, the server's name, in this order.

Strategy: the server's name is checked before one byte of a request is sent, and proxies are told apart from the server
in every error.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from kubectl_metrics.connection.stream import Stream
from kubectl_metrics.connection.tcp import dial
from kubectl_metrics.connection.tls import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_metrics.connection.ahead import Ahead
    from kubectl_metrics.connection.deadlines import Deadline
    from kubectl_metrics.connection.proxying import Proxy
    from kubectl_metrics.wire.http import ResponseReader


class Connection:
    """One connection to one server, in plain text or TLS, direct or through a proxy.

    Args:
        host, port: of the server.
        context: for TLS, None for plain text.
        names: which the certificate may be for.
        server_hostname: for SNI, None to send none.
        proxy: on the way.
        ahead: connections to the server that others have begun to open.
    """

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
        self._host, self._port = host, port
        self._ahead = ahead
        self._context = context
        self._names = names
        self._server_hostname = server_hostname
        self._proxy = proxy
        self.phase = "connect"  # how far a request is: connect, handshake, answer
        self.stream: Stream | None = None  # once it is connected
        self.used = False  # whether a response has come over it
        self.certificate: bytes | None = None  # the server's, DER, once the handshake is done, whatever its names

    async def open(self, deadline: Deadline, connect_timeout: float) -> None:
        """Connect; afterwards requests may be sent, also secret ones.

        Raises:
            one of failures.EXPECTED, failures.ProxyFailed or tls.NameMismatch.
        """
        if self._proxy is None:
            begun = await self._ahead.take(deadline, connect_timeout) if self._ahead is not None else None
            self.stream = begun or Stream(await dial(self._host, self._port, deadline, connect_timeout))
        else:
            to = (self._host, self._port)
            self.stream = await self._proxy.open(to, deadline, connect_timeout, tunnel=self._context is not None)
        if self._context is None:
            return
        self.phase = "handshake"
        await self.stream.start_tls(self._context, self._server_hostname, deadline.when)
        self.certificate = self.stream.certificate()
        if self._context.verify_mode != ssl.CERT_NONE:
            check_name(self.stream.names(), self._names)

    async def ask(self, request: bytes, reader: ResponseReader, deadline: Deadline) -> None:
        """Send a request over the open connection, and give its answer to ``reader``.

        Raises one of failures.EXPECTED.
        """
        assert self.stream is not None
        self.phase = "answer"
        await self.stream.send(request, deadline.when)
        await self.stream.read(reader, deadline.when)
        self.used = True

    def is_open(self) -> bool:
        """Whether it can be asked, or asked again: one that has ended, or says something unasked, cannot."""
        return self.stream is not None and self.stream.is_quiet()

    def close(self) -> None:
        """Close it, whatever its state."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
