"""Calls at once: order, bounds, errors."""

from __future__ import annotations

import threading
import time

import pytest

from kubectl_metrics.connection.threads import Later
from kubectl_metrics.errors import MetricsError
from kubectl_metrics.sources.parallel import Places, allowed, gather


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


def test_calls_that_hang_keep_nobody_out() -> None:
    last_has_begun = threading.Event()

    def last() -> bool:
        last_has_begun.set()
        return True

    assert gather([lambda: last_has_begun.wait(20)] * 5 + [last], workers=2, most=6) == [True] * 6


def test_places_of_those_that_hang_are_given_to_others() -> None:
    places = Places(1, 2)
    with places.one(), places.one():  # the second comes in when the first has been there for a moment
        inside = threading.Event()

        def third() -> None:
            with places.one():
                inside.set()

        waiting = threading.Thread(target=third)
        waiting.start()
    waiting.join(20)
    assert inside.is_set()


@pytest.mark.parametrize(
    ("ages", "workers", "most", "expected"),
    [
        ([], 4, 100, 4),
        ([0.0] * 4, 4, 100, 4),
        ([5.0], 4, 100, 5),
        ([5.0] * 3, 4, 100, 7),
        ([5.0] * 4, 4, 100, 12),
        ([5.0] * 4 + [0.0] * 8, 4, 100, 12),
        ([5.0] * 90, 4, 100, 100),
        ([5.0], 4, 4, 4),
    ],
)
def test_how_many_are_allowed(ages: list[float], workers: int, most: int, expected: int) -> None:
    now = time.monotonic() + 60  # whatever happens while this runs
    assert allowed([now - age - 60 if age else now for age in ages], workers, most) == expected


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


def test_threads_that_die_before_their_work_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python's do where there is no memory left."""
    monkeypatch.setattr(threading.Thread, "run", lambda _: None)
    with pytest.raises(MemoryError):
        gather([lambda: 1, lambda: 2], workers=2)
    with pytest.raises(MemoryError):
        Later(lambda: 1).result()
