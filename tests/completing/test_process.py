"""The executables that kubectl and the shells call: quick or silent, and never anything but an answer."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simcluster import Fault, SimCluster

FOR_KUBECTL = [sys.executable, "-W", "error", "-c", "from kubectl_metrics.completing import run; run()"]
TOOL = [sys.executable, "-W", "error", "-m", "kubectl_metrics"]
PATIENCE = 25  # seconds, for any machine
# The same as for kubectl, with more time for the cluster than a shell is kept waiting.
PATIENT = [
    sys.executable, "-W", "error", "-c",
    "import sys; from kubectl_metrics import completing; from kubectl_metrics.commands.candidates import Asking; "
    "from kubectl_metrics.completing import alarm, answers, engine; asking = Asking(20.0, alarm.alarm); "
    "completing._run(lambda words: answers.for_kubectl(engine.complete(words, asking)), sys.argv[1:], ':4\\n')",
]  # fmt: skip


def ask(words: Sequence[str], config: str = "/nowhere", command: Sequence[str] = FOR_KUBECTL) -> str:
    """What is answered; it has to be all that happens."""
    done = subprocess.run(
        [*command, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "KUBECONFIG": config},
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_answer_to_kubectl() -> None:
    assert ask(["nodes", "--sort-by", ""]) == "cpu\nmemory\n:4\n"
    assert ask([]) == ask([""]) != ":4\n"
    assert ask(["nodes", ""]) == ":4\n"


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["bash", "kubectl-metrics nodes --sort-by=m", "9", "80", "="], "memory\n-\n"),
        (["zsh", "no"], "nodes:Usage of nodes.\n-\n"),
        (["fish", "no"], "nodes\tUsage of nodes.\n-\n"),
        (["tcsh", "no"], ""),
        ([], ""),
    ],
)
def test_the_answer_to_a_shell(arguments: list[str], answer: str) -> None:
    assert ask(["__complete", *arguments], command=TOOL) == answer


def test_bytes_that_are_no_text() -> None:
    done = subprocess.run(
        [*FOR_KUBECTL, "nodes", b"--kubelet-preferred-address-types=\xff,Hostn"], capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b":4\n", b"")


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_closed_streams(stream: str) -> None:
    number = ("stdin", "stdout", "stderr").index(stream)
    shell = f'exec "$@" {number}{"<" if number == 0 else ">"}&-'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", *FOR_KUBECTL, "no"], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if stream == "stdout" else "nodes\tUsage of nodes.\n:4\n")


def test_nobody_reads_the_answer() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*FOR_KUBECTL, "no"], stdout=writer, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "fault",
    [
        Fault.hang_handshake(),
        Fault.hang(),
        Fault.hang("body"),
        Fault.drip(),
        Fault.status(429, retry_after=1),
    ],
    ids=["handshake", "answer", "body", "drip", "too busy"],
)
def test_a_cluster_that_hangs_is_not_waited_for(cluster: SimCluster, fault: Fault) -> None:
    config = str(cluster.kubeconfig())
    with cluster.fault("api", fault):
        assert ask(["nodes", ""], config) == ":4\n"


@pytest.mark.parametrize("words", [["nodes", "--context", ""], ["nodes", ""]])
def test_a_kubeconfig_that_nobody_writes(tmp_path: Path, words: list[str]) -> None:
    os.mkfifo(tmp_path / "config")
    assert ask(words, str(tmp_path / "config")) == ":4\n"


def test_many_names(cluster: SimCluster) -> None:
    """More than a pipe holds, and the reader is in no hurry."""
    rows = [{"cells": [f"node-{index:06}"]} for index in range(8_000)]
    with cluster.fault("api", Fault.body(json.dumps({"kind": "Table", "rows": rows}).encode())):
        answer = ask(["nodes", ""], str(cluster.kubeconfig()), PATIENT)
    assert len(answer.splitlines()) == 8_001


def with_plugin(cluster: SimCluster, folder: Path, script: str) -> str:
    """A kubeconfig whose user is whom a plugin says that it is."""
    plugin = folder / "plugin"
    plugin.write_text(f"#!/bin/sh\n{script}\n")
    plugin.chmod(0o755)
    path = cluster.kubeconfig(path=folder / "config")
    document = json.loads(path.read_text())
    document["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(plugin),
            "interactiveMode": "IfAvailable",
        }
    }
    path.write_text(json.dumps(document))
    return str(path)


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_plugin_that_hangs_is_ended(cluster: SimCluster, tmp_path: Path) -> None:
    script = f"echo $$ >'{tmp_path}/pid.new'; mv '{tmp_path}/pid.new' '{tmp_path}/pid'; exec sleep 1000"
    config = with_plugin(cluster, tmp_path, script)
    while not (tmp_path / "pid").exists():  # on a machine that was too busy to start it in time, once more
        assert ask(["nodes", ""], config) == ":4\n"
    assert ended(int((tmp_path / "pid").read_text()))


def test_a_plugin_is_not_given_the_terminal(cluster: SimCluster, tmp_path: Path) -> None:
    """It would take what is typed for a password, and write between the lines."""
    saw = tmp_path / "saw"
    script = f"""exec 2>&1
[ -t 0 ] && echo terminal >>'{saw}'
(: </dev/tty) 2>/dev/null && echo tty >>'{saw}'
echo "$KUBERNETES_EXEC_INFO" >>'{saw}'
echo "Open this page and log in" >&2
echo "Password:"
exit 1"""
    config = with_plugin(cluster, tmp_path, script)
    ours, theirs = pty.openpty()
    while not saw.exists() or not saw.read_text().endswith("}\n"):  # it may have been ended before it had written that
        saw.unlink(missing_ok=True)
        process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *FOR_KUBECTL, "nodes", ""],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "KUBECONFIG": config},
        )
        answer, _ = process.communicate(timeout=PATIENCE)
        assert answer == b":4\n"
    shown = select.select([ours], [], [], 0)[0]
    os.close(ours)
    os.close(theirs)
    assert not shown
    seen = saw.read_text()
    assert json.loads(seen)["spec"]["interactive"] is False


def test_ctrl_c(cluster: SimCluster) -> None:
    """While the cluster is being asked; shells send it to all that they wait for."""
    config = str(cluster.kubeconfig())
    before = len(cluster.asked("api"))
    with cluster.fault("api", Fault.hang()):
        process = subprocess.Popen(
            [*PATIENT, "nodes", ""],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "KUBECONFIG": config},
        )
        while len(cluster.asked("api")) <= before and process.poll() is None:
            select.select([], [], [], 0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, b":4\n", b"")


def modules_of(words: Sequence[str], config: str = "/nowhere") -> set[str]:
    """The modules that are loaded once the words have been completed."""
    code = (
        "import sys; from kubectl_metrics.commands.candidates import Asking; "
        "from kubectl_metrics.completing import answers, engine; "
        "answers.for_kubectl(engine.complete(sys.argv[1:], Asking(20.0))); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "KUBECONFIG": config},
        timeout=PATIENCE,
        check=True,
    )
    return set(done.stdout.split())


def test_what_is_not_needed_is_not_imported(cluster: SimCluster) -> None:
    config = str(cluster.kubeconfig())
    heavy = {
        "kubernetes",
        "urllib3",
        "tabulate",
        "asyncio",
        "kubectl_metrics.commands.session",
        "kubectl_metrics.commands.scripts",
    }
    for words in (["nodes", "--so"], ["nodes", "--sort-by", ""], [""], ["nodes", "--kubeconfig", ""]):
        assert not {*heavy, "ssl", "yaml", "kubectl_metrics.diagnosis.catalogue"} & modules_of(words)
    assert not {*heavy, "ssl"} & modules_of(["nodes", "--context", ""], config)
    asked = modules_of(["nodes", ""], config)
    assert "kubectl_metrics.sources.names" in asked
    assert not {*heavy, "kubectl_metrics.sources.kubelets"} & asked


def test_no_other_command_imports_it(cluster: SimCluster) -> None:
    code = "import sys; from kubectl_metrics.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, "nodes", "--kubeconfig", str(cluster.kubeconfig())],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    ours = {name for name in done.stderr.split() if "complet" in name or "candidates" in name or "scripts" in name}
    assert not {name for name in ours if name.startswith("kubectl_metrics")}
    assert "click.shell_completion" not in ours
