"""Work in the background."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from kubectl_metrics.errors import MetricsError

T = TypeVar("T")

_TICK = 0.1  # seconds; on Windows, Ctrl-C is heard between two waits and not while one lasts


class TooLate(Exception):
    """It was not done in time."""


def start(work: Callable[[], object], name: str | None = None) -> None:
    """Has ``work`` done by a thread that nothing waits for, the end of the program included.

    Raises MetricsError if the system allows no more threads.
    """
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:
        raise MetricsError("this system allows no more threads (see ulimit -u)") from None


def within(seconds: float, work: Callable[[], T], name: str | None = None) -> T:
    """What ``work`` returns; for what cannot be interrupted. It is left behind when the time is over.

    Raises:
        TooLate: it was not done within ``seconds``.
        MetricsError: there can be no thread for it.
        BaseException: what ``work`` raises.
    """
    done: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001  # it is raised again, where somebody waits for it
            failure = error

            def fail() -> T:
                raise failure

            done.put(fail)
        else:
            done.put(lambda: value)

    start(run, name)
    end = time.monotonic() + seconds
    outcome: Callable[[], T] | None = None
    while outcome is None:
        left = end - time.monotonic()
        try:
            outcome = done.get(timeout=min(max(left, 0), _TICK))
        except queue.Empty:
            if left <= 0:
                raise TooLate from None
    return outcome()
