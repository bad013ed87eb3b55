"""Deadlines by themselves; what they do to requests is in test_transport_failures."""

from __future__ import annotations

import time

from kubectl_metrics.connection.deadlines import Deadline, Total


def test_it_is_over_when_its_moment_has_come() -> None:
    assert Deadline(0.0).over()
    assert Deadline(0.0).left() <= 0
    deadline = Deadline(60.0)
    assert not deadline.over()
    assert 0 < deadline.left() <= 60
    assert deadline.when == deadline.started + 60.0
    assert deadline.words == "60s"


def test_the_nearer_limit_counts() -> None:
    total = Total(30.0)
    assert Deadline(5.0, total).total is None
    deadline = Deadline(600.0, total)
    assert deadline.total is total
    assert deadline.words == "the 30s of --timeout"
    assert deadline.when <= time.monotonic() + 30.0
