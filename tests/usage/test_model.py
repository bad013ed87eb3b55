"""Gaps carry what it takes to find the object again."""

from __future__ import annotations

from kubectl_metrics.usage.model import node_gap, pod_gap
from kubectl_metrics.wire.core import ObjectMeta, Pod, PodSpec


def test_a_node() -> None:
    gap = node_gap("node-a", "timeout", "no answer")
    assert (gap.kind, gap.namespace, gap.name, gap.node, gap.reason, gap.message) == (
        "Node", "", "node-a", "node-a", "timeout", "no answer",
    )  # fmt: skip


def test_a_pod() -> None:
    gap = pod_gap(Pod(ObjectMeta("cart", "shop"), spec=PodSpec(node_name="node-a")), "no-metrics", "nothing")
    assert (gap.kind, gap.namespace, gap.name, gap.node, gap.reason, gap.message) == (
        "Pod", "shop", "cart", "node-a", "no-metrics", "nothing",
    )  # fmt: skip
