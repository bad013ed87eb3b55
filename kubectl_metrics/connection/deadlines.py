"""Time limits: for a request as a whole, against a server that sends a byte each second, and for all of them together.

Nothing here waits. Whoever does, waits until ``Deadline.when`` at most, and ends with a TimeoutError (``loop``).
"""

from __future__ import annotations

import time


class Total:
    """A time limit for all requests together, such as --timeout; it runs from when it is made."""

    __slots__ = ("name", "seconds", "when")

    def __init__(self, seconds: float, name: str = "--timeout", grace: float = 0.0) -> None:
        """``seconds`` from now, and ``grace`` more for what has been begun by then."""
        self.seconds = seconds
        self.name = name
        self.when = time.monotonic() + seconds + grace

    def left(self) -> float:
        """Seconds until then, negative when it is over."""
        return self.when - time.monotonic()

    def __str__(self) -> str:
        return f"the {format_seconds(self.seconds)} of {self.name}"


class Deadline:
    """The moment at which a request ends, or a few that belong together, whatever has happened by then."""

    __slots__ = ("started", "total", "when", "words")

    def __init__(
        self, seconds: float, total: Total | None = None, *, within: Deadline | None = None, words: str = ""
    ) -> None:
        """``seconds`` from now, or when ``total`` or ``within`` are over, whichever comes first.

        Whoever is late is told the limit as it was set, not what was left of it: in ``words`` ("within ..."), by
        default the seconds.
        """
        self.started = time.monotonic()
        self.when = self.started + seconds  # time.monotonic()
        self.words = words or format_seconds(seconds)
        self.total: Total | None = None  # if the limit is that one's
        if within is not None and within.when < self.when:
            self.when, self.words, self.total = within.when, within.words, within.total
        if total is not None and total.when < self.when:
            self.when, self.words, self.total = total.when, str(total), total

    def left(self) -> float:
        """Seconds until then, negative when it is over."""
        return self.when - time.monotonic()

    def over(self) -> bool:
        """Whether the moment has come."""
        return time.monotonic() >= self.when


def format_seconds(seconds: float) -> str:
    """A time limit: 5s, 0.05s, 1.67s, 3600s."""
    return f"{round(seconds, 2) or seconds:g}s"
