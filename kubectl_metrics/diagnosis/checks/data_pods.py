"""The numbers of pods: who has none, and why that may be right."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Sequence

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.serverpods import patience
from kubectl_metrics.diagnosis.facts.vantage import any_answered, evidence, kubelet, rests_on, starting, unseen
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Pod

_FAQ = "https://github.com/kubernetes-sigs/metrics-server/blob/master/FAQ.md"
_PIPELINE = "https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/"
_UPSTREAM = ("KM2", "KM3", "KM4", "KM5", "KM6", "KM7", "KM803", "KM804", "KM805", "KM812", "KM813")
_TOLERANCE = 120.0  # seconds: kubectl top says nothing about a pod younger than that (its metricsutil)


class _Why(enum.Enum):
    """Why a pod that counts as running has no metrics."""

    YOUNG = enum.auto()
    STOPPED = enum.auto()
    UNKNOWN = enum.auto()


def _without(facts: Facts) -> Iterator[tuple[Pod, _Why, str]]:
    """The running pods without metrics on nodes with metrics: why, and what tells that."""
    found = facts.evidence.pod_metrics
    if not found.ok or found.partial or not facts.evidence.node_metrics.ok or starting(facts):
        return
    measured = {one.key for one in found.get()}
    limit = max(_TOLERANCE, patience(facts) if _readable(facts) else 0.0)
    for pod in facts.evidence.pods.get():
        if pod.status.phase != "Running" or pod.key in measured or pod.metadata.deletion_timestamp is not None:
            continue
        statuses = pod.status.container_statuses or ()
        if pod.spec.node_name not in facts.measured_nodes or not statuses:
            continue
        stopped = next((one for one in statuses if one.state.running is None), None)
        ages = [facts.age(one.state.running.started_at) for one in statuses if one.state.running is not None]
        if stopped is not None:
            state = stopped.state
            ended = state.terminated.reason if state.terminated is not None else ""
            reason = state.waiting.reason if state.waiting is not None else ended
            text = f"container {stopped.name}: {reason or 'not running'}, {stopped.restart_count} restarts"
            yield pod, _Why.STOPPED, text
        elif any(age is None or age < limit for age in ages):
            youngest = min((age for age in ages if age is not None), default=0.0)
            yield pod, _Why.YOUNG, f"a container was started {max(youngest, 0):.0f} s ago"
        else:
            yield pod, _Why.UNKNOWN, f"running on {pod.spec.node_name} for {min(age or 0.0 for age in ages):.0f} s"


def _readable(facts: Facts) -> bool:
    return facts.evidence.deployments.ok and facts.evidence.service_pods.ok


def _are_all(facts: Facts, names: Collection[str]) -> bool:
    """Whether no pod at all has metrics, and it is not about a single one, as it may be in a namespace."""
    return not facts.evidence.pod_metrics.value and len(names) > 1


def _found(facts: Facts, why: _Why, note: str) -> Iterator[Fault]:
    found = {pod.namespaced_name: (pod, text) for pod, each, text in _without(facts) if each is why}
    names = sorted(found)
    if names:
        proofs = {name: [Proof(f"Pod {name}", "status", text)] for name, (_, text) in found.items()}

        def remedy(some: Sequence[str]) -> str:
            pod = found[some[0]][0]
            return kubectl("describe", "pod", pod.metadata.name, namespace=pod.metadata.namespace, note=note)

        yield Fault(evidence=evidence(proofs, names), affected=names, remedy=remedy(names), remedy_for=remedy)


@check(
    "KM802",
    Severity.ERROR,
    Category.DATA,
    title="Running pods have no metrics",
    why="Their nodes have metrics, and they have run for long enough. metrics-server leaves out a pod if its kubelet "
    "reports nothing of one of its containers, or zero.",
    remedy="kubectl describe pods  # their events; on their nodes: crictl stats",
    link=_FAQ,
    needs=("pods", "pod_metrics", "node_metrics"),
    after=("KM2", "KM3", "KM4"),
    because=_UPSTREAM,
)
def missing(facts: Facts) -> Iterator[Fault]:
    """A warning while others have some. Too young and stopped ones are explained elsewhere."""
    for fault in _found(facts, _Why.UNKNOWN, "its events; on its node: crictl stats"):
        if _are_all(facts, fault.affected):
            fault.title = "No pod has metrics, although nodes have some"
        else:
            fault.severity = Severity.WARNING
        yield fault


@check(
    "KM805",
    Severity.ERROR,
    Category.DATA,
    title="Pods have no metrics because a container of theirs counts as zero",
    why="The kubelet reports a CPU counter or a memory of 0 for a container. metrics-server gives up the whole pod "
    "then, because the sum would be too small.",
    remedy="kubectl describe pods  # their events; on their nodes: crictl stats; a container that is restarted "
    "counts anew",
    link=_FAQ,
    needs=("pods", "pod_metrics", "node_metrics"),
)
def zero_container(facts: Facts) -> Iterator[Fault]:
    """Only of pods that should have metrics. A warning while others have some."""
    unexplained = {pod.namespaced_name for pod, why, _ in _without(facts) if why is _Why.UNKNOWN}
    if unexplained and not any_answered(facts):
        raise unseen(facts)
    seen: dict[str, list[Proof]] = {}
    for probe in facts.evidence.kubelets:
        for text in probe.scrape.zero_containers if probe.scrape is not None else ():
            pod, _, container = text.rpartition("/")
            if pod in unexplained and pod not in seen:
                seen[pod] = [Proof(kubelet(probe.node), f"series of {text}", f"container {container}: 0 or missing")]
    names = sorted(seen)
    if names:
        severity = None if _are_all(facts, unexplained) else Severity.WARNING
        yield Fault(evidence=evidence(seen, names), affected=names, severity=severity)


@check(
    "KM806",
    Severity.INFO,
    Category.DATA,
    title="Pods are too young to have metrics",
    why="metrics-server needs two scrapes of a container: that takes one to two times --metric-resolution after its "
    "start.",
    remedy="kubectl top pods -A  # again in two minutes",
    link=_FAQ,
    needs=("pods", "pod_metrics", "node_metrics"),
)
def young(facts: Facts) -> Iterator[Fault]:
    """Restarted containers count from their last start."""
    yield from _found(facts, _Why.YOUNG, "nothing is wrong: look again in two minutes")


@check(
    "KM807",
    Severity.INFO,
    Category.DATA,
    title="Pods have no metrics because not all of their containers run",
    why="A container that waits or crashes again and again has no usage, and its pod is left out while that lasts.",
    remedy="kubectl get pods -A  # those that are not ready; kubectl describe pods tells why",
    link=_PIPELINE,
    needs=("pods", "pod_metrics", "node_metrics"),
)
def stopped(facts: Facts) -> Iterator[Fault]:
    """Pods that are Pending, Succeeded or Failed have no usage at all, and nobody wonders."""
    yield from _found(facts, _Why.STOPPED, "its events and the last states of its containers")


@check(
    "KM810",
    Severity.WARNING,
    Category.DATA,
    title="Kubelets report the same series twice",
    why="Mostly a pod was made anew under its old name while the old one was still there, as StatefulSets do. Of two "
    "series with the same name metrics-server takes the last one, which may be the dead one's.",
    remedy="crictl ps -a  # on these nodes; several containers of one name: crictl rm those that have exited, then "
    "it passes",
    link=_PIPELINE,
    needs=("nodes",),
)
@rests_on(any_answered)
def duplicated(facts: Facts) -> Iterator[Fault]:
    """The node's own series among them."""
    seen: dict[str, list[Proof]] = {}
    for probe in facts.evidence.kubelets:
        for text in probe.scrape.duplicates if probe.scrape is not None else ():
            name = text.rpartition("/")[0] or probe.node
            seen.setdefault(name, [Proof(kubelet(probe.node), f"series of {text}", "more than one")])
    names = sorted(seen)
    if names:
        yield Fault(evidence=evidence(seen, names), affected=names)
