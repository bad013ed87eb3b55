"""The plugin as pipx installs it: the wheel that would be released, the real pipx and the real kubectl."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubectl_metrics import __version__
from release import dist
from tests.e2e.kit import Cluster, wait_for
from tests.e2e.pipxing import Home

SCRIPTS = ["kubectl-metrics", "kubectl_complete-metrics"]

# What pipx keeps of everything that it ever had: downloads, logs, locks.
_PIPXS_OWN = re.compile(
    r"\.cache/(pipx|uv)/|\.local/state/pipx/log/|\.local/share/pipx/(py/CACHEDIR\.TAG|venvs/\.kubectl-metrics\.lock)$"
)


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
    assert sorted(path.name for path in home.scripts.iterdir()) == SCRIPTS


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
    names = cluster.must("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    # A machine that is busy may take longer than a shell is kept waiting.
    wait_for("the names", lambda: set(names) <= set(home.kubectl("__complete", "metrics", "nodes", "").stdout.split()))


def test_uninstalling_leaves_nothing(wheel: Path, cluster: Cluster, tmp_path: Path) -> None:
    home = Home(tmp_path, cluster)
    before = home.files()
    home.pipx("install", str(wheel))
    assert home.kubectl("metrics", "nodes").status == 0
    assert {str(home.scripts.relative_to(tmp_path) / name) for name in SCRIPTS} <= home.files()
    home.pipx("uninstall", "kubectl-metrics")
    assert {name for name in home.files() - before if not _PIPXS_OWN.match(name)} == set()
    assert home.kubectl("metrics", "--version").status != 0
