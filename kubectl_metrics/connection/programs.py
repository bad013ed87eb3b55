"""Programs of others: found as kubectl finds them, run for a bounded time, read up to a bounded size, and ended.

A program that nobody can talk to runs in a session of its own, so that a time limit, Ctrl-C or a signal that ends us
ends it with all it has started. One that may ask the user has to stay in the terminal's foreground process group, where
Ctrl-C reaches it anyway. Windows has no such groups: there, the program alone is ended.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import queue
import select
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Protocol

from kubectl_metrics.connection import signals, threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_OUTPUT = 1024 * 1024  # bytes of standard output
_ENDINGS = ".COM;.EXE;.BAT;.CMD"  # where $PATHEXT does not say (os/exec/lp_windows.go)
_PIECE = 65536  # bytes that are read at a time
_MOMENT = 1.0  # seconds for a thread to hand over what is in the pipe when the program has ended


def candidates(command: str, environ: Mapping[str, str], *, windows: bool) -> list[str]:
    """The paths that a command can mean, whether or not there is such a file; the first that there is, is meant.

    shutil.which will not do: on Windows it looks in the working directory first, and before Python 3.12 it knows no
    endings of a path.

    Args:
        command: a path, or a name to look up.
        environ: for PATH, and PATHEXT on Windows.
        windows: how paths are written, and whether programs have endings.
    """
    paths = ntpath if windows else posixpath
    if paths.dirname(command):
        found = [command]
    else:
        folders = environ.get("PATH", "").split(paths.pathsep)
        found = [paths.join(folder, command) for folder in folders if paths.isabs(folder)]
    if not windows:
        return found
    endings = [ending for ending in (environ.get("PATHEXT") or _ENDINGS).split(";") if ending]
    # A name that has an ending is tried as it is before it gets another one (findExecutable in os/exec/lp_windows.go).
    return [path + ending for path in found for ending in ([""] if paths.splitext(path)[1] else []) + endings]


def run(
    command: Sequence[str],
    *,
    executable: str,
    environment: Mapping[str, str],
    interactive: bool,
    timeout: float,
) -> tuple[int, bytes]:
    """Run a program to its end; how it ended (as in ``Popen.returncode``), and what it wrote.

    Args:
        command: its name for itself, and its arguments.
        executable: the file.
        environment: all of it.
        interactive: whether it gets our standard input, and stays in the terminal's foreground.
        timeout: seconds.

    Raises:
        OSError, ValueError: it cannot be started.
        TimeoutError: it took longer, and was stopped.
        OverflowError: it wrote more than ``MAX_OUTPUT``, and was stopped.
        MetricsError: it takes a thread to read what it says (Windows), and the system allows no more.
    """
    with signals.heeded():
        process = None
        try:
            with signals.deferred():
                process = subprocess.Popen(
                    command,
                    executable=executable,
                    env=environment,
                    stdin=None if interactive else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    start_new_session=not interactive,
                )
            assert process.stdout is not None
            pipe = ReadByThread(process.stdout) if sys.platform == "win32" else ReadBySelect(process.stdout)
            output = read_all(process, pipe, time.monotonic() + timeout)
        finally:
            if process is not None:
                _stop(process, group=not interactive)
    return process.returncode, output


class Pipe(Protocol):
    """What a plugin writes."""

    moment: float  # seconds within which all that is in the pipe comes, once nobody writes any more

    def more(self, seconds: float) -> bytes | None:
        """The next piece; b"" at the end, None if nothing comes within ``seconds``."""

    def close(self) -> None:
        """Nobody wants more."""


class ReadBySelect:
    """A pipe that can be waited for."""

    moment = 0.0

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def more(self, seconds: float) -> bytes | None:
        readable, _, _ = select.select([self._pipe], [], [], seconds)
        return os.read(self._pipe.fileno(), _PIECE) if readable else None

    def close(self) -> None:
        self._pipe.close()


class ReadByThread:
    """A pipe that is read in the background: on Windows, select knows nothing but sockets."""

    moment = _MOMENT

    def __init__(self, pipe: IO[bytes]) -> None:
        """Begins to read. Raises MetricsError if there can be no thread for it."""
        self._pipe = pipe
        self._pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threads.start(self._run)

    def _run(self) -> None:
        left = MAX_OUTPUT + 1  # one more than there may be, by which it is seen
        with self._pipe:
            while left > 0:
                try:
                    piece = os.read(self._pipe.fileno(), _PIECE)
                except OSError:  # the other end has gone in another way than by closing
                    piece = b""
                self._pieces.put(piece)
                if not piece:
                    return
                left -= len(piece)

    def more(self, seconds: float) -> bytes | None:
        try:
            return self._pieces.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """The thread does that: whoever closes a file on Windows waits for those who read it."""


def read_all(process: subprocess.Popen[bytes], pipe: Pipe, deadline: float) -> bytes:
    """All that a plugin writes to ``pipe``, which is closed then, and the plugin's end.

    Raises:
        TimeoutError: it runs longer than until ``deadline`` (time.monotonic).
        OverflowError: it writes more than ``MAX_OUTPUT``.
    """
    output = bytearray()
    try:
        while True:
            # Asked before, not after: what the plugin wrote before its end is then in the pipe. Something that it left
            # running may hold the pipe open for ever.
            ended = process.poll() is not None
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            piece = pipe.more(pipe.moment if ended else min(left, 0.1))
            if piece is None:
                if ended:
                    return bytes(output)
                continue
            output += piece
            if len(output) > MAX_OUTPUT:
                raise OverflowError
            if not piece:
                break
    finally:
        pipe.close()
    try:
        process.wait(max(deadline - time.monotonic(), 0.01))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return bytes(output)


def _stop(process: subprocess.Popen[bytes], *, group: bool) -> None:
    """End the plugin if it has not ended, with all it has started if it has a session of its own."""
    if process.returncode is not None:
        return
    try:
        if group:
            _kill_group(process)
        else:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
    except ProcessLookupError:
        pass
    except PermissionError:  # it runs as somebody else by now, as sudo does: it is not waited for
        return
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)  # the plugin has not been waited for: its id is still the group's
            return
        except PermissionError:  # macOS says so where one of the group has ended and was not waited for
            pass
    process.kill()
