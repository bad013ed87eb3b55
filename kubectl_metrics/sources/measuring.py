"""One round of questions to the kubelets of a cluster: which of them says what, and which says nothing.

One request per kubelet where /stats/summary may be read. Where it may not, or when a window is asked for, two scrapes
of /metrics/resource: all kubelets are scraped once, the window passes once for all of them, and they are scraped again.

A kubelet that hangs costs its own time limit and keeps none of the others waiting (``connection.places``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence, Set
from typing import TypeVar

import msgspec

from kubectl_metrics.connection.deadlines import Deadline, Total
from kubectl_metrics.connection.descriptors import room
from kubectl_metrics.connection.loop import Call, sleep
from kubectl_metrics.connection.places import gather
from kubectl_metrics.connection.threads import NoThread
from kubectl_metrics.connection.transport import Response
from kubectl_metrics.errors import ConnectionFailed, DecodeError, FailureKind, HTTPStatusError, MetricsError
from kubectl_metrics.sources.access import MAX_USAGE, Channel, Kubelets, Question
from kubectl_metrics.usage.kubelet import Missing, NodeReport, from_scrapes, from_summary
from kubectl_metrics.usage.model import Gap, node_gap
from kubectl_metrics.wire import exposition
from kubectl_metrics.wire.core import Node, PodKey
from kubectl_metrics.wire.exposition import Scrape
from kubectl_metrics.wire.summary import summary

SUMMARY = "/stats/summary"
RESOURCE = "/metrics/resource"
DEFAULT_WINDOW = 15.0  # seconds: metrics-server's resolution, and longer than cAdvisor needs for a new sample

_AT_A_TIME = 64  # kubelets that are asked ...
_MOST = 1000  # ... and with those that hang
_AGAIN = 5.0  # seconds until another try when the kubelet has not measured anew within the window
_TRIES = 3

A = TypeVar("A")
T = TypeVar("T")
Progress = Callable[[str, int, int], None]


class Reports(msgspec.Struct):
    """What the kubelets said: a report for each node that answered, a gap for each that did not."""

    reports: dict[str, NodeReport]
    gaps: dict[str, Gap]
    paths: set[str]
    proxied: int  # of the reports, those that came through the API server


class _Once(msgspec.Struct):
    """A kubelet that has been scraped once."""

    node: Node
    channel: Channel
    path: str
    scrape: Scrape
    at: float  # time.monotonic() of the scrape


class _First(msgspec.Struct):
    """What the first answer of a kubelet was: all that is needed, or one half of it."""

    report: NodeReport | _Once
    path: str
    proxied: bool


def resource_path(node: Node) -> str:
    """Where its kubelet has the resource metrics; a path that does not begin with a slash gets one, as in Go's URLs."""
    annotations = node.metadata.annotations
    path = (annotations and annotations.resource_metrics_path) or RESOURCE
    return path if path.startswith("/") else f"/{path}"


def in_order(nodes: Sequence[Node]) -> list[Node]:
    """The nodes in the order in which their kubelets are asked: those that are not ready come early.

    They may cost a whole time limit, which passes while the others answer. But they do not come first: the first few
    show whether there is a way to the kubelets at all (``reach``).
    """
    ready = [node for node in nodes if node.is_ready]
    return [*ready[:_AT_A_TIME], *(node for node in nodes if not node.is_ready), *ready[_AT_A_TIME:]]


class Round:
    """One round of questions."""

    def __init__(
        self,
        kubelets: Kubelets,
        wanted: Set[PodKey],
        *,
        window: float | None = None,
        total: Total | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Nobody is asked yet.

        Args:
            kubelets: the way to them.
            wanted: the pods whose usage is needed; the nodes' own is always there.
            window: seconds over which to measure, instead of the kubelets' own rates.
            total: the time for it all.
            progress: gets what is being done, how many are done, and of how many.
        """
        self._kubelets = kubelets
        self._wanted = wanted
        self._measured_here = window is not None
        self._window = DEFAULT_WINDOW if window is None else window
        self._total = total
        self._progress = progress
        self._connections = room()
        self._first_within: Deadline | None = None  # after which the first answer of a kubelet comes too late
        if total is not None and window is not None:  # so that there can be a second one
            half = max(0.0, total.left() - window) / 2
            self._first_within = Deadline(half, words=f"half of what --window leaves of {total.name}")
        self._keep = True  # each kubelet's connection, until it is asked again

    def ask(self, nodes: Sequence[Node]) -> Reports:
        """What the kubelets of ``nodes`` say."""
        found = Reports({}, {}, set(), 0)
        once: list[_Once] = []
        nodes = in_order(nodes)
        self._keep = self._connections > len(nodes) + _MOST
        outcomes = self._gather(self._first, nodes, "kubelets")
        for node, outcome in zip(nodes, outcomes, strict=True):
            if isinstance(outcome, MetricsError):
                found.gaps[node.name] = _gap(node, outcome)
                continue
            found.paths.add(outcome.path)
            if isinstance(outcome.report, NodeReport):
                found.reports[node.name] = outcome.report
                found.proxied += outcome.proxied
            else:
                once.append(outcome.report)
        try:
            self._finish(once, found)
        finally:
            for first in once:
                first.channel.close()
        return found

    def _gather(self, ask: Callable[[A], Call[T]], whom: Iterable[A], what: str) -> list[T | MetricsError]:
        progress = self._progress
        return gather(
            ask,
            whom,
            workers=min(_AT_A_TIME, self._connections),
            most=min(_MOST, self._connections),
            tick=None if progress is None else lambda done, all_: progress(what, done, all_),
        )

    async def _first(self, node: Node) -> _First:
        questions: list[Question] = [(resource_path(node), ())]
        if not self._measured_here:
            questions.insert(0, (SUMMARY, [("only_cpu_and_memory", "true")]))
        answer = await self._kubelets.ask(node, questions, self._first_within)
        channel, path = answer.channel, questions[answer.number][0]
        report: NodeReport | _Once
        try:
            if answer.number < len(questions) - 1:  # the last one is for the series, wherever these are
                said = _decoded(channel, lambda: summary(answer.response.body, pods=bool(self._wanted)))
                report = from_summary(said, node.name, self._wanted)
                channel.close()
            else:
                if not self._keep:
                    channel.rest()
                scrape = _decoded(channel, lambda: self._scrape(answer.response))
                report = _Once(node, channel, path, scrape, time.monotonic())
        except DecodeError:
            channel.close()
            raise
        return _First(report, path, channel.proxied)

    def _finish(self, once: list[_Once], found: Reports) -> None:
        """Second scrapes, a window after the first ones; again a little later where there was nothing new."""
        if not once:
            return
        due = min(first.at for first in once) + self._window
        if self._total is not None and due > self._total.when:
            when = f"its rate takes a second scrape {self._window:g}s after the first"
            for first in once:
                found.gaps[first.node.name] = node_gap(
                    first.node.name, "out-of-time", f"{when}, and {self._total} end before that"
                )
            return
        again = min(_AGAIN, self._window)
        for left in reversed(range(_TRIES)):
            self._sleep(due)
            last = left == 0 or (self._total is not None and self._total.left() < again)
            once = self._scrape_again(once, found, last=last)
            if not once:
                return
            due = time.monotonic() + again

    def _scrape_again(self, once: list[_Once], found: Reports, *, last: bool) -> list[_Once]:
        """Those of the kubelets that have to be asked once more."""
        stale: list[_Once] = []
        outcomes = self._gather(self._second, once, "kubelets, again")
        for first, outcome in zip(once, outcomes, strict=True):
            if isinstance(outcome, MetricsError):
                found.gaps[first.node.name] = _gap(first.node, outcome)
            elif not last and _is_stale(outcome):
                stale.append(first)
            else:
                found.reports[first.node.name] = outcome
                found.proxied += first.channel.proxied
        return stale

    async def _second(self, first: _Once) -> NodeReport:
        await sleep(first.at + self._window)
        response = await first.channel.fetch(first.path, (), MAX_USAGE, None)
        if not self._keep:
            first.channel.rest()
        if response.status != 200:
            raise HTTPStatusError(response.status, "", f"the kubelet answered {first.path} with {response.status}")
        scrape = _decoded(first.channel, lambda: self._scrape(response))
        return from_scrapes(first.scrape, scrape, first.node.name, round(self._window * 1000), self._wanted)

    def _scrape(self, response: Response) -> Scrape:
        try:
            text = response.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DecodeError(f"{RESOURCE}: not text: {error}") from error
        return exposition.scrape(text, round(time.time() * 1000), containers_too=bool(self._wanted))

    def _sleep(self, until: float) -> None:
        whole = round(until - time.monotonic())
        while (left := until - time.monotonic()) > 0:
            if self._progress is not None:
                self._progress("second scrape, seconds", max(0, whole - round(left)), whole)
            time.sleep(min(left, 0.2))


def _decoded(channel: Channel, decode: Callable[[], T]) -> T:
    """What a kubelet said; it may be quoted in the error, but not the credential if it has repeated that."""
    try:
        return decode()
    except DecodeError as error:
        raise DecodeError(channel.redact(error.message)) from error


def _is_stale(report: NodeReport) -> bool:
    outcomes: Iterable[object] = [report.node, *report.pods.values()]
    return any(isinstance(outcome, Missing) and outcome.reason == "stale" for outcome in outcomes)


def _gap(node: Node, error: MetricsError) -> Gap:
    if isinstance(error, ConnectionFailed):
        reason = error.kind.value
    elif isinstance(error, NoThread):
        reason = FailureKind.LOCAL.value
    elif isinstance(error, HTTPStatusError):
        reason = {401: "unauthorized", 403: "forbidden"}.get(error.status, f"http-{error.status}")
    else:
        reason = "bad-answer"
    return node_gap(node.name, reason, error.message)
