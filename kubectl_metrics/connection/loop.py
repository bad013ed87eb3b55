"""Waiting for many connections in one thread, or for one.

Strategy: what talks to a server is a coroutine. In the end it awaits one of the few things here: that a socket can be
read or written, that a moment comes, that another coroutine wakes it. A ``Loop`` runs such coroutines in turns and asks
the system for whom there is something to do. So a request is written once, and serves a thread that makes one (``run``)
as well as five thousand that are under way together (``run_all``).

Facts
- Threads are no alternative where there are thousands of handshakes: they wait for Python's one lock most of the time
  (docs/benchmarks.md).
- asyncio would do, but its TLS is a layer of Python around buffers in memory, and its import takes 20 ms, which is
  a third of the start of a command (python -X importtime).
- A coroutine that is not run to its end is closed: what it has opened is closed with it (``finally``), as by an
  exception. So nothing in a ``finally`` may wait.
"""

from __future__ import annotations

import heapq
import itertools
import math
import selectors
import socket
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any, TypeVar

from kubectl_metrics.connection.threads import TICK, outcome
from kubectl_metrics.errors import MetricsError

E = TypeVar("E", bound=BaseException)
T = TypeVar("T")
Tick = Callable[[int, int], None]
Call = Coroutine["Wait", None, T]

# For one connection; it takes no descriptor of its own, as epoll would.
_One: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.DefaultSelector)


class Wait:
    """What a task waits for, at most until a moment (``time.monotonic()``)."""

    __slots__ = ("event", "loop", "sock", "task", "until")

    def __init__(self, until: float, sock: socket.socket | None = None, event: int = 0) -> None:
        self.until = until
        self.sock = sock
        self.event = event
        self.loop: Loop | None = None  # once the task is suspended
        self.task: _Task | None = None

    def wake(self) -> None:
        """The task goes on, if it does not yet; called by another task of the same loop."""
        if self.loop is not None and self.task is not None and self.task.wait is self:
            self.loop.resume(self.task)


class _Task:
    __slots__ = ("alarm", "coroutine", "index", "wait")

    def __init__(self, coroutine: Call[Any], index: int) -> None:
        self.coroutine = coroutine
        self.index = index
        self.wait: Wait | None = None
        self.alarm = math.inf  # the moment of its entry among the alarms


@types.coroutine
def suspend(wait: Wait) -> Generator[Wait, None, None]:
    """Until what is waited for happens, or its moment comes: that is a TimeoutError where a socket is waited for."""
    yield wait


async def readable(sock: socket.socket, until: float) -> None:
    """Until the socket can be read. Raises TimeoutError at ``until`` (time.monotonic())."""
    await suspend(Wait(until, sock, selectors.EVENT_READ))


async def writable(sock: socket.socket, until: float) -> None:
    """Until the socket can be written, or is connected or not. Raises TimeoutError at ``until`` (time.monotonic())."""
    await suspend(Wait(until, sock, selectors.EVENT_WRITE))


async def sleep(until: float) -> None:
    """Until a moment (time.monotonic())."""
    await suspend(Wait(until))


class Loop:
    """Runs coroutines until all of them have ended."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """``selector`` is closed by ``close``."""
        self._selector = selector
        self._ready: deque[tuple[_Task, BaseException | None]] = deque()
        self._alarms: list[tuple[float, int, _Task]] = []
        self._numbers = itertools.count()
        self._tasks: set[_Task] = set()
        self.finished: deque[tuple[int, Any, BaseException | None]] = deque()  # index, result, exception

    def start(self, coroutine: Call[Any], index: int = 0) -> None:
        """One more task."""
        task = _Task(coroutine, index)
        self._tasks.add(task)
        self._ready.append((task, None))

    def resume(self, task: _Task, error: BaseException | None = None) -> None:
        """A suspended task goes on, with an exception or without."""
        wait = task.wait
        task.wait = None
        if wait is not None and wait.sock is not None:
            self._selector.unregister(wait.sock)
        self._ready.append((task, error))

    def turn(self, seconds: float) -> None:
        """Run what can go on; where there is nothing, wait for it so long at most."""
        if self._ready:
            seconds = 0.0
        elif self._alarms:
            seconds = min(seconds, max(self._alarms[0][0] - time.monotonic(), 0.0))
        if self._selector.get_map():
            for key, _ in self._selector.select(seconds):
                self.resume(key.data)
        elif seconds:
            time.sleep(seconds)
        self._ring()  # afterwards: whoever has something to read is not late, however long it took us to look
        for _ in range(len(self._ready)):
            self._step(*self._ready.popleft())

    def close(self) -> None:
        """The end, also of the tasks that are still under way."""
        for task in self._tasks:
            task.coroutine.close()
        self._tasks.clear()
        self._selector.close()

    def _ring(self) -> None:
        now = time.monotonic()
        while self._alarms and self._alarms[0][0] <= now:
            task = heapq.heappop(self._alarms)[2]
            task.alarm = math.inf
            if task.wait is None:
                continue
            if task.wait.until > now:
                self._set_alarm(task, task.wait.until)
            else:
                self.resume(task, None if task.wait.sock is None else TimeoutError())

    def _set_alarm(self, task: _Task, until: float) -> None:
        # An earlier one will do: it is set anew then. A request waits many times for its one deadline.
        if until < task.alarm:
            task.alarm = until
            heapq.heappush(self._alarms, (until, next(self._numbers), task))

    def _step(self, task: _Task, error: BaseException | None) -> None:
        coroutine = task.coroutine
        try:
            wait = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration as end:
            self._tasks.discard(task)
            self.finished.append((task.index, end.value, None))
            return
        except Exception as failure:  # noqa: BLE001  # it is raised, or kept, where the result is wanted
            self._tasks.discard(task)
            self.finished.append((task.index, None, failure))
            return
        finally:
            del error  # which has passed here: or it and this call keep each other
        if wait.sock is None and wait.until <= time.monotonic():  # it only lets the others have their turn
            self._ready.append((task, None))
            return
        task.wait = wait
        wait.loop, wait.task = self, task
        try:
            if wait.sock is not None:
                self._selector.register(wait.sock, wait.event, task)
        except (OSError, ValueError) as failure:  # the system watches no more, or it has been closed
            task.wait = None
            problem = failure if isinstance(failure, OSError) else ConnectionAbortedError()
            self._ready.append((task, problem))
            return
        self._set_alarm(task, wait.until)


def run(coroutine: Call[T]) -> T:
    """The result of one coroutine, for which this thread waits. Raises what it raises."""
    loop = Loop(_One())
    try:
        loop.start(coroutine)
        while not loop.finished:
            loop.turn(TICK)
    finally:
        loop.close()
    found: T = outcome(*loop.finished.popleft()[1:])
    return found


def run_all(coroutines: Iterable[Call[T]], *, tick: Tick | None = None) -> list[T | MetricsError]:
    """The results of the coroutines, in their order; a MetricsError that one raises is its result.

    All of them are begun; how many get further at a time is a matter of ``places``. ``tick`` is called in this
    thread with (done, all), also while waiting. Any other exception is raised here, and ends them all.
    """
    loop = Loop(selectors.DefaultSelector())
    results: dict[int, T | MetricsError] = {}
    try:
        count = 0
        for coroutine in coroutines:
            loop.start(coroutine, count)
            count += 1
        due = 0.0
        while len(results) < count:
            if tick is not None and time.monotonic() >= due:
                tick(len(results), count)
                due = time.monotonic() + TICK
            loop.turn(TICK)
            while loop.finished:
                index, result, error = loop.finished.popleft()
                if error is not None and not isinstance(error, MetricsError):
                    raise error
                results[index] = result if error is None else alone(error)
    finally:
        loop.close()
    return [results[index] for index in range(count)]


def alone(error: E) -> E:
    """An error that is kept, without the calls in which it happened: they have bodies of many megabytes, or itself."""
    error.__cause__ = error.__context__ = error.__traceback__ = None
    return error
