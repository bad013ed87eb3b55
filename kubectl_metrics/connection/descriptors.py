"""How many connections this process may have open at the same time."""

from __future__ import annotations

import contextlib
import os

_ELSEWHERE = 480  # where nobody tells: on Windows, select watches 512 at a time, as Python is built
_MOST = 65_536  # some kernels refuse to raise it to "unlimited"
_OURS = 32  # for files, pipes to plugins and connections to the API server


def room() -> int:
    """Connections that may still be opened, at least one; the soft limit is raised to the hard one, as in Go programs.

    (Go's os package raises it at start for the same reason: the soft limit is there for programs that use select.)
    """
    try:
        import resource
    except ImportError:
        return _ELSEWHERE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MOST if soft == resource.RLIM_INFINITY else soft
    return max(1, limit - _open() - _OURS)


def are_scarce() -> bool:
    """Whether it is better to open none that may not be needed."""
    try:
        import resource
    except ImportError:
        return False
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft != resource.RLIM_INFINITY and soft < 2 * _OURS


def _open() -> int:
    """Descriptors that are open; a guess where the system does not list them."""
    for place in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return len(os.listdir(place))
    return _OURS
