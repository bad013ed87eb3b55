"""Several at once: how many may be under way at a time, where those that hang do not keep the others out."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

from kubectl_metrics.connection.jobs import Job
from kubectl_metrics.connection.loop import Call, Tick, Wait, run_all, suspend
from kubectl_metrics.connection.threads import TICK, NoThread
from kubectl_metrics.errors import MetricsError

A = TypeVar("A")
T = TypeVar("T")

_MOMENT = 1.0  # seconds after which one is taken for one that hangs


class Places:
    """Places for the coroutines of one loop, which get them in the order in which they come.

    Whoever has been at it for longer than a moment does not count among ``workers`` any more, only among ``most``. So
    a server that hangs costs its own time limit, and not that of all who come after it. The more of them hang, the more
    are tried at once: a thousand that hang are all found within a few moments.
    """

    def __init__(self, workers: int, most: int = 0) -> None:
        """``most`` is with those that hang; by default as many as ``workers``."""
        self._workers = workers
        self._most = max(workers, most)
        self._since: dict[object, float] = {}  # time.monotonic() of when each came in, the first one first
        self._queue: deque[Wait] = deque()  # of those who wait for a place

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place; waits for it."""
        if self._queue or self._free() <= 0:
            await self._turn()
        me = object()
        self._since[me] = time.monotonic()
        try:
            yield
        finally:
            del self._since[me]
            self._wake()

    async def _turn(self) -> None:
        wait = Wait(math.inf)
        self._queue.append(wait)
        try:
            while self._queue[0] is not wait or self._free() <= 0:
                # The first one looks again by itself: a place becomes free with time, too.
                wait.until = time.monotonic() + TICK if self._queue[0] is wait else math.inf
                await suspend(wait)
        finally:
            self._queue.remove(wait)
        self._wake()

    def _wake(self) -> None:
        """Those for whom there is a place, the first ones first; whoever is the first now, looks by itself again."""
        if self._queue:
            for wait in list(itertools.islice(self._queue, max(self._free(), 1))):
                wait.wake()

    def _free(self) -> int:
        """Places that are free; fewer than none where those who hung have all answered."""
        return allowed(self._since.values(), self._workers, self._most) - len(self._since)


def allowed(since: Iterable[float], workers: int, most: int) -> int:
    """How many may be under way: ``workers``, and one more for each that has been so for longer than a moment.

    Two more for each where no fewer than ``workers`` hang; in all ``most``. ``since`` is when each of those under way
    has begun (``time.monotonic()``), the first one first.
    """
    before = time.monotonic() - _MOMENT
    slow = 0
    for at in since:
        if at >= before:
            break
        slow += 1
    return min(workers + slow * (1 if slow < workers else 2), most)


async def in_thread(call: Callable[[], T]) -> T:
    """What a call that blocks returns, made in a thread of its own. Raises what it raises.

    Where the system allows no more threads or files, it is made here, and the others have to wait.
    """
    try:
        job = Job(call)
    except (NoThread, OSError):
        return call()
    return await job.result()


def gather(
    ask: Callable[[A], Call[T]], whom: Iterable[A], *, workers: int, most: int = 0, tick: Tick | None = None
) -> list[T | MetricsError]:
    """What ``ask`` returns for each, in their order; a MetricsError that it raises is the result for that one.

    Args:
        ask: a coroutine function, such as ``in_thread`` for calls.
        whom: what it is called with.
        workers: how many are asked at a time ...
        most: ... and with those that hang (``Places``).
        tick: is called in this thread with (done, all), also while waiting.

    Any other exception is raised here, and ends them all.
    """
    places = Places(workers, most)

    async def in_turn(one: A) -> T:
        async with places.one():
            return await ask(one)

    return run_all((in_turn(one) for one in whom), tick=tick)
