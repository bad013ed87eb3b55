"""What the API server says about metrics.k8s.io when it cannot be had, sorted by what is the matter.

Facts (k8s.io/kube-aggregator pkg/controllers/status/remote, pkg/apiserver/handler_proxy.go; net/http)
- The condition's reason FailedDiscoveryCheck carries the error of the last of five GETs, as net/http wrote it.
- An answer "error trying to reach service: ..." carries that of our own request; "service unavailable" carries
  nothing, it is what everybody gets while the condition is not true.
- The condition's check verifies no certificate: errors of TLS are in answers only.
- A proxy that refuses CONNECT is quoted with the words of its status line: 'Get "https://...": Forbidden'.
"""

from __future__ import annotations

import enum
import re
from http import HTTPStatus

from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Proof


class Kind(enum.Enum):
    """What is the matter."""

    TUNNEL = enum.auto()  # between the API server and the nodes: konnectivity, k3s' own
    PROXY = enum.auto()  # an HTTP proxy where there should be none
    CERTIFICATE_NAME = enum.auto()
    CERTIFICATE_AUTHORITY = enum.auto()
    CERTIFICATE_TIME = enum.auto()
    REFUSED = enum.auto()  # nobody listens
    STATUS = enum.auto()  # an HTTP status in the check
    UNREACHABLE = enum.auto()
    OTHER = enum.auto()
    NOTHING = enum.auto()  # no reason is given


_PHRASES = "|".join(re.escape(one.phrase) for one in HTTPStatus if one >= 400)
_KINDS = [
    (Kind.NOTHING, re.compile(r"\A\s*(?:service unavailable\s*)?\Z")),
    (
        Kind.TUNNEL,
        re.compile(r"No agent available|proxy error from \S+ while dialing|konnectivity|failed to find Session", re.I),
    ),
    (
        Kind.PROXY,
        re.compile(rf"proxyconnect|socks connect|Proxy Authentication Required|<html|\": (?:{_PHRASES})\s*\Z", re.I),
    ),
    (
        Kind.CERTIFICATE_NAME,
        re.compile(
            r"x509: (?:certificate is (?:valid for|not valid for any names)|cannot validate certificate for"
            r"|certificate relies on legacy Common Name)"
        ),
    ),
    (Kind.CERTIFICATE_AUTHORITY, re.compile(r"signed by unknown authority|certificate is not trusted")),
    (Kind.CERTIFICATE_TIME, re.compile(r"certificate has expired or is not yet valid")),
    (Kind.REFUSED, re.compile(r"connection refused")),
    (Kind.STATUS, re.compile(r"bad status from \S+: \d{3}")),
    (
        Kind.UNREACHABLE,
        re.compile(
            r"context deadline exceeded|i/o timeout|no route to host|network is unreachable|host is down|timed out"
            r"|Client\.Timeout|handshake timeout"
        ),
    ),
]
_STATUS = re.compile(r"bad status from \S+: (\d{3})")
_URL = re.compile(r"https://(?P<host>\[[^\]\s]+\]|[^/:\s\"]+):(?P<port>\d{1,5})")
_ADDRESS = re.compile(r"dial tcp (?P<host>\[[^\]\s]+\]|[^/:\s\"]+):(?P<port>\d{1,5})")


def kind(text: str) -> Kind:
    """What a text speaks of."""
    return next((one for one, pattern in _KINDS if pattern.search(text)), Kind.OTHER)


def complaints(facts: Facts, *kinds: Kind) -> list[Proof]:
    """The API server's complaints of these kinds."""
    return [one for one in facts.complaints if kind(one.value) in kinds]


def check_failed(facts: Facts) -> str:
    """Why the API server's own check failed; "" if it did not, or did not come to ask."""
    return facts.unavailable("FailedDiscoveryCheck") if facts.evidence.api_services.ok else ""


def status(text: str) -> int:
    """The HTTP status that the check was answered with; 0 if it was something else."""
    found = _STATUS.search(text)
    return int(found.group(1)) if found else 0


def target(text: str) -> tuple[str, int] | None:
    """Host and port that the API server has dialled."""
    found = _URL.search(text) or _ADDRESS.search(text)
    return (found["host"].strip("[]"), int(found["port"])) if found else None
