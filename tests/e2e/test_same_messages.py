"""Ordinary failures have kubectl's own message; the exit statuses are ours (kubectl knows only 1)."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.e2e.kit import Cluster

FAILED, USAGE, NO_SOURCE = 1, 2, 3

# arguments of "kubectl top", and the status that we end with
CASES = [
    ("node no-such-node", FAILED),
    ("node no-such-node --no-headers --sort-by=cpu", FAILED),
    ("pod no-such-pod", FAILED),
    ("pod no-such-pod -n kube-system --containers", FAILED),
    ("node one -l a=b", USAGE),
    ("pod one -l a=b", USAGE),
    ("pod one --field-selector metadata.name=one", USAGE),
    ("node --sort-by=name", USAGE),
    ("pod --sort-by=CPU", USAGE),
    ("node -l 'a in b'", USAGE),
    ("pod -l 'a in (b'", USAGE),
    ("pod -l '=b'", USAGE),
    ("pod -l 'a=b c'", USAGE),
    ("pod --field-selector metadata.name", USAGE),
    ("pod -n no-such-namespace", 0),
    ("pod -n no-such-namespace --sum --containers", 0),
    ("pod -n kube-system -l no-such-label", 0),
    ("pod -A -l no-such-label", 0),
    ("node --as nobody", FAILED),
    ("node some-node --as nobody", FAILED),
    ("pod --as nobody", FAILED),
    ("pod -A --as nobody --as-group=nobodies", FAILED),
    ("pod -n kube-system some-pod --as nobody", FAILED),
    ("node --as-group=nobodies", FAILED),
    ("node --context no-such-context", FAILED),
    ("node --cluster no-such-cluster", FAILED),
    ("node --user no-such-user", FAILED),
    ("node -s https://127.0.0.1:1", FAILED),
    ("pod --server=https://127.0.0.1:1 --insecure-skip-tls-verify", FAILED),
    ("node --kubeconfig /no/such/file", FAILED),
]


@pytest.mark.parametrize(("arguments", "status"), CASES)
def test_message(cluster: Cluster, arguments: str, status: int) -> None:
    kind, *rest = shlex.split(arguments)
    theirs, ours = cluster.top(kind, *rest)
    assert ours.first_error() == theirs.first_error()
    assert ours.stdout == theirs.stdout
    assert ours.status == status


@pytest.mark.kit
@pytest.mark.parametrize(("name", "status"), [("unschedulable", FAILED), ("crashing", NO_SOURCE)])
def test_a_pod_that_does_not_run(cluster: Cluster, name: str, status: int) -> None:
    theirs, ours = cluster.top("pod", "-n", "shop", name)
    assert ours.stdout == theirs.stdout
    assert ours.first_error() == theirs.first_error()
    assert ours.status == status


def test_no_node_at_all(cluster: Cluster) -> None:
    """kubectl says "error: metrics not available yet", which is not the matter; so we say what kubectl says of pods."""
    theirs, ours = cluster.top("node", "-l", "no-such-label")
    assert (theirs.status, theirs.first_error()) == (1, "error: metrics not available yet")
    assert ours.answer() == (0, "", ["No resources found"])


@pytest.mark.parametrize(
    "arguments",
    [
        "nodes --no-such-flag",
        "nodes one two",
        "pods one two",
        "no-such-command",
        "nodes --source=somewhere",
        "nodes --kubelet-access=magic",
        "nodes -o table-of-contents",
        "nodes --window=-3s",
        "nodes --kubelet-port=0x10",
        "raw",
        "pods one -A",
    ],
)
def test_wrong_usage(cluster: Cluster, arguments: str) -> None:
    ran = cluster.ours(*shlex.split(arguments))
    assert ran.status == USAGE
    assert ran.stdout == ""
    assert ran.stderr


def _without_credentials(cluster: Cluster, path: Path, **user: str) -> str:
    config = cluster.config()
    config["users"] = [{"name": config["users"][0]["name"], "user": user}]
    path.write_text(json.dumps(config))
    return str(path)


@pytest.mark.parametrize("kind", ["node", "pod"])
def test_a_token_that_is_not_valid(cluster: Cluster, tmp_path: Path, kind: str) -> None:
    path = _without_credentials(cluster, tmp_path / "config", token="not-a-token-of-this-cluster")
    theirs, ours = cluster.top(kind, env={"KUBECONFIG": path})
    assert ours.first_error() == theirs.first_error()
    assert ours.status == FAILED
    assert "not-a-token-of-this-cluster" not in ours.stderr


def test_nobody_in_particular(cluster: Cluster, tmp_path: Path) -> None:
    """kubectl would ask for a user name at a terminal; without one it is anonymous."""
    path = _without_credentials(cluster, tmp_path / "config")
    theirs, ours = cluster.top("pod", "--request-timeout=30s", env={"KUBECONFIG": path})
    assert ours.status == FAILED
    assert "system:anonymous" in ours.stderr or ours.first_error() == theirs.first_error()


def test_a_server_that_somebody_else_certifies(cluster: Cluster, tmp_path: Path) -> None:
    config = cluster.config()
    del config["clusters"][0]["cluster"]["certificate-authority-data"]
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    ran = cluster.ours("nodes", "--kubeconfig", str(path))
    assert ran.status == FAILED
    assert ran.stderr.startswith("Unable to connect to the server: ")
    assert "certificate" in ran.stderr
    assert cluster.ours("nodes", "--kubeconfig", str(path), "--insecure-skip-tls-verify").status == 0


def test_a_server_that_does_not_answer_in_time(cluster: Cluster) -> None:
    ran = cluster.ours("nodes", "--request-timeout=1ms")
    assert ran.status == FAILED
    assert ran.stderr.startswith("Unable to connect to the server: ")


def test_nothing_but_the_document_is_on_stdout(cluster: Cluster) -> None:
    for arguments in (["nodes", "no-such-node"], ["pods", "-n", "no-such-namespace"], ["nodes", "--as", "nobody"]):
        assert cluster.ours(*arguments, "-o", "json").stdout in ("", cluster.ours(*arguments, "-o", "json").stdout)
        assert "rror" not in cluster.ours(*arguments, "-o", "json").stdout
