"""The objects of metrics.k8s.io: what both sources end in, and what ``raw`` prints.

``v1`` and ``v1beta1`` are the same field for field. CPU is in nanocores and memory in
bytes, already parsed: one pass over the body, no strings kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kubectl_metrics.wire import quantity
from kubectl_metrics.wire.decode import check_kind, decoder
from kubectl_metrics.wire.quantity import Bytes, Nanocores

GROUP = "metrics.k8s.io"
# The API has no objects without a window, and clients divide by it. Where nobody knows it, the rates are the kubelet's
# own, which it computes over its housekeeping interval (kubernetes pkg/kubelet/cadvisor, defaultHousekeepingInterval).
HOUSEKEEPING = "10s"


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """The part of ObjectMeta that identifies an object."""

    name: str = ""
    namespace: str = ""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What was used: CPU in nanocores, memory and swap in bytes; swap is None where nobody measured it."""

    cpu: Nanocores = Nanocores(0)
    memory: Bytes = Bytes(0)
    swap: Bytes | None = None


class ContainerMetrics(msgspec.Struct, frozen=True, gc=False):
    """One container of a pod."""

    name: str = ""
    usage: Usage = Usage()


class NodeMetrics(msgspec.Struct, frozen=True, gc=False):
    """One node: ``usage`` over the ``window`` (Go duration) that ended at ``timestamp`` (RFC 3339)."""

    metadata: Metadata
    timestamp: str = ""
    window: str = ""
    usage: Usage = Usage()


class PodMetrics(msgspec.Struct, frozen=True, gc=False):
    """One pod: its containers' usage over the ``window`` (Go duration) that ended at ``timestamp`` (RFC 3339)."""

    metadata: Metadata
    timestamp: str = ""
    window: str = ""
    containers: tuple[ContainerMetrics, ...] = ()


PodTotal = tuple[str, str, int, int]
"""What a pod uses in all: its namespace and name, CPU in nanocores and memory in bytes."""


class _NodeList(msgspec.Struct):
    kind: str = ""
    items: list[NodeMetrics] | None = None  # Go writes an empty list as null, too


class _PodList(msgspec.Struct):
    kind: str = ""
    items: list[PodMetrics] | None = None


class _Node(NodeMetrics, frozen=True):
    kind: str = ""


class _Pod(PodMetrics, frozen=True):
    kind: str = ""


_node_list, _pod_list, _node, _pod = decoder(_NodeList), decoder(_PodList), decoder(_Node), decoder(_Pod)


def node_list(body: bytes) -> list[NodeMetrics]:
    """The items of a NodeMetricsList. Raises DecodeError."""
    whose = f"{GROUP} nodes"
    answer = _node_list(body, whose)
    check_kind(answer.kind, "NodeMetricsList", whose)
    return answer.items or []


def pod_list(body: bytes) -> list[PodMetrics]:
    """The items of a PodMetricsList. Raises DecodeError."""
    whose = f"{GROUP} pods"
    answer = _pod_list(body, whose)
    check_kind(answer.kind, "PodMetricsList", whose)
    return answer.items or []


def total_of(pod: PodMetrics) -> PodTotal:
    """The total of one pod."""
    cpu = memory = 0
    for container in pod.containers:
        cpu += container.usage.cpu
        memory += container.usage.memory
    return pod.metadata.namespace, pod.metadata.name, cpu, memory


def node(body: bytes) -> NodeMetrics:
    """A single NodeMetrics. Raises DecodeError."""
    whose = f"{GROUP} node"
    answer = _node(body, whose)
    check_kind(answer.kind, "NodeMetrics", whose)
    return answer


def pod(body: bytes) -> PodMetrics:
    """A single PodMetrics. Raises DecodeError."""
    whose = f"{GROUP} pod"
    answer = _pod(body, whose)
    check_kind(answer.kind, "PodMetrics", whose)
    return answer


def _usage_document(usage: Usage) -> dict[str, str]:
    document = {"cpu": quantity.format_nanocores(usage.cpu), "memory": quantity.format_bytes(usage.memory)}
    if usage.swap:  # metrics-server knows no swap; where nothing is swapped the answers are the same
        document["swap"] = quantity.format_bytes(usage.swap)
    return document


def _document(item: NodeMetrics | PodMetrics) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": item.metadata.name}
    if item.metadata.namespace:
        metadata["namespace"] = item.metadata.namespace
    metadata["creationTimestamp"] = item.timestamp or None
    window = item.window or HOUSEKEEPING
    document: dict[str, Any] = {"metadata": metadata, "timestamp": item.timestamp or None, "window": window}
    if isinstance(item, NodeMetrics):
        document["usage"] = _usage_document(item.usage)
    else:
        document["containers"] = [
            {"name": container.name, "usage": _usage_document(container.usage)} for container in item.containers
        ]
    return document


def encode(item: NodeMetrics | PodMetrics, version: str) -> bytes:
    """One object as the API would serve it under ``version`` ("v1beta1")."""
    kind = "NodeMetrics" if isinstance(item, NodeMetrics) else "PodMetrics"
    return msgspec.json.encode({"kind": kind, "apiVersion": f"{GROUP}/{version}", **_document(item)}) + b"\n"


def encode_list(kind: str, items: Sequence[NodeMetrics | PodMetrics], version: str) -> bytes:
    """A list ("NodeMetricsList" or "PodMetricsList") as the API would serve it under ``version``."""
    return (
        msgspec.json.encode(
            {
                "kind": kind,
                "apiVersion": f"{GROUP}/{version}",
                "metadata": {},
                "items": [_document(item) for item in items],
            }
        )
        + b"\n"
    )


def encode_group(version: str) -> bytes:
    """The discovery document of the group, with one version."""
    entry = {"groupVersion": f"{GROUP}/{version}", "version": version}
    document = {"kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": [entry], "preferredVersion": entry}
    return msgspec.json.encode(document) + b"\n"


def encode_resources(version: str) -> bytes:
    """The discovery document of one version."""
    resources = [
        {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]}
        for name, namespaced, kind in (("nodes", False, "NodeMetrics"), ("pods", True, "PodMetrics"))
    ]
    document = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{GROUP}/{version}",
        "resources": resources,
    }
    return msgspec.json.encode(document) + b"\n"
