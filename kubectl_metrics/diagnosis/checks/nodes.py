"""Nodes: whether they are alive, and whether there is a kubelet behind them at all."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl
from kubectl_metrics.diagnosis.facts.expected import is_virtual
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.vantage import graded, is_fargate, is_windows, is_young
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Node, condition

_README = "https://github.com/kubernetes-sigs/metrics-server#requirements"
_NODE = "https://kubernetes.io/docs/reference/node/node-status/"


@check(
    "KM701",
    Severity.ERROR,
    Category.NODES,
    title="Nodes are not ready",
    why="The kubelet of such a node has stopped to report to the API server, or reports that it cannot run pods. "
    "Mostly it does not answer metrics-server then either, whose log says nothing about it by default.",
    remedy="kubectl describe nodes  # conditions and events; on the node: systemctl status kubelet",
    link=_NODE,
    needs=("nodes",),
)
def not_ready(facts: Facts) -> Iterator[Fault]:
    """A node that has just joined is not ready for a moment; a virtual one has no kubelet to look after."""
    seen: dict[str, list[Proof]] = {}
    without_kubelet: dict[str, list[Proof]] = {}
    for node in facts.nodes:
        name = node.metadata.name
        if node.is_ready or is_young(facts, node) or name in facts.excluded_nodes:
            continue
        found = condition(node.status.conditions, "Ready")
        text = f"{found.status} {found.reason}: {found.message}" if found is not None else "no such condition"
        (without_kubelet if is_virtual(node) else seen)[name] = [
            Proof(f"Node {name}", "status.conditions[Ready]", text)
        ]
    yield from graded(
        facts,
        without_kubelet,
        missing=Severity.WARNING,
        measured=Severity.WARNING,
        virtual=True,
        remedy=lambda names: kubectl("describe", "node", *names[:3]),
    )
    yield from graded(
        facts,
        seen,
        measured=Severity.WARNING,
        remedy=lambda names: kubectl("describe", "node", *names[:3], note="on the node: systemctl status kubelet"),
    )


@check(
    "KM708",
    Severity.INFO,
    Category.NODES,
    title="Windows nodes have no metrics",
    why="On Windows a kubelet may take longer than metrics-server waits, and its numbers come from the host compute "
    "service, which some versions of containerd and of the kubelet fail to ask.",
    remedy="kubectl get nodes -l kubernetes.io/os=windows -o wide  # versions of kubelet and containerd: the newest "
    "patch; a longer --kubelet-request-timeout",
    link="https://kubernetes.io/docs/concepts/windows/intro/",
    needs=("nodes", "node_metrics"),
)
def windows(facts: Facts) -> Iterator[Fault]:
    """It explains, it proves nothing."""
    seen = {
        node.metadata.name: [
            Proof(f"Node {node.metadata.name}", "status.nodeInfo.operatingSystem", "windows"),
            Proof(
                f"Node {node.metadata.name}",
                "status.nodeInfo",
                f"kubelet {node.status.node_info.kubelet_version}, {node.status.node_info.container_runtime_version}",
            ),
        ]
        for node in facts.nodes
        if is_windows(node)
    }
    yield from graded(facts, seen, missing=Severity.INFO, unknown=None)


@check(
    "KM709",
    Severity.INFO,
    Category.NODES,
    title="Virtual nodes have no metrics",
    why="Behind such a node is no kubelet but a program that speaks like one (virtual-kubelet, Fargate). It may not "
    "know /metrics/resource, and on Fargate metrics-server cannot reach the node that it runs on itself.",
    remedy="kubectl get nodes -l type=virtual-kubelet  # --node-selector='type!=virtual-kubelet' spares "
    "metrics-server the try",
    link=_README,
    needs=("nodes", "node_metrics"),
)
def virtual(facts: Facts) -> Iterator[Fault]:
    """Fargate's nodes have metrics in general: only that of metrics-server itself is known to have none."""
    seen = {}
    for node in facts.nodes:
        name = node.metadata.name
        if is_virtual(node):
            seen[name] = [Proof(f"Node {name}", "metadata.labels[type]", "virtual-kubelet")]
        elif own_fargate(facts, node):
            seen[name] = [Proof(f"Node {name}", "metadata.labels[eks.amazonaws.com/compute-type]", "fargate")]
    yield from graded(facts, seen, missing=Severity.INFO, unknown=None, virtual=True)


def own_fargate(facts: Facts, node: Node) -> bool:
    """Whether metrics-server itself runs on this Fargate node."""
    if not is_fargate(node) or not facts.evidence.service_pods.ok:
        return False
    return any(pod.spec.node_name == node.metadata.name for pod in facts.pods)
