"""The certificate of a server to which nothing is said: the handshake is all that happens.

Nobody's credentials are at risk, so it may be asked of a server that cannot be trusted; that is what it is for.
"""

from __future__ import annotations

import contextlib
import ssl

from kubectl_metrics.connection import failures
from kubectl_metrics.connection.deadlines import Deadline, Total
from kubectl_metrics.connection.stream import Stream
from kubectl_metrics.connection.tcp import dial, join
from kubectl_metrics.connection.tls import client_context
from kubectl_metrics.wire.servername import is_ip

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME (OpenSSL's x509_vfy.h)


def chain_context(authorities: bytes | None) -> ssl.SSLContext:
    """A context that looks whether a certificate's chain leads to ``authorities`` (PEM), whenever that was valid.

    Raises KubeconfigError if there is no authority in them that can be read.
    """
    context = client_context(authorities=authorities)
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context


def any_context() -> ssl.SSLContext:
    """A context that takes every certificate. It has none of its own to show, and must be used for nothing else."""
    return client_context(authorities=None, insecure=True)


async def certificate(
    host: str,
    port: int,
    context: ssl.SSLContext,
    *,
    connect_timeout: float,
    timeout: float,
    total: Total | None = None,
) -> bytes:
    """The certificate (DER) that a server shows, if the context accepts its chain; its names are not looked at.

    Times are in seconds; ``total`` is for this and all that is asked besides. Raises ConnectionFailed.
    """
    deadline = Deadline(timeout, total)
    try:
        stream = Stream(await dial(host, port, deadline, connect_timeout))
        with contextlib.closing(stream):
            await stream.start_tls(context, None if is_ip(host) else host.rstrip("."), deadline.when)
            return stream.certificate() or b""
    except failures.EXPECTED as error:
        raise failures.connection_failed(join(host, port), TimeoutError() if deadline.over() else error) from None
