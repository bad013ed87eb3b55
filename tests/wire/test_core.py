"""Nodes and pods, as far as usage needs them."""

from __future__ import annotations

import pytest

from kubectl_metrics.wire.core import Node, NodeCondition, NodeStatus, ObjectMeta, Pod, PodStatus


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([("Ready", "True")], True),
        ([("MemoryPressure", "Unknown"), ("Ready", "True")], True),
        ([("Ready", "False")], False),
        ([("MemoryPressure", "False"), ("Ready", "Unknown")], False),
        ([], True),  # nothing is known, so nothing is held against it
    ],
)
def test_ready(conditions: list[tuple[str, str]], ready: bool) -> None:
    listed = [NodeCondition(*one) for one in conditions]
    assert Node(ObjectMeta("a"), status=NodeStatus(conditions=listed)).is_ready is ready


@pytest.mark.parametrize(("phase", "running"), [("Running", True), ("Succeeded", False), ("", False)])
def test_the_one_phase_with_usage(phase: str, running: bool) -> None:
    assert Pod(ObjectMeta("a"), status=PodStatus(phase)).is_running is running
