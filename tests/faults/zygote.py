"""A process that has run the tool and makes a copy of itself for each run, which then needs no time to start.

Reads a JSON object a line from stdin, ``{"id", "arguments", "out", "err", "ceiling"}``, runs the command with its
output in the two files, and writes ``{"id", "status", "seconds", "peak"}`` to stdout when it has ended: the exit status
(negative: the signal that killed it), how long it took, and the most memory (KiB) that it had. SIGALRM kills a run that
takes longer than ``ceiling`` seconds. The end of stdin is the end of all.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import sys
import threading
import time
import traceback
from typing import Any

import kubectl_metrics
from kubectl_metrics.__main__ import run
from kubectl_metrics.cli import main
from kubectl_metrics.connection.generated import ObjectAPI
from kubectl_metrics.connection.transport import Transport
from tests.faults.conftest import Farm


def _import_all() -> None:
    """Whatever a command may import when it needs it."""
    for module in pkgutil.walk_packages(kubectl_metrics.__path__, "kubectl_metrics."):
        importlib.import_module(module.name)
    objects = ObjectAPI(Transport("http://127.0.0.1:1", context=None))  # of which nothing will be asked
    for name, value in vars(ObjectAPI).items():
        if isinstance(value, functools.cached_property):
            getattr(objects, name)


def _use_all() -> None:
    """What is made at its first use, such as what the kubernetes package checks arguments with, is a third of a run."""
    with contextlib.closing(Farm()) as farm, open(os.devnull, "w") as nowhere:
        config = farm.config(0)
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            for line in ("diagnose", "nodes -v", "pods -v --source kubelet", "raw /version"):
                main([*line.split(), "--kubeconfig", config])


def _become(wanted: dict[str, Any]) -> None:
    """The run itself, in the copy; it ends the process."""
    try:
        faulthandler.enable()
        signal.alarm(wanted["ceiling"])
        for descriptor, path in ((0, os.devnull), (1, wanted["out"]), (2, wanted["err"])):
            file = os.open(path, os.O_RDWR)
            os.dup2(file, descriptor)
            os.close(file)
        sys.argv = ["kubectl-metrics", *wanted["arguments"]]
        run()
    except BaseException:  # noqa: BLE001  # a bug in the tool, for the test to see
        traceback.print_exc()
    finally:
        os._exit(70)


def _begin(line: bytes) -> tuple[int, int, float]:
    """Starts a run; its id, its process and when that was."""
    wanted = json.loads(line)
    child = os.fork()  # there is one thread here, so no lock is held that nobody would release over there
    if not child:
        _become(wanted)
    return wanted["id"], child, time.monotonic()


def _end(id_: int, child: int, started: float) -> None:
    """Tells how a run has ended."""
    _, status, usage = os.wait4(child, 0)
    ended = {"id": id_, "status": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss}
    print(json.dumps({**ended, "seconds": time.monotonic() - started}), flush=True)


def serve() -> None:
    """Serves until stdin ends; what still runs then is killed."""
    _import_all()
    _use_all()
    for thread in threading.enumerate():
        if thread is not threading.main_thread():  # one that may hold a lock while a copy is made
            thread.join(20)
    gc.freeze()  # what no collector looks at need not be copied for it
    running: dict[int, tuple[int, int, float]] = {}  # by the descriptor that tells of the process's end
    with open(0, "rb", buffering=0) as commands, selectors.DefaultSelector() as selector:  # select sees no buffers
        selector.register(commands, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not commands:
                    selector.unregister(key.fd)
                    _end(*running.pop(key.fd))
                    os.close(key.fd)
                elif line := commands.readline():
                    begun = _begin(line)
                    ended = os.pidfd_open(begun[1])
                    running[ended] = begun
                    selector.register(ended, selectors.EVENT_READ)
                else:
                    for _, child, _ in running.values():
                        os.kill(child, signal.SIGKILL)  # it has not been waited for, so the number is still its own
                    return


if __name__ == "__main__":
    serve()
