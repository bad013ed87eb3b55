"""The README's consoles, and the situations that "The first minutes" shows."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.simcluster import SimCluster, User, demo

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")

# In the README everybody is called me, and has a server of a usual address.
_HOME = "/home/me"
_SERVER = "127.0.0.1:6443"

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^## The first minutes\n(.*?)^## ", re.DOTALL | re.MULTILINE)

_NOBODY = "127.0.0.1:1"  # port 1 is tcpmux's, at which nobody listens
_REFUSED = (
    "{current-context: admin, contexts: [{name: admin, context: {cluster: c}}],"
    f" clusters: [{{name: c, cluster: {{server: 'https://{_NOBODY}'}}}}]}}"
)

# What the README calls them; the kubeconfig.
WITHOUT_A_CLUSTER: dict[str, str | None] = {
    "no kubeconfig yet": None,
    "one that is broken": "clusters: [",
    "another one than there are": _REFUSED,
    "nobody at home": _REFUSED,
}
# What the README calls them; the user.
WITHOUT_METRICS_SERVER = {
    "a cluster without metrics-server": "admin",
    "there, for a user who may read nothing": "nobody",
}


def consoles(text: str = README) -> list[tuple[str, str]]:
    """The commands in a page's consoles, each with what it prints."""
    found = []
    for block in _CONSOLE.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.strip("\n")))
    return found


def first_minutes() -> list[str]:
    """What the commands of that section are called, each by the comment behind it."""
    (section,) = _SECTION.findall(README)
    return [command.partition("  # ")[2] for command, _ in consoles(section)]


@contextmanager
def bare() -> Iterator[SimCluster]:
    """make demo's cluster, without metrics-server."""
    nodes = demo.nodes(3)
    with SimCluster(nodes, demo.pods(nodes, 5), metrics_versions=()) as cluster:
        cluster.users["nobody"] = User()
        yield cluster


@dataclasses.dataclass(frozen=True)
class Person:
    """Somebody at a shell who tries what the README shows.

    Args:
        home: where there is no kubeconfig yet.
        environment: of the shell, but for HOME.
        start: what the shell is told first.
    """

    home: Path
    environment: Mapping[str, str]
    start: str = ""

    def without_a_cluster(self, situation: str) -> None:
        """Compares what is printed with what is shown, in one of the situations."""
        text = WITHOUT_A_CLUSTER[situation]
        if text is not None:
            self._kubeconfig().write_text(text)
        self.compare(_command(situation))

    def without_metrics_server(self, situation: str, cluster: SimCluster) -> None:
        """The same, in one for which that cluster is needed."""
        cluster.kubeconfig(WITHOUT_METRICS_SERVER[situation], self._kubeconfig())
        self.compare(_command(situation))

    def _kubeconfig(self) -> Path:
        (self.home / ".kube").mkdir()
        return self.home / ".kube" / "config"

    def compare(self, command: str) -> None:
        """Runs a command, and compares what it prints with what the README shows, which has it once."""
        (shown,) = [output for each, output in consoles() if each == command]
        assert settled(self.prints(command)) == settled(shown)

    def prints(self, command: str) -> str:
        """What a command prints, in the README's words."""
        ran = subprocess.run(
            ["/bin/bash", "-c", f"{self.start}\n{command}"],
            env={**self.environment, "HOME": str(self.home)},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=25,
            check=False,
        )
        return ran.stdout.replace(str(self.home), _HOME).replace(_NOBODY, _SERVER).strip("\n")


def _command(situation: str) -> str:
    (found,) = [command for command, _ in consoles() if command.endswith(f"  # {situation}")]
    return found


def settled(output: str) -> str:
    """What neither changes from second to second nor depends on the Python."""
    return re.sub(r"Python 3\.\d+\.\d+", "Python 3", re.sub(r"\d+m +\d+%", "CPU", output))
