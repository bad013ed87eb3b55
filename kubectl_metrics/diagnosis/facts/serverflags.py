"""What metrics-server does not accept on its command line. With any of it the process ends before it serves anything.

Facts
- Names and types are those of 0.9 (its --help); 0.6 and older also take klog's flags. Names are exact, with dashes.
  Which flags newer ones know nobody can tell from here.
- The rules are those of cmd/metrics-server/app/options (0.6 to 0.9), k8s.io/apiserver's serving options (certificate
  and key together), and component-base's logging options.
- Whether a file exists that a flag names cannot be seen from outside.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Set

from kubectl_metrics.diagnosis.facts.flags import LONGEST, is_variable
from kubectl_metrics.wire.time import parse_duration

MINIMUM_RESOLUTION = 10.0  # seconds
DEFAULT_RESOLUTION = 60.0
DEFAULT_KUBELET_TIMEOUT = 10.0


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BOOL = _words(
    """audit-log-batch-throttle-enable audit-log-compress audit-log-truncate-enabled audit-webhook-batch-throttle-enable
    audit-webhook-truncate-enabled authentication-skip-lookup authentication-tolerate-lookup-failure
    contention-profiling deprecated-kubelet-completely-insecure disable-http2-serving emulation-forward-compatible
    enable-priority-and-fairness help h kubelet-insecure-tls kubelet-use-node-status-port log-json-split-stream
    log-text-split-stream permit-address-sharing permit-port-sharing profiling
    runtime-config-emulation-forward-compatible shutdown-send-retry-after version"""
)
_INT = _words(
    """audit-log-batch-buffer-size audit-log-batch-max-size audit-log-batch-throttle-burst audit-log-maxage
    audit-log-maxbackup audit-log-maxsize audit-log-truncate-max-batch-size audit-log-truncate-max-event-size
    audit-webhook-batch-buffer-size audit-webhook-batch-max-size audit-webhook-batch-throttle-burst
    audit-webhook-truncate-max-batch-size audit-webhook-truncate-max-event-size http2-max-streams-per-connection
    kubelet-port max-mutating-requests-inflight max-requests-inflight min-request-timeout secure-port v"""
)
_DURATION = _words(
    """audit-log-batch-max-wait audit-webhook-batch-max-wait audit-webhook-initial-backoff
    authentication-token-webhook-cache-ttl authorization-webhook-cache-authorized-ttl
    authorization-webhook-cache-unauthorized-ttl kubelet-request-timeout livez-grace-period log-flush-frequency
    metric-resolution request-timeout shutdown-delay-duration shutdown-watch-termination-grace-period
    storage-initialization-timeout"""
)
_ADDRESS = frozenset(["advertise-address", "bind-address"])
_OTHER = _words(
    """audit-log-batch-throttle-qps audit-log-format audit-log-mode audit-log-path audit-log-version audit-policy-file
    audit-webhook-batch-throttle-qps audit-webhook-config-file audit-webhook-mode audit-webhook-version
    authentication-kubeconfig authorization-always-allow-paths authorization-kubeconfig cert-dir client-ca-file
    cors-allowed-origins debug-socket-path emulated-version external-hostname feature-gates goaway-chance
    kubeconfig kubelet-certificate-authority kubelet-client-certificate kubelet-client-key
    kubelet-preferred-address-types l log-json-info-buffer-size log-text-info-buffer-size logging-format
    min-compatibility-version node-selector requestheader-allowed-names requestheader-client-ca-file
    requestheader-extra-headers-prefix requestheader-group-headers requestheader-uid-headers
    requestheader-username-headers strict-transport-security-directives tls-cert-file tls-cipher-suites
    tls-curve-preferences tls-min-version tls-private-key-file tls-sni-cert-key vmodule"""
)
KNOWN = _BOOL | _INT | _DURATION | _ADDRESS | _OTHER
_KLOG = _words(
    """add-dir-header add_dir_header alsologtostderr log-backtrace-at log_backtrace_at log-dir log_dir log-file log_file
    log-file-max-size log_file_max_size logtostderr one-output one_output skip-headers skip_headers skip-log-headers
    skip_log_headers stderrthreshold"""
)
_LAST_WITH_KLOG = (0, 6)
_LAST_WITHOUT_TABLE = (0, 5)  # older ones have flags of their own, and other rules
_LAST_IN_TABLE = (0, 9)  # newer ones may know more flags

_TRUTH = frozenset(["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"])
_FALSE = frozenset(["0", "f", "F", "FALSE", "false", "False"])
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))", re.ASCII)
_BASES = (16, 2, 8, 10)
_EXCLUSIVE = (
    ("kubelet-certificate-authority", "kubelet-insecure-tls"),
    ("kubelet-client-key", "deprecated-kubelet-completely-insecure"),
    ("kubelet-client-certificate", "deprecated-kubelet-completely-insecure"),
    ("kubelet-insecure-tls", "deprecated-kubelet-completely-insecure"),
    ("kubelet-certificate-authority", "deprecated-kubelet-completely-insecure"),
)
_PAIRS = (("kubelet-client-key", "kubelet-client-certificate"), ("tls-cert-file", "tls-private-key-file"))


class Objection:
    """One thing that metrics-server ends with."""

    def __init__(self, flags: str, why: str) -> None:
        self.flags = flags  # as they are given: "--metric-resolution=5s"
        self.why = why


def objections(given: Mapping[str, str], version: tuple[int, int] | None, *, complete: bool = True) -> list[Objection]:
    """All that is wrong with flags (name to value), for a version of metrics-server; None if that is not known.

    ``complete``: there are no others. What two of them say together is judged only then.
    """
    if version is not None and version <= _LAST_WITHOUT_TABLE:
        return []
    # A value that the kubelet puts in when it starts the container cannot be judged.
    known = {name: value for name, value in given.items() if not is_variable(value) and not is_variable(name)}
    unseen = given.keys() - known.keys()
    unknown = [*_unknown(given, version)]
    return [*unknown, *_malformed(known), *_contradictions(known, unseen if complete else KNOWN - known.keys())]


def _unknown(given: Mapping[str, str], version: tuple[int, int] | None) -> Iterator[Objection]:
    if version is not None and version > _LAST_IN_TABLE:
        return
    accepted = KNOWN | _KLOG if version is not None and version <= _LAST_WITH_KLOG else KNOWN
    for name in given:
        if name in accepted or is_variable(name) or (len(name) > 1 and name[0] in "vl" and name[1:].isdecimal()):  # -v2
            continue
        why = "metrics-server has no such flag"
        if name.replace("_", "-") in KNOWN:
            why += f": it is called --{name.replace('_', '-')}"
        elif name in _KLOG:
            why += " since 0.7"
        yield Objection(_flag(name), why)


def _malformed(given: Mapping[str, str]) -> Iterator[Objection]:
    for name, value in given.items():
        problem, number = "", None
        if name in _BOOL and value not in _TRUTH:
            problem = "it takes true or false"
        elif name in _INT and (number := _integer(value)) is None:
            problem = "it takes a whole number"
        elif name == "v" and value.startswith("-"):
            problem = "it cannot be negative"
        elif name in _DURATION and not _is_duration(value):
            problem = 'it takes a duration with a unit, such as "15s"'
        elif name in _ADDRESS and not _is_address(value):
            problem = "it takes an IP address"
        elif name == "secure-port" and number is not None and number > 65535:
            problem = "there is no such port"
        elif name == "logging-format" and value not in ("text", "json"):
            problem = "there are text and json"
        if problem:
            yield Objection(_flag(name, value), problem)


def _contradictions(given: Mapping[str, str], unseen: Set[str]) -> Iterator[Objection]:
    """``unseen``: the flags that may be given, with whatever value."""

    def isset(name: str) -> bool:
        return given.get(name, "") not in ("", *_FALSE) if name in _BOOL else bool(given.get(name))

    for one, other in _EXCLUSIVE:
        if isset(one) and isset(other):
            yield Objection(f"--{one} --{other}", "they exclude each other")
    for one, other in _PAIRS:
        if isset(one) != isset(other) and not {one, other} & unseen:
            yield Objection(f"--{one if isset(one) else other}", f"it needs --{other if isset(one) else one} too")
    resolution = _seconds(given, "metric-resolution", None if "metric-resolution" in unseen else DEFAULT_RESOLUTION)
    timeout = _seconds(
        given, "kubelet-request-timeout", None if "kubelet-request-timeout" in unseen else DEFAULT_KUBELET_TIMEOUT
    )
    if resolution is not None and resolution < MINIMUM_RESOLUTION:
        yield Objection(_flag("metric-resolution", given["metric-resolution"]), "it must be at least 10s")
    if timeout is not None and timeout <= 0:
        yield Objection(_flag("kubelet-request-timeout", given["kubelet-request-timeout"]), "it must be above 0")
    if (
        resolution is not None
        and timeout is not None
        and resolution >= MINIMUM_RESOLUTION
        and round(resolution * 1e9) * 9 // 10 < round(timeout * 1e9)
    ):
        yield Objection(
            f"--metric-resolution={given.get('metric-resolution', '60s')} "
            f"--kubelet-request-timeout={given.get('kubelet-request-timeout', '10s')}",
            "the timeout may be nine tenths of the resolution at most",
        )


def _seconds(given: Mapping[str, str], name: str, default: float | None) -> float | None:
    if name not in given:
        return default
    text = given[name]
    try:
        found = -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text.removeprefix("+"))
    except ValueError:
        return None
    return found if abs(found) <= LONGEST else None


def _integer(text: str) -> int | None:
    """A whole number as strconv.ParseInt reads it with base 0; None if it is none."""
    match = _INTEGER.fullmatch(text.replace("_", "")) if len(text) < 30 else None
    if match is None:
        return None
    sign, *digits = match.groups()
    value = next(int(one, base) for one, base in zip(digits, _BASES, strict=True) if one)
    return -value if sign == "-" else value


def _is_duration(text: str) -> bool:
    return _seconds({"": text}, "", 0) is not None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip())
    except ValueError:
        return False
    return True


def _flag(name: str, value: str = "") -> str:
    dashes = "-" if len(name) == 1 else "--"
    return f"{dashes}{name[:60]}" + (f"={value[:60]}" if value else "")
