"""From an exception of a library to a ``ConnectionFailed``: the kind, and a reason in the words people search for.

Strategy: the words are Go's, because those are what kubectl, the kubelet and metrics-server print and what the
answers on the web quote; OpenSSL's own detail stands behind them in brackets. Nothing a server sent and no URL is
quoted.

Facts
- The numbers of X509_V_ERR_* are OpenSSL's (x509_vfy.h) and stable.
- An alert of the server in TLS 1.3 (it wants a client certificate) arrives with the first read, after the handshake.
"""

from __future__ import annotations

import errno
import socket
import ssl

from kubectl_metrics.connection.tls import NameMismatch
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from kubectl_metrics.wire.http import BadResponse, Incomplete, TooLarge

# All that a connection, a request or a response can raise. Anything else is a bug of ours and has to be seen.
EXPECTED = (
    OSError,  # with ssl.SSLError, TimeoutError, socket.gaierror
    NameMismatch,
    UnicodeError,  # a host name that IDNA cannot encode
    BadResponse,
    Incomplete,
    TooLarge,
)

_GONE = (
    ConnectionError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    Incomplete,
)

_EXPIRED = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_UNKNOWN = {2, 18, 19, 20, 21, 27}  # no issuer, self-signed, unverifiable leaf, untrusted
_SIGNATURE = 7
_REVOKED = 23
_PURPOSE = 26
_HOSTNAME = {62, 64}

_UNREACHABLE = {
    errno.EHOSTUNREACH: "connect: no route to host",
    errno.ENETUNREACH: "connect: network is unreachable",
    errno.EHOSTDOWN: "connect: host is down",
    errno.ENETDOWN: "connect: network is down",
    errno.EADDRNOTAVAIL: "connect: cannot assign requested address",
    errno.EACCES: "connect: permission denied",  # a firewall rule answers so
    errno.EPERM: "connect: operation not permitted",
    errno.EAFNOSUPPORT: "socket: address family not supported by protocol",
}
_LOCAL = {
    errno.EMFILE: "socket: too many open files (see ulimit -n)",
    errno.ENFILE: "socket: too many open files in system",
}


class ProxyFailed(Exception):
    """The proxy did not let us through; the text names no password."""


def is_gone(error: BaseException) -> bool:
    """Whether it looks as if the other side had gone away.

    macOS says EPROTOTYPE where something is sent over a connection that is just being closed.
    """
    return isinstance(error, _GONE) or (isinstance(error, OSError) and error.errno == errno.EPROTOTYPE)


def connection_failed(server: str, error: BaseException) -> ConnectionFailed:
    """The failure that ``error`` means.

    Args:
        server: host:port.
        error: one of ``EXPECTED`` or of this module; time limits are not judged here.
    """
    kind, reason = classify(error)
    if kind is FailureKind.DNS:
        reason = f"lookup {server.rpartition(':')[0]}: {reason}"
    return ConnectionFailed(kind, server, reason)


def classify(error: BaseException) -> tuple[FailureKind, str]:
    """The kind and the reason of ``error``; see :func:`connection_failed`."""
    if isinstance(error, NameMismatch):
        return FailureKind.TLS_NAME, str(error)
    if isinstance(error, TooLarge):
        return FailureKind.TOO_LARGE, str(error)
    if isinstance(error, BadResponse):
        return FailureKind.PROTOCOL, str(error)
    if isinstance(error, ProxyFailed):
        return FailureKind.PROXY, str(error)
    if isinstance(error, TimeoutError):
        return FailureKind.TIMEOUT, "i/o timeout"
    if is_gone(error):
        if isinstance(error, ConnectionRefusedError):
            return FailureKind.REFUSED, "connect: connection refused"
        if isinstance(error, ConnectionResetError) and error.errno:
            return FailureKind.RESET, "connection reset by peer"
        return FailureKind.RESET, "EOF: the server closed the connection"
    if isinstance(error, ssl.SSLError):
        return _tls(error)
    if isinstance(error, socket.gaierror):
        return FailureKind.DNS, _lookup(error)
    if isinstance(error, UnicodeError):
        return FailureKind.DNS, "no such host"
    if isinstance(error, OSError):
        if error.errno in _LOCAL:
            return FailureKind.LOCAL, _LOCAL[error.errno]
        known = _UNREACHABLE.get(error.errno or 0)
        return FailureKind.UNREACHABLE, known or (error.strerror or "network error").lower()
    raise TypeError("not one of the expected errors") from error


def _lookup(error: socket.gaierror) -> str:
    if error.errno == socket.EAI_AGAIN:
        return f"temporary failure in name resolution: {error.strerror}".lower()
    return "no such host"


def _tls(error: ssl.SSLError) -> tuple[FailureKind, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(getattr(error, "verify_code", 0), getattr(error, "verify_message", "no reason given"))
    reason = getattr(error, "reason", None) or ""  # only OpenSSL's own errors have one
    words = reason.lower().replace("_", " ")
    if reason in (
        "WRONG_VERSION_NUMBER",
        "RECORD_LAYER_FAILURE",
        "PACKET_LENGTH_TOO_LONG",
        "HTTP_REQUEST",
    ):
        return FailureKind.TLS, (
            f"tls: first record does not look like a TLS handshake (plain HTTP on this port? OpenSSL: {words})"
        )
    _, alert, text = words.partition(" alert ")
    if alert:
        return FailureKind.TLS, f"remote error: tls: {text}"
    if reason == "UNEXPECTED_EOF_WHILE_READING":
        return FailureKind.RESET, "EOF: the server closed the connection"
    return FailureKind.TLS, f"tls: handshake failure (OpenSSL: {words or 'no reason given'})"


def _certificate(code: int, message: str) -> tuple[FailureKind, str]:
    detail = f" (OpenSSL: {message})"
    if code in _EXPIRED:
        return FailureKind.TLS_EXPIRED, (f"x509: certificate has expired or is not yet valid{detail}")
    if code in _HOSTNAME:
        return FailureKind.TLS_NAME, f"x509: certificate is not valid for the name{detail}"
    if code in _UNKNOWN or code == _SIGNATURE:
        return FailureKind.TLS_UNTRUSTED, f"x509: certificate signed by unknown authority{detail}"
    if code == _REVOKED:
        return FailureKind.TLS_UNTRUSTED, f"x509: certificate has been revoked{detail}"
    if code == _PURPOSE:
        return FailureKind.TLS_UNTRUSTED, (f"x509: certificate specifies an incompatible key usage{detail}")
    return FailureKind.TLS_UNTRUSTED, f"x509: certificate cannot be verified{detail}"
