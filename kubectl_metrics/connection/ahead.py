"""Connections that are begun ahead of when they are wanted.

To import what it takes to speak TLS and HTTP takes about as long as a packet to another city and back. So as soon as
the place of a server is known, connections to it are begun, by threads that have nothing to do but wait; and as soon as
it is known how TLS is spoken there, they say its first words.

Facts
- A connection over which nothing is said does no harm: servers wait some seconds for the first word (kube-apiserver 32:
  ReadHeaderTimeout in server/secure_serving.go), and ours comes within a moment.
- After a login it may come too late; and a login may be what opens the way. So nothing is begun before one.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.jobs import Job
from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.tcp import CONNECT_TIMEOUT, dial, place
from kubectl_metrics.errors import MetricsError

if TYPE_CHECKING:
    import socket

    from kubectl_metrics.connection.stream import Stream


class Ahead:
    """A few connections to one server, begun as soon as this is made. Safe to use from several threads."""

    def __init__(self, url: str, count: int) -> None:
        """``count`` connections to the server of ``url``; fewer where the system allows no more threads."""
        self._place = place(url)
        self._lock = threading.Lock()
        self._open: set[socket.socket | Stream] = set()  # that nobody has taken
        self._closed = False
        self._greeting: Callable[[socket.socket], Stream] | None = None
        self._told = threading.Event()  # of the greeting, or of the end
        self._begun: list[Job[Stream]] = []
        with contextlib.suppress(MetricsError, OSError):
            for _ in range(count):
                self._begun.append(Job(self._begin, "connect"))

    def greet(self, greeting: Callable[[socket.socket], Stream]) -> None:
        """What is done with a connected socket, now or as soon as it is there: it must not wait, and may raise OSError.

        Nobody gets a connection before.
        """
        self._greeting = greeting
        self._told.set()

    def _begin(self) -> Stream:
        sock = run(dial(*self._place, Deadline(CONNECT_TIMEOUT), CONNECT_TIMEOUT))
        with self._lock:
            if self._closed:
                sock.close()
            else:
                self._open.add(sock)
        self._told.wait()
        with self._lock:
            if self._closed or self._greeting is None:
                raise ConnectionAbortedError
            self._open.discard(sock)
            stream = self._greeting(sock)
            self._open.add(stream)
        return stream

    async def take(self, deadline: Deadline, connect_timeout: float) -> Stream | None:
        """One of them, connected and greeted; None if there is none left. Raises OSError."""
        try:
            begun = self._begun.pop()
        except IndexError:
            return None
        stream = await begun.result(time.monotonic() + min(connect_timeout, deadline.left()))
        with self._lock:
            self._open.discard(stream)
        return stream

    def close(self) -> None:
        """Closes those that nobody has taken, also when they have been opened."""
        with self._lock:
            self._closed = True
            for each in self._open:
                each.close()
            self._open.clear()
            unwanted, self._begun = self._begun, []
        self._told.set()
        for begun in unwanted:
            begun.forget()
