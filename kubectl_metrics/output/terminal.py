"""Text that came from elsewhere, made fit for a terminal."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import TextIO


def printable(text: str) -> str:
    """``text`` with everything that is not printable written as an escape: a name cannot move the cursor.

    Names in Kubernetes are plain ASCII, but kubelets and aggregated API servers are other people's machines.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def say(text: str, stream: TextIO | None = None) -> None:
    """Writes lines of text to stderr, whatever may be in them.

    Nothing happens where stderr is closed or full: a remark that nobody can read must not cost the table.
    """
    stream = sys.stderr if stream is None else stream
    if stream is None:  # Python's own way of saying that the descriptor is closed
        return
    lines = [printable(line) for line in text.split("\n")]
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with contextlib.suppress(OSError):
        stream.write("\n".join(lines).encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()


def emit(document: str | bytes) -> None:
    """Writes a document to stdout and flushes it: a text as UTF-8 whatever the locale, bytes as they are.

    Raises OSError if stdout is closed or full.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    sys.stdout.flush()
    sys.stdout.buffer.write(document.encode("utf-8", "backslashreplace") if isinstance(document, str) else document)
    sys.stdout.buffer.flush()
