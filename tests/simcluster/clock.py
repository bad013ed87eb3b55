"""Time in a simulated cluster: nanoseconds since 1970, real by default, turned by hand where a test needs it."""

from __future__ import annotations

import time

SECOND = 1_000_000_000
"""One second in the unit of every clock here."""


class Clock:
    """The time of the machine."""

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return time.time_ns()


class ManualClock(Clock):
    """A clock that stands still until it is turned.

    It starts at the machine's time cut to whole seconds unless told otherwise, so that certificates, ages and ``Date``
    headers stay plausible for a client that looks at its own clock.
    """

    def __init__(self, start: int | None = None) -> None:
        self._now = start if start is not None else time.time_ns() // SECOND * SECOND

    def now(self) -> int:
        return self._now

    def advance(self, seconds: float) -> None:
        """Turn the clock (back, with a negative number)."""
        self._now += round(seconds * SECOND)
