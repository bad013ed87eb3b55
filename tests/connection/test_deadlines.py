"""Deadlines by themselves; what they do to requests is in test_transport_failures."""

from __future__ import annotations

import time

import pytest

from kubectl_metrics.connection.deadlines import Deadline, Total, format_seconds


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


def test_what_belongs_together_ends_together_and_is_told_the_limit_as_it_was_set() -> None:
    total = Total(30.0)
    both = Deadline(10.0, words="half of it")
    first = Deadline(60.0, total, within=both)
    while time.monotonic() <= first.started:  # not every machine's clock moves between two looks at it
        pass
    second = Deadline(60.0, within=both)
    assert first.when == second.when == both.when
    assert (first.words, first.total) == ("half of it", None)
    assert first.started < second.started
    assert Deadline(5.0, within=both).words == "5s"
    assert Deadline(60.0, within=Deadline(60.0, total)).total is total
    assert Deadline(60.0, total, within=Deadline(50.0)).words == "the 30s of --timeout"


@pytest.mark.parametrize(
    ("seconds", "words"), [(5.0, "5s"), (0.05, "0.05s"), (5 / 3, "1.67s"), (0.0012, "0.0012s"), (86400.0, "86400s")]
)
def test_how_a_limit_is_told(seconds: float, words: str) -> None:
    assert format_seconds(seconds) == words
