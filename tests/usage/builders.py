"""Short ways to values."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_metrics.usage.model import Gap, NodesUsage, Source
from kubectl_metrics.wire.core import Node, NodeInfo, NodeStatus, ObjectMeta, Resources, Swap
from kubectl_metrics.wire.metrics_list import ContainerMetrics, Metadata, NodeMetrics, PodMetrics, Usage
from kubectl_metrics.wire.quantity import Bytes, Nanocores

MEBI = 1 << 20


def usage(millicores: float, mebibytes: float, swap: int | None = None) -> Usage:
    return Usage(
        Nanocores(round(millicores * 1e6)), Bytes(round(mebibytes * MEBI)), None if swap is None else Bytes(swap * MEBI)
    )


def node_metrics(name: str, millicores: float, mebibytes: float, swap: int | None = None) -> NodeMetrics:
    return NodeMetrics(Metadata(name), "2026-11-23T19:05:56Z", "15s", usage(millicores, mebibytes, swap))


def node(name: str, cores: int | None = 2, mebibytes: int | None = 1000, swap: int | None = None) -> Node:
    has = Resources(
        None if cores is None else Nanocores(cores * 10**9), None if mebibytes is None else Bytes(mebibytes * MEBI)
    )
    whole = Resources(Nanocores(10 * 10**9), Bytes(10_000 * MEBI))
    info = NodeInfo(None if swap is None else Swap(swap * MEBI))
    return Node(ObjectMeta(name), "Node", NodeStatus(allocatable=has, capacity=whole, node_info=info))


def pod(
    name: str, *containers: tuple[str, float, float], namespace: str = "shop", swap: int | None = None
) -> PodMetrics:
    return PodMetrics(
        Metadata(name, namespace),
        "2026-11-23T19:05:56Z",
        "15s",
        tuple(ContainerMetrics(container, usage(cpu, memory, swap)) for container, cpu, memory in containers),
    )


def nodes_usage(items: Sequence[NodeMetrics], nodes: Sequence[Node], gaps: Sequence[Gap] = ()) -> NodesUsage:
    return NodesUsage(Source("api", "metrics.k8s.io/v1beta1"), list(gaps), [], list(items), list(nodes))
