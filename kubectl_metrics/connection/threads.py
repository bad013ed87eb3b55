"""Work in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kubectl_metrics.errors import MetricsError


def start(work: Callable[[], object], name: str | None = None) -> threading.Thread:
    """Has ``work`` done by a thread that nothing waits for, the end of the program included; returns the thread.

    One that can no longer have memory may end without having begun its work: whoever waits looks whether it is alive.

    Raises MetricsError if the system allows no more threads.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise MetricsError("this system allows no more threads (see ulimit -u and ulimit -v)") from None
    return thread
