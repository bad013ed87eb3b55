"""How wide lines are at a terminal: text is folded, and what one pastes, greps for or reads in columns is not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import terminal
from tests.commands.test_process import TOOL
from tests.docs.readme import ROOT, settled
from tests.simcluster import SimCluster, demo

# Commands, addresses and the two names of a flag are whole on one line, however long that is.
_TO_PASTE = re.compile(r"\bkubectl[ -]|https://|^  --\S+ / --\S+$")
_NARROWEST_HELP = 50  # click's


@pytest.fixture(scope="module")
def bare() -> Iterator[SimCluster]:
    """A cluster without metrics-server, so that there is much to say."""
    nodes = demo.nodes(3)
    with SimCluster(nodes, demo.pods(nodes, 5), metrics_versions=()) as cluster:
        yield cluster


def environment(config: Path, folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder), "KUBECONFIG": str(config), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT), "TERM": "xterm",
    }  # fmt: skip


def shown(columns: int, line: str, cluster: SimCluster, folder: Path) -> list[str]:
    """What is to be seen of a command at a terminal that is so wide."""
    _, got = terminal.run(
        [*TOOL, *line.split()], environment=environment(cluster.kubeconfig(), folder), folder=folder, columns=columns
    )
    lines = terminal.seen(got)
    assert len(lines) > 1 and lines[-1] == "", got
    return lines[:-1]


def too_wide(lines: list[str], columns: int) -> list[str]:
    """Which of the lines should have been folded."""
    return [line for line in lines if len(line) > columns and not _TO_PASTE.search(line)]


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (40, "diagnose"),
        (80, "diagnose"),
        (120, "diagnose"),
        (40, "diagnose --node worker-1"),
        (40, "diagnose --explain KM401"),
    ],
)
def test_a_verdict_is_folded(columns: int, line: str, bare: SimCluster, tmp_path: Path) -> None:
    lines = shown(columns, line, bare, tmp_path)
    assert too_wide(lines, columns) == []
    assert max(len(text) for text in lines if not _TO_PASTE.search(text)) > columns * 3 / 4


def test_a_verdict_is_not_wider_than_can_be_read(bare: SimCluster, tmp_path: Path) -> None:
    assert too_wide(shown(300, "diagnose", bare, tmp_path), 120) == []


@pytest.mark.parametrize("command", ["", "nodes", "pods", "raw", "diagnose", "completion"])
@pytest.mark.parametrize(("columns", "widest"), [(40, _NARROWEST_HELP), (80, 80), (200, 80)])
def test_help_is_folded(columns: int, widest: int, command: str, bare: SimCluster, tmp_path: Path) -> None:
    assert too_wide(shown(columns, f"{command} --help", bare, tmp_path), widest) == []


def test_a_table_of_findings_fits_into_80_columns(bare: SimCluster, tmp_path: Path) -> None:
    lines = shown(80, "diagnose -o table", bare, tmp_path)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    "line",
    [
        "nodes",
        "nodes nope",
        "nodes --nope",
        "nodes --server https://127.0.0.1:1",
        "nodes --kubeconfig /nowhere/at/all/is/there/a/file/of/this/name",
        "diagnose --list-checks",
        "--version",
    ],
)
def test_what_a_narrow_terminal_does_not_change(line: str, bare: SimCluster, tmp_path: Path) -> None:
    """Notes, errors and tables: a line of them is a line."""
    piped = subprocess.run(
        [*TOOL, *line.split()],
        env=environment(bare.kubeconfig(), tmp_path),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    lines = piped.stdout.splitlines()
    assert max(map(len, lines)) > 40
    assert [settled(text) for text in shown(40, line, bare, tmp_path)] == [settled(text) for text in lines]
