"""The command lines of components, read as pflag reads them, and metrics-server's among them.

metrics-server's defaults are those of its cmd/metrics-server/app/options and pkg/utils (0.6 to 0.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kubectl_metrics.diagnosis.objects import Container
from kubectl_metrics.wire.time import parse_duration

# pkg/utils/address_resolver.go, DefaultAddressTypePriority.
DEFAULT_ADDRESS_TYPES = ("Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP")


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


class ServerFlags:
    """metrics-server's flags with its defaults."""

    def __init__(self, container: Container) -> None:
        self.given = parse([*(container.command or ())[1:], *(container.args or ())])

    def on(self, name: str) -> bool:
        """Whether a boolean flag is set."""
        return self.given.get(name, "false").lower() in ("true", "1", "t")

    def seconds(self, name: str, default: float) -> float | None:
        """A duration; None if it is none."""
        if name not in self.given:
            return default
        try:
            return parse_duration(self.given[name])
        except ValueError:
            return None

    @property
    def resolution(self) -> float | None:
        """--metric-resolution in seconds."""
        return self.seconds("metric-resolution", 60.0)

    @property
    def kubelet_timeout(self) -> float | None:
        """--kubelet-request-timeout in seconds."""
        return self.seconds("kubelet-request-timeout", 10.0)

    @property
    def secure_port(self) -> int:
        """The port that it listens on; 0 if that is no number."""
        text = self.given.get("secure-port", "443")
        return int(text) if len(text) < 10 and text.isascii() and text.isdecimal() else 0

    @property
    def address_types(self) -> Sequence[str]:
        """--kubelet-preferred-address-types."""
        text = self.given.get("kubelet-preferred-address-types", "")
        return tuple(part.strip() for part in text.split(",") if part.strip()) or DEFAULT_ADDRESS_TYPES

    @property
    def insecure_tls(self) -> bool:
        """Whether it takes any certificate of a kubelet."""
        return self.on("kubelet-insecure-tls") or self.on("deprecated-kubelet-completely-insecure")

    @property
    def certificate_authority(self) -> str:
        """The file of the CA for kubelets; "" for the cluster's."""
        return self.given.get("kubelet-certificate-authority", "")

    @property
    def uses_status_port(self) -> bool:
        """Whether it dials the port that a node reports."""
        return self.on("kubelet-use-node-status-port")

    @property
    def kubelet_port(self) -> int:
        """The port that it dials where it does not take the node's own."""
        text = self.given.get("kubelet-port", "10250")
        return int(text) if len(text) < 10 and text.isascii() and text.isdecimal() else 0

    @property
    def node_selector(self) -> str:
        """The label selector of the nodes that it scrapes; "" for all."""
        return self.given.get("node-selector", "") or self.given.get("l", "")
