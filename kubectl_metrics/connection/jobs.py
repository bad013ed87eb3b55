"""Calls that block (the system's resolver, other people's code), for those who must not (``loop``)."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from kubectl_metrics.connection.loop import readable
from kubectl_metrics.connection.threads import TICK, Later

T = TypeVar("T")


class Job(Generic[T]):
    """A call that blocks, in a thread of its own; begun when this is made."""

    def __init__(self, call: Callable[[], T], name: str | None = None) -> None:
        """Starts the call. Raises NoThread, or OSError where there are no descriptors."""
        self._ours, self._theirs = socket.socketpair()

        def work() -> T:
            try:
                return call()
            finally:
                self._theirs.close()  # which can be read at the other end

        try:
            self._later = Later(work, name)
        except BaseException:
            self._theirs.close()
            self._ours.close()
            raise

    async def result(self, until: float = math.inf) -> T:
        """What the call returns; for one who asks once. Raises what it raises.

        Raises:
            TimeoutError: it is not done at ``until`` (time.monotonic()); the call goes on, and nobody waits for it.
            MemoryError: its thread has died of that.
        """
        try:
            while True:
                alive = self._later.is_alive()
                try:
                    await readable(self._ours, min(until, time.monotonic() + TICK))
                except TimeoutError:
                    if time.monotonic() >= until:
                        raise
                    if not alive:
                        raise MemoryError from None
                else:
                    return self._later.result()
        finally:
            self.forget()

    def forget(self) -> None:
        """Nobody wants to know the result any more."""
        self._ours.close()
        self._theirs.close()  # not only when the call ends: it may hang for minutes, or its thread have died before it
