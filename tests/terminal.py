"""Programs at a terminal of their own."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def run(
    command: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path, columns: int = 80
) -> tuple[int, str]:
    """The status of a command, and all that its terminal, which is so wide, has got from it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=folder) as process:
        os.close(theirs)
        got = b""
        try:
            while piece := _read(ours):
                got += piece
            return process.wait(), got.decode()
        finally:
            process.kill()
            os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # it is gone with the process
        return b""


def seen(got: str) -> list[str]:
    """The lines that are still to be seen in the end: without colours, and without what was written over."""
    lines = [re.split(r"\r|\x1b\[K", line)[-1] for line in got.replace("\r\n", "\n").split("\n")]
    return [_CONTROL.sub("", line) for line in lines]
