"""The archive for krew, the real krew, and homes of users who have nothing else."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.kit import Cluster, Ran

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist" / "krew"
MANIFEST = DIST / "metrics.yaml"
_CACHE = Path(os.environ.get("CLUSTER_BIN", Path.home() / ".cache/kubectl-metrics-cluster/bin"))


@contextmanager
def _building() -> Iterator[None]:
    """What another process of these tests is building is waited for: it is there then."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / "krew.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def archive() -> Path:
    """This platform's archive, built if there is none of the current sources."""
    with _building():
        made = subprocess.run(
            ["make", str(MANIFEST.relative_to(ROOT))], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert made.returncode == 0, made.stdout + made.stderr
    (found,) = DIST.glob("kubectl-metrics_*_linux_*.tar.gz")
    return found


def unpacked(folder: Path) -> Path:
    """The program in a folder into which the archive is unpacked."""
    with tarfile.open(archive()) as tar:
        tar.extraction_filter = tarfile.data_filter  # it becomes the default with Python 3.14
        tar.extractall(folder)
    return folder / "kubectl-metrics"


@functools.cache
def tool(name: str) -> Path:
    """krew or validate-krew-manifest, built from the Go module proxy."""
    source = Path(__file__).parent / "krew"
    command = [
        "go",
        "build",
        "-trimpath",
        "-ldflags",
        "-s -w",
        "-o",
        str(_CACHE / name),
        f"sigs.k8s.io/krew/cmd/{name}",
    ]
    with _building():
        built = subprocess.run(
            command, cwd=source, env={**os.environ, "CGO_ENABLED": "0"}, capture_output=True, text=True, check=False
        )
    assert built.returncode == 0, built.stderr
    return _CACHE / name


class Home:
    """Somebody with kubectl and krew, and with nothing else on PATH: no Python, no shell."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        folder.mkdir()
        self.root = folder / ".krew"
        self.folder = folder
        self._cluster = cluster
        tools = folder / "tools"
        tools.mkdir()
        self.kubectl_program = tools / "kubectl"
        self.kubectl_program.symlink_to(cluster.run("sh", "-c", "command -v kubectl").stdout.strip())
        (tools / "kubectl-krew").symlink_to(tool("krew"))
        self.path = f"{self.root}/bin:{tools}"

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": self.path, "HOME": str(self.folder), "KREW_ROOT": str(self.root), "LC_ALL": "C.UTF-8"}

    def kubectl(self, *arguments: str) -> Ran:
        """On this machine, not in the cluster's network."""
        ran = subprocess.run(
            [self.kubectl_program, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def krew(self, *arguments: str) -> Ran:
        """A command of krew that has to succeed."""
        ran = self.kubectl("krew", *arguments)
        assert ran.status == 0, ran.stderr
        return ran

    def index(self, manifest: str) -> None:
        """krew's local copy of an index, called local, with the plugin alone. What has .git it takes for cloned."""
        plugins = self.root / "index" / "local" / "plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        (plugins.parent / ".git").mkdir(exist_ok=True)
        (plugins / "metrics.yaml").write_text(manifest, "utf-8")

    def install(self) -> Ran:
        return self.krew("install", f"--manifest={MANIFEST}", f"--archive={archive()}")

    def on_cluster(self, *arguments: str) -> Ran:
        """kubectl with the cluster's kubeconfig, where the cluster can be reached."""
        return self._cluster.run("kubectl", *arguments, env=self.environment)

    def files(self) -> set[str]:
        """All that is in krew's folder but for folders."""
        return {
            str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_symlink() or path.is_file()
        }
