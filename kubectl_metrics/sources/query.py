"""What is asked of a source, and how: plain values, cheap to import, so that ``--help`` needs nothing else."""

from __future__ import annotations

import msgspec

SOURCES = ("auto", "api", "kubelet")
ACCESS = ("auto", "direct", "proxy")
ADDRESS_TYPES = ("InternalIP", "Hostname", "InternalDNS", "ExternalDNS", "ExternalIP")


class NodesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One node by ``name``, or those that match the selectors, or all."""

    name: str | None = None
    selector: str = ""
    field_selector: str = ""


class PodsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One pod by ``name``, or those that match the selectors, in a ``namespace`` or (None) in all of them."""

    namespace: str | None
    name: str | None = None
    selector: str = ""
    field_selector: str = ""


class KubeletOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The --kubelet-... flags, named as metrics-server's where it has them."""

    access: str = "auto"
    address_types: tuple[str, ...] = ADDRESS_TYPES
    port: int | None = None
    use_node_status_port: bool = True
    secure: bool = True  # False: plain HTTP to the read-only port, --deprecated-kubelet-completely-insecure
    timeout: float = 10.0  # seconds for all that is asked of one kubelet at a time
