"""Several at once: order, bounds, those that hang, and calls that block."""

from __future__ import annotations

import errno
import socket
import threading
import time

import pytest

from kubectl_metrics.connection.loop import sleep
from kubectl_metrics.connection.places import Places, allowed, gather, in_thread
from kubectl_metrics.errors import MetricsError


def test_results_are_in_the_order_of_the_calls() -> None:
    first_may_end = threading.Event()

    def first() -> int:
        assert first_may_end.wait(20)
        return 1

    def second() -> int:
        first_may_end.set()
        return 2

    assert gather(in_thread, [first, second], workers=2) == [1, 2]


def test_no_more_at_a_time_than_wished() -> None:
    running, most = 0, 0

    async def ask(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await sleep(time.monotonic() + 0.001)
        running -= 1

    gather(ask, range(20), workers=3)
    assert most == 3


def test_places_are_given_in_the_order_in_which_they_are_asked_for() -> None:
    begun: list[int] = []

    async def ask(one: int) -> None:
        begun.append(one)
        await sleep(0.0)

    gather(ask, range(10), workers=1)
    assert begun == list(range(10))


def test_those_that_hang_keep_nobody_out() -> None:
    last_has_begun = False

    async def ask(one: int) -> int:
        nonlocal last_has_begun
        last_has_begun = last_has_begun or one == 5
        while not last_has_begun:
            await sleep(time.monotonic() + 0.01)
        return one

    assert gather(ask, range(6), workers=2, most=6) == [0, 1, 2, 3, 4, 5]


def test_each_of_those_that_wait_looks_whether_time_has_made_room() -> None:
    """Where all that are under way hang, nobody gives a place back."""
    begun = 0

    async def ask(_: int) -> None:
        nonlocal begun
        begun += 1
        while begun < 4:
            await sleep(time.monotonic() + 0.01)

    gather(ask, range(4), workers=1, most=4)
    assert begun == 4


def test_a_place_is_free_again_after_an_error() -> None:
    places = Places(1)
    error = MetricsError("no")

    async def ask(one: int) -> int:
        async with places.one():
            if not one:
                raise error
            return one

    assert gather(ask, range(3), workers=3) == [error, 1, 2]


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


def test_what_a_call_raises() -> None:
    error = MetricsError("no")

    def fail() -> int:
        raise error

    assert gather(in_thread, [fail, lambda: 2], workers=1) == [error, 2]
    with pytest.raises(IndexError):
        gather(in_thread, [lambda: [1][1]], workers=1)


def test_a_call_that_blocks_keeps_nobody_waiting() -> None:
    over = threading.Event()

    async def ask(one: int) -> bool:
        if one:
            over.set()
            return True
        return await in_thread(lambda: over.wait(20))

    assert gather(ask, range(2), workers=2) == [True, True]


def test_a_call_that_blocks_where_there_are_no_descriptors_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socketpair", none)
    assert gather(in_thread, [lambda: 1, lambda: 2], workers=2) == [1, 2]
