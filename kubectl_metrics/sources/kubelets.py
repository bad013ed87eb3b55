"""The kubelets themselves: the same objects as metrics.k8s.io's, computed from what each kubelet measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from kubectl_metrics.connection.deadlines import Total
from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.errors import ConnectionFailed, MetricsError
from kubectl_metrics.sources.access import MAX_ANSWER, Kubelets
from kubectl_metrics.sources.measuring import Progress, Reports, Round
from kubectl_metrics.sources.objects import get_named_nodes, get_nodes, get_pods
from kubectl_metrics.sources.query import NodesQuery, PodsQuery
from kubectl_metrics.usage.kubelet import Missing
from kubectl_metrics.usage.model import Gap, NodesUsage, PodsUsage, PodTotals, Source, node_gap, pod_gap
from kubectl_metrics.wire.core import Node, Pod, PodKey
from kubectl_metrics.wire.metrics_list import NodeMetrics, PodMetrics, total_of


class KubeletSource:
    """The source "kubelet"."""

    def __init__(
        self,
        api: Transport,
        kubelets: Kubelets,
        *,
        window: float | None = None,
        total: Total | None = None,
        progress: Progress | None = None,
    ) -> None:
        """``window`` (seconds) asks for rates over that time instead of the kubelets' own; ``total`` is for it all."""
        self._api = api
        self._kubelets = kubelets
        self._window = window
        self._total = total
        self._progress = progress

    def nodes(self, query: NodesQuery, known: Callable[[], list[Node]] | None = None) -> NodesUsage:
        """The usage of nodes; those whose kubelet has no answer are gaps. Raises MetricsError.

        ``known`` gives the nodes of the same query, where somebody has asked for them already.
        """
        nodes = get_nodes(self._api, query) if known is None else known()
        found = self._ask(nodes, frozenset())
        items: list[NodeMetrics] = []
        gaps = list(found.gaps.values())
        for name, report in found.reports.items():
            if isinstance(report.node, Missing):
                gaps.append(node_gap(name, report.node.reason, report.node.message))
            else:
                items.append(report.node)
        return NodesUsage(_source(found), sorted(gaps, key=lambda gap: gap.name), self._notes(found), items, nodes)

    def pods(self, query: PodsQuery, known: Callable[[], list[Pod]] | None = None) -> PodsUsage:
        """The usage of running pods; those without are gaps. Raises MetricsError.

        Only the nodes on which such pods run are asked, and each is believed only about pods that the API says are its.
        ``known`` gives the pods of the same query, running or not, where somebody has asked for them already.
        """
        pods = get_pods(self._api, query, running=True) if known is None else [pod for pod in known() if pod.is_running]
        if query.name and not pods[0].is_running:
            message = f"no usage: pod {'/'.join(pods[0].key)} is {pods[0].status.phase or 'in no phase'}"
            raise MetricsError(message, hint="only running pods have usage")
        nodes = get_named_nodes(self._api, (pod.spec.node_name for pod in pods if pod.spec.node_name))
        found = self._ask(list(nodes.values()), {pod.key for pod in pods})
        items: list[PodMetrics] = []
        gaps: list[Gap] = []
        for pod in pods:
            outcome = _of_pod(pod, found)
            if isinstance(outcome, PodMetrics):
                items.append(outcome)
            else:
                gaps.append(pod_gap(pod, outcome.reason, outcome.message))
        gaps.sort(key=lambda gap: (gap.namespace, gap.name))
        return PodsUsage(_source(found), gaps, self._notes(found), items)

    def pod_totals(self, query: PodsQuery, known: Callable[[], list[Pod]] | None = None) -> PodTotals:
        """What pods use in all; as ``pods``. Raises MetricsError."""
        usage = self.pods(query, known)
        return PodTotals(usage.source, usage.gaps, usage.notes, [total_of(pod) for pod in usage.items])

    def get(self, name: str, path: str, query: Sequence[tuple[str, str]]) -> Response:
        """What the kubelet of the node ``name`` answers to any path. Raises MetricsError."""
        (node,) = get_nodes(self._api, NodesQuery(name=name))
        try:
            answer = run(self._kubelets.ask(node, [(path, query)], limit=MAX_ANSWER))
        except ConnectionFailed as error:
            raise MetricsError(f"the kubelet of node {name} cannot be reached: {error.message}") from error
        answer.channel.close()
        return answer.response

    def _ask(self, nodes: Sequence[Node], wanted: Set[PodKey]) -> Reports:
        return Round(self._kubelets, wanted, window=self._window, total=self._total, progress=self._progress).ask(nodes)

    def _notes(self, found: Reports) -> list[str]:
        if found.proxied and self._kubelets.options.access == "auto":
            answered = len(found.reports)
            return [f"{found.proxied} of {answered} kubelets were asked through the API server (nodes/proxy)"]
        return []


def _of_pod(pod: Pod, found: Reports) -> PodMetrics | Missing:
    node = pod.spec.node_name
    if not node:
        return Missing("unscheduled", "it is not scheduled")
    if gap := found.gaps.get(node):
        return Missing(gap.reason, gap.message)
    report = found.reports.get(node)
    if report is None:
        return Missing("no-node", f"its node {node} is gone")
    return report.pods.get(pod.key) or _unreported(pod)


def _unreported(pod: Pod) -> Missing:
    """A pod counts as running while a container waits to be started again; the kubelet has no numbers for it then."""
    for container in pod.status.container_statuses or ():
        if container.state.waiting is not None:
            return Missing(
                "waiting", f"container {container.name} waits: {container.state.waiting.reason or 'no reason'}"
            )
    return Missing("no-metrics", "its kubelet does not report it")


def _source(found: Reports) -> Source:
    return Source("kubelet", ", ".join(sorted(found.paths)))
