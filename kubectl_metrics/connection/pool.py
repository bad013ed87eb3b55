"""The connections to one server: those that are idle and may be used again, and those that are in use."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_metrics.connection.dialing import Connection


class Closed(Exception):
    """Nobody is to get a connection any more."""


class Pool:
    """Keeps up to so many idle connections. Safe to use from several threads."""

    def __init__(self, keep: int) -> None:
        """``keep`` idle ones are kept."""
        self._keep = keep
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self.closed = False

    def take(self, make: Callable[[], Connection]) -> Connection:
        """An idle connection that is still open, else a new one, which ``make`` makes. Raises Closed."""
        with self._lock:
            if self.closed:
                raise Closed
            while self._idle:
                idle = self._idle.pop()
                if idle.is_open():
                    self._busy.add(idle)
                    return idle
                idle.close()
            new = make()
            self._busy.add(new)
            return new

    def give_back(self, connection: Connection, *, reusable: bool) -> None:
        """The end of a request; ``reusable`` if its answer was read to the end."""
        with self._lock:
            self._busy.discard(connection)
            if reusable and not self.closed and len(self._idle) < self._keep:
                self._idle.append(connection)
                return
        connection.close()

    def rest(self) -> None:
        """Close the connections that are not in use; the next request opens one again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close all connections; requests on their way fail."""
        with self._lock:
            self.closed = True
            busy = list(self._busy)
        self.rest()
        for connection in busy:  # its own thread closes it, when it wakes up
            stream = connection.stream  # which that may have done by now
            if stream is not None:
                stream.shut_down()
