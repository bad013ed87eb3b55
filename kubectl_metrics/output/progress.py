"""A line on stderr that tells how far it has come, for answers that take longer than about a second."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from typing import TextIO

_PATIENCE = 1.0  # seconds before the line appears
_INTERVAL = 0.1  # seconds between two changes of it


class Progress:
    """Shows "kubelets 12/40" on a terminal and takes it away at the end; silent where ``stream`` is no terminal."""

    def __init__(self, stream: TextIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._shown = 0
        self._due = clock() + _PATIENCE if stream is not None and stream.isatty() else math.inf

    def clear(self) -> None:
        """Takes the line away, before anything else is printed."""
        if self._shown:
            self._write("\r" + " " * self._shown + "\r")
            self._shown = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tells that ``done`` of ``total`` ("kubelets") are ready."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + _INTERVAL
        text = f"{what} {done}/{total}"
        self._write("\r" + text.ljust(self._shown))
        self._shown = len(text)

    def _write(self, text: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError):  # the terminal has gone
                self._stream.write(text)
                self._stream.flush()
