"""Every failure that a cluster, a kubelet or a user can cause, and the exit status it ends with.

One class for each kind of cause, so that the fallback policy (``sources.choose``) can tell them apart without reading
texts. ``str(error)`` is what a person reads on stderr, complete with kubectl's own prefix where kubectl has a message
for the same failure. Nothing secret is ever put into an error: no header, no token, no body of a credential plugin.
"""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """The exit statuses of the command line, as the README lists them."""

    OK = 0  # the answer, complete or with gaps that were named
    FAILED = 1
    USAGE = 2
    NO_SOURCE = 3  # neither metrics.k8s.io nor the kubelets have metrics
    INCOMPLETE = 4  # --strict, and something is missing
    FINDINGS = 5  # diagnose has found something (--fail-on)
    INTERRUPTED = 130  # Ctrl-C: 128 + SIGINT


class MetricsError(Exception):
    """Base of all expected failures."""

    exit_status = ExitStatus.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint  # one more line: what to do about it

    def __str__(self) -> str:
        return f"error: {self.message}"


class UsageError(MetricsError):
    """The command line asks for something that does not exist or that contradicts itself."""

    exit_status = ExitStatus.USAGE


class KubeconfigError(MetricsError):
    """A kubeconfig, or a file that it names, cannot be used."""


class CredentialError(MetricsError):
    """The credentials that the kubeconfig describes cannot be had (exec plugin, token file, auth provider)."""


class NoSourceError(MetricsError):
    """Neither metrics.k8s.io nor the kubelets could answer; ``first`` is the error of the API, if it gave one."""

    exit_status = ExitStatus.NO_SOURCE

    def __init__(self, message: str, *, hint: str | None = None, first: MetricsError | None = None) -> None:
        super().__init__(message, hint=hint)
        self._first = first

    def __str__(self) -> str:
        return super().__str__() if self._first is None else str(self._first)


class DecodeError(MetricsError):
    """A server answered with bytes that are not what it should have sent."""


class FailureKind(enum.Enum):
    """Why a server gave no HTTP response. The values are stable: documents carry them as reasons."""

    REFUSED = "connection-refused"
    TIMEOUT = "timeout"  # there was no connection in time
    HUNG = "no-answer"  # there was one, and no answer, or not all of it, in time
    UNREACHABLE = "unreachable"  # no route to the host or network
    DNS = "dns"
    RESET = "connection-lost"  # closed or reset before the whole response had come
    TLS_UNTRUSTED = "certificate-untrusted"  # unknown authority or self-signed
    TLS_NAME = "certificate-name"  # trusted, but for somebody else
    TLS_EXPIRED = "certificate-expired"  # or not yet valid
    TLS = "tls"  # any other failure of the handshake
    PROTOCOL = "not-http"
    TOO_LARGE = "too-large"
    PROXY = "proxy"
    OVER = "out-of-time"  # the time for all requests together was over, this server's own was not
    LOCAL = "local"  # this machine has run out of something: no other way to the server would help


# The failures after which another way to the same server is worth a try ...
UNREACHABLE_KINDS = frozenset(
    {
        FailureKind.REFUSED,
        FailureKind.TIMEOUT,
        FailureKind.UNREACHABLE,
        FailureKind.DNS,
        FailureKind.RESET,
    }
)
# ... and those in which the server was there but could not prove who it is.
UNVERIFIED_KINDS = frozenset({FailureKind.TLS_UNTRUSTED, FailureKind.TLS_NAME, FailureKind.TLS_EXPIRED})


class ConnectionFailed(MetricsError):
    """No HTTP response from a server.

    ``reason`` is the bare cause ("connection refused", "x509: ..."), without the server's address.
    """

    def __init__(self, kind: FailureKind, server: str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{server}: {reason}", hint=hint)
        self.kind = kind
        self.server = server
        self.reason = reason

    def __str__(self) -> str:
        # kubectl's two messages for an API server that cannot be reached (kubectl pkg/cmd/util/helpers.go).
        if self.kind is FailureKind.REFUSED:
            return f"The connection to the server {self.server} was refused - did you specify the right host or port?"
        return f"Unable to connect to the server: {self.server}: {self.reason}"


class HTTPStatusError(MetricsError):
    """An HTTP response that is not a success; ``message`` and ``reason`` are the Status body's where there is one."""

    def __init__(self, status: int, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status  # the HTTP status code
        self.reason = reason  # Kubernetes' StatusReason ("Forbidden"), "" where unknown

    def __str__(self) -> str:
        # As kubectl prints it: StandardErrorMessage in kubectl's pkg/cmd/util/helpers.go.
        if self.status == 401:
            return f"error: You must be logged in to the server ({self.message})"
        if self.reason:
            return f"Error from server ({self.reason}): {self.message}"
        return f"Error from server: {self.message}"
