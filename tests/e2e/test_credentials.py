"""Every way to be somebody that a kubeconfig has, on a real API server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kit import Kit, wait_for

pytestmark = pytest.mark.kit

NAMESPACE = "kubectl-metrics-credentials"
READER = f"system:serviceaccount:{NAMESPACE}:reader"
Write = Callable[..., str]


@pytest.fixture(scope="module")
def token(cluster: Kit) -> Iterator[str]:
    """Of somebody who may read nodes and the metrics API."""
    cluster.must("create", "namespace", NAMESPACE)
    try:
        cluster.must("-n", NAMESPACE, "create", "serviceaccount", "reader")
        cluster.must("create", "clusterrole", NAMESPACE, "--verb=get,list", "--resource=nodes,nodes.metrics.k8s.io")
        cluster.must("create", "clusterrolebinding", NAMESPACE, f"--clusterrole={NAMESPACE}", f"--user={READER}")
        may = ("auth", "can-i", "list", "nodes.metrics.k8s.io", "--as", READER)
        wait_for("the reader's rights", lambda: cluster.kubectl(*may).stdout == "yes\n")
        yield cluster.must("-n", NAMESPACE, "create", "token", "reader", "--duration=1h")
    finally:
        cluster.kubectl("delete", "clusterrolebinding,clusterrole", NAMESPACE)
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait")


@pytest.fixture
def write(kit: Kit, tmp_path: Path) -> Write:
    """Writes a kubeconfig in which the user has these credentials."""

    def function(user: dict[str, Any], **cluster: Any) -> str:
        config = kit.config()
        config["users"][0]["user"] = user
        config["clusters"][0]["cluster"] |= cluster
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        return str(path)

    return function


def _is_reader(kit: Kit, path: str) -> None:
    """Nodes may be had and pods may not, as for kubectl."""
    theirs, ours = kit.top("node", "--kubeconfig", path)
    assert ours.answer() == theirs.answer()
    assert ours.status == 0, ours.stderr
    theirs, ours = kit.top("pod", "-n", "shop", "--kubeconfig", path)
    assert ours.first_error() == theirs.first_error()
    assert READER in ours.stderr
    assert ours.status == 1


def test_a_token(kit: Kit, token: str, write: Write) -> None:
    _is_reader(kit, write({"token": token}))


def test_a_token_on_the_command_line(kit: Kit, token: str, write: Write) -> None:
    theirs, ours = kit.top("node", "--kubeconfig", write({}), "--token", token)
    assert ours.answer() == theirs.answer()
    assert ours.status == 0


def test_a_token_file_beside_the_kubeconfig(kit: Kit, token: str, write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(token + "\n")
    _is_reader(kit, write({"tokenFile": "secret"}))


def test_a_client_certificate_in_files(kit: Kit, write: Write, tmp_path: Path) -> None:
    user = kit.config()["users"][0]["user"]
    (tmp_path / "tls.crt").write_bytes(base64.b64decode(user["client-certificate-data"]))
    (tmp_path / "tls.key").write_bytes(base64.b64decode(user["client-key-data"]))
    path = write({"client-certificate": "tls.crt", "client-key": "tls.key"})
    theirs, ours = kit.top("node", "--kubeconfig", path)
    assert ours.answer() == theirs.answer()
    assert ours.status == 0


def _plugin(folder: Path, status: dict[str, Any], version: str) -> Path:
    credential = {"apiVersion": f"client.authentication.k8s.io/{version}", "kind": "ExecCredential", "status": status}
    (folder / "credential.json").write_text(json.dumps(credential))
    script = folder / "plugin"
    script.write_text('#!/bin/sh\necho "$SIGN $*" >> "$FOLDER/calls"\ncat "$FOLDER/credential.json"\n')
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_an_exec_plugin_with_a_token(kit: Kit, token: str, write: Write, tmp_path: Path, version: str) -> None:
    script = _plugin(tmp_path, {"token": token}, version)
    plugin = {
        "apiVersion": f"client.authentication.k8s.io/{version}",
        "command": f"./{script.name}",  # relative to the kubeconfig
        "args": ["get", "token"],
        "env": [{"name": "FOLDER", "value": str(tmp_path)}, {"name": "SIGN", "value": "called"}],
        "interactiveMode": "Never",
    }
    path = write({"exec": plugin})
    assert kit.ours("nodes", "--kubeconfig", path).status == 0
    assert (tmp_path / "calls").read_text() == "called get token\n"  # once, whatever the number of requests
    _is_reader(kit, path)


def test_an_exec_plugin_with_a_client_certificate(kit: Kit, write: Write, tmp_path: Path) -> None:
    user = kit.config()["users"][0]["user"]
    status = {
        "clientCertificateData": base64.b64decode(user["client-certificate-data"]).decode(),
        "clientKeyData": base64.b64decode(user["client-key-data"]).decode(),
    }
    script = _plugin(tmp_path, status, "v1")
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(script),
        "env": [{"name": "FOLDER", "value": str(tmp_path)}],
        "interactiveMode": "IfAvailable",
    }
    theirs, ours = kit.top("pod", "-n", "shop", "--kubeconfig", write({"exec": plugin}))
    assert ours.answer() == theirs.answer()
    assert ours.status == 0


def test_an_exec_plugin_that_is_not_installed(kit: Kit, write: Write) -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "no-such-credential-plugin",
        "installHint": "It can be had from the hardware store.",
        "interactiveMode": "Never",
    }
    ran = kit.ours("nodes", "--kubeconfig", write({"exec": plugin}))
    assert (ran.status, ran.stdout) == (1, "")
    assert "no-such-credential-plugin" in ran.stderr
    assert "hardware store" in ran.stderr


@pytest.mark.usefixtures("token")
def test_impersonation_by_flag(kit: Kit) -> None:
    theirs, ours = kit.top("node", "--as", READER)
    assert ours.answer() == theirs.answer()
    assert ours.status == 0
    theirs, ours = kit.top("pod", "-n", "shop", "--as", READER)
    assert ours.first_error() == theirs.first_error()
    assert READER in ours.stderr


def test_impersonation_of_a_group(kit: Kit) -> None:
    theirs, ours = kit.top("pod", "-A", "--as=somebody", "--as-group=system:masters", "--as-uid=1234")
    assert ours.answer() == theirs.answer()
    assert ours.status == 0


@pytest.mark.usefixtures("token")
def test_impersonation_in_the_kubeconfig(kit: Kit, write: Write) -> None:
    _is_reader(kit, write(kit.config()["users"][0]["user"] | {"as": READER}))


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("access", ["auto", "direct", "proxy"])
def test_impersonation_does_not_lend_our_own_rights_at_the_kubelets(kit: Kit, access: str) -> None:
    """A kubelet knows nothing of impersonation: asked directly, it would see the administrator."""
    flags = ("--source=kubelet", f"--kubelet-access={access}", "--kubelet-insecure-tls")
    ran = kit.ours("nodes", *flags, "--as", READER)
    assert "Mi" not in ran.stdout
    assert ran.stderr
    assert ran.status != 0 or "<unknown>" in ran.stdout


def test_the_name_in_the_servers_certificate(kit: Kit, write: Write) -> None:
    user = kit.config()["users"][0]["user"]
    assert kit.ours("nodes", "--kubeconfig", write(user, **{"tls-server-name": "kubernetes.default.svc"})).status == 0
    ran = kit.ours("nodes", "--kubeconfig", write(user, **{"tls-server-name": "elsewhere.example"}))
    assert ran.status == 1
    assert "elsewhere.example" in ran.stderr


def test_two_kubeconfigs_are_merged(kit: Kit, tmp_path: Path) -> None:
    config = kit.config()
    users = tmp_path / "users"
    users.write_text(json.dumps({"users": config.pop("users")}))
    rest = tmp_path / "rest"
    rest.write_text(json.dumps(config))
    theirs, ours = kit.top("node", env={"KUBECONFIG": f"{tmp_path}/absent:{rest}:{users}"})
    assert ours.answer() == theirs.answer()
    assert ours.status == 0
