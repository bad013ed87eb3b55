"""A file that is whole or not there: neither a full disk nor Ctrl-C leaves half of it or costs what was there."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile


def write(path: str, content: bytes) -> None:
    """Writes a file that only its owner may read; one that exists keeps its permissions.

    It is written under another name beside ``path`` and then renamed. What is no file of its own (a device, a pipe, a
    link, /dev/stdout) or stands where nothing can be put beside it is written directly. Raises OSError.
    """
    mode = _mode(path)
    if mode is None:
        _fill(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), content)
        return
    descriptor, other = tempfile.mkstemp(prefix=".kubectl-metrics-", dir=os.path.dirname(path) or ".")  # mode 0600
    try:
        _fill(descriptor, content)
        os.chmod(other, mode)
        os.replace(other, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(other)
        raise


def _mode(path: str) -> int | None:
    """The permissions of the file that takes the place of ``path``; None if that has to be written directly."""
    if not os.access(os.path.dirname(path) or ".", os.W_OK):
        return None
    try:
        found = os.lstat(path).st_mode
    except FileNotFoundError:
        return 0o600
    return stat.S_IMODE(found) if stat.S_ISREG(found) and os.access(path, os.W_OK) else None


def _fill(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(content)
