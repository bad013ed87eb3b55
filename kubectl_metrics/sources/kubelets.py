"""The kubelets themselves: the same objects as metrics.k8s.io's, computed from what each kubelet measures.

One request per kubelet where /stats/summary may be read. Where it may not, or when a window is asked for, two scrapes
of /metrics/resource: all kubelets are scraped once, the window passes once for all of them, and they are scraped again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.errors import ConnectionFailed, DecodeError, HTTPStatusError, MetricsError
from kubectl_metrics.sources.access import Answer, Channel, Kubelets
from kubectl_metrics.sources.objects import get_named_nodes, get_nodes, get_pods
from kubectl_metrics.sources.parallel import gather
from kubectl_metrics.sources.query import NodesQuery, PodsQuery
from kubectl_metrics.usage.kubelet import Missing, NodeReport, from_scrapes, from_summary
from kubectl_metrics.usage.model import Gap, NodesUsage, PodsUsage, Source, node_gap, pod_gap
from kubectl_metrics.wire import exposition
from kubectl_metrics.wire.core import Node, Pod
from kubectl_metrics.wire.exposition import Scrape
from kubectl_metrics.wire.metrics_list import NodeMetrics, PodMetrics
from kubectl_metrics.wire.summary import summary

SUMMARY = "/stats/summary"
RESOURCE = "/metrics/resource"
RESOURCE_ANNOTATION = "metrics.k8s.io/resource-metrics-path"  # as metrics-server: a node may name another path
DEFAULT_WINDOW = 15.0  # seconds: metrics-server's resolution, and longer than cAdvisor needs for a new sample

_WORKERS = 64
_AGAIN = 5.0  # seconds until another try when the kubelet has not measured anew within the window
_TRIES = 3

Progress = Callable[[str, int, int], None]


class _Once(msgspec.Struct):
    """A kubelet that has been scraped once."""

    node: Node
    channel: Channel
    path: str
    scrape: Scrape
    at: float  # time.monotonic() of the scrape


class Reports(msgspec.Struct):
    """What the kubelets said: a report for each node that answered, a gap for each that did not."""

    reports: dict[str, NodeReport]
    gaps: dict[str, Gap]
    paths: set[str]
    proxied: int


def resource_path(node: Node) -> str:
    """Where its kubelet has the resource metrics; a path that does not begin with a slash gets one, as in Go's URLs."""
    path = (node.metadata.annotations or {}).get(RESOURCE_ANNOTATION) or RESOURCE
    return path if path.startswith("/") else f"/{path}"


class KubeletSource:
    """The source "kubelet"."""

    def __init__(
        self, api: Transport, kubelets: Kubelets, *, window: float | None = None, progress: Progress | None = None
    ) -> None:
        """``window`` (seconds) asks for rates over that time instead of the kubelets' own."""
        self._api = api
        self._kubelets = kubelets
        self._window = window
        self._progress = progress

    def nodes(self, query: NodesQuery) -> NodesUsage:
        """The usage of nodes; those whose kubelet has no answer are gaps. Raises MetricsError."""
        nodes = get_nodes(self._api, query)
        found = self._ask(nodes)
        items: list[NodeMetrics] = []
        gaps = list(found.gaps.values())
        for name, report in found.reports.items():
            if isinstance(report.node, Missing):
                gaps.append(node_gap(name, report.node.reason, report.node.message))
            else:
                items.append(report.node)
        return NodesUsage(_source(found), sorted(gaps, key=lambda gap: gap.name), self._notes(found), items, nodes)

    def pods(self, query: PodsQuery) -> PodsUsage:
        """The usage of running pods; those without are gaps. Raises MetricsError.

        Only the nodes on which such pods run are asked, and each is believed only about pods that the API says are its.
        """
        pods = get_pods(self._api, query, running=True)
        if query.name and pods[0].status.phase != "Running":
            message = f"no usage: pod {'/'.join(pods[0].key)} is {pods[0].status.phase or 'in no phase'}"
            raise MetricsError(message, hint="only running pods have usage")
        nodes = get_named_nodes(self._api, (pod.spec.node_name for pod in pods if pod.spec.node_name))
        found = self._ask(list(nodes.values()))
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

    def get(self, name: str, path: str, query: Sequence[tuple[str, str]]) -> Response:
        """What the kubelet of the node ``name`` answers to any path. Raises MetricsError."""
        (node,) = get_nodes(self._api, NodesQuery(name=name))
        try:
            answer = self._kubelets.ask(node, [(path, query)])
        except ConnectionFailed as error:
            raise MetricsError(f"the kubelet of node {name} cannot be reached: {error.message}") from error
        answer.channel.close()
        return answer.response

    def _ask(self, nodes: Sequence[Node]) -> Reports:
        found = Reports({}, {}, set(), 0)
        once: list[_Once] = []
        calls = [lambda node=node: self._first(node) for node in nodes]
        for node, outcome in zip(nodes, gather(calls, workers=_WORKERS, tick=self._tick("kubelets")), strict=True):
            if isinstance(outcome, MetricsError):
                found.gaps[node.name] = _gap(node, outcome)
                continue
            report, answer = outcome
            found.paths.add(answer.path)
            found.proxied += answer.channel.proxied
            if isinstance(report, NodeReport):
                found.reports[node.name] = report
            else:
                once.append(report)
        if once:
            self._finish(once, found)
        return found

    def _tick(self, what: str) -> Callable[[int, int], None] | None:
        progress = self._progress
        return None if progress is None else lambda done, all_: progress(what, done, all_)

    def _first(self, node: Node) -> tuple[NodeReport | _Once, Answer]:
        """The first answer of a kubelet: a report, or the first of two scrapes."""
        questions: list[tuple[str, Sequence[tuple[str, str]]]] = [(resource_path(node), ())]
        if self._window is None:
            questions.insert(0, (SUMMARY, [("only_cpu_and_memory", "true")]))
        answer = self._kubelets.ask(node, questions)
        if answer.path == SUMMARY:
            answer.channel.close()
            return from_summary(summary(answer.response.body), node.name), answer
        once = _Once(node, answer.channel, answer.path, _scrape(answer.response), time.monotonic())
        return once, answer

    def _finish(self, once: list[_Once], found: Reports) -> None:
        """Second scrapes, a window after the first ones; again a little later where there was nothing new."""
        window = DEFAULT_WINDOW if self._window is None else self._window
        due = min(first.at for first in once) + window
        waiting = once
        try:
            for left in reversed(range(_TRIES)):
                self._sleep(due)
                waiting = self._scrape_again(waiting, window, found, last=left == 0)
                if not waiting:
                    break
                due = time.monotonic() + min(_AGAIN, window)
        finally:
            for first in once:
                first.channel.close()

    def _scrape_again(self, once: list[_Once], window: float, found: Reports, *, last: bool) -> list[_Once]:
        """Those of the kubelets that have to be asked once more."""
        calls = [lambda first=first: self._second(first, window) for first in once]
        stale: list[_Once] = []
        outcomes = gather(calls, workers=_WORKERS, tick=self._tick("kubelets, again"))
        for first, outcome in zip(once, outcomes, strict=True):
            if isinstance(outcome, MetricsError):
                found.gaps[first.node.name] = _gap(first.node, outcome)
            elif not last and _is_stale(outcome):
                stale.append(first)
            else:
                found.reports[first.node.name] = outcome
        return stale

    def _second(self, first: _Once, window: float) -> NodeReport:
        time.sleep(max(0.0, first.at + window - time.monotonic()))
        response = first.channel.get(first.path, (), self._kubelets.options.timeout)
        if response.status != 200:
            raise HTTPStatusError(response.status, "", f"the kubelet answered {first.path} with {response.status}")
        return from_scrapes(first.scrape, _scrape(response), first.node.name, round(window * 1000))

    def _sleep(self, until: float) -> None:
        total = round(until - time.monotonic())
        while (left := until - time.monotonic()) > 0:
            if self._progress is not None:
                self._progress("second scrape, seconds", max(0, total - round(left)), total)
            time.sleep(min(left, 0.2))

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


def _scrape(response: Response) -> Scrape:
    try:
        text = response.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"{RESOURCE}: not text: {error}") from error
    return exposition.scrape(text, round(time.time() * 1000))


def _is_stale(report: NodeReport) -> bool:
    outcomes: Iterable[object] = [report.node, *report.pods.values()]
    return any(isinstance(outcome, Missing) and outcome.reason == "stale" for outcome in outcomes)


def _source(found: Reports) -> Source:
    return Source("kubelet", ", ".join(sorted(found.paths)))


def _gap(node: Node, error: MetricsError) -> Gap:
    if isinstance(error, ConnectionFailed):
        reason = error.kind.value
    elif isinstance(error, HTTPStatusError):
        reason = {401: "unauthorized", 403: "forbidden"}.get(error.status, f"http-{error.status}")
    else:
        reason = "bad-answer"
    return node_gap(node.name, reason, error.message)
