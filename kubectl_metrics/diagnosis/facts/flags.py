"""The command lines of components, read as pflag reads them, and metrics-server's among them.

Facts
- metrics-server's defaults are those of its cmd/metrics-server/app/options and pkg/utils (0.6 to 0.9).
- The kubelet puts the container's environment in for $(NAME), in command and args alike. The environment is not kept.
- What a shell or another wrapper hands on to metrics-server cannot be seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_metrics.diagnosis.evidence import FAILED, Read, Unknown
from kubectl_metrics.diagnosis.objects import Container
from kubectl_metrics.wire.time import parse_duration

# pkg/utils/address_resolver.go, DefaultAddressTypePriority.
DEFAULT_ADDRESS_TYPES = ("Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP")
LONGEST = (2**63 - 1) / 1e9  # seconds: a duration is an int64 of nanoseconds

# Flags without a value of their own: what follows one is another argument.
_SWITCHES = frozenset(
    {"kubelet-insecure-tls", "deprecated-kubelet-completely-insecure", "kubelet-use-node-status-port"}
)


def parse(arguments: Iterable[str]) -> dict[str, str]:
    """Flags to values: "--a=b", "--a b", "-l x"; a flag alone is "true". A flag that is repeated keeps the last."""
    flags: dict[str, str] = {}
    words = list(arguments)
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if not word.startswith("-") or word in ("-", "--"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            following = words[position] if position < len(words) else "-"
            if name in _SWITCHES or following.startswith("-"):
                value = "true"
            else:
                value = following
                position += 1
        flags[name] = value
    return flags


def is_variable(text: str) -> bool:
    """Whether the kubelet puts something into an argument when it starts the container."""
    return "$(" in text


class ServerFlags:
    """metrics-server's flags with its defaults. What cannot be known raises Unknown, unless something else is said."""

    def __init__(self, container: Container) -> None:
        command, args = container.command or [], container.args or []
        self.wrapper = _wrapper(command, args)  # the program that starts it, if that is another one
        words = [] if self.wrapper else [*command[1:], *args]
        self.given = parse(words)  # what is known to be given, with its variables
        values = {*self.given.values()}
        # Whether there may be any other flag in a variable: "$(MORE)", "--$(NAME)=x".
        self.incomplete = any(is_variable(one.partition("=")[0]) and one not in values for one in words)

    def value(self, name: str, default: str = "") -> str:
        """What a flag says."""
        if name in self.given:
            if is_variable(self.given[name]):
                raise _unknown(f"--{name} has a variable in it")
            return self.given[name]
        if self.wrapper:
            raise _unknown(f"{self.wrapper} starts metrics-server, with whatever arguments")
        if self.incomplete:
            raise _unknown("there is a variable among them")
        return default

    def on(self, name: str) -> bool:
        """Whether a boolean flag is set."""
        return self.value(name, "false").lower() in ("true", "1", "t")

    def seconds(self, name: str, default: str) -> float | None:
        """A duration; None if it is none."""
        try:
            found = parse_duration(self.value(name, default))
        except ValueError:
            return None
        return found if found <= LONGEST else None

    @property
    def resolution(self) -> float | None:
        """--metric-resolution in seconds; None if that is not known either."""
        try:
            return self.seconds("metric-resolution", "60s")
        except Unknown:
            return None

    @property
    def kubelet_timeout(self) -> float | None:
        """--kubelet-request-timeout in seconds."""
        return self.seconds("kubelet-request-timeout", "10s")

    @property
    def secure_port(self) -> int:
        """The port that it listens on; 0 if that is no number, or not known."""
        try:
            text = self.value("secure-port", "443")
        except Unknown:
            return 0
        return int(text) if len(text) < 10 and text.isascii() and text.isdecimal() else 0

    @property
    def address_types(self) -> Sequence[str]:
        """--kubelet-preferred-address-types."""
        text = self.value("kubelet-preferred-address-types")
        return tuple(part.strip() for part in text.split(",") if part.strip()) or DEFAULT_ADDRESS_TYPES

    @property
    def insecure_tls(self) -> bool:
        """Whether it takes any certificate of a kubelet."""
        return self.on("kubelet-insecure-tls") or self.on("deprecated-kubelet-completely-insecure")

    @property
    def certificate_authority(self) -> str:
        """The file of the CA for kubelets, whatever it is called; "" for the cluster's."""
        name = "kubelet-certificate-authority"
        return self.given[name] if name in self.given else self.value(name)

    @property
    def uses_status_port(self) -> bool:
        """Whether it dials the port that a node reports."""
        return self.on("kubelet-use-node-status-port")

    @property
    def kubelet_port(self) -> int:
        """The port that it dials where it does not take the node's own."""
        text = self.value("kubelet-port", "10250")
        return int(text) if len(text) < 10 and text.isascii() and text.isdecimal() else 0

    @property
    def node_selector(self) -> str:
        """The label selector of the nodes that it scrapes; "" for all."""
        return self.value("node-selector") or self.value("l")


def _wrapper(command: Sequence[str], args: Sequence[str]) -> str:
    """The name of the program that is started, if that is not metrics-server; "" if it is, as by its image."""
    program = next(iter([*command, *args]), "")
    if not command and (program.startswith("-") or is_variable(program)):
        return ""
    name = program.rpartition("/")[2]
    return "" if not program or "metrics-server" in name else name[:40] or "a wrapper"


def _unknown(why: str) -> Unknown:
    return Unknown(Read(what="metrics-server's arguments", state=FAILED, message=why))
