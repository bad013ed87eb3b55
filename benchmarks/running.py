"""One run of a command: how long it took, how much memory it needed, how it ended."""

from __future__ import annotations

import dataclasses
import os
import resource
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

NOWHERE = Path(os.devnull)
LIMIT = 120  # seconds; whatever takes longer is not slow, it hangs


@dataclasses.dataclass(frozen=True)
class Run:
    """``seconds`` on the clock, ``cpu`` seconds of a processor, ``memory`` in bytes at its peak."""

    seconds: float
    cpu: float
    memory: int


class CommandFailed(Exception):
    """A command that is measured has to succeed."""


def floor() -> int:
    """Peak memory in bytes that every run has at least: a new process is at first a copy of this one."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, output: Path = NOWHERE) -> Run:
    """Runs a command to its end. ``folder`` is for what it writes to stderr.

    Raises CommandFailed with that.
    """
    errors = folder / "stderr"
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), write, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, str(errors), write, 0o600),
    ]
    started = time.perf_counter()
    process = os.posix_spawn(_found(command[0], environment), list(command), dict(environment), file_actions=actions)
    status, usage = _wait(process)
    seconds = time.perf_counter() - started
    if status != 0:
        said = errors.read_text("utf-8", "replace")[-2000:]
        raise CommandFailed(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}: {said}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _found(program: str, environment: Mapping[str, str]) -> str:
    places = (os.path.join(folder, program) for folder in os.get_exec_path(environment))
    return next(place for place in places if os.access(place, os.X_OK))


def _wait(process: int) -> tuple[int, resource.struct_rusage]:
    def late(_number: int, _frame: FrameType | None) -> None:
        os.kill(process, signal.SIGKILL)  # which then is how it ends

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    try:
        _, status, usage = os.wait4(process, 0)
        return status, usage
    except KeyboardInterrupt:
        os.kill(process, signal.SIGKILL)
        os.wait4(process, 0)
        raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
