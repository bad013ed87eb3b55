"""What the README shows is what people get."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.commands.test_process import TOOL
from tests.simcluster import SimCluster, User, demo

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
# In the README everybody is called me, and has a server of a usual address.
HOME = "/home/me"
SERVER = "127.0.0.1:6443"

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def shown() -> list[tuple[str, str]]:
    """The commands in the README's consoles, each with what it prints."""
    found = []
    for block in _CONSOLE.findall(README):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.strip("\n")))
    return found


def test_there_are_consoles() -> None:
    assert len(shown()) > 5


def printed(arguments: Sequence[str], home: Path, folder: Path, server: str = "") -> str:
    """stderr and stdout of a command, with the README's names for the home folder and the server."""
    ran = subprocess.run(
        [*TOOL, *arguments],
        env={"HOME": str(home), "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=25,
        check=False,
    )
    text = ran.stdout.replace(str(home), HOME)
    return (text.replace(server, SERVER) if server else text).strip("\n")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / ".kube").mkdir(parents=True)
    return folder


def kubeconfig(home: Path, text: str) -> None:
    (home / ".kube" / "config").write_text(text)


def refused(home: Path) -> None:
    """A kubeconfig of a server at whose port nobody listens: port 1 is tcpmux's."""
    kubeconfig(
        home,
        "{current-context: admin, contexts: [{name: admin, context: {cluster: c}}],"
        " clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]}",
    )


@pytest.mark.parametrize(
    ("situation", "arguments", "text"),
    [
        ("no kubeconfig yet", ["nodes"], None),
        ("one that is broken", ["nodes"], "clusters: ["),
        ("another one than there are", ["nodes", "--context", "prod"], "127.0.0.1:1"),
        ("nobody at home", ["nodes"], "127.0.0.1:1"),
    ],
)
def test_without_a_cluster(situation: str, arguments: list[str], text: str | None, home: Path) -> None:
    if text == "127.0.0.1:1":
        refused(home)
    elif text is not None:
        kubeconfig(home, text)
    command = f"kubectl metrics {' '.join(arguments)}  # {situation}"
    assert (command, printed(arguments, home, home, "127.0.0.1:1")) in shown()


@pytest.fixture(scope="module")
def bare() -> Iterator[SimCluster]:
    """make demo's cluster, without metrics-server."""
    nodes = demo.nodes(3)
    with SimCluster(nodes, demo.pods(nodes, 5), metrics_versions=()) as cluster:
        cluster.users["nobody"] = User()
        yield cluster


def alike(output: str) -> str:
    """Without CPU, which changes from second to second."""
    return re.sub(r"\d+m +\d+%", "CPU", output)


@pytest.mark.parametrize(
    ("situation", "user"),
    [("a cluster without metrics-server", "admin"), ("there, for a user who may read nothing", "nobody")],
)
def test_without_metrics_server(situation: str, user: str, bare: SimCluster, home: Path) -> None:
    bare.kubeconfig(user, home / ".kube" / "config")
    (expected,) = [output for command, output in shown() if command == f"kubectl metrics nodes  # {situation}"]
    assert alike(printed(["nodes"], home, home)) == alike(expected)
