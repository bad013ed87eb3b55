"""metrics.k8s.io, as kubectl top reads it, but with all that is needed asked at once.

The version that is served nearly everywhere is asked for straight away. Only where that has no answer, the group's
discovery document is read, and says whether there is another version, or none.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Sequence, Set
from typing import Generic, TypeVar
from urllib.parse import quote

from kubectl_metrics.connection.threads import Later
from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.errors import (
    ConnectionFailed,
    DecodeError,
    ExitStatus,
    FailureKind,
    HTTPStatusError,
    MetricsError,
)
from kubectl_metrics.sources.objects import (
    METADATA_ONLY,
    checked,
    get_nodes,
    get_pod,
    get_pods,
    pods_path,
    pods_query,
    selector_query,
)
from kubectl_metrics.sources.query import NodesQuery, PodsQuery
from kubectl_metrics.usage.model import Gap, NodesUsage, PodsUsage, PodTotals, Source, node_gap, pod_gap
from kubectl_metrics.wire import core, metrics_list, selectors, status
from kubectl_metrics.wire.http import Sink
from kubectl_metrics.wire.metrics_list import GROUP, NodeMetrics, PodMetrics, PodTotal
from kubectl_metrics.wire.time import format_duration, parse_timestamp

T = TypeVar("T")

VERSIONS = ("v1beta1", "v1")  # the same field for field; the first is tried while discovering
METRICS_TIMEOUT = 30.0  # seconds, in which aggregation itself gives up on a dead server; then the kubelets are asked
_ROOT = f"/apis/{GROUP}"
_FIELDS = frozenset({"metadata.name", "metadata.namespace"})  # the field selectors that metrics-server knows
_UNMEASURED = f"{GROUP} has no metrics of it"
_CREATION_DELAY = 120  # seconds: kubectl's metricsCreationDelay
_SLOW = 1.0  # seconds, after which the discovery does not wait for the metrics
_EXTRA = 10.0  # seconds
_CHECKED = 500  # running pods that are looked for in the answer; one small page


class Absence(enum.Enum):
    """In which way the API has no metrics."""

    NOT_SERVED = "not served"
    UNAVAILABLE = "unavailable"
    EMPTY = "empty"


class NoMetrics(MetricsError):
    """The API could be asked and has no metrics: the case for the kubelets.

    ``message`` is kubectl's. ``detail`` says more, where more is known. ``original`` is the API's own error about a
    single node or pod that exists and has no metrics. ``nodes`` or ``pods`` give those of the question, where they have
    been asked for already; they may raise MetricsError.
    """

    exit_status = ExitStatus.NO_SOURCE

    def __init__(
        self, absence: Absence, message: str, detail: str = "", original: HTTPStatusError | None = None
    ) -> None:
        super().__init__(message, hint=detail or None)
        self.absence = absence
        self.detail = detail
        self.original = original
        self.nodes: Callable[[], list[core.Node]] | None = None
        self.pods: Callable[[], list[core.Pod]] | None = None


class MetricsAPI:
    """The source "api"."""

    def __init__(
        self,
        api: Transport,
        *,
        timeout: float | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        """``timeout`` (seconds) is for the metrics alone; None: as for everything else that ``api`` is asked."""
        self._api = api
        self._timeout = timeout
        self._progress = progress

    def nodes(self, query: NodesQuery) -> NodesUsage:
        """The usage of nodes; those without metrics are gaps. Raises NoMetrics, or MetricsError for other failures."""

        def read(answer: Response) -> list[NodeMetrics]:
            return [metrics_list.node(answer.body)] if query.name else metrics_list.node_list(answer.body)

        place = "/nodes" + (f"/{quote(query.name, safe='')}" if query.name else "")
        parameters = selector_query(query.selector)
        asked_nodes = Later(lambda: get_nodes(self._api, query))
        try:
            version, items = self._ask(place, parameters, query.name, "nodes", read)
        except NoMetrics as absent:
            absent.nodes = asked_nodes.result
            raise
        except HTTPStatusError as error:
            if query.name and error.status == 404 and (nodes := _found(asked_nodes.result)):
                raise _empty(error.message, nodes=nodes, original=error) from error
            raise
        nodes = asked_nodes.result()
        if not items and nodes:
            raise _empty("metrics not available yet", nodes=nodes)
        measured = {item.metadata.name for item in items}
        gaps = [node_gap(node.name, "no-metrics", _UNMEASURED) for node in nodes if node.name not in measured]
        return NodesUsage(Source("api", f"{GROUP}/{version}"), gaps, [], items, nodes)

    def pods(self, query: PodsQuery) -> PodsUsage:
        """The usage of pods; running pods without metrics are gaps. Raises NoMetrics, or MetricsError."""

        def read(answer: Response) -> list[PodMetrics]:
            return [metrics_list.pod(answer.body)] if query.name else metrics_list.pod_list(answer.body)

        return PodsUsage(*self._pods(query, read, lambda pod: (pod.metadata.namespace, pod.metadata.name)))

    def pod_totals(self, query: PodsQuery) -> PodTotals:
        """The same without containers, in less time and memory. Raises as ``pods`` does."""
        from kubectl_metrics.wire.totals import TotalsReader

        def read(answer: Response) -> list[PodTotal]:
            if isinstance(answer.sink, TotalsReader):
                return answer.sink.totals()
            return [metrics_list.total_of(metrics_list.pod(answer.body))]

        sink = None if query.name else TotalsReader
        return PodTotals(*self._pods(query, read, lambda total: (total[0], total[1]), sink))

    def _pods(
        self,
        query: PodsQuery,
        read: Callable[[Response], list[T]],
        key: Callable[[T], core.PodKey],
        sink: Callable[[], Sink] | None = None,
    ) -> tuple[Source, list[Gap], list[str], list[T]]:
        place = f"/namespaces/{quote(query.namespace, safe='')}/pods" if query.namespace else "/pods"
        if query.name:
            place += f"/{quote(query.name, safe='')}"
        # A field that metrics-server does not know (spec.nodeName) is the API server's to judge: its pods are asked for
        # at the same time, and the answers joined, as kubectl does from 1.37 on.
        known = selectors.field_names(query.field_selector) <= _FIELDS
        expected = Later(lambda: self._running(query) if known else get_pods(self._api, query, running=False))
        parameters = selector_query(query.selector, query.field_selector if known else "")
        try:
            version, items = self._ask(place, parameters, query.name, "pods", read, sink)
        except HTTPStatusError as error:
            if query.name and error.status == 404:
                self._explain_missing(query.namespace or "", query.name, error)
            raise
        notes: list[str] = []
        try:
            pods = expected.result()
        except MetricsError as error:
            if not known:
                raise
            pods = []  # whoever may read metrics need not be allowed to list pods
            if not isinstance(error, HTTPStatusError) or error.status not in (401, 403):
                reason = self._api.redact(error.message)
                notes = [f"whether running pods are without metrics could not be seen: {reason}"]
        if not known:
            wanted = {pod.key for pod in pods}
            items = [item for item in items if key(item) in wanted]
        if not items:
            self._explain_nothing(query, None if known else pods)
        gaps = _unmeasured(pods, set(map(key, items))) if pods else []
        return Source("api", f"{GROUP}/{version}"), gaps, notes, items

    def _running(self, query: PodsQuery) -> list[core.Pod]:
        """The running pods, to see which of them have no metrics; none at all if they are many.

        Names only: what a pod looks like does not matter here.
        """
        if query.name:
            return []
        parameters = [*pods_query(query, running=True), ("limit", str(_CHECKED))]
        response = self._api.get(pods_path(query.namespace), parameters, accept=METADATA_ONLY, timeout=self._extra())
        items, more = core.pod_page(checked(response, "get pods"))
        return [] if more else items

    def _extra(self) -> float:
        """Seconds for what the answer would be complete without."""
        return min(_EXTRA, self._api.timeout if self._timeout is None else self._timeout)

    def _ask(
        self,
        place: str,
        parameters: list[tuple[str, str]],
        name: str | None,
        resource: str,
        read: Callable[[Response], list[T]],
        sink: Callable[[], Sink] | None = None,
    ) -> tuple[str, list[T]]:
        """The version that is served, and the metrics. Raises NoMetrics, or MetricsError for other failures.

        The body ends its life in here: of 150,000 pods it is 60 MB.
        """
        subject = " ".join(("get", f"{resource}.{GROUP}", *([name] if name else [])))
        version = VERSIONS[0]
        answer, served = self.fetch(version, f"{_ROOT}/{version}{place}", parameters, subject, sink)
        if served is not None and served != version:
            version = served
            answer, _ = self.fetch(version, f"{_ROOT}/{version}{place}", parameters, subject, sink)
        checked(answer, subject)
        return version, read(answer)

    def fetch(
        self,
        version: str,
        path: str,
        parameters: Sequence[tuple[str, str]],
        subject: str = "",
        sink: Callable[[], Sink] | None = None,
    ) -> tuple[Response, str | None]:
        """The answer to a path of the group, whatever its status below 500, and the version that is served.

        The version is known (not None) only where the answer made it necessary to find out. ``sink`` is that of
        ``Transport.get``. Raises NoMetrics if the
        group is not served or not available, MetricsError for other failures.
        """
        metrics = Later(lambda: self._api.get(path, parameters, timeout=self._timeout, sink=sink))
        discovery = _InTime(self._discover)
        try:
            answer = metrics.result(lambda: self._waiting(discovery))
        except ConnectionFailed as error:
            if error.kind is FailureKind.OVER:
                raise
            # If the API server answers nothing at all, that is the error; if only its metrics fail, they are.
            discovery.start().result()
            raise NoMetrics(Absence.UNAVAILABLE, "Metrics API not available", error.reason) from error
        served = None
        if answer.status == 403 or (answer.status == 404 and not status.names_an_object(answer.body)):
            # The API server authorizes before it looks whether there is such a group: 403 may stand for 404.
            served = self._served(discovery.start().result())
        if answer.status >= 500:
            reason = self._unavailable_reason(version) or status.error(answer.status, answer.body, subject).message
            raise NoMetrics(Absence.UNAVAILABLE, "Metrics API not available", reason)
        return answer, served

    def _waiting(self, discovery: _InTime[Response]) -> None:
        """Called while the metrics are waited for."""
        if discovery.seconds() > _SLOW:  # they may never come; then both have been waited for at the same time
            discovery.start()
        if self._progress is not None and self._timeout is not None:
            self._progress(f"waiting for {GROUP}, seconds", int(discovery.seconds()), round(self._timeout))

    def _discover(self) -> Response:
        return self._api.get(_ROOT, timeout=self._timeout)

    def _served(self, discovery: Response) -> str:
        """The version to use, by the group's discovery document. Raises NoMetrics if there is none."""
        if discovery.status == 404:
            raise NoMetrics(Absence.NOT_SERVED, "Metrics API not available")
        versions = status.group_versions(checked(discovery, f"get {GROUP}"))
        for version in versions:
            if version in VERSIONS:
                return version
        detail = f"only {', '.join(versions) or 'no version'} is served"
        raise NoMetrics(Absence.NOT_SERVED, "Metrics API not available", self._api.redact(detail))

    def _unavailable_reason(self, version: str) -> str:
        """What the APIService says about why it is not available; "" where it says nothing or may not be read."""
        try:
            response = self._api.get(
                f"/apis/apiregistration.k8s.io/v1/apiservices/{version}.{GROUP}", timeout=self._extra()
            )
            return self._api.redact(status.unavailable_reason(response.body)) if response.status == 200 else ""
        except (ConnectionFailed, DecodeError):
            return ""

    def _explain_missing(self, namespace: str, name: str, error: HTTPStatusError) -> None:
        """A pod without metrics. Raises NoMetrics if it exists and runs; else the error stands, perhaps with a hint."""
        if not (pods := _found(lambda: [get_pod(self._api, namespace, name)])):
            return
        if pods[0].is_running:
            raise _empty(error.message, pods=pods, original=error) from error
        error.hint = f"only running pods have usage; this one is {pods[0].status.phase or 'in no phase'}"

    def _explain_nothing(self, query: PodsQuery, pods: list[core.Pod] | None) -> None:
        """An empty answer: returns if there are no pods at all. ``pods`` are all of them, where they are known.

        Raises NoMetrics if there are running pods, else MetricsError: pods that do not run have no usage. The texts
        and the two minutes of patience with new pods, are kubectl's (verifyEmptyMetrics in its pkg/cmd/top/top_pod.go).
        """
        if pods is None:
            pods = get_pods(self._api, query, running=False)
        message = "metrics not available yet"
        for pod in pods:
            age = _age(pod)
            if age > _CREATION_DELAY:
                message = f"Metrics not available for pod {'/'.join(pod.key)}, age: {format_duration(1000 * int(age))}"
                break
        if any(pod.is_running for pod in pods):
            raise _empty(message, pods=pods)
        if pods:
            phases = " or ".join(sorted({pod.status.phase or "in no phase" for pod in pods}))
            raise MetricsError(message, hint=f"only running pods have usage; here they are {phases}")


class _InTime(Generic[T]):
    """A call that is made at the latest when its result is needed, and may be started before."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._begun = time.monotonic()
        self._later: Later[T] | None = None

    def seconds(self) -> float:
        """Since there could have been one."""
        return time.monotonic() - self._begun

    def start(self) -> Later[T]:
        """Makes the call in the background, unless that has been done."""
        if self._later is None:
            self._later = Later(self._call)
        return self._later


def _unmeasured(pods: Sequence[core.Pod], measured: Set[core.PodKey]) -> list[Gap]:
    """A gap for each of ``pods`` that runs (or whose phase was not asked for) and is not among those measured."""
    return [
        pod_gap(pod, "no-metrics", _UNMEASURED)
        for pod in pods
        if pod.key not in measured and pod.status.phase in ("Running", "")
    ]


def _empty(
    message: str,
    *,
    nodes: list[core.Node] | None = None,
    pods: list[core.Pod] | None = None,
    original: HTTPStatusError | None = None,
) -> NoMetrics:
    """What there is no metrics of, although there is an API for them."""
    absent = NoMetrics(Absence.EMPTY, message, original=original)
    if nodes is not None:
        absent.nodes = lambda: nodes
    if pods is not None:
        absent.pods = lambda: pods
    return absent


def _found(read: Callable[[], list[T]]) -> list[T]:
    """What ``read`` finds; nothing if it is not there or may not be read."""
    try:
        return read()
    except HTTPStatusError:
        return []


def _age(pod: core.Pod) -> float:
    """The age of a pod in seconds, by this machine's clock."""
    try:
        return time.time() - parse_timestamp(pod.metadata.creation_timestamp or "") / 1000
    except ValueError:
        return 0.0
