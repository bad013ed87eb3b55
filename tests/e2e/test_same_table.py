"""stdout equals that of kubectl top, byte for byte."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kit import Cluster, Kit, wait_for

NODES = [
    "",
    "--no-headers",
    "--sort-by=cpu",
    "--sort-by memory",
    "--show-capacity",
    "--show-swap",
    "--show-capacity --show-swap --sort-by=memory",
    "--show-swap --no-headers",
    "--no-headers --sort-by=cpu --show-capacity",
    "-l kubernetes.io/os=linux",
    "--selector=kubernetes.io/os!=windows --no-headers",
]
NODES_OF_KIT = [
    "node-a",
    "node-b --no-headers",
    "node-a --show-capacity --show-swap",
    "node-b --sort-by=cpu",
    "-l kubernetes.io/hostname=node-b",
    "-l 'kubernetes.io/hostname in (node-a,node-c)'",
    "-l kubernetes.io/hostname!=node-a --no-headers",
    "-l '!no-such-label' --sort-by=memory",
]
PODS = [
    "-A",
    "-A --sum",
    "-A --sum --no-headers",
    "-A --no-headers",
    "-A --sort-by=cpu",
    "-A --sort-by=memory --no-headers",
    "-A --containers",
    "-A --containers --sum",
    "-A --containers --sort-by=cpu --sum",
    "-A --containers --sort-by=memory --no-headers",
    "-A --show-swap",
    "-A --containers --show-swap --sum",
    "-A -n no-such-namespace",
    "-n kube-system",
    "-n kube-system --sort-by=cpu",  # idle containers: a tie at 0m
    "-n kube-system --sort-by=memory --sum",
    "-n kube-system --containers --sort-by=cpu",
    "--all-namespaces --containers=true --no-headers=true --sum=true",
]
PODS_OF_KIT = [
    "-n shop",
    "-n shop --sum",
    "-n shop --sum --no-headers",
    "-n shop --containers",
    "-n shop --containers --sum",
    "-n shop --containers --sum --no-headers",
    "-n shop --containers --sort-by=cpu",
    "-n shop --containers --sort-by=memory",
    "-n shop --sort-by=cpu",
    "-n shop --sort-by=memory --no-headers",
    "-n shop --show-swap --sum",
    "-n shop store-0",
    "-n shop store-0 --containers",
    "-n shop store-0 --sum --no-headers",
    "store-0 --namespace=shop --show-swap",
    "-n shop -l app=web",
    "-n shop -l app=web,tier=front --containers --sum",
    "-n shop -l 'app in (web, store)' --sort-by=memory",
    "-n shop -l 'app notin (web)'",
    "-n shop -l tier",
    "-n shop -l '!tier'",
    "-A -l app",
    "-A -l app==agent --sum",
    "-n shop --field-selector metadata.name=store-0",
    "-A --field-selector=metadata.namespace=shop --containers",
    "-A --field-selector metadata.namespace!=shop --sum",
    "-n shop --field-selector metadata.name!=store-0 -l app",
]


def _check(cluster: Cluster, kind: str, arguments: str) -> None:
    theirs, ours = cluster.top(kind, *shlex.split(arguments))
    assert ours.answer() == theirs.answer()


@pytest.mark.parametrize("arguments", NODES)
def test_nodes(cluster: Cluster, arguments: str) -> None:
    _check(cluster, "node", arguments)


@pytest.mark.kit
@pytest.mark.parametrize("arguments", NODES_OF_KIT)
def test_some_nodes(cluster: Cluster, arguments: str) -> None:
    _check(cluster, "node", arguments)


@pytest.mark.parametrize("arguments", PODS)
def test_pods(cluster: Cluster, arguments: str) -> None:
    _check(cluster, "pod", arguments)


@pytest.mark.kit
@pytest.mark.parametrize("arguments", PODS_OF_KIT)
def test_some_pods(cluster: Cluster, arguments: str) -> None:
    _check(cluster, "pod", arguments)


@pytest.mark.parametrize(("ours", "theirs"), [("no", "node"), ("node", "node"), ("po", "pod"), ("pod", "pod")])
def test_kubectls_names_of_the_commands_are_known_as_well(cluster: Cluster, ours: str, theirs: str) -> None:
    expected = cluster.kubectl("top", theirs, "no-such-object")
    assert cluster.ours(ours, "no-such-object").stderr == expected.stderr


@pytest.mark.parametrize("arguments", ["nodes", "pods -A --sum"])
def test_as_a_plugin_of_kubectl(cluster: Cluster, arguments: str) -> None:
    command = arguments.split()
    theirs, ours = cluster.alike(lambda: cluster.kubectl("top", *command), lambda: cluster.kubectl("metrics", *command))
    assert ours.answer() == theirs.answer()


@pytest.mark.kit
def test_the_namespace_of_the_context_is_the_default(kit: Kit, tmp_path: Path) -> None:
    config = kit.config()
    config["contexts"][0]["context"]["namespace"] = "shop"
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    theirs, ours = kit.top("pod", env={"KUBECONFIG": str(path)})
    assert ours.answer() == theirs.answer()
    assert "store-0" in ours.stdout


@pytest.fixture(scope="class")
def ghosts(cluster: Kit) -> Iterator[list[str]]:
    """Nodes that no kubelet has registered, so that nobody can measure them."""
    names = ["ghost-b", "ghost-a", "another-ghost"]
    items = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in names]
    pods = ("-n", "kube-system", "-l", "app=agent", "--field-selector=status.phase=Pending")
    try:
        cluster.must("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        wait_for("the daemon set to notice", lambda: len(cluster.must("get", "pods", *pods, "-o", "name").split()) == 3)
        yield sorted(names)
    finally:
        cluster.must("delete", "node", *names, "--wait", "--ignore-not-found")
        # The daemon set would forget them; somebody else may collect them just now.
        cluster.must("delete", "pods", *pods, "--wait", "--ignore-not-found")


@pytest.mark.kit
class TestNodesWithoutMetrics:
    """kubectl prints them in the random order of a map; that is the one difference."""

    @staticmethod
    def in_order(table: str) -> list[str]:
        known = [line for line in table.splitlines() if "ghost" not in line]
        return known + sorted(line for line in table.splitlines() if "ghost" in line)

    @pytest.mark.parametrize("arguments", ["", "--no-headers", "--sort-by=cpu", "--show-capacity", "--show-swap"])
    def test_they_come_last_and_sorted(self, kit: Kit, ghosts: list[str], arguments: str) -> None:
        for _ in range(20):
            before = self.in_order(kit.kubectl("top", "node", *arguments.split()).stdout)
            ours = kit.ours("nodes", *arguments.split())
            if self.in_order(kit.kubectl("top", "node", *arguments.split()).stdout) == before:
                break
        else:
            pytest.fail("kubectl never said the same twice")
        assert ours.stdout.splitlines() == before
        assert [line.split()[0] for line in ours.stdout.splitlines()[-3:]] == ghosts
        assert ours.status == 0
        assert "3" in ours.stderr  # how many are missing

    @pytest.mark.usefixtures("ghosts")
    def test_strict_is_not_content(self, kit: Kit) -> None:
        assert kit.ours("nodes", "--strict").status == 4
        assert kit.ours("nodes", "--strict", "node-a").status == 0
