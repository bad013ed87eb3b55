"""What the numbers were taken on and with."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

_PACKAGES = ("kubectl-metrics", "click", "msgspec", "urllib3", "PyYAML")


def description(kubectl: Path, command: str, runs: str, load: float) -> str:
    """As Markdown: command, date, processor, versions. ``load`` is the load average before the first run."""
    return "\n".join(f"- {line}" for line in _lines(kubectl, command, runs, load))


def _lines(kubectl: Path, command: str, runs: str, load: float) -> Iterator[str]:
    yield f"`{command}` on {datetime.now(timezone.utc):%d %B %Y}; {runs}"
    yield f"{_processor()}, {os.cpu_count()} cores, shared with the servers; load average {load:.1f} at the start"
    go = _said("go", "version").removeprefix("go version ").split()[0]
    yield f"Linux {platform.release()}, Python {platform.python_version()}, {go}"
    version = _said(str(kubectl), "version", "--client").splitlines()[0].removeprefix("Client Version: ")
    packages = ", ".join(f"{package} {metadata.version(package)}" for package in _PACKAGES)
    yield f"kubectl {version}, {packages}"


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()
