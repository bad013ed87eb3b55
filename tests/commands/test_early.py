"""What is begun before the command line is read: only where nothing speaks against it, and to be thrown away."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics import cli
from kubectl_metrics.commands import early, settings
from kubectl_metrics.connection.config import Overrides
from kubectl_metrics.errors import MetricsError
from tests.commands.test_process import TOOL
from tests.connection.servers import Server, always, refusing
from tests.harness import streams
from tests.simcluster import SimCluster


def kubeconfig(folder: Path, port: int, user: Mapping[str, object] | None = None) -> Path:
    """One of a server on loopback, whoever that is."""
    path = folder / "config"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(document))
    return path


def run(line: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def command(name: str) -> click.Command:
    found = cli.group.get_command(click.Context(cli.group), name)
    assert found is not None
    return found


def test_the_names_are_those_of_commands() -> None:
    group = cli.group
    assert isinstance(group, click.Group)
    known = set(group.list_commands(click.Context(group))) | set(getattr(group, "aliases"))  # noqa: B009  # our own kind
    assert known - early.COMMANDS.keys() == {"completion", "diagnose"}
    assert early.COMMANDS.keys() <= known


def test_the_flags_are_flags_of_these_commands() -> None:
    commands = [command(name) for name in early.COMMANDS]
    spelled = {spelling for each in commands for option in each.params for spelling in option.opts}
    assert spelled >= early.FLAGS


WORDS = [
    *sorted(early.FLAGS),
    *("web", "cpu", "json", "a=b", "-n=shop", "-An=shop", "-nshop", "-s", "--server=https://x", "--", "-"),
    *("--context", "--kubeconfig=x", "--token", "-h", "-v", "--source", "kubelet", "-sx"),
    "--insecure-skip-tls-verify",
]


@given(st.sampled_from(sorted(early.COMMANDS)), st.lists(st.sampled_from(WORDS), max_size=5))
def test_what_is_begun_is_what_the_command_line_means(name: str, words: list[str]) -> None:
    """Whatever click makes of it: where something is begun, no flag but the namespace says anything."""
    begun = early.begin([name, *words], {"KUBECONFIG": os.devnull, "KUBERNETES_MASTER": "http://127.0.0.1:1"})
    if begun is None:
        return
    try:
        with command(name).make_context(name, list(words)) as context:
            overrides = settings.overrides(context)
    except (click.UsageError, MetricsError):
        return
    assert overrides == Overrides(namespace=overrides.namespace)
    config = begun.config_for(overrides)
    assert config is not None and config.namespace == (overrides.namespace or "default")


@pytest.mark.parametrize("words", ["nodes", "no web -l a=b", "pods -A --sort-by=cpu", "raw /version"])
def test_what_has_no_flags_of_the_connection(words: str, tmp_path: Path) -> None:
    with refusing() as port:
        begun = early.begin(words.split(), {"KUBECONFIG": str(kubeconfig(tmp_path, port))})
        assert begun is not None and begun.connections is not None
        assert begun.config.server == f"https://127.0.0.1:{port}"
        begun.connections.close()


@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            "diagnose",
            "completion bash",
            "--version",
            "-n shop pods",
            "nodes -h",
            "nodes --context x",
            "nodes -s=x",
        ),
        *("nodes --source kubelet", "pods -n -s", "nonsense", "pods -An=shop", "__complete nodes x"),
    ],
)
def test_what_may_have_some(words: str) -> None:
    assert early.begin(words.split(), {"KUBECONFIG": os.devnull}) is None


@pytest.mark.parametrize(
    "user",
    [
        {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "/bin/false",
                "interactiveMode": "Never",
            }
        },
        {"auth-provider": {"name": "oidc"}},
    ],
)
def test_nothing_is_asked_before_a_login(user: dict[str, object], tmp_path: Path) -> None:
    """Which may be what opens the way."""
    with Server(always()) as server:
        path = kubeconfig(tmp_path, server.port, user)
        begun = early.begin(["nodes"], {"KUBECONFIG": str(path)})
    assert begun is not None and begun.connections is None
    assert server.connections == 0


def test_what_waits_for_a_writer_is_not_waited_for_where_the_command_line_is_wrong(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config")
    shown = run([*TOOL, "nodes", "a", "b"], {"KUBECONFIG": str(tmp_path / "config")})
    assert shown.returncode == 2


@pytest.mark.parametrize("most", [16, 20, 40])
def test_few_descriptors(most: int, cluster: SimCluster) -> None:
    line = f"ulimit -n {most}; exec {TOOL[0]} -m kubectl_metrics nodes"
    shown = run(["bash", "-c", line], {"KUBECONFIG": str(cluster.kubeconfig())})
    assert shown.returncode in (0, 1, 3), shown.stderr  # whatever it got to
    assert "Traceback" not in shown.stderr


PRESSED = """
import signal, sys
class Press:
    def find_spec(self, name, *_):
        if name == sys.argv[-1]:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Press())
from kubectl_metrics.__main__ import run
sys.argv[1:1] = ["nodes"]
run()
"""


@pytest.mark.parametrize("module", ["msgspec", "msgspec._utils", "msgspec.inspect", "yaml", "click", "click.core"])
def test_ctrl_c_while_modules_are_imported(module: str, tmp_path: Path) -> None:
    """Some are imported by C code that would forget it."""
    with refusing() as port:
        shown = run([TOOL[0], "-c", PRESSED, module], {"KUBECONFIG": str(kubeconfig(tmp_path, port))})
    assert (shown.returncode, shown.stdout, shown.stderr) == (130, "", "")


def test_a_kubeconfig_that_is_a_pipe_is_read_once(cluster: SimCluster) -> None:
    shown = run(["bash", "-c", f'KUBECONFIG=<(cat "{cluster.kubeconfig()}") {" ".join(TOOL)} nodes'])
    assert shown.returncode == 0, shown.stderr


def test_what_is_wrong_with_a_pipe_is_said() -> None:
    line = f"KUBECONFIG=<(echo '[') {' '.join(TOOL)} nodes"
    shown = run(["bash", "-c", line])
    assert shown.returncode == 1
    assert shown.stderr.startswith('error: error loading config file "/dev/fd/')


def test_what_is_wrong_with_the_command_line_comes_first(tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("[")
    shown = run([*TOOL, "nodes", "a", "b"], {"KUBECONFIG": str(broken)})
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "config" not in shown.stderr


@pytest.mark.parametrize("words", ["nodes a b", "nodes -l a -l=", "pods -A web", "nodes --sort-by x"])
def test_nothing_is_left_of_it_where_the_command_line_is_wrong(words: str, tmp_path: Path) -> None:
    with Server(always()) as server:
        begun = early.begin(words.split(), {"KUBECONFIG": str(kubeconfig(tmp_path, server.port))})
        with streams():
            assert cli.main(words.split(), begun) == 2
        for thread in threading.enumerate():
            if thread.name == "connect":
                thread.join(20)
                assert not thread.is_alive()
    assert not server.requests


def test_both_connections_are_used(cluster: SimCluster) -> None:
    before, already = cluster.connections["api"], len(cluster.requests)
    shown = run([*TOOL, "nodes"], {"KUBECONFIG": str(cluster.kubeconfig())})
    assert shown.returncode == 0, shown.stderr
    # Where metrics take longer than a second, there is a third question.
    assert cluster.connections["api"] - before == len(cluster.requests) - already <= 3


@pytest.mark.parametrize("words", ["nodes -s {other}", "nodes --server={other}", "nodes --kubeconfig {file}"])
def test_nobody_is_bothered_who_is_not_meant(words: str, cluster: SimCluster, tmp_path: Path) -> None:
    with Server(always()) as stranger:
        environment = {"KUBECONFIG": str(kubeconfig(tmp_path, stranger.port))}
        run([*TOOL, *words.format(other=cluster.url, file=cluster.kubeconfig()).split()], environment)
    assert stranger.connections == 0
