"""Which kubelets are asked: all, or of many those that tell most."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from kubectl_metrics.diagnosis import objects
from kubectl_metrics.wire.core import (
    Annotations,
    DaemonEndpoint,
    DaemonEndpoints,
    Node,
    NodeAddress,
    NodeStatus,
    ObjectMeta,
)

T = TypeVar("T")


def choose(nodes: Sequence[Node], unmeasured: Collection[str], limit: int) -> tuple[list[Node], str]:
    """The nodes to ask: all if they are few, else those without metrics first, and what to say about the choice."""
    if len(nodes) <= limit:
        return list(nodes), f"all {len(nodes)}"
    wanted = set(unmeasured)
    missing = [node for node in nodes if node.name in wanted]
    others = [node for node in nodes if node.name not in wanted]
    few = min(max(limit // 10, 1), len(others))  # with metrics, to compare with
    first = _spread(missing, limit - few)
    second = _spread(others, limit - len(first))
    chosen = {node.name for node in (*first, *second)}
    text = f"{len(chosen)} of {len(nodes)}: {len(first)} of {len(missing)} without metrics"
    return [node for node in nodes if node.name in chosen], f"{text}, {len(second)} of {len(others)} with metrics"


def core_node(node: objects.Node) -> Node:
    """The part of a node that it takes to ask its kubelet."""
    path = node.metadata.annotations.metrics_path if node.metadata.annotations else ""
    return Node(
        ObjectMeta(node.metadata.name, annotations=Annotations(path) if path else None),
        status=NodeStatus(
            addresses=[NodeAddress(one.type, one.address) for one in node.status.addresses or ()],
            daemon_endpoints=DaemonEndpoints(DaemonEndpoint(node.status.daemon_endpoints.kubelet_endpoint.port)),
        ),
    )


def _spread(things: Sequence[T], count: int) -> list[T]:
    """``count`` of them, evenly."""
    if len(things) <= count:
        return list(things)
    return [things[index * len(things) // count] for index in range(count)]
