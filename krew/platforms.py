"""Which platform this is, in the words of the manifest."""

from __future__ import annotations

import platform
import sys

_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def this() -> str:
    """Go's names for the system and the architecture of this process, such as ``linux_amd64``.

    Raises:
        SystemExit: the manifest has no such platform.
    """
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise SystemExit(f"error: there is no archive for {sys.platform} on {platform.machine()}")
    return f"{system}_{machine}"
