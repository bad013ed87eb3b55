"""The environment that is frozen: the program as a wheel of this tree, and what ``requirements.txt`` names, no more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
REQUIREMENTS = Path(__file__).parent / "requirements.txt"

# Neither is it the program nor does its wheel depend on it.
_LEFT_BEHIND = shutil.ignore_patterns(
    ".*", "*.egg-info", "__pycache__", "benchmarks", "build", "dist", "docs", "krew", "tests"
)


def create(folder: Path) -> Path:
    """Make the environment anew.

    Args:
        folder: is replaced.

    Returns:
        its Python.

    Raises:
        subprocess.CalledProcessError: pip has failed, and has said why.
    """
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    hashed = ["--only-binary", ":all:", "--require-hashes", "--requirement", str(REQUIREMENTS)]
    subprocess.run([*pip, *hashed], check=True)
    # A copy: setuptools leaves folders behind, and would take up what an earlier build has left.
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=_LEFT_BEHIND)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(source)], check=True, env=clean())
    shutil.rmtree(source)
    return python


def clean() -> dict[str, str]:
    """This process' environment without what would change the bytes that are made."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "315532800", "PYTHONDONTWRITEBYTECODE": "1"}
