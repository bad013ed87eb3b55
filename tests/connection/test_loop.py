"""Coroutines that wait in one thread: order, time, errors, the end."""

from __future__ import annotations

import math
import socket
import time
import weakref

import pytest

from kubectl_metrics.connection.loop import Wait, readable, run, run_all, sleep, suspend, writable
from kubectl_metrics.errors import MetricsError


async def give(value: int) -> int:
    return value


async def fail(error: Exception) -> int:
    raise error


def test_the_result_of_one() -> None:
    assert run(give(1)) == 1
    with pytest.raises(KeyError):
        run(fail(KeyError()))


def test_results_are_in_the_order_of_the_coroutines() -> None:
    ours, theirs = socket.socketpair()

    async def first() -> str:
        await readable(ours, math.inf)
        return "first"

    async def second() -> str:
        await writable(theirs, math.inf)
        theirs.send(b"x")
        return "second"

    with ours, theirs:
        assert run_all([first(), second()]) == ["first", "second"]


def test_a_time_limit_is_an_exception_where_it_is_waited() -> None:
    ours, theirs = socket.socketpair()

    async def wait() -> str:
        try:
            await readable(ours, time.monotonic() + 0.05)
        except TimeoutError:
            return "too late"
        return "read"

    with ours, theirs:
        assert run(wait()) == "too late"


def test_what_has_come_is_not_late_however_late_we_look() -> None:
    ours, theirs = socket.socketpair()

    async def busy() -> None:
        time.sleep(0.2)

    async def wait() -> str:
        await readable(ours, time.monotonic() + 0.1)
        return "read"

    with ours, theirs:
        theirs.send(b"x")
        assert run_all([wait(), busy()]) == ["read", None]


def test_a_limit_may_be_nearer_or_further_than_the_one_before() -> None:
    ours, theirs = socket.socketpair()
    seen: list[str] = []

    async def wait() -> None:
        for seconds in (0.05, 0.2, 0.01):
            started = time.monotonic()
            try:
                await readable(ours, started + seconds)
            except TimeoutError:
                assert time.monotonic() - started >= seconds
                seen.append("late")
            await sleep(time.monotonic() + 0.01)

    with ours, theirs:
        run(wait())
    assert seen == ["late"] * 3


def test_one_may_wake_another() -> None:
    wait = Wait(math.inf)

    async def sleeper() -> str:
        await suspend(wait)
        wait.wake()  # it does not wait any more: nothing happens
        return "awake"

    async def waker() -> None:
        wait.wake()
        wait.wake()

    assert run_all([sleeper(), waker()]) == ["awake", None]


def test_an_expected_error_is_a_result_and_any_other_is_raised() -> None:
    error = MetricsError("no")
    assert run_all([fail(error), give(2)]) == [error, 2]
    with pytest.raises(KeyError, match="bug"):
        run_all([give(1), fail(KeyError("bug"))])


def test_an_error_that_is_a_result_keeps_nothing_else() -> None:
    class Body(bytearray):
        pass

    kept: list[weakref.ref[Body]] = []

    async def ask() -> None:
        body = Body(1000)
        kept.append(weakref.ref(body))
        try:
            raise OSError
        except OSError as error:
            raise MetricsError("no") from error

    results = run_all([ask(), ask()])
    assert [str(one) for one in results] == ["error: no"] * 2
    assert [one() for one in kept] == [None] * 2


def test_what_is_still_under_way_at_the_end_is_closed() -> None:
    closed: list[str] = []

    async def forever() -> None:
        try:
            await sleep(math.inf)
        finally:
            closed.append("closed")

    async def interrupted() -> None:
        await sleep(0.0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all([forever(), interrupted(), forever()])
    assert closed == ["closed"] * 2


def test_a_socket_that_is_closed_cannot_be_waited_for() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()
    with pytest.raises(ConnectionAbortedError):
        run(readable(ours, math.inf))


def test_tick_tells_how_far_it_is() -> None:
    ticks: list[tuple[int, int]] = []

    async def wait() -> None:
        while len(ticks) < 3:  # while nothing is ready, too
            await sleep(time.monotonic() + 0.01)

    run_all([wait()], tick=lambda done, count: ticks.append((done, count)))
    assert set(ticks) == {(0, 1)}


def test_nothing_to_do() -> None:
    assert run_all([]) == []
