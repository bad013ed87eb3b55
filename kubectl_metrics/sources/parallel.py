"""Several requests at once, without leaving the main thread deaf to Ctrl-C.

The workers are daemon threads: neither an interrupt nor the end of the process waits for a server that hangs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from kubectl_metrics.errors import MetricsError

T = TypeVar("T")
Tick = Callable[[int, int], None]

_TICK = 0.1  # seconds between two calls of ``tick`` while nothing happens


class Later(Generic[T]):
    """One call under way in the background; ``result`` waits for it."""

    def __init__(self, call: Callable[[], T]) -> None:
        """Starts the call."""
        self._finished: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()
        self._outcome: Callable[[], T] | None = None
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def _run(self, call: Callable[[], T]) -> None:
        try:
            value = call()
        except BaseException as error:  # noqa: BLE001  # it is raised again, where somebody waits for it
            failure = error

            def fail() -> T:
                raise failure

            self._finished.put(fail)
        else:
            self._finished.put(lambda: value)

    def result(self, tick: Callable[[], None] | None = None) -> T:
        """What the call returned. Raises what it raised. ``tick`` is called in this thread while waiting."""
        while self._outcome is None:
            if tick is not None:
                tick()
            try:
                self._outcome = self._finished.get(timeout=_TICK)
            except queue.Empty:
                continue
        return self._outcome()


def gather(calls: Sequence[Callable[[], T]], *, workers: int, tick: Tick | None = None) -> list[T | MetricsError]:
    """The results of ``calls``, in their order; a MetricsError that a call raises is its result.

    At most ``workers`` run at a time. ``tick`` is called in this thread with (done, all), also while waiting.
    Any other exception of a call is raised here.
    """
    results: dict[int, T | MetricsError] = {}
    todo = iter(range(len(calls)))
    lock = threading.Lock()
    finished: queue.SimpleQueue[tuple[int, T | MetricsError | BaseException]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            with lock:
                index = next(todo, None)
            if index is None:
                return
            try:
                finished.put((index, calls[index]()))
            except BaseException as error:  # noqa: BLE001  # handed to the main thread, whatever it is
                finished.put((index, error))

    for _ in range(min(workers, len(calls))):
        threading.Thread(target=work, daemon=True).start()
    while len(results) < len(calls):
        if tick is not None:
            tick(len(results), len(calls))
        try:
            index, outcome = finished.get(timeout=_TICK)
        except queue.Empty:
            continue
        if isinstance(outcome, BaseException) and not isinstance(outcome, MetricsError):
            raise outcome
        results[index] = outcome
    return [results[index] for index in range(len(calls))]
