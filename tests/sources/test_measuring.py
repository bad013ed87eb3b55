"""In which order kubelets are asked."""

from __future__ import annotations

from kubectl_metrics.connection.threads import NoThread
from kubectl_metrics.sources.measuring import _gap, in_order
from kubectl_metrics.usage.model import node_gap
from kubectl_metrics.wire.core import Node, NodeCondition, NodeStatus, ObjectMeta


def _node(name: str, *conditions: tuple[str, str]) -> Node:
    return Node(ObjectMeta(name), status=NodeStatus(conditions=[NodeCondition(*one) for one in conditions]))


def test_nodes_that_are_not_ready_are_asked_early_but_not_first() -> None:
    nodes = [_node(f"n{i}", ("Ready", "Unknown" if i % 10 == 0 else "True")) for i in range(300)]
    asked = in_order(nodes)
    assert sorted(node.name for node in asked) == sorted(node.name for node in nodes)
    places = [place for place, node in enumerate(asked) if not node.is_ready]
    assert places == list(range(64, 94))
    assert [node for node in asked if node.is_ready] == [node for node in nodes if node.is_ready]


def test_where_none_is_ready_all_are_asked() -> None:
    nodes = [_node(f"n{i}", ("Ready", "False")) for i in range(3)]
    assert in_order(nodes) == nodes


def test_no_more_threads_are_not_the_kubelets_fault() -> None:
    error = NoThread("this system allows no more threads")
    assert _gap(_node("a"), error) == node_gap("a", "local", "this system allows no more threads")
