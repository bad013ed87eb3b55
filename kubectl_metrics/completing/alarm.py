"""A time limit for whatever a block does: names that cannot be looked up, a credential plugin that hangs, slow disks.

The requests have a time limit of their own; this one is for all that comes before them. It is an exception in the main
thread, so a plugin that was started is ended on the way out, as with Ctrl-C.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_AGAIN = 0.1  # seconds until it strikes once more, should the first exception have been lost


class _TimeOver(BaseException):
    """Not an Exception, which somebody might catch who thinks that a server has failed."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Ends its block after ``seconds``, quietly. Only for the main thread; without effect on Windows."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    try:
        signal.signal(signal.SIGALRM, _strike)
        signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
        yield
    except _TimeOver:
        pass
    finally:
        with contextlib.suppress(_TimeOver):
            signal.setitimer(signal.ITIMER_REAL, 0)


def _strike(_number: int, _frame: FrameType | None) -> None:
    raise _TimeOver
