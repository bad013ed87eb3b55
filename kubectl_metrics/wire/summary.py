"""The kubelet's /stats/summary (k8s.io/kubelet pkg/apis/stats/v1alpha1): rates that the kubelet has already computed.

Each value can be missing: a container that has just started has no rate, a stopped one has nothing.
"""

from __future__ import annotations

import msgspec

from kubectl_metrics.wire.decode import decoder

# JSON numbers above this are no measurement: 2**63-1 nanocores are nine billion cores.
_MAX = 2**63 - 1


class CPUStats(msgspec.Struct, frozen=True, rename="camel"):
    """CPU: the rate in nanocores at ``time`` (RFC 3339), and the counter in core-nanoseconds since the start."""

    time: str = ""
    usage_nano_cores: int | None = None
    usage_core_nano_seconds: int | None = None


class MemoryStats(msgspec.Struct, frozen=True, rename="camel"):
    """Memory in bytes."""

    working_set_bytes: int | None = None


class SwapStats(msgspec.Struct, frozen=True, rename="camel"):
    """Swap in bytes."""

    swap_usage_bytes: int | None = None


class ContainerStats(msgspec.Struct, frozen=True):
    """One container."""

    name: str
    cpu: CPUStats | None = None
    memory: MemoryStats | None = None
    swap: SwapStats | None = None


class PodReference(msgspec.Struct, frozen=True):
    """Which pod."""

    name: str
    namespace: str


class PodStats(msgspec.Struct, frozen=True, rename="camel"):
    """One pod, started at ``start_time`` (RFC 3339)."""

    pod_ref: PodReference
    start_time: str = ""
    containers: list[ContainerStats] | None = None


class NodeStats(msgspec.Struct, frozen=True, rename="camel"):
    """The node itself."""

    node_name: str
    cpu: CPUStats | None = None
    memory: MemoryStats | None = None
    swap: SwapStats | None = None


class Summary(msgspec.Struct, frozen=True):
    """The whole answer."""

    node: NodeStats
    pods: list[PodStats] | None = None


class _NodeOnly(msgspec.Struct, frozen=True):
    node: NodeStats


_summary, _node_only = decoder(Summary), decoder(_NodeOnly)


def summary(body: bytes, *, pods: bool = True) -> Summary:
    """A kubelet's summary, or without ``pods`` only what it says of its node. Raises DecodeError."""
    return _summary(body, "/stats/summary") if pods else Summary(_node_only(body, "/stats/summary").node)


def is_sane(value: int) -> bool:
    """Whether a number can be a measurement: not negative, and within 63 bits."""
    return 0 <= value <= _MAX
