"""The tool as a process of its own: signals, pipes, terminals, and where its time goes."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import Tool
from tests.simcluster import Fault, Node, Pod, SimCluster

TOOL = [sys.executable, "-W", "error", "-m", "kubectl_metrics"]


@pytest.fixture
def config(cluster: SimCluster) -> str:
    return str(cluster.kubeconfig())


def wait_until_asked(cluster: SimCluster, server: str, before: int) -> None:
    """Returns when ``server`` has seen a request that it did not see ``before``."""
    while len(cluster.asked(server)) <= before:
        select.select([], [], [], 0.01)


@pytest.mark.parametrize("arguments", [["nodes"], ["nodes", "--source", "kubelet"], ["pods", "-A", "--window", "1h"]])
def test_ctrl_c_ends_at_once(cluster: SimCluster, config: str, arguments: list[str]) -> None:
    server = "api" if arguments == ["nodes"] else "node-c"
    before = len(cluster.asked(server))
    fault = cluster.fault(server, Fault.hang()) if "--window" not in arguments else None
    # Without -W error: an interrupted process need not close its sockets, the system does.
    command = [sys.executable, "-m", "kubectl_metrics", *arguments, "--kubeconfig", config]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until_asked(cluster, server, before)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        if fault is not None:
            fault.remove()
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("arguments", [["nodes"], ["nodes", "-o", "json"], ["raw", "/version"], ["--version"], ["-h"]])
def test_a_closed_pipe_ends_quietly(config: str, arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*TOOL, "--kubeconfig", config, *arguments], stdout=writer, stderr=subprocess.PIPE, timeout=20, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_an_error(config: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*TOOL, "nodes", "--kubeconfig", config], stdout=full, stderr=subprocess.PIPE, timeout=20, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"error: No space left on device\n")


def shell(command: str, config: str) -> tuple[int, str]:
    """Status and stdout of a line of shell, in which $KM is the tool."""
    environment = {**os.environ, "KUBECONFIG": config, "KM": f"{sys.executable} -m kubectl_metrics"}
    done = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, text=True, env=environment, timeout=20, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("broken", ["2>&-", "2>/dev/full", "2> >(exec true)", "<&-", "<&- 2>&-"])
@pytest.mark.usefixtures("no_api")
def test_what_nobody_can_read_does_not_cost_the_table(config: str, broken: str) -> None:
    status, out = shell(f"$KM nodes {broken}", config)
    assert (status, [line.split()[0] for line in out.splitlines()]) == (0, ["NAME", "node-a", "node-b", "node-c"])


@pytest.mark.parametrize("command", ["nodes", "nodes -o json", "raw /version", "--version"])
def test_a_closed_stdout_is_an_error(config: str, command: str) -> None:
    assert shell(f"$KM {command} 2>&1 >&-", config) == (1, "error: Bad file descriptor\n")


def test_progress_on_a_terminal(cluster: SimCluster, config: str) -> None:
    ours, theirs = pty.openpty()
    with cluster.fault("node-b", Fault.hang()):
        process = subprocess.Popen(
            [*TOOL, "pods", "-A", "--kubeconfig", config, "--source", "kubelet", "--kubelet-access", "direct",
             "--kubelet-request-timeout", "4s"],
            stdout=subprocess.PIPE,
            stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        out, _ = process.communicate(timeout=20)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the terminal is gone with the process
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.returncode == 0
    assert b"\rkubelets 2/3" in shown
    assert b"kubelets" not in out
    # It was taken away before the first line of text.
    assert shown.rindex(b"kubelets") < shown.index(b"warning")


def test_no_progress_in_a_file(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("node-b", Fault.hang()):
        result = admin(
            "nodes", "--source", "kubelet", "--kubelet-access", "direct", "--kubelet-request-timeout", "1500ms"
        )
    assert "kubelets 2/3" not in result.err


def imported(*arguments: str) -> set[str]:
    code = "import sys; from kubectl_metrics.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=20, check=True
    )
    return set(done.stderr.split())


def test_what_a_command_does_not_use_is_not_imported(config: str) -> None:
    """Start-up is most of the time of a small cluster's table."""
    for arguments in (["nodes"], ["pods", "-A"], ["raw", "/version"], ["nodes", "--source", "kubelet"]):
        modules = imported(*arguments, "--kubeconfig", config)
        assert ("kubectl_metrics.sources.kubelets" in modules) == ("kubelet" in arguments)
        assert f"kubectl_metrics.commands.{arguments[0]}" in modules
        others = {"completion", "diagnose", "nodes", "pods", "raw"} - {arguments[0]}
        assert not {f"kubectl_metrics.commands.{name}" for name in others} & modules
        assert not {"kubernetes", "urllib3", "tabulate", "requests", "asyncio", "unittest"} & modules
    assert not {"kubernetes", "yaml", "urllib3", "ssl"} & imported("nodes", "--help")


def test_in_a_pipeline_of_a_shell(config: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m kubectl_metrics pods -A --kubeconfig '{config}' 2>/dev/null | head -n 1"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.startswith("NAMESPACE")


def test_a_kubeconfig_from_the_environment(config: str, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": ""}
    environment.pop("KUBERNETES_SERVICE_HOST", None)
    nothing = subprocess.run([*TOOL, "nodes"], capture_output=True, text=True, env=environment, check=False, timeout=20)
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr.startswith("error: ")
    for place in ({"KUBECONFIG": config}, {"KUBECONFIG": f"/nowhere:{config}"}):
        done = subprocess.run(
            [*TOOL, "nodes"], capture_output=True, text=True, env=environment | place, check=True, timeout=20
        )
        assert done.stdout.startswith("NAME")


@pytest.mark.parametrize("arguments", [["nodes"], ["pods", "-A", "--window", "2s"], ["nodes", "--window", "2s"]])
def test_more_kubelets_than_files_may_be_open(arguments: list[str]) -> None:
    names = [f"node-{index:02}" for index in range(60)]
    with SimCluster(
        nodes=[Node(name) for name in names], pods=[Pod(f"on-{name}", "shop", name) for name in names]
    ) as cluster:
        done = subprocess.run(
            ["sh", "-c", 'ulimit -n 56 && exec "$@"', "sh", *TOOL, "--kubeconfig", str(cluster.kubeconfig()),
             *arguments, "--source", "kubelet", "--strict"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 61)
