"""Work in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kubectl_metrics.errors import MetricsError


def start(work: Callable[[], object], name: str | None = None) -> None:
    """Has ``work`` done by a thread that nothing waits for, the end of the program included.

    Raises MetricsError if the system allows no more threads.
    """
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:
        raise MetricsError("this system allows no more threads (see ulimit -u)") from None
