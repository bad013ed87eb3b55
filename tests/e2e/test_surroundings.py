"""Surroundings that nobody has tidied up: the same answer, or an error that says what is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.commands.conftest import small_cluster
from tests.commands.test_process import TOOL
from tests.harness import lose_home, tool
from tests.harness import run as run_here
from tests.simcluster import SimCluster

# As in a container that was built for something else: no locale, and Python is not to make one up.
NO_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
COMMANDS = [
    ["nodes"],
    ["nodes", "--source", "kubelet"],
    ["pods", "-A", "-o", "yaml"],
    ["raw", "/version"],
    ["nodes", "--help"],
    ["diagnose", "-o", "markdown", "--only", "KM711"],
]


def run(arguments: list[str], environment: Mapping[str, str], folder: str | None = None) -> tuple[int, str, str]:
    """Status, stdout and stderr of the tool with nothing but ``environment`` around it."""
    source = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [*TOOL, *arguments],
        env={"PYTHONPATH": source, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return ran.returncode, ran.stdout, ran.stderr


def words(ran: tuple[int, str, str]) -> tuple[int, list[str], str]:
    """All of it but for numbers, which change while time passes, and what they push to the right."""
    status, out, err = ran
    return status, re.sub(r"[\d.-]+", " ", out).split(), err


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimCluster]:
    with small_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def config(simulated: SimCluster) -> Path:
    return simulated.kubeconfig()


@pytest.fixture(scope="module")
def usual(config: Path) -> dict[str, tuple[int, list[str], str]]:
    """What the commands say at home."""
    home = {"HOME": str(config.parent), "KUBECONFIG": str(config)}
    return {" ".join(arguments): words(run(arguments, home)) for arguments in COMMANDS}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "surroundings",
    [
        {"HOME": "/nonexistent", "TMPDIR": "/nonexistent"},
        {"HOME": "/proc", "TMPDIR": "/proc"},  # where root cannot write either
        {"HOME": "", "TMPDIR": "", "PATH": "", "TERM": ""},
        NO_LOCALE,
        {"LANG": "tlh_QO.KOI8-R", "COLUMNS": "nonsense", "LINES": "-1"},
    ],
    ids=["no home", "nothing to be written", "empty", "no locale", "nonsense"],
)
def test_the_same_answer(
    arguments: list[str],
    surroundings: dict[str, str],
    config: Path,
    usual: dict[str, tuple[int, list[str], str]],
) -> None:
    assert usual[" ".join(arguments)][0] in (0, 5)
    there = run(arguments, {"KUBECONFIG": str(config), **surroundings})
    assert words(there) == usual[" ".join(arguments)]


def test_a_user_whom_nobody_knows(simulated: SimCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    lose_home(monkeypatch)
    found = tool(simulated)("nodes")
    assert (found.status, len(found.rows), found.err) == (0, 3, "")
    missing = run_here("nodes")
    assert missing.status == 1
    assert "looked at /nonexistent/.kube/config (does not exist)" in missing.err


@pytest.mark.parametrize("name", ["a b/kube config", "ü/конфиг", "it's/$(touch x)", "-n"])
@pytest.mark.parametrize("locale", [{}, NO_LOCALE], ids=["utf-8", "no locale"])
def test_a_kubeconfig_in_an_odd_place(name: str, locale: dict[str, str], config: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(config, path)
    for arguments, environment in ([], {"KUBECONFIG": str(path)}), ([f"--kubeconfig={path}"], {}):
        status, out, err = run(["nodes", *arguments], environment | locale)
        assert (status, len(out.splitlines()), err) == (0, 4, "")


@pytest.mark.parametrize("locale", [{}, NO_LOCALE], ids=["utf-8", "no locale"])
def test_a_bundle_in_an_odd_place(locale: dict[str, str], config: Path, tmp_path: Path) -> None:
    saved = str(tmp_path / "ü конфиг$(touch x).json")
    status, seen, _ = run(["diagnose", "--save", saved, "-o", "json"], {"KUBECONFIG": str(config)} | locale)
    assert status == 5
    assert run(["diagnose", "--from", saved, "-o", "json"], locale)[:2] == (5, seen)


def test_a_path_that_is_not_there_is_written_as_far_as_the_locale_goes(tmp_path: Path) -> None:
    missing = tmp_path / "ü"
    status, out, err = run(["nodes", "--kubeconfig", str(missing)], NO_LOCALE)
    assert (status, out) == (1, "")
    assert err.startswith("error: stat ") and err.isascii() and err.endswith(": no such file or directory\n")


def test_a_folder_that_is_gone(config: Path, tmp_path: Path) -> None:
    """As for somebody whose checkout was deleted under the shell."""
    gone = tmp_path / "gone"
    gone.mkdir()
    command = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    ran = subprocess.run(
        ["sh", "-c", command, "sh", str(gone), *TOOL, "nodes", "--kubeconfig", str(config)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
