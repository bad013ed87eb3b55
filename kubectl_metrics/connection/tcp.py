"""From a server's name to a connected socket.

The time to connect is shared out to the addresses of a name, as in Go (net/dial.go, partialDeadline): one dead address
does not use up the time of the next.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.lookup import lookup
from kubectl_metrics.connection.loop import writable

CONNECT_TIMEOUT = 10.0  # seconds until TCP has to be connected
_PORTS = {"http": 80, "https": 443}
_UNDER_WAY = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR}  # the second is Windows'


def place(url: str) -> tuple[str, int]:
    """Host and port of a server's URL, as they are dialled.

    Raises ValueError if it is not the URL of a server.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host:
        raise ValueError(f"not the URL of a server: {parts.scheme}://{host}")
    if ":" in host:
        host = host.replace("%25", "%")  # an IPv6 zone, as RFC 6874 has it
    with contextlib.suppress(UnicodeError):  # what IDNA cannot encode cannot be looked up either
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    return host, parts.port or _PORTS[parts.scheme]


def join(host: str, port: int) -> str:
    """host:port, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def dial(host: str, port: int, deadline: Deadline, connect_timeout: float) -> socket.socket:
    """A TCP connection that does not block. Raises OSError."""
    limit = Deadline(connect_timeout, within=deadline)
    addresses = await lookup(host, port, limit)
    error: OSError = OSError("no address")
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        now = time.monotonic()
        if now >= limit.when:
            error = TimeoutError()
            break
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as this:
            error = this
            continue
        try:
            await _connect(sock, address, now + (limit.when - now) / (len(addresses) - index))
        except OSError as this:
            sock.close()
            error = this
            continue
        except BaseException:
            sock.close()
            raise
        return sock
    try:
        raise error
    finally:
        del error  # or it and this call keep each other


async def _connect(sock: socket.socket, address: Any, until: float) -> None:
    sock.setblocking(False)
    number = sock.connect_ex(address)
    if number in _UNDER_WAY:
        await writable(sock, until)
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
