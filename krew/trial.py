"""Whether the program in an archive starts, and does what can be done without a cluster.

It needs nothing but the standard library, so that each platform's archive is tried where it was built.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

from krew import environment

_BUNDLE = environment.ROOT / "tests" / "data" / "bundles" / "nothing-installed.json"
_NOBODY = "https://127.0.0.1:1"  # tcpmux's port, at which nobody listens

# Arguments; the exit status; what is said. Together they import what there is for the command line, TLS, HTTP, YAML and
# the tables.
_TRIALS: list[tuple[list[str], int, str]] = [
    (["--version"], 0, "kubectl-metrics {version} ("),
    (["nodes", "--server", _NOBODY], 1, "127.0.0.1:1"),
    (["diagnose", "--from", str(_BUNDLE), "-o", "yaml"], 5, "id: KM"),
    (["diagnose", "--from", str(_BUNDLE), "-o", "table"], 5, "SEVERITY"),
    (["diagnose", "--server", _NOBODY], 1, "127.0.0.1:1"),
]


def of(archive: Path, executable: str, version: str) -> None:
    """Unpacks the archive, and runs what is in it.

    Args:
        archive: a file.
        executable: its name in there.
        version: which it has to be.

    Raises:
        ValueError: it does not do what it should; what it says is in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        _unpack(archive, folder)
        program = Path(folder, executable)
        program.chmod(0o755)  # zipfile leaves modes out
        for arguments, status, words in _TRIALS:
            ran = subprocess.run(
                [program, *arguments],
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=120,
                check=False,
            )
            if ran.returncode != status or words.format(version=version) not in ran.stdout + ran.stderr:
                raise ValueError(
                    f"{archive.name}: {executable} {' '.join(arguments)} ended with {ran.returncode}\n"
                    f"{ran.stdout}{ran.stderr}"
                )


def _unpack(archive: Path, folder: str) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")


def _environment(home: str) -> dict[str, str]:
    """Nobody's settings; Windows starts nothing without those that it keeps."""
    kept = {name: value for name, value in os.environ.items() if name.upper() in ("SYSTEMROOT", "TEMP", "TMP")}
    return {**kept, "HOME": home, "USERPROFILE": home, "PATH": ""}
