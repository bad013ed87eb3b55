"""Where the Pythons are that the package is tried with."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from release.project import Failed


def find(version: str, uv: Path) -> Path:
    """The executable of a Python such as ``3.12``: on PATH, of pyenv, of uv, or else fetched by uv.

    Raises:
        release.project.Failed: it is nowhere, and cannot be fetched either.
    """
    for candidate in _candidates(version):
        path = _itself(candidate, version)
        if path is not None:
            return path
    return _from_uv(version, uv)


def _candidates(version: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        if shutil.which(f"python{version}", path=folder):
            yield Path(folder, f"python{version}")
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def _itself(candidate: Path, version: str) -> Path | None:
    # pyenv's shims are on PATH for every version, and fail for those that are not switched on.
    program = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    done = subprocess.run([candidate, "-I", "-c", program], capture_output=True, text=True, check=False)
    found, _, path = done.stdout.strip().partition(" ")
    return Path(path) if done.returncode == 0 and found == version else None


def _from_uv(version: str, uv: Path) -> Path:
    managed = ["--managed-python", version]
    found = subprocess.run([uv, "python", "find", *managed], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        fetched = subprocess.run([uv, "python", "install", *managed], capture_output=True, text=True, check=False)
        if fetched.returncode != 0:
            why = fetched.stderr.strip().splitlines() or ["no reason given"]
            raise Failed(
                f"no Python {version}: not on PATH, not in pyenv, and uv cannot fetch it ({why[-1].strip()}); "
                f"'pyenv install {version}' is one way to have it"
            )
        found = subprocess.run([uv, "python", "find", *managed], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())
