"""Two commands at a time, as ``make test`` and ``make e2e`` run their tests."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence


def beside(first: Sequence[str], second: Sequence[str]) -> int:
    """Runs two commands at the same time and shows first what the first prints; returns a status that is 0 if both are.

    Neither is left behind, and both may tidy up: a terminal interrupts them itself, and whoever terminates this process
    interrupts them.
    """
    running: list[subprocess.Popen[bytes]] = []

    def interrupt(*_: object) -> None:
        for process in running:
            process.send_signal(signal.SIGINT)

    # Not ignored: that they would inherit.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, interrupt)
    try:
        with tempfile.TemporaryFile() as printed:
            running.append(subprocess.Popen(second, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed))
            running.append(subprocess.Popen(first))
            statuses = [process.wait() for process in reversed(running)]
            printed.seek(0)
            shutil.copyfileobj(printed, sys.stdout.buffer)
            sys.stdout.flush()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return next(filter(None, statuses), 0)
