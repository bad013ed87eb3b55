"""The failures that no server on loopback can cause."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import pytest

from kubectl_metrics.connection.failures import classify, connection_failed
from kubectl_metrics.errors import FailureKind
from kubectl_metrics.wire.http import BadResponse, Incomplete


def os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL] text")
    error.reason = reason
    return error


def verify_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "text")
    error.verify_code, error.verify_message = code, "message"
    return error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (os_error(errno.ECONNREFUSED), FailureKind.REFUSED, "connect: connection refused"),
        (os_error(errno.EHOSTUNREACH), FailureKind.UNREACHABLE, "connect: no route to host"),
        (os_error(errno.ENETUNREACH), FailureKind.UNREACHABLE, "connect: network is unreachable"),
        (os_error(errno.EPERM), FailureKind.UNREACHABLE, "connect: operation not permitted"),
        (os_error(errno.EMFILE), FailureKind.LOCAL, "socket: too many open files (see ulimit -n)"),
        (os_error(errno.ENOBUFS), FailureKind.UNREACHABLE, "no buffer space available"),
        (OSError("no address"), FailureKind.UNREACHABLE, "network error"),
        (os_error(errno.ETIMEDOUT), FailureKind.TIMEOUT, "i/o timeout"),
        (os_error(errno.EPIPE), FailureKind.RESET, "EOF: the server closed the connection"),
        (os_error(errno.EPROTOTYPE), FailureKind.RESET, "EOF: the server closed the connection"),
        (os_error(errno.ECONNRESET), FailureKind.RESET, "connection reset by peer"),
        (socket.gaierror(socket.EAI_NONAME, "x"), FailureKind.DNS, "no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), FailureKind.DNS, "temporary failure in name resolution: x"),
        (tls_error("TLSV1_ALERT_UNKNOWN_CA"), FailureKind.TLS, "remote error: tls: unknown ca"),
        (tls_error("SSLV3_ALERT_BAD_CERTIFICATE"), FailureKind.TLS, "remote error: tls: bad certificate"),
        (tls_error("NO_SHARED_CIPHER"), FailureKind.TLS, "tls: handshake failure (OpenSSL: no shared cipher)"),
        (tls_error("UNEXPECTED_EOF_WHILE_READING"), FailureKind.RESET, "EOF: the server closed the connection"),
        (ssl.SSLError(), FailureKind.TLS, "tls: handshake failure (OpenSSL: no reason given)"),
        (verify_error(18), FailureKind.TLS_UNTRUSTED,
         "x509: certificate signed by unknown authority (OpenSSL: message)"),
        (verify_error(10), FailureKind.TLS_EXPIRED,
         "x509: certificate has expired or is not yet valid (OpenSSL: message)"),
        (verify_error(23), FailureKind.TLS_UNTRUSTED, "x509: certificate has been revoked (OpenSSL: message)"),
        (verify_error(26), FailureKind.TLS_UNTRUSTED,
         "x509: certificate specifies an incompatible key usage (OpenSSL: message)"),
        (verify_error(62), FailureKind.TLS_NAME, "x509: certificate is not valid for the name (OpenSSL: message)"),
        (ssl.SSLCertVerificationError("text"), FailureKind.TLS_UNTRUSTED,
         "x509: certificate cannot be verified (OpenSSL: no reason given)"),
        (verify_error(79), FailureKind.TLS_UNTRUSTED, "x509: certificate cannot be verified (OpenSSL: message)"),
        (Incomplete(), FailureKind.RESET, "EOF: the server closed the connection"),
        (tls_error("BAD_RECORD_MAC"), FailureKind.TLS, "tls: handshake failure (OpenSSL: bad record mac)"),
        (BadResponse("malformed HTTP response"), FailureKind.PROTOCOL, "malformed HTTP response"),
    ],
    ids=lambda _: "x",
)  # fmt: skip
def test_classify(error: Exception, kind: FailureKind, reason: str) -> None:
    assert classify(error) == (kind, reason)


def test_a_failed_lookup_names_the_host() -> None:
    failure = connection_failed("[::1]:443", socket.gaierror(socket.EAI_NONAME, "x"))
    assert failure.reason == "lookup [::1]: no such host"
    assert connection_failed("a.example:443", UnicodeError()).reason == "lookup a.example: no such host"
