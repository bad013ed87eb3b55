"""What is offered: flags, their values, what the kubeconfig knows, and names from a cluster."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import click
import pytest

from kubectl_metrics.cli import group
from kubectl_metrics.commands import candidates
from kubectl_metrics.completing.engine import Completion
from kubectl_metrics.diagnosis.catalogue import CHECKS
from tests.completing.conftest import completion, values
from tests.harness import lose_home
from tests.simcluster import Fault, SimCluster, User, allow

METRICS = "/apis/metrics.k8s.io/v1beta1"

COMMANDS = {
    name: command
    for name in group.list_commands(click.Context(group))
    if (command := group.get_command(click.Context(group), name))
}


# ---- commands and flags ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("alone")
def test_commands_with_what_they_do() -> None:
    found = completion("").candidates
    assert [one.value for one in found] == ["completion", "diagnose", "nodes", "pods", "raw"]
    assert all(one.description for one in found)
    assert values("--context", "x", "no") == ["nodes"]
    assert values("unknown") == []


@pytest.mark.usefixtures("alone")
def test_all_flags_of_all_commands_with_what_they_do() -> None:
    for name, command in COMMANDS.items():
        shown = {one.value: one.description for one in completion(name, "-").candidates}
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        assert set(shown) == {"-h", "--help"} | {
            flag for option in options for flag in (*option.opts, *option.secondary_opts)
        }
        assert all(shown.values())
        assert all("\n" not in text for text in shown.values())


@pytest.mark.usefixtures("alone")
def test_flags_by_their_beginning() -> None:
    assert values("nodes", "--so") == ["--sort-by", "--source"]
    assert values("--kubec") == ["--kubeconfig"]


@pytest.mark.usefixtures("alone")
def test_a_flag_that_was_given_is_not_offered_again() -> None:
    assert values("nodes", "--sort-by", "cpu", "--so") == ["--source"]
    assert values("nodes", "--as-group", "a", "--as-g") == ["--as-group"]


# ---- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["nodes", "--sort-by", ""], ["cpu", "memory"]),
        (["nodes", "--sort-by=m"], ["memory"]),
        (["nodes", "--source", ""], ["auto", "api", "kubelet"]),
        (["nodes", "--kubelet-access", ""], ["auto", "direct", "proxy"]),
        (["nodes", "-o", ""], ["json", "yaml"]),
        (["nodes", "-oj"], ["-ojson"]),
        (["nodes", "-o=j"], ["json"]),
        (["diagnose", "-o", ""], ["short", "table", "json", "yaml", "markdown"]),
        (["diagnose", "--fail-on", ""], ["error", "warning", "never"]),
        (["nodes", "--no-headers="], ["true", "false"]),
        (["raw", "--node", "node-a", "/metrics/r"], ["/metrics/resource"]),
        (["raw", f"{METRICS}/n"], [f"{METRICS}/nodes", f"{METRICS}/namespaces/"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["nodes", "--token", ""], []),
        (["nodes", "--timeout", ""], []),
        (["nodes", "-l", ""], []),
        (["diagnose", ""], []),
    ],
)
@pytest.mark.usefixtures("alone")
def test_values(words: list[str], offered: list[str]) -> None:
    found = completion(*words)
    assert [one.value for one in found.candidates] == offered
    assert not found.files


@pytest.mark.usefixtures("alone")
def test_a_list_with_commas() -> None:
    flag = "--kubelet-preferred-address-types"
    assert values("nodes", flag, "") == ["InternalIP", "Hostname", "InternalDNS", "ExternalDNS", "ExternalIP"]
    assert values("nodes", flag, "InternalIP,Ho") == ["InternalIP,Hostname"]
    assert values("nodes", flag, "InternalIP,In") == ["InternalIP,InternalDNS"]
    assert completion("nodes", flag, "InternalIP,").more


@pytest.mark.usefixtures("alone")
def test_what_needs_more_behind_it() -> None:
    assert completion("pods", "--field-selector", "spec").more
    assert completion("raw", f"{METRICS}/names").more
    assert not completion("raw", f"{METRICS}/no").more


@pytest.mark.parametrize("flag", ["--only", "--suppress", "--explain"])
@pytest.mark.usefixtures("alone")
def test_checks_with_their_titles(flag: str) -> None:
    assert {one.value: one.description for one in completion("diagnose", flag, "").candidates} == {
        id_: check.title for id_, check in CHECKS.items()
    }
    assert values("diagnose", flag, "km401") == ["KM401"]


@pytest.mark.parametrize(
    "words",
    [
        ["nodes", "--kubeconfig", ""],
        ["nodes", "--kubeconfig=/tm"],
        ["--client-key", ""],
        ["--client-certificate", ""],
        ["--certificate-authority", ""],
        ["pods", "--kubelet-client-key", ""],
        ["pods", "--kubelet-client-certificate", ""],
        ["pods", "--kubelet-certificate-authority", ""],
        ["diagnose", "--save", ""],
        ["diagnose", "--from", "x"],
    ],
)
@pytest.mark.usefixtures("alone")
def test_files_are_the_shells_own_matter(words: list[str]) -> None:
    assert completion(*words) == Completion(head="--kubeconfig=" if "=" in words[-1] else "", files=True)


def test_every_suggestion_has_its_function() -> None:
    """They are found by name, when somebody presses TAB."""
    checked = 0
    for command in (group, *COMMANDS.values()):
        for parameter in command.params:
            function = parameter._custom_shell_complete
            if function is not None:
                (name,) = (cell.cell_contents for cell in function.__closure__ or ())
                assert callable(getattr(candidates, name))
                checked += 1
    assert checked > 20


# ---- the kubeconfig --------------------------------------------------------------------------------------------------

_CONTEXTS = ["arn:aws:eks:eu-west-1:1234:cluster/prod", "kubernetes-admin@kubernetes", "my ctx", "ünïcode"]


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig with odd names, and some that cannot be on one line."""
    names = [*_CONTEXTS, "", "new\nline", "tab\there", "\x1b[2J", "\x7f"]
    path = tmp_path / "config"
    path.write_text(
        json.dumps(
            {
                "contexts": [{"name": name, "context": {"cluster": "east", "user": "me"}} for name in names],
                "clusters": [{"name": name, "cluster": {}} for name in ("east", "west")],
                "users": [{"name": "me", "user": {}}],
            }
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.mark.usefixtures("contexts")
def test_names_from_the_kubeconfig() -> None:
    assert values("nodes", "--context", "") == _CONTEXTS
    assert values("--context=arn:aws:eks:") == _CONTEXTS[:1]
    assert values("nodes", "--cluster", "w") == ["west"]
    assert values("nodes", "--user", "") == ["me"]


@pytest.mark.usefixtures("alone")
def test_the_kubeconfig_of_the_line(contexts: Path) -> None:
    assert values("nodes", "--kubeconfig", str(contexts), "--cluster", "") == ["east", "west"]
    assert values("--kubeconfig", str(contexts), "nodes", "--cluster", "") == ["east", "west"]


def test_a_user_without_a_home(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_home(monkeypatch)
    assert len(values("nodes", "--kubeconfig", config, "--cluster", "")) == 1
    assert values("nodes", "--kubeconfig", config, "node-b") == ["node-b"]


# ---- the cluster -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("config")
def test_nodes(cluster: SimCluster) -> None:
    before = len(cluster.requests)
    assert values("nodes", "") == ["node-a", "node-b", "node-c"]
    assert values("node", "node-b") == ["node-b"]
    assert values("nodes", "x") == []
    assert values("raw", "--node", "") == ["node-a", "node-b", "node-c"]
    assert values("diagnose", "--node=node-c") == ["node-c"]
    assert values("raw", f"{METRICS}/nodes/node-a") == [f"{METRICS}/nodes/node-a"]
    asked = cluster.requests[before:]
    assert {request.server for request in asked} == {"api"}
    assert all("as=Table" in request.headers["accept"] for request in asked)


@pytest.mark.parametrize(
    "words", [["nodes", ""], ["pods", "-n", ""], ["pods", "-n", "shop", ""], ["raw", f"{METRICS}/nodes/"]]
)
@pytest.mark.usefixtures("config")
def test_names_are_asked_for_with_one_get(cluster: SimCluster, words: list[str]) -> None:
    before = len(cluster.requests)
    completion(*words)
    assert [request.method for request in cluster.requests[before:]] == ["GET"]


@pytest.mark.usefixtures("config")
def test_pods() -> None:
    assert values("pods", "-n", "shop", "") == ["db-0", "report", "waiting", "web-1", "web-2"]
    assert values("-n", "shop", "po", "web") == ["web-1", "web-2"]
    assert values("pods", "-nkube-system", "") == ["agent", "dns"]
    assert values("pods", "") == []  # in the namespace "default"
    assert values("raw", f"{METRICS}/namespaces/shop/pods/w") == [
        f"{METRICS}/namespaces/shop/pods/{name}" for name in ("waiting", "web-1", "web-2")
    ]


def test_the_namespace_of_the_context(cluster: SimCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(namespace="kube-system")))
    assert values("pods", "") == ["agent", "dns"]


@pytest.mark.usefixtures("config")
def test_namespaces(cluster: SimCluster) -> None:
    for name in ("shop", "kube-system"):
        cluster.objects.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert values("pods", "-n", "") == ["kube-system", "shop"]
    assert values("pods", "-nsh") == ["-nshop"]
    assert values("pods", "--namespace=sh") == ["shop"]
    assert values("raw", f"{METRICS}/namespaces/sh") == [f"{METRICS}/namespaces/shop/pods"]


@pytest.mark.parametrize(
    "words",
    [
        ["nodes", "node-a", ""],
        ["nodes", "-l", "zone=east", ""],
        ["pods", "-A", ""],
        ["pods", "-nshop", "-lapp=web", ""],
        ["pods", "-nshop", "--field-selector", "spec.nodeName=node-a", ""],
        ["pods", "-nshop", "web-1", ""],
        ["pods", "-nshop", "--", "web-1", ""],
    ],
)
def test_no_name_where_none_may_be(cluster: SimCluster, config: str, words: list[str]) -> None:
    before = len(cluster.requests)
    assert values("--kubeconfig", config, *words) == []
    assert len(cluster.requests) == before


def test_as_somebody_else(cluster: SimCluster, config: str) -> None:
    cluster.users["nobody"] = User()
    cluster.users["lister"] = User(rules=(allow("list", "nodes"),))
    assert values("--kubeconfig", config, "nodes", "--as", "nobody", "") == []
    assert values("--kubeconfig", config, "nodes", "--as", "lister", "node-a") == ["node-a"]


# ---- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(500),
        Fault.status(403),
        Fault.body(b'{"kind": "Table", "rows": 3}'),
        Fault.body(b"<html>"),
        Fault.reset(),
    ],
    ids=lambda fault: fault.name,
)
@pytest.mark.usefixtures("config")
def test_a_cluster_that_fails(cluster: SimCluster, fault: Fault, capfd: pytest.CaptureFixture[str]) -> None:
    with cluster.fault("api", fault):
        assert completion("nodes", "") == Completion()
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("config")
def test_names_that_are_none(cluster: SimCluster) -> None:
    rows = [{"cells": [name]} for name in ("$(reboot)", "a b", "x\ny", "`id`", "-A", "\x1b[2J", "node-a")]
    with cluster.fault("api", Fault.body(json.dumps({"kind": "Table", "rows": rows}).encode())):
        assert values("nodes", "") == ["node-a"]


@pytest.mark.parametrize(
    "words",
    [
        ["nodes", ""],
        ["pods", "-n", ""],
        ["nodes", "--context", ""],
        ["nodes", "--context", "none", ""],
        ["nodes", "--no-headers=perhaps", ""],
        ["pods", "-n", "a/b", ""],
        ["nodes", "--request-timeout", "soon", ""],
        ["nodes", "--server", "::::", ""],
        ["nodes", "--kubeconfig", "/etc", ""],
        ["nodes", "--kubeconfig", "\udcff", ""],
    ],
)
@pytest.mark.usefixtures("alone")
def test_without_a_cluster(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert completion(*words) == Completion()
    assert capfd.readouterr() == ("", "")


def test_a_plugin_gives_the_credentials(cluster: SimCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cluster.kubeconfig(path=tmp_path / "config")
    document = json.loads(path.read_text())
    plugin = tmp_path / "plugin"
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": document["users"][0]["user"]["token"]},
    }
    plugin.write_text(f"#!/bin/sh\n[ ! -t 0 ] && echo '{json.dumps(credential)}'\n")
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    exec_ = {"apiVersion": credential["apiVersion"], "command": str(plugin), "interactiveMode": "IfAvailable"}
    document["users"][0]["user"] = {"exec": exec_}
    path.write_text(json.dumps(document))
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert values("nodes", "node-a") == ["node-a"]
    exec_["interactiveMode"] = "Always"
    path.write_text(json.dumps(document))
    assert values("nodes", "node-a") == []
