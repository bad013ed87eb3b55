"""Whose metrics are missed."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.serverpods import metrics_missing
from kubectl_metrics.diagnosis.objects import Node
from tests.diagnosis.build import at, healthy


def _leaving(node: Node) -> None:
    node.metadata.deletion_timestamp = at(minutes=1)


def _virtual(node: Node) -> None:
    node.metadata.labels = {"type": "virtual-kubelet"}


def _usual(_: Node) -> None:
    pass


@pytest.mark.parametrize(("change", "missing"), [(_usual, 1), (_leaving, 0), (_virtual, 0)])
def test_only_nodes_that_should_have_metrics_miss_them(change: object, missing: int) -> None:
    evidence = healthy()
    node = evidence.nodes.get()[0]
    assert callable(change)
    change(node)
    evidence.node_metrics.get()[:] = [
        one for one in evidence.node_metrics.get() if one.metadata.name != node.metadata.name
    ]
    assert len(metrics_missing(Facts(evidence)) or []) == missing
