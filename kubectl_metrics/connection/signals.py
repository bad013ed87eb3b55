"""Signals that end the process, for as long as there is something to be ended with it.

Ctrl-C is an exception, so what is begun in a ``with`` or ``try`` is cleared away. SIGTERM and SIGHUP are not: the
process is gone at once, which is right, unless a program of its own goes on running in a session of its own.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")  # Windows knows the first alone


class _Ended(BaseException):
    """Not an Exception, which somebody might catch who thinks that a plugin has failed."""


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Makes an exception of these signals within its block; the process then ends of the signal all the same.

    Does nothing for a signal that is ignored (nohup), nor outside of the main thread, where Python has no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for name in _NAMES if (number := getattr(signal, name, None)) is not None]
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    came = None
    try:
        for number in ours:
            signal.signal(number, _end)
        yield
    except _Ended as ended:
        came = ended.args[0]
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
    if came is not None:
        signal.raise_signal(came)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Lets what signals do (Ctrl-C, an alarm, those of ``heeded``) be done at the end of its block, however it ends.

    A program that is being started may run already, and nobody knows its id yet who could end it. Blocking the signals
    (sigprocmask) would not do: the program would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {}
    try:
        for name in ("SIGINT", "SIGALRM", *_NAMES):
            number = getattr(signal, name, None)
            if number is not None and callable(handler := signal.getsignal(number)):
                handlers[number] = handler
                signal.signal(number, lambda number, _frame: came.append(number))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _end(number: int, _frame: FrameType | None) -> None:
    raise _Ended(number)
