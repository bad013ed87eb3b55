"""Names to addresses, within a time.

The C library's resolver cannot be interrupted, and with a name server that does not answer it takes ten seconds and
more for each name. So it works in a thread of its own, which is left behind when the time is over.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.jobs import Job
from kubectl_metrics.wire.servername import is_ip

AddressInfo = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


async def lookup(host: str, port: int, deadline: Deadline) -> AddressInfo:
    """The addresses of a host, in the resolver's order.

    Raises:
        OSError: as socket.getaddrinfo; EAI_AGAIN if there was no answer before ``deadline``.
        MetricsError: there can be no thread for it.
    """
    if is_ip(host):  # as bytes: for text, Python would first load what it takes to encode names of all scripts
        return socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
    try:
        found = await Job(lambda: _resolve(host, port), "lookup").result(deadline.when)
    except TimeoutError:
        raise socket.gaierror(socket.EAI_AGAIN, f"no answer within {deadline.words}") from None
    if not isinstance(found, OSError):
        return found
    try:
        raise found
    finally:
        del found  # or it and this call keep each other


def _resolve(host: str, port: int) -> AddressInfo | OSError:
    """What is found, or what is wrong: as an exception of the other thread, it would keep all that it has passed."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # a name that cannot be one
        return socket.gaierror(socket.EAI_NONAME, "no such host")
    except OSError as error:
        return error.with_traceback(None)
