"""The programs that are measured: kubectl, and an installation of ours as a user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.simulated import BUILD

ROOT = Path(__file__).parents[1]
CLUSTER = ROOT / "tests" / "e2e" / "cluster" / "cluster"
NAME = "kubectl-metrics"


def kubectl() -> Path:
    """$KUBECTL, or the one that the test cluster's build step makes."""
    if named := os.environ.get("KUBECTL"):
        return Path(named).resolve()
    folder = Path(os.environ.get("CLUSTER_BIN") or Path.home() / ".cache" / "kubectl-metrics-cluster" / "bin")
    if not (folder / "kubectl").exists():
        subprocess.run([CLUSTER, "build"], check=True)
    return folder / "kubectl"


def installation() -> Path:
    """The folder of an executable kubectl-metrics, in an environment without what development puts into one.

    Packages that are installed in editable mode, and coverage, have hooks in site-packages that cost every start of
    Python ten milliseconds. So here is another environment with the same packages and no hooks.
    """
    place = BUILD / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--clear", place], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (here,) = Path(sys.prefix).glob("lib/python*/site-packages")
    for entry in here.iterdir():
        if entry.suffix != ".pth" and not entry.name.startswith(("__editable__", "_distutils_hack", "__pycache__")):
            (packages / entry.name).symlink_to(entry)
    (packages / "kubectl_metrics").unlink(missing_ok=True)
    (packages / "kubectl_metrics").symlink_to(ROOT / "kubectl_metrics")
    script = place / "bin" / NAME
    _, _, text = (Path(sys.prefix) / "bin" / NAME).read_text("utf-8").partition("\n")
    script.write_text(f"#!{place}/bin/python\n{text}", "utf-8")
    script.chmod(0o755)
    return script.parent


def environment(kubeconfig: Path, home: Path, *folders: Path) -> Mapping[str, str]:
    """That of a person who has set KUBECONFIG and nothing else; ``folders`` come first in PATH."""
    path = ":".join([*map(str, folders), os.environ["PATH"]])
    return {"PATH": path, "HOME": str(home), "KUBECONFIG": str(kubeconfig), "LC_ALL": "C.UTF-8"}
