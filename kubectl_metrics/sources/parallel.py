"""Several requests at once, without leaving the main thread deaf to Ctrl-C.

The workers are daemon threads: neither an interrupt nor the end of the process waits for a server that hangs.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from kubectl_metrics.connection import threads
from kubectl_metrics.connection.threads import TICK
from kubectl_metrics.errors import MetricsError

T = TypeVar("T")
Tick = Callable[[int, int], None]

_MOMENT = 1.0  # seconds after which a call is taken for one that hangs


class Places:
    """How many may be under way at a time, where those that hang do not keep the others out.

    Whoever has been at it for longer than a moment does not count among ``workers`` any more, only among ``most``. So
    a server that hangs costs its own time limit, and not that of all who come after it. The more of them hang, the more
    are tried at once: a thousand that hang are all found within a few moments.
    """

    def __init__(self, workers: int, most: int) -> None:
        self._workers = workers
        self._most = most
        self._changed = threading.Condition()
        self._since: dict[object, float] = {}  # time.monotonic() of when each came in

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """A place; waits for it."""
        me = object()
        with self._changed:
            while not self._free():
                self._changed.wait(TICK)  # a place becomes free with time, too
            self._since[me] = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._since[me]
                self._changed.notify()

    def _free(self) -> bool:
        return len(self._since) < allowed(self._since.values(), self._workers, self._most)


def allowed(since: Iterable[float], workers: int, most: int) -> int:
    """How many may be under way: ``workers``, and one more for each that has been so for longer than a moment.

    Two more for each where no fewer than ``workers`` hang; in all ``most``. ``since`` is when each of those under way
    has begun (``time.monotonic()``).
    """
    before = time.monotonic() - _MOMENT
    slow = sum(at < before for at in since)
    return min(workers + slow * (1 if slow < workers else 2), most)


def gather(
    calls: Sequence[Callable[[], T]], *, workers: int, most: int = 0, tick: Tick | None = None
) -> list[T | MetricsError]:
    """The results of ``calls``, in their order; a MetricsError that a call raises is its result.

    At most ``workers`` run at a time, and up to ``most`` where some of them hang (see ``Places``). ``tick`` is called
    in this thread with (done, all), also while waiting. Any other exception of a call is raised here.
    """
    crew = _Crew(calls, workers, max(workers, most))
    results: dict[int, T | MetricsError] = {}
    due = 0.0
    while len(results) < len(calls):
        if tick is not None:
            tick(len(results), len(calls))
        if (now := time.monotonic()) >= due:
            crew.grow()
            due = now + TICK
        alive = crew.is_alive()
        try:
            index, outcome = crew.finished.get(timeout=TICK)
        except queue.Empty:
            if not alive:
                raise MemoryError from None
            continue
        if isinstance(outcome, BaseException) and not isinstance(outcome, MetricsError):
            raise outcome
        results[index] = outcome
    return [results[index] for index in range(len(calls))]


class _Crew(Generic[T]):
    """The threads that do the calls of one ``gather``."""

    def __init__(self, calls: Sequence[Callable[[], T]], workers: int, most: int) -> None:
        self.finished: queue.SimpleQueue[tuple[int, T | MetricsError | BaseException]] = queue.SimpleQueue()
        self._calls = calls
        self._workers = workers
        self._most = most
        self._lock = threading.Lock()
        self._todo = iter(range(len(calls)))
        self._left = len(calls)  # not begun yet
        self._since: dict[int, float] = {}  # time.monotonic() at which a call that is under way has begun
        self._threads = 0
        self._wanted = 0  # threads
        self._started: list[threading.Thread] = []

    def is_alive(self) -> bool:
        """Whether anybody is at work."""
        return any(thread.is_alive() for thread in self._started)

    def grow(self) -> None:
        """As many threads as may be at work now. Raises MetricsError if there cannot be a single one."""
        with self._lock:
            self._wanted = allowed(self._since.values(), self._workers, self._most)
            missing = min(self._wanted - self._threads, self._left)
        for _ in range(missing):
            try:
                self._started.append(threads.start(self._work))
            except MetricsError:  # a limit of the system; those that there are will do
                if not self._threads:
                    raise
                return
            with self._lock:
                self._threads += 1

    def _work(self) -> None:
        while (index := self._next()) is not None:
            try:
                outcome: T | BaseException = self._calls[index]()
            except BaseException as error:  # noqa: BLE001  # handed to the main thread, whatever it is
                outcome = error
            with self._lock:
                del self._since[index]
            self.finished.put((index, outcome))

    def _next(self) -> int | None:
        """The call to do next; None where there is none, or enough others are at work."""
        with self._lock:
            index = next(self._todo, None) if self._threads <= self._wanted else None
            if index is None:
                self._threads -= 1
            else:
                self._left -= 1
                self._since[index] = time.monotonic()
            return index
