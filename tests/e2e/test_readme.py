"""The README, followed to the letter by somebody with pipx and by somebody with krew."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from release import project
from tests import terminal
from tests.docs import readme
from tests.e2e import krewing, pipxing
from tests.e2e.kit import Cluster, wait_for
from tests.simcluster import SimCluster

PIPX = "pipx install ."
KREW = 'kubectl krew install --manifest=dist/krew/metrics.yaml --archive="$(ls dist/krew/*.tar.gz)"'


@dataclasses.dataclass(frozen=True)
class Installed:
    """How somebody has installed the plugin."""

    printed: list[str]
    """What was to be seen then."""
    home: Path
    environment: dict[str, str]


def follow(line: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """Runs a line of the README at a terminal; returns what is to be seen."""
    status, got = terminal.run(["/bin/bash", "-c", line], environment=environment, folder=folder)
    assert status == 0, got
    return terminal.seen(got)


@pytest.fixture(scope="module")
def by_pipx(programs: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    clone = tmp_path_factory.mktemp("clone")
    for name in project.files():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project.ROOT / name, clone / name)
    home = pipxing.Home(tmp_path_factory.mktemp("pipx"), programs)
    printed = follow(PIPX, clone, {**home.environment_of_pipx, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    return Installed(printed, home.folder, home.environment)


@pytest.fixture(scope="module")
def by_krew(programs: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    krewing.archive()
    home = krewing.Home(tmp_path_factory.mktemp("krew") / "home", programs)
    # The shell wants ls, which nobody has there.
    printed = follow(KREW, krewing.ROOT, {**home.environment, "PATH": f"{home.path}:{os.environ['PATH']}"})
    return Installed(printed, home.folder, home.environment)


@pytest.fixture(params=["by_pipx", "by_krew"])
def installed(request: pytest.FixtureRequest) -> Installed:
    found: Installed = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def bare() -> Iterator[SimCluster]:
    with readme.bare() as cluster:
        yield cluster


def shown(command: str) -> list[str]:
    (output,) = [output for each, output in readme.consoles() if each == command]
    return output.splitlines()


def settled(lines: list[str]) -> list[str]:
    return [readme.settled(line) for line in lines]


def test_what_pipx_prints(by_pipx: Installed) -> None:
    assert settled(by_pipx.printed) == [*settled(shown(PIPX)), ""]


def test_what_krew_prints(by_krew: Installed) -> None:
    assert by_krew.printed == [*shown(KREW), ""]


def test_the_lines_are_those_to_be_pasted() -> None:
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", readme.README)
    pasted = [line.partition("  # ")[0].rstrip() for block in blocks for line in block.splitlines()]
    assert {PIPX, f"make krew && {KREW}"} <= set(pasted)


@pytest.mark.parametrize("situation", readme.WITHOUT_A_CLUSTER)
def test_without_a_cluster(situation: str, installed: Installed, tmp_path: Path) -> None:
    readme.Person(tmp_path, installed.environment).without_a_cluster(situation)


@pytest.mark.parametrize("situation", readme.WITHOUT_METRICS_SERVER)
def test_without_metrics_server(situation: str, installed: Installed, bare: SimCluster, tmp_path: Path) -> None:
    readme.Person(tmp_path, installed.environment).without_metrics_server(situation, bare)


def test_the_version(by_pipx: Installed) -> None:
    readme.Person(by_pipx.home, by_pipx.environment).compare("kubectl metrics --version")


@pytest.mark.parametrize("command", ["kubectl top node", "kubectl metrics nodes"])
def test_on_a_cluster_without_metrics_server(
    command: str, by_pipx: Installed, bare: SimCluster, tmp_path: Path
) -> None:
    config = str(bare.kubeconfig())
    readme.Person(tmp_path, {**by_pipx.environment, "KUBECONFIG": config}).compare(command)


def test_names_of_that_cluster(by_pipx: Installed, bare: SimCluster, tmp_path: Path) -> None:
    command = "kubectl __complete metrics nodes w 2>/dev/null  # what a shell asks when you press TAB"
    person = readme.Person(tmp_path, {**by_pipx.environment, "KUBECONFIG": str(bare.kubeconfig())})
    printed: list[str] = []

    def names() -> bool:
        """None, on a machine that is so busy that a shell would be kept waiting."""
        printed[:] = person.prints(command).splitlines()
        return len(printed) > 1

    wait_for("names", names)
    assert printed == shown(command)
