"""TAB in real shells: "kubectl metrics" by kubectl's own script, "kubectl-metrics" by ours."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kit import Cluster, wait_for
from tests.e2e.shells import Shell

KUBECTL, DIRECT = "kubectl metrics", "kubectl-metrics"
EKS = "arn:aws:eks:eu-west-1:1234:cluster/"
_BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
_SCRIPTS = {
    ("bash", KUBECTL): f"source {_BASH_COMPLETION}; source <(kubectl completion bash)\n",
    ("bash", DIRECT): "source <(kubectl-metrics completion bash)\n",
    ("zsh", KUBECTL): "source <(kubectl completion zsh)\n",
    ("zsh", DIRECT): "source <(kubectl-metrics completion zsh)\n",
    ("fish", KUBECTL): "kubectl completion fish | source\n",
    ("fish", DIRECT): "kubectl-metrics completion fish | source\n",
}


# The same, written into files that the shell looks for when TAB is pressed.
_FILES = {
    "bash": f"""
mkdir -p ~/.local/share/bash-completion/completions
kubectl-metrics completion bash >~/.local/share/bash-completion/completions/kubectl-metrics
source {_BASH_COMPLETION}
""",
    "zsh": """
mkdir ~/functions
kubectl-metrics completion zsh >~/functions/_kubectl-metrics
fpath=(~/functions $fpath)
compinit -u -D
""",
    "fish": """
mkdir ~/completions
kubectl-metrics completion fish >~/completions/kubectl-metrics.fish
set -g fish_complete_path ~/completions $fish_complete_path
""",
}


class Typist:
    """Somebody at a shell who uses one of the two commands."""

    def __init__(self, shell: Shell, command: str) -> None:
        self.shell = shell
        self.command = command

    def becomes(self, keys: str) -> str:
        """What the words behind the command are after these keys."""
        line = self.shell.type(f"{self.command} {keys}").removeprefix(f"{self.command} ")
        return line.replace("\\,", ",")  # kubectl's script for bash quotes what need not be

    def expects(self, keys: str, line: str) -> None:
        """The same, but names may come too late on a machine that is busy: then TAB is pressed again."""
        last: list[str] = []

        def done() -> bool:
            last[:] = [self.becomes(keys)]
            return last == [line]

        try:
            wait_for(line, done, 60)
        except AssertionError:
            assert last == [line], self.shell.shown()


def needs(shell: str) -> None:
    """Skips a test without its shell; but on a machine that is set up for these tests none may be missing."""
    missing = "" if shutil.which(shell) else shell
    if shell == "bash" and not _BASH_COMPLETION.exists():
        missing = "bash-completion"
    if missing:
        (pytest.skip if os.environ.get("E2E_KUBECONFIG") else pytest.fail)(f"{missing} is not installed")


@pytest.fixture(scope="module", params=list(_SCRIPTS), ids=lambda way: f"{way[0]}-{way[1].replace(' ', '_')}")
def typist(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Typist]:
    name, command = request.param
    needs(name)
    with tempfile.TemporaryDirectory() as folder:
        others = Path(folder) / "others"
        contexts = [f"{EKS}prod", f"{EKS}test", "kubernetes-admin@other"]
        others.write_text(json.dumps({"contexts": [{"name": one, "context": {"cluster": "x"}} for one in contexts]}))
        Path(folder, "other file.json").touch()
        environment = {"KUBECONFIG": f"{cluster.kubeconfig}:{others}"}
        with Shell(
            name, Path(folder), _SCRIPTS[name, command], lambda *words: cluster.command(*words, env=environment)
        ) as shell:
            yield Typist(shell, command)


@pytest.fixture(scope="module")
def node(cluster: Cluster) -> str:
    """The name of a node, which no other node's name begins with."""
    names = cluster.must("get", "nodes", "-o", "name").replace("node/", "").split()
    return next(name for name in names if sum(other.startswith(name) for other in names) == 1)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("dia\t", "diagnose "),
        ("nodes --sort-\t", "nodes --sort-by "),
        ("nodes --sort-by m\t", "nodes --sort-by memory "),
        ("nodes --sort-by=m\t", "nodes --sort-by=memory "),
        ("no --sort-by=m\t", "no --sort-by=memory "),
        ("nodes -oj\t", "nodes -ojson "),
        ("nodes -o y\t", "nodes -o yaml "),
        ("--source\t", "--source"),
        ("nodes --context ar\t", f"nodes --context {EKS}"),
        (f"nodes --context {EKS}t\t", f"nodes --context {EKS}test "),
        (f"nodes --context={EKS}t\t", f"nodes --context={EKS}test "),
        ("--context kubernetes-admin@o\t", "--context kubernetes-admin@other "),
        ("nodes --kubeconfig oth\t", "nodes --kubeconfig other"),  # two files
        ("nodes --kubeconfig ~/others --context ku\t", "nodes --kubeconfig ~/others --context kubernetes-admin@other "),
        ("diagnose --from other\\ f\t", "diagnose --from other\\ file.json "),
        ("nodes --kubelet-preferred-address-types InternalIP,Ho\t",
         "nodes --kubelet-preferred-address-types InternalIP,Hostname"),
        ("raw /apis/metrics.k8s.io/v1beta1/names\t", "raw /apis/metrics.k8s.io/v1beta1/namespaces/"),
        ("nodes --token x\t", "nodes --token x"),
        ("nodes one another\t", "nodes one another"),
    ],
)  # fmt: skip
def test_without_a_cluster(typist: Typist, keys: str, line: str) -> None:
    typist.expects(keys, line)  # for what is in the kubeconfig there is a time limit, too


def test_nodes(typist: Typist, node: str) -> None:
    typist.expects(f"nodes {node}\t", f"nodes {node} ")
    typist.expects(f"raw --node={node}\t", f"raw --node={node} ")
    assert typist.becomes(f"nodes {node} {node[0]}\t") == f"nodes {node} {node[0]}"  # one NAME is all


def test_namespaces_and_pods(typist: Typist, cluster: Cluster) -> None:
    typist.expects("pods -n kube-s\t", "pods -n kube-system ")
    typist.expects("pods -nkube-s\t", "pods -nkube-system ")
    typist.expects("pods --namespace=kube-s\t", "pods --namespace=kube-system ")
    pod = cluster.must("get", "pods", "-n", "kube-system", "-o", "name").split()[0].removeprefix("pod/")
    typist.expects(f"pods -n kube-system {pod[:-1]}\t", f"pods -n kube-system {pod} ")
    typist.expects(f"-n kube-system po {pod[:-1]}\t", f"-n kube-system po {pod} ")


def test_what_the_candidates_mean_is_shown(typist: Typist) -> None:
    assert typist.becomes("diagnose --only KM40\t\t").startswith("diagnose --only KM40")
    assert "Nobody listens on the port that the Service leads to" in typist.shell.shown()


@pytest.mark.parametrize(
    "words", ["nodes --kubeconfig=/nowhere n", "pods --context=none w", "nodes --server=http://127.0.0.1:1 n", "bla n"]
)
def test_a_failure_is_silent(typist: Typist, words: str) -> None:
    assert typist.becomes(f"{words}\t") == words
    assert "error" not in typist.shell.shown().lower()
    assert "refused" not in typist.shell.shown()


@pytest.mark.parametrize("name", list(_FILES))
def test_a_script_in_a_file(cluster: Cluster, tmp_path: Path, name: str) -> None:
    needs(name)
    with Shell(name, tmp_path, _FILES[name], cluster.command) as shell:
        for _ in range(2):  # the first TAB loads it
            assert shell.type("kubectl-metrics nodes --sort-by=m\t") == "kubectl-metrics nodes --sort-by=memory "


def test_kubectl_asks_the_plugin(cluster: Cluster, node: str) -> None:
    def offered(*words: str) -> list[str]:
        return cluster.must("__complete", "metrics", *words).splitlines()

    assert offered("nodes", "--sort-by", "") == ["cpu", "memory", ":4"]
    assert {"-h", "--help", "--sort-by", "-n"} <= {line.partition("\t")[0] for line in offered("nodes", "-")}
    assert "nodes\tUsage of nodes." in offered("")
    wait_for("the node's name", lambda: node in offered("nodes", ""), 60)
    wait_for("namespaces", lambda: "kube-system" in offered("-n", ""), 60)
