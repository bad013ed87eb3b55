"""One total time limit for a request, kept also against a server that sends a byte each second.

Strategy: a socket's own timeout is one of silence, not of the whole. So one daemon thread for the process, started
with the first request, sleeps until the nearest deadline and shuts that request's socket down; the thread that waits
on it then sees the end of the stream, and asks ``Deadline.passed`` whether that was us.

Facts
- ``SSLSocket.shutdown`` throws the TLS state away under the hands of the reading thread; ``socket.socket.shutdown``
  called on it only tells the kernel, which is safe from any thread.
- Shutting down wakes a blocked recv, send or handshake, but not a connect: that one is limited by the socket's timeout.
- A closed socket object has the descriptor -1, so one that is finished can never hit a descriptor that was given to
  somebody else.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import socket
import threading
import time

from kubectl_metrics.connection import threads

_MANY = 256  # deadlines, from which on those that are finished are thrown away


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
    """A moment, and the socket that is shut down when it comes."""

    __slots__ = ("_lock", "_sock", "finished", "passed", "started", "total", "when", "words")

    def __init__(self, seconds: float, total: Total | None = None) -> None:
        """``seconds`` from now, or when ``total`` is over, whichever comes first."""
        self.total = total if total is not None and total.left() < seconds else None  # whose the limit is, if not ours
        self.words = format_seconds(seconds) if self.total is None else str(self.total)  # "within ..."
        if self.total is not None:
            seconds = self.total.left()
        self.started = time.monotonic()
        self.when = self.started + seconds
        self.passed = False  # True once the watchdog has struck
        self.finished = False
        self._sock: socket.socket | None = None
        self._lock = threading.Lock()

    def left(self) -> float:
        """Seconds until then; at least a millisecond, because to a socket a timeout of 0 means "do not block"."""
        return max(self.when - time.monotonic(), 0.001)

    def over(self) -> bool:
        """Whether the moment has come, whoever noticed it first."""
        return self.passed or time.monotonic() >= self.when

    def attach(self, sock: socket.socket) -> None:
        """From now on, ``sock`` is what the deadline shuts down (at once, if it has come already)."""
        with self._lock:
            self._sock = sock
            if self.passed:
                shut_down(sock)

    def detach(self) -> None:
        """From now on, there is no socket to shut down; the time goes on."""
        with self._lock:
            self._sock = None

    def finish(self) -> None:
        """The request is over: nothing is shut down any more."""
        with self._lock:
            self.finished = True
            self._sock = None

    def strike(self) -> None:
        """Called by the watchdog when the time has come."""
        with self._lock:
            self.passed = True
            if self._sock is not None:
                shut_down(self._sock)


def format_seconds(seconds: float) -> str:
    """A time limit as somebody has set it: 9.996 s, what is left of one after a moment, is 10 s."""
    return f"{round(seconds, 1) or seconds:.3g}s"


def shut_down(sock: socket.socket) -> None:
    """End both directions of ``sock`` in the kernel, so that whoever waits on it wakes up."""
    with contextlib.suppress(OSError):  # not connected yet, or not any more
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Watchdog:
    """The thread that strikes deadlines."""

    def __init__(self) -> None:
        self._wake = threading.Condition(threading.Lock())
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._many = _MANY
        self._watched = False  # by a thread of its own

    def start(self, seconds: float, total: Total | None = None) -> Deadline:
        """Begin a time limit of ``seconds``, at most what is left of ``total``; call its ``finish`` in any case."""
        deadline = Deadline(seconds, total)
        with self._wake:
            if len(self._heap) >= self._many:  # most are of requests that were answered long before their time
                self._heap = [entry for entry in self._heap if not entry[2].finished]
                heapq.heapify(self._heap)
                self._many = max(_MANY, 2 * len(self._heap))
            first = not self._heap or deadline.when < self._heap[0][0]
            heapq.heappush(self._heap, (deadline.when, next(self._numbers), deadline))
            if not self._watched:
                threads.start(self._watch, "request-deadlines")
                self._watched = True
            elif first:
                self._wake.notify()
        return deadline

    def _watch(self) -> None:
        while True:
            with self._wake:
                while not self._heap:
                    self._wake.wait()
                wait = self._heap[0][0] - time.monotonic()
                if wait > 0:
                    self._wake.wait(min(wait, threading.TIMEOUT_MAX))
                    continue
                deadline = heapq.heappop(self._heap)[2]
            deadline.strike()


WATCHDOG = Watchdog()
