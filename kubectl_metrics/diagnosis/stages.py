"""The pipeline as a person thinks of it: one line for each stage, with what was looked at and what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kubectl_metrics.diagnosis.check import Check
from kubectl_metrics.diagnosis.evidence import ABSENT, FAILED, REFUSED, Unknown
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Category, Finding, NotChecked, Severity, Skipped, Stage
from kubectl_metrics.diagnosis.probe import KubeletProbe
from kubectl_metrics.wire.metrics_list import GROUP


def describe(
    facts: Facts,
    findings: Sequence[Finding],
    skipped: Sequence[Skipped],
    not_checked: Sequence[NotChecked],
    checks: Mapping[str, Check],
) -> list[Stage]:
    """All stages in order.

    ``outcome`` is the worst finding's severity; without any, "skipped" where an earlier stage has taken its ground or
    there is nothing of the kind, "unknown" where what it takes could not be read, else "ok".
    """
    stages = []
    for category in Category:
        seen, known = _see(category, facts)
        worst = min((one.severity.rank for one in findings if one.category is category), default=None)
        ids = {one.id for one in checks.values() if one.category is category}
        lost = ids & {one.id for one in skipped}
        if worst is not None:
            outcome = list(Severity)[worst].value
        elif category in _NEED_A_SERVER and _is_missing(facts):
            outcome = "skipped"
        elif not known or (ids and ids <= lost | {one.id for one in not_checked}):
            outcome = "skipped" if lost else "unknown"
        else:
            outcome = "ok"
        stages.append(Stage(category=category, outcome=outcome, seen=seen))
    return stages


def _see(category: Category, facts: Facts) -> tuple[str, bool]:
    """What there is to say of a stage, and whether it could be looked at and works, as far as that tells."""
    try:
        seen = _SEEN[category](facts)
        works = _WORKS.get(category)
        return seen, works is None or works(facts)
    except Unknown as unknown:
        read = unknown.read
        subject = read.what.partition(" ")[2]
        reasons = {REFUSED: f"needs {read.what}", ABSENT: f"{subject} is not served", FAILED: f"{subject}: no answer"}
        return f"not looked at: {reasons[read.state]}" if subject and read.state in reasons else "not looked at", False


def _api_server(facts: Facts) -> str:
    connected, version = facts.evidence.connected, facts.evidence.version
    known = version.value.git_version if version.value else "version unknown"
    return f"{connected.server or 'API server'} {known}, answers in {1000 * connected.seconds:.0f} ms"


def _registration(facts: Facts) -> str:
    if not facts.api_services:
        return f"no APIService of {GROUP}"
    parts = []
    for one in facts.api_services:
        place = one.spec.service
        where = f"{place.namespaced_name}:{place.port}" if place else "no Service"
        parts.append(f"{one.spec.version} by {where}")
    return f"{GROUP} {', '.join(parts)}"


def _aggregation(facts: Facts) -> str:
    found = facts.available
    if not facts.api_services:
        return "there is no APIService"
    if found is None:
        return "the APIService has no condition Available"
    if found.status == "True":
        return "the API server reaches it and holds it for available"
    return f"{found.reason or 'not available'}"


def _service(facts: Facts) -> str:
    service = facts.evidence.service
    if service.absent:
        return f"{facts.service_name} does not exist"
    service.get()
    slices = facts.evidence.endpoint_slices.get()
    endpoints = [one for part in slices for one in part.endpoints or ()]
    good = sum(1 for one in endpoints if one.conditions.ready is not False)
    return f"{facts.service_name.partition(' ')[2]}, {good} of {len(endpoints)} endpoints ready"


def _metrics_server(facts: Facts) -> str:
    pods = facts.pods
    if _is_missing(facts):
        return "there is none"
    running = sum(1 for pod in pods if pod.status.phase == "Running")
    image = facts.container.image.rpartition("/")[2] if facts.container else "no container"
    restarts = sum(one.restart_count for pod in pods for one in pod.status.container_statuses or ())
    return f"{image}, {running} of {len(pods)} pods running, {restarts} restarts"


def _is_missing(facts: Facts) -> bool:
    """Whether there is no metrics-server, as far as this user can see."""
    try:
        return not facts.container and not facts.pods
    except Unknown:
        return False


def _rbac(facts: Facts) -> str:
    if _is_missing(facts):
        return "there is no metrics-server to have rights"
    account = facts.account
    bindings = [*facts.evidence.cluster_role_bindings.get(), *facts.evidence.role_bindings.get()]
    roles = sorted(one.role_ref.name for one in bindings if account.is_named(one))
    return f"{account}: {', '.join(roles) or 'bound to nothing'}"


def _nodes(facts: Facts) -> str:
    good = sum(1 for node in facts.nodes if node.is_ready)
    return f"{good} of {len(facts.nodes)} ready"


def _kubelets(facts: Facts) -> str:
    answered = sum(1 for one in facts.evidence.kubelets if _has_answered(one))
    chosen = facts.evidence.kubelets_chosen
    if not facts.evidence.kubelets:
        return "none was asked"
    return f"{answered} of {len(facts.evidence.kubelets)} asked have answered" + (f" ({chosen})" if chosen else "")


def _has_answered(probe: KubeletProbe) -> bool:
    return any(200 <= one.status < 300 for one in probe.answers)


def _data(facts: Facts) -> str:
    measured = len(facts.measured_nodes & set(facts.nodes_by_name))
    text = f"{GROUP} has {measured} of {len(facts.nodes)} nodes"
    if facts.evidence.pod_metrics.ok:
        text += f" and {len(facts.evidence.pod_metrics.get())} pods"
    return text


def _consumers(facts: Facts) -> str:
    return f"{len(facts.evidence.hpas.get())} HorizontalPodAutoscalers"


_NEED_A_SERVER = (Category.METRICS_SERVER, Category.RBAC)
_WORKS: dict[Category, Callable[[Facts], bool]] = {
    Category.AGGREGATION: lambda facts: facts.is_available,
    Category.KUBELETS: lambda facts: any(_has_answered(one) for one in facts.evidence.kubelets),
}
_SEEN: dict[Category, Callable[[Facts], str]] = {
    Category.API_SERVER: _api_server,
    Category.REGISTRATION: _registration,
    Category.AGGREGATION: _aggregation,
    Category.SERVICE: _service,
    Category.METRICS_SERVER: _metrics_server,
    Category.RBAC: _rbac,
    Category.NODES: _nodes,
    Category.KUBELETS: _kubelets,
    Category.DATA: _data,
    Category.CONSUMERS: _consumers,
}
