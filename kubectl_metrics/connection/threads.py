"""Work in the background."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from kubectl_metrics.errors import MetricsError

T = TypeVar("T")

TICK = 0.1  # seconds; on Windows, Ctrl-C is heard between two waits and not while one lasts


class NoThread(MetricsError):
    """The system allows no more of them."""


class TooLate(Exception):
    """It was not done in time."""


def start(work: Callable[[], object], name: str | None = None) -> threading.Thread:
    """Has ``work`` done by a thread that nothing waits for, the end of the program included; returns the thread.

    One that can have no more memory may end without having begun its work: whoever waits looks whether it is alive.

    Raises NoThread if the system allows no more.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise NoThread("this system allows no more threads (see ulimit -u and ulimit -v)") from None
    return thread


def outcome(value: Any, error: BaseException | None) -> Any:
    """What a call has returned. Raises what it raised, which the caller must not have in a variable: see below."""
    if error is None:
        return value
    try:
        raise error
    finally:
        del error  # or it and this call keep each other


class Later(Generic[T]):
    """One call under way in the background; ``result`` waits for it, for one who asks once."""

    def __init__(self, call: Callable[[], T], name: str | None = None) -> None:
        """Starts the call. Raises NoThread."""
        self._outcome: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._thread = start(lambda: self._run(call), name)

    def _run(self, call: Callable[[], T]) -> None:
        try:
            value = call()
        except BaseException as error:  # noqa: BLE001  # it is raised again, where somebody waits for it
            self._outcome.put((None, error))
        else:
            self._outcome.put((value, None))

    def is_alive(self) -> bool:
        """Whether the call is under way; what it has said by then is there."""
        return self._thread.is_alive()

    def result(self, tick: Callable[[], None] | None = None, seconds: float | None = None) -> T:
        """What the call returned. Raises what it raised.

        Args:
            tick: is called in this thread while waiting.
            seconds: to wait at most; the call goes on, and nobody asks for it any more.

        Raises:
            TooLate: the call was not done within ``seconds``.
            MemoryError: its thread has died of that.
        """
        found: T = outcome(*self._wait(tick, math.inf if seconds is None else time.monotonic() + seconds))
        return found

    def _wait(self, tick: Callable[[], None] | None, end: float) -> tuple[Any, BaseException | None]:
        while True:
            if tick is not None:
                tick()
            left = end - time.monotonic()
            alive = self.is_alive()  # asked before: what it has said by then is there
            try:
                return self._outcome.get(timeout=min(max(left, 0), TICK))
            except queue.Empty:
                if not alive:
                    raise MemoryError from None
                if left <= 0:
                    raise TooLate from None
