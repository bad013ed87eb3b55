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
    """The moment at which a request ends, whatever has happened by then."""

    __slots__ = ("started", "total", "when", "words")

    def __init__(self, seconds: float, total: Total | None = None) -> None:
        """``seconds`` from now, or when ``total`` is over, whichever comes first."""
        self.total = total if total is not None and total.left() < seconds else None  # whose the limit is, if not ours
        self.words = format_seconds(seconds) if self.total is None else str(self.total)  # "within ..."
        if self.total is not None:
            seconds = self.total.left()
        self.started = time.monotonic()
        self.when = self.started + seconds  # time.monotonic()

    def left(self) -> float:
        """Seconds until then, negative when it is over."""
        return self.when - time.monotonic()

    def over(self) -> bool:
        """Whether the moment has come."""
        return time.monotonic() >= self.when


def format_seconds(seconds: float) -> str:
    """A time limit as somebody has set it: 9.996 s, what is left of one after a moment, is 10 s."""
    return f"{round(seconds, 1) or seconds:.3g}s"
