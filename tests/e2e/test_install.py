"""The plugin as pipx installs it: the wheel that would be released, the real pipx and the real kubectl."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from kubectl_metrics import __version__
from release import dist
from release.project import ROOT
from tests.e2e.kit import Cluster, Ran

_PIPX = ROOT / ".venv-release" / "bin" / "pipx"
SCRIPTS = ["kubectl-metrics", "kubectl_complete-metrics"]


class Home:
    """Somebody with kubectl and pipx, and an otherwise empty home."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.scripts = folder / ".local" / "bin"
        self._cluster = cluster
        kubectl = cluster.run("sh", "-c", "command -v kubectl").stdout.strip()
        (folder / "tools").mkdir()
        (folder / "tools" / "kubectl").symlink_to(kubectl)

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "PATH": f"{self.scripts}:{self.folder / 'tools'}:/usr/bin:/bin"}

    def pipx(self, *arguments: str) -> None:
        # Settings of the package index, and whatever proxy it takes, are this machine's.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIPX_", "XDG_"))}
        done = subprocess.run(
            [_PIPX, *arguments], env=kept | self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def kubectl(self, *arguments: str) -> Ran:
        return self._cluster.run("kubectl", *arguments, env=self.environment)

    def files(self) -> Sequence[str]:
        return sorted(path.name for path in self.scripts.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dist.build(tmp_path_factory.mktemp("dist"))[1]


@pytest.fixture(scope="module")
def home(cluster: Cluster, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Somebody who has installed the plugin."""
    home = Home(tmp_path_factory.mktemp("home of a user"), cluster)
    home.pipx("install", str(wheel))
    return home


def test_both_names_are_there(home: Home) -> None:
    assert home.files() == SCRIPTS


def test_kubectl_finds_it(home: Home) -> None:
    ran = home.kubectl("metrics", "--version")
    assert (ran.status, ran.stderr) == (0, "")
    where = re.escape(str(home.scripts / "kubectl-metrics"))
    assert re.fullmatch(rf"kubectl-metrics {re.escape(__version__)} \({where}, Python 3\.\d+\.\d+\)\n", ran.stdout)


def test_kubectl_has_nothing_to_say_against_it(home: Home) -> None:
    # Debian's kubectl has plugins of its own.
    ran = home.kubectl("plugin", "list")
    assert str(home.scripts / "kubectl-metrics") in ran.stdout.splitlines()
    assert str(home.scripts) not in ran.stderr


def test_the_table(home: Home, cluster: Cluster) -> None:
    theirs, ours = cluster.alike(lambda: home.kubectl("top", "node"), lambda: home.kubectl("metrics", "nodes"))
    assert ours == theirs
    assert ours.table()[0][0] == "NAME"


def test_completion(home: Home, cluster: Cluster) -> None:
    ran = home.kubectl("__complete", "metrics", "nodes", "")
    names = cluster.must("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    assert set(names) <= set(ran.stdout.split())


def test_uninstalling_leaves_nothing(wheel: Path, cluster: Cluster, tmp_path: Path) -> None:
    home = Home(tmp_path, cluster)
    home.pipx("install", str(wheel))
    assert home.files() == SCRIPTS
    home.pipx("uninstall", "kubectl-metrics")
    assert home.files() == []
    assert home.kubectl("metrics", "--version").status != 0
