"""``python -m kubectl_metrics``, and the console script."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys


def run() -> None:
    """Runs the command line and ends the process at once.

    Nothing here makes garbage in cycles, and the process lives for a second: the collector would only cost time (a
    third of it with 150,000 pods), and so would taking everything apart at the end. Workers that still wait for a
    kubelet are not waited for either.
    """
    gc.disable()
    try:
        if sys.argv[1:2] == ["__complete"]:
            from kubectl_metrics.completing import run_for_shell

            run_for_shell(sys.argv[2:])
        # So far there is nothing to clear away, and not every library survives an exception while it is being imported:
        # msgspec swallows it, and crashes later.
        heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if heard:
            signal.signal(signal.SIGINT, lambda *_: os._exit(130))
        from kubectl_metrics.commands import early

        begun = early.begin(sys.argv[1:], os.environ)
        from kubectl_metrics.cli import main

        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main(early=begun)
    except (OSError, ImportError) as error:  # a module that could not be read: too many open files, for example
        with contextlib.suppress(OSError, AttributeError):  # it may be closed, or None
            sys.stderr.write(f"error: {getattr(error, 'strerror', None) or error}\n")
        status = 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # who presses it twice wants no more to be said
        status = 130  # ExitStatus.INTERRUPTED, which may not have been imported yet
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as it is where the descriptor is closed
            with contextlib.suppress(OSError):
                stream.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
