"""What a source answers: measurements, the nodes they belong to, and gaps.

The measurements are metrics.k8s.io's own objects (``wire.metrics_list``), wherever they come from. A *gap* is something
that should have an answer and has none; it travels with the answer, so that every output can name it.
"""

from __future__ import annotations

import msgspec

from kubectl_metrics.wire.core import Node, Pod
from kubectl_metrics.wire.metrics_list import NodeMetrics, PodMetrics, PodTotal


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Something without usage.

    ``reason`` is a stable word for scripts (a ``FailureKind`` value, or "forbidden", "no-metrics", "too-young", ...),
    ``message`` the sentence for people, without the name of the object. ``node`` is where a pod runs.
    """

    kind: str  # "Node" or "Pod"
    name: str
    namespace: str = ""
    node: str = ""
    reason: str
    message: str


def node_gap(name: str, reason: str, message: str) -> Gap:
    """A node without usage."""
    return Gap(kind="Node", name=name, node=name, reason=reason, message=message)


def pod_gap(pod: Pod, reason: str, message: str) -> Gap:
    """A pod without usage."""
    namespace, name = pod.key
    return Gap(kind="Pod", name=name, namespace=namespace, node=pod.spec.node_name, reason=reason, message=message)


class Source(msgspec.Struct, frozen=True):
    """Where the numbers come from.

    ``kind`` is "api" or "kubelet", ``detail`` the API's group and version or the kubelets' paths.
    """

    kind: str
    detail: str


class Usage(msgspec.Struct):
    """The part of an answer that nodes and pods share.

    ``notes`` are lines for stderr about how the answer was come by: a fallback and its cause.
    """

    source: Source
    gaps: list[Gap]
    notes: list[str]


class NodesUsage(Usage):
    """The usage of nodes. ``nodes`` are those that were asked for, with or without usage.

    A node of ``items`` that is not among ``nodes`` has no known capacity (it went away between two answers).
    """

    items: list[NodeMetrics]
    nodes: list[Node]


class PodsUsage(Usage):
    """The usage of pods, each with all its containers."""

    items: list[PodMetrics]


class PodTotals(Usage):
    """The usage of pods, each as one: all that the plain table shows."""

    items: list[PodTotal]
