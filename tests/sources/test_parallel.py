"""Calls at once: order, bounds, errors."""

from __future__ import annotations

import threading

import pytest

from kubectl_metrics.errors import MetricsError
from kubectl_metrics.sources.parallel import Later, gather


def test_results_are_in_the_order_of_the_calls() -> None:
    first_may_end = threading.Event()

    def first() -> int:
        assert first_may_end.wait(20)
        return 1

    def second() -> int:
        first_may_end.set()
        return 2

    assert gather([first, second], workers=2) == [1, 2]


def test_no_more_workers_than_wished() -> None:
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(20)
        with lock:
            running -= 1

    gather([call] * 10, workers=2)
    assert most == 2


def test_an_expected_error_is_a_result() -> None:
    error = MetricsError("no")

    def fail() -> int:
        raise error

    assert gather([fail, lambda: 2], workers=1) == [error, 2]


def test_an_unexpected_error_is_raised() -> None:
    def fail() -> int:
        raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        gather([lambda: 1, fail], workers=1)


def test_tick_tells_how_far_it_is() -> None:
    ticks: list[tuple[int, int]] = []
    waited = threading.Event()

    def tick(done: int, total: int) -> None:
        ticks.append((done, total))
        if len(ticks) > 2:  # while nothing is ready, too
            waited.set()

    gather([lambda: waited.wait(20)], workers=1, tick=tick)
    assert set(ticks) == {(0, 1)}
    assert len(ticks) > 2


def test_nothing_to_do() -> None:
    assert gather([], workers=4) == []


def test_later() -> None:
    may_end = threading.Event()
    later = Later(lambda: may_end.wait(20))
    may_end.set()
    assert later.result() is True
    assert later.result() is True


def test_later_raises_what_the_call_raised() -> None:
    def fail() -> int:
        raise MetricsError("no")

    later = Later(fail)
    for _ in range(2):
        with pytest.raises(MetricsError, match="no"):
            later.result()
