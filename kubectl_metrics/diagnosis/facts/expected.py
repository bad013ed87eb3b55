"""Nodes of which nobody expects metrics.

They are those that are being deleted, whose machine may be gone while their finalizers still run, and virtual ones,
behind which there is no kubelet.
"""

from __future__ import annotations

from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.objects import Node


def is_leaving(node: Node) -> bool:
    """Whether a node is being deleted; finalizers keep it in the list for minutes."""
    return node.metadata.deletion_timestamp is not None


def is_expected(facts: Facts, name: str, *, virtual: bool = False) -> bool:
    """Whether a node should have metrics: it stays, and there is a kubelet behind it, or virtual ones count too."""
    node = facts.nodes_by_name.get(name) if facts.evidence.nodes.ok else None
    return node is None or not (is_leaving(node) or (is_virtual(node) and not virtual))


def is_virtual(node: Node) -> bool:
    """Whether there is no kubelet at all behind a node."""
    return (node.metadata.labels or {}).get("type") == "virtual-kubelet"
