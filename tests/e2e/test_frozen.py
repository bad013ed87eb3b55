"""The program in krew's archive beside the one that the other tests know: all commands, and what is imported late."""

from __future__ import annotations

import base64
import json
import re
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import trustme

from tests.connection.servers import Peer, Server
from tests.connection.test_credentials import answering_as_issuer, expired
from tests.connection.test_proxy import ConnectProxy
from tests.e2e import krewing
from tests.e2e.kit import TOOLS, Ran, wait_for
from tests.simcluster import SimCluster, demo, pipeline

# A number with its unit, which changes with it ("59s" and "1m0s", "53200001n" and "53200u"), and what fills columns.
_NUMBERS = re.compile(r"\d[\d.:-]*[A-Za-z]*|[.:-]+")


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, in a folder that a careless script would stumble over."""
    return krewing.unpacked(tmp_path_factory.mktemp("frozen") / "a folder, ünd mehr")


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimCluster]:
    nodes = demo.nodes(3)
    with SimCluster(nodes, demo.pods(nodes, 5, steady=True)) as cluster:  # or their order by usage changes
        pipeline.install(cluster)
        yield cluster


def run(program: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Ran:
    ran = subprocess.run(
        [program, *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def words(ran: Ran) -> tuple[int, list[str], list[str]]:
    """All that does not change while time passes."""
    return ran.status, _NUMBERS.sub(" ", ran.stdout).split(), _NUMBERS.sub(" ", ran.stderr).split()


def same(frozen: Path, arguments: Sequence[str], **environment: str) -> Ran:
    """What the frozen program says, if the other one says the same."""
    ours = run(frozen, arguments, environment)
    assert words(ours) == words(run(TOOLS / "kubectl-metrics", arguments, environment))
    return ours


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--help",
        "nodes --help",
        "pods --help",
        "raw --help",
        "diagnose --help",
        "completion --help",
        "completion bash",
        "completion zsh",
        "completion fish",
        "nodes",
        "nodes -o json",
        "nodes -o yaml",
        "nodes --source kubelet --window 1s",
        "nodes --source kubelet --kubelet-access proxy",
        "nodes nope",
        "nodes --nope",
        "pods -A --containers --sum --sort-by cpu",
        "pods -n shop -l app=cart",
        "raw /version",
        "raw /apis/metrics.k8s.io/v1beta1/nodes --source kubelet",
        "raw --node worker-1 /stats/summary",
        "diagnose",
        "diagnose -o table",
        "diagnose -o json --logs",
        "diagnose -o yaml --mask",
        "diagnose -o markdown --node worker-1",
        "diagnose --list-checks",
        "diagnose --list-checks -o markdown",
        "diagnose --explain KM401",
        "__complete fish nodes --so",
    ],
)
def test_a_command(line: str, frozen: Path, simulated: SimCluster) -> None:
    ran = same(frozen, line.split(), KUBECONFIG=str(simulated.kubeconfig()))
    assert ran.stdout or ran.stderr
    assert "Traceback" not in ran.stderr


def test_bundles(frozen: Path, simulated: SimCluster, tmp_path: Path) -> None:
    config = str(simulated.kubeconfig())
    bundle = str(tmp_path / "bundle.json")
    assert same(frozen, ["diagnose", "--save", bundle], KUBECONFIG=config).status == 0
    assert same(frozen, ["diagnose", "--from", bundle]).status == 0


def complete(program: Path, arguments: Sequence[str], simulated: SimCluster) -> list[str]:
    """The lines of an answer with names from the cluster: where the machine is too busy for that, once more."""
    config = str(simulated.kubeconfig())
    lines: list[str] = []

    def done() -> bool:
        lines[:] = run(program, arguments, {"KUBECONFIG": config}).stdout.splitlines()
        return len(lines) > 1  # the last one is for the shell

    wait_for("names", done)
    return lines


def test_completion_with_names(frozen: Path, simulated: SimCluster) -> None:
    for program in (frozen, TOOLS / "kubectl-metrics"):
        lines = complete(program, ["__complete", "fish", "nodes", "work"], simulated)
        assert lines == ["worker-1", "worker-2", "worker-3", "-"]


def test_the_completion_of_kubectl_is_another_name_of_it(frozen: Path, simulated: SimCluster, tmp_path: Path) -> None:
    link = tmp_path / "kubectl_complete-metrics"
    link.symlink_to(frozen)
    assert complete(link, ["nodes", ""], simulated) == ["worker-1", "worker-2", "worker-3", ":4"]


@pytest.mark.parametrize("environment", [{}, {"HOME": "/nonexistent", "TMPDIR": "/proc"}, {"LC_ALL": "C", "LANG": ""}])
def test_surroundings(environment: dict[str, str], frozen: Path, simulated: SimCluster) -> None:
    config = str(simulated.kubeconfig(cert=True))
    assert same(frozen, ["nodes"], KUBECONFIG=config, **environment).status == 0
    assert same(frozen, ["nodes", "--kubeconfig", "/ü"], **environment).status == 1


def test_a_credential_plugin_inherits_what_the_person_has(frozen: Path, simulated: SimCluster, tmp_path: Path) -> None:
    """And not what a frozen program needs for itself."""
    plugin = tmp_path / "plugin"
    token = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
             "status": {"token": simulated.token("admin")}}  # fmt: skip
    plugin.write_text(f"#!/bin/sh\nenv >{tmp_path}/environment\necho '{json.dumps(token)}'\n")
    plugin.chmod(0o755)
    document = json.loads(simulated.kubeconfig().read_text())
    document["users"][0]["user"] = {
        "exec": {"apiVersion": token["apiVersion"], "command": str(plugin), "interactiveMode": "Never"}
    }
    config = tmp_path / "config"
    config.write_text(json.dumps(document))
    given = {"KUBECONFIG": str(config), "LD_LIBRARY_PATH": "/somewhere", "MINE": "kept"}
    assert run(frozen, ["nodes"], given).status == 0
    seen = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines() if "=" in line)
    for name in ("PWD", "SHLVL", "_", "OLDPWD", "KUBERNETES_EXEC_INFO"):  # the shell's, and ours
        seen.pop(name, None)
    assert seen == {"PATH": "/usr/bin:/bin", **given}


def test_logging_in_with_the_kubernetes_package(frozen: Path, simulated: SimCluster, tmp_path: Path) -> None:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    asked: list[str] = []
    document = json.loads(simulated.kubeconfig().read_text())
    with Server(answering_as_issuer(asked), context=context) as issuer:
        provider = expired(
            issuer.url, **{"idp-certificate-authority-data": base64.b64encode(ca.cert_pem.bytes()).decode()}
        )
        document["users"][0]["user"] = {"auth-provider": {"name": provider.name, "config": dict(provider.config)}}
        config = tmp_path / "config"
        config.write_text(json.dumps(document))
        ran = run(frozen, ["raw", "/version"], {"KUBECONFIG": str(config)})
    assert len(asked) == 1, ran.stderr
    assert "must be logged in" in ran.stderr  # the simulated cluster does not know that token


def test_through_proxies(frozen: Path, simulated: SimCluster, tmp_path: Path) -> None:
    """TLS inside of TLS, and SOCKS."""
    ca = trustme.CA()
    roots = tmp_path / "roots.pem"
    roots.write_bytes(ca.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    port = int(simulated.url.rpartition(":")[2])

    def socks(peer: Peer) -> None:
        greeting = peer.sock.recv(2)
        peer.sock.recv(greeting[1])
        peer.send(b"\x05\x00")
        peer.sock.recv(10)  # an IPv4 address
        peer.send(b"\x05\x00\x00\x01" + bytes(6))
        ConnectProxy(port).lead(peer)

    with Server(ConnectProxy(port), context=context) as secure, Server(socks) as other:
        for proxy in (f"https://localhost:{secure.port}", f"socks5://{other.address}"):
            config = str(simulated.kubeconfig(proxy_url=proxy))
            assert same(frozen, ["nodes"], KUBECONFIG=config, SSL_CERT_FILE=str(roots)).status == 0
