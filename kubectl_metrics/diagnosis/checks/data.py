"""The numbers of nodes: who has none, and whose cannot be right."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.nodes import own_fargate
from kubectl_metrics.diagnosis.facts.expected import is_expected
from kubectl_metrics.diagnosis.facts.pipeline import Facts, milliseconds
from kubectl_metrics.diagnosis.facts.serverpods import target
from kubectl_metrics.diagnosis.facts.vantage import (
    any_answered,
    evidence,
    graded,
    has_returned,
    kubelet,
    metrics_answers,
    rests_on,
    starting,
    unscraped,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import NodeMetrics
from kubectl_metrics.diagnosis.probe import KubeletProbe
from kubectl_metrics.wire import quantity
from kubectl_metrics.wire.metrics_list import GROUP
from kubectl_metrics.wire.time import parse_duration

_KNOWN_ISSUES = "https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md"
_FAQ = "https://github.com/kubernetes-sigs/metrics-server/blob/master/FAQ.md"
_PIPELINE = "https://kubernetes.io/docs/tasks/debug/debug-cluster/resource-metrics-pipeline/"
_UPSTREAM = ("KM2", "KM3", "KM4", "KM5", "KM6", "KM7", "KM803", "KM813")
_TIMESTAMPS = f"kubectl get --raw /apis/{GROUP}/v1beta1/nodes  # timestamp"
_SKEW = 60.0  # seconds that clocks may differ by
_STALE = 90.0  # seconds that a measurement may be old in any case
_OLD = 600.0


@check(
    "KM801",
    Severity.ERROR,
    Category.DATA,
    title="Nodes have no metrics",
    why="metrics.k8s.io knows others, but not these. metrics-server leaves out a node whose kubelet it cannot ask, or "
    "whose answer lacks CPU or memory of the node.",
    remedy="kubectl -n kube-system logs deployment/metrics-server | grep 'Failed to scrape node'",
    link=_FAQ,
    needs=("nodes", "node_metrics"),
    after=("KM2", "KM3", "KM4"),
    because=_UPSTREAM,
)
def missing(facts: Facts) -> Iterator[Fault]:
    """Where there are metrics of nobody it is KM812; right after its start another scrape may do."""
    names = [] if not facts.evidence.node_metrics.value or starting(facts) else _should(facts)
    if names:
        seen = {name: [Proof(f"Node {name}", GROUP, "no NodeMetrics"), *_answer(facts, name)] for name in names}

        def remedy(some: Sequence[str]) -> str:
            return f"kubectl logs {target(facts)} | grep -Fw {shlex.quote(some[0])}"

        yield Fault(evidence=evidence(seen, names), affected=names, remedy=remedy(names), remedy_for=remedy)


@check(
    "KM812",
    Severity.ERROR,
    Category.DATA,
    title="metrics.k8s.io is served and has metrics of nobody",
    why="metrics-server runs and could not scrape one kubelet twice: the same trouble with all of them. Right after "
    "its start that is how it should be.",
    remedy="kubectl -n kube-system logs deployment/metrics-server | grep 'Failed to scrape node'",
    link=_FAQ,
    needs=("nodes", "node_metrics"),
    after=("KM2", "KM3", "KM4"),
    because=_UPSTREAM,
)
def nothing(facts: Facts) -> Iterator[Fault]:
    """kubectl's words for it: metrics not available yet."""
    if not facts.evidence.node_metrics.ok or facts.evidence.node_metrics.value or not facts.nodes:
        return
    proof = Proof(f"GET nodes.{GROUP}", "items", "[]")
    if starting(facts):
        yield Fault(
            title="metrics-server has just started and has no metrics yet",
            evidence=[proof],
            passing=True,
            remedy=f"kubectl rollout status {target(facts)}  # it needs two scrapes: a minute or two",
        )
        return
    names = _should(facts)
    if names:
        yield Fault(
            evidence=[proof, *(each for name in names[:2] for each in _answer(facts, name))],
            affected=names,
            remedy=f"kubectl logs {target(facts)} | grep 'Failed to scrape node'",
        )
    elif any(has_returned(facts, node) for node in facts.nodes):
        yield Fault(
            title="Nodes have just become ready and have no metrics yet",
            evidence=[proof],
            passing=True,
            remedy="kubectl get nodes  # metrics-server needs two scrapes of them: a minute or two",
        )


@check(
    "KM803",
    Severity.ERROR,
    Category.DATA,
    title="Kubelets report no CPU or no memory of their nodes",
    why="The node's own series is missing or zero, mostly because kubelet and container runtime disagree about "
    "cgroups (v1 or v2, systemd or cgroupfs). metrics-server leaves such a node out.",
    remedy="systemctl restart containerd kubelet  # on these nodes, with cgroupDriver in /var/lib/kubelet/config.yaml "
    "the same as the container runtime's (SystemdCgroup in /etc/containerd/config.toml)",
    link=_KNOWN_ISSUES,
    needs=("nodes",),
    because=("KM813",),
)
@rests_on(any_answered)
def zero_node(facts: Facts) -> Iterator[Fault]:
    """decodeBatch in metrics-server's pkg/scraper/client/resource/decode.go."""
    seen = {}
    for probe in facts.evidence.kubelets:
        found = probe.scrape
        if found is None or found.unparsable:
            continue
        values = {
            "node_cpu_usage_seconds_total": found.node_cpu,
            "node_memory_working_set_bytes": found.node_memory,
        }
        wrong = [
            Proof(kubelet(probe.node), series, "missing" if value is None else "0")
            for series, value in values.items()
            if not value
        ]
        if wrong:
            seen[probe.node] = wrong
    yield from graded(facts, seen)


@check(
    "KM804",
    Severity.ERROR,
    Category.DATA,
    title="Kubelets report no containers, although pods run",
    why="The node has metrics and its pods have none: the kubelet gets no statistics from the container runtime. "
    "cri-dockerd before 0.2.3 has none; so have some ways to nest nodes in containers.",
    remedy="crictl stats  # on these nodes; if empty: upgrade or restart the container runtime, then systemctl "
    "restart kubelet",
    link="https://kubernetes.io/docs/reference/instrumentation/cri-pod-container-metrics/",
    needs=("nodes", "pods"),
    because=("KM813",),
)
@rests_on(any_answered)
def no_containers(facts: Facts) -> Iterator[Fault]:
    """Pods that have just been started do not count."""
    measured = {one.key for one in facts.evidence.pod_metrics.value or ()}
    seen = {}
    for probe in facts.evidence.kubelets:
        found = probe.scrape
        if found is None or found.unparsable or found.containers or not is_expected(facts, probe.node):
            continue
        running = [
            pod
            for pod in facts.evidence.pods.get()
            if pod.spec.node_name == probe.node
            and any(
                one.state.running is not None and (facts.age(one.state.running.started_at) or 0) > 120
                for one in pod.status.container_statuses or ()
            )
        ]
        if running and not any(pod.key in measured for pod in running):
            seen[probe.node] = [
                Proof(kubelet(probe.node), "container_cpu_usage_seconds_total", "missing for all containers"),
                Proof(f"Node {probe.node}", "pods with running containers", str(len(running))),
            ]
    names = sorted(seen)
    if names:
        yield Fault(evidence=evidence(seen, names), affected=names)


@check(
    "KM808",
    Severity.ERROR,
    Category.DATA,
    title="Metrics of nodes are old",
    why="metrics-server goes on to serve the last measurement that it has, or the kubelet goes on to report the last "
    "one of its own. Autoscalers act on the past then.",
    remedy=f"{_TIMESTAMPS}; kubectl -n kube-system logs deployment/metrics-server | grep 'Failed to scrape node'",
    link=_PIPELINE,
    needs=("node_metrics",),
    because=("KM5", "KM6", "KM7"),
)
def stale(facts: Facts) -> Iterator[Fault]:
    """By the API server's clock; where that is not known, nobody can tell. Nodes with a wrong clock are KM809's."""
    if facts.skew is None:
        return
    wrong = _skewed(facts)
    groups: dict[Severity, dict[str, list[Proof]]] = {}
    for one in facts.evidence.node_metrics.value or ():
        age, name = facts.age(one.timestamp), one.metadata.name
        if age is None or name in wrong or age <= _patience(facts, one) or not is_expected(facts, name, virtual=True):
            continue
        severity = Severity.ERROR if age > max(_OLD, _patience(facts, one)) else Severity.WARNING
        proof = Proof(f"NodeMetrics {name}", "timestamp", f"{one.timestamp}, {age:.0f} s ago (window {one.window})")
        groups.setdefault(severity, {})[name] = [proof]
    for severity, seen in groups.items():
        names = sorted(seen)
        remedy = f"{_TIMESTAMPS}; kubectl logs {target(facts)} | grep 'Failed to scrape node'"
        yield Fault(evidence=evidence(seen, names), affected=names, severity=severity, remedy=remedy)


def _patience(facts: Facts, one: NodeMetrics) -> float:
    """How old a measurement may be: that of another provider may have a window of minutes."""
    resolution = facts.flags.resolution if _readable(facts) and facts.flags is not None else None
    try:
        window = parse_duration(one.window)
    except ValueError:
        window = 0.0
    return max(_STALE, 3 * window, 3 * (resolution or 0.0))


def _readable(facts: Facts) -> bool:
    return facts.evidence.deployments.ok or facts.evidence.service_pods.ok


@check(
    "KM809",
    Severity.WARNING,
    Category.DATA,
    title="Clocks of nodes differ from the API server's by more than a minute",
    why="Measurements carry the node's time: they seem old, or from the future. Certificates may seem expired or not "
    "yet valid, too.",
    remedy="timedatectl  # on these nodes; NTP service: active, else: systemctl enable --now systemd-timesyncd (or "
    "chronyd)",
    link=_PIPELINE,
    needs=("nodes",),
)
def skewed(facts: Facts) -> Iterator[Fault]:
    """By the Date of their own answers, else by measurements from the future."""
    seen = _skewed(facts)
    names = sorted(name for name in seen if is_expected(facts, name, virtual=True))
    if names:
        yield Fault(evidence=evidence(seen, names), affected=names)


def _skewed(facts: Facts) -> dict[str, list[Proof]]:
    seen: dict[str, list[Proof]] = {}
    if facts.skew is None:
        return seen
    for probe in facts.evidence.kubelets:
        ahead = _ahead(facts, probe)
        if ahead is not None and abs(ahead) > _SKEW:
            word = "ahead of" if ahead > 0 else "behind"
            seen[probe.node] = [Proof(kubelet(probe.node), "Date", f"{abs(ahead):.0f} s {word} the API server's")]
    for one in facts.evidence.node_metrics.value or ():
        age = facts.age(one.timestamp)
        if age is not None and age < -_SKEW and one.metadata.name not in seen:
            proof = Proof(f"NodeMetrics {one.metadata.name}", "timestamp", f"{one.timestamp}, in {-age:.0f} s")
            seen[one.metadata.name] = [proof]
    return seen


def _ahead(facts: Facts, probe: KubeletProbe) -> float | None:
    """How many seconds a node's clock is ahead of the API server's."""
    for one in metrics_answers(probe):
        asked = milliseconds(one.asked)
        try:
            theirs = parsedate_to_datetime(one.date).timestamp() * 1000
        except (ValueError, OverflowError):
            continue
        if asked is not None:
            return (theirs - asked - (facts.skew or 0)) / 1000
    return None


@check(
    "KM811",
    Severity.INFO,
    Category.DATA,
    title="Nodes use more memory than they can allocate to pods",
    why="MEMORY% is a part of what can be allocated, which is less than what the machine has: the rest is reserved "
    "for the system. The system's own usage counts all the same, so more than 100 % is possible.",
    remedy="kubectl top nodes --show-capacity  # the percentage of all that the machine has",
    link="https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/",
    needs=("nodes", "node_metrics"),
)
def over_allocatable(facts: Facts) -> Iterator[Fault]:
    """What cannot be read as a quantity is not compared."""
    seen = {}
    for one in facts.evidence.node_metrics.value or ():
        node = facts.nodes_by_name.get(one.metadata.name)
        used, limit = (one.usage or {}).get("memory"), (node.status.allocatable or {}).get("memory") if node else None
        used_bytes, limit_bytes = _bytes(used), _bytes(limit)
        if used_bytes is not None and limit_bytes and used_bytes > limit_bytes:
            name = one.metadata.name
            seen[name] = [
                Proof(f"NodeMetrics {name}", "usage.memory", str(used)),
                Proof(f"Node {name}", "status.allocatable.memory", str(limit)),
            ]
    names = sorted(seen)
    if names:
        yield Fault(evidence=evidence(seen, names), affected=names)


@check(
    "KM813",
    Severity.ERROR,
    Category.DATA,
    title="Kubelets say that they could not collect their own statistics",
    why="resource_scrape_error is 1: the kubelet got nothing from cAdvisor or the container runtime, and reports "
    "nothing or only a part.",
    remedy="journalctl -u kubelet -n 100 | grep -i stats; crictl stats; systemctl restart kubelet  # on these nodes",
    link=_PIPELINE,
    needs=("nodes",),
)
@rests_on(any_answered)
def own_error(facts: Facts) -> Iterator[Fault]:
    """It may pass: an error only where metrics are missing."""
    seen = {
        probe.node: [Proof(kubelet(probe.node), "resource_scrape_error", "1")]
        for probe in facts.evidence.kubelets
        if probe.scrape is not None and probe.scrape.scrape_error
    }
    yield from graded(facts, seen, measured=Severity.WARNING)


def _should(facts: Facts) -> list[str]:
    """The nodes without metrics that should have some."""
    return [
        node.metadata.name
        for node in facts.nodes
        if unscraped(facts, node.metadata.name)
        and is_expected(facts, node.metadata.name)
        and not has_returned(facts, node)
        and not own_fargate(facts, node)
    ]


def _answer(facts: Facts, name: str) -> list[Proof]:
    """What the kubelet has told us, if it has told us metrics."""
    probe = facts.probes.get(name)
    found = next((one for one in probe.answers if one.scrape is not None), None) if probe is not None else None
    if found is None or found.scrape is None or found.scrape.unparsable:
        return []
    way = "through the API server" if found.proxied else "from here"
    text = f"it answers {way} in {found.seconds:.1f} s, with {found.scrape.containers} containers"
    return [Proof(kubelet(name), f"GET {found.path}", text)]


def _bytes(value: object) -> int | None:
    try:
        return quantity.to_bytes(value) if isinstance(value, (str, int)) else None
    except ValueError:
        return None
