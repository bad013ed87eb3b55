"""From where a kubelet is seen: metrics-server's own luck with it, beside what we and the API server see.

What we see proves little about metrics-server, and the other way round: a laptop has no route to a node, and a pod has
none of our rights. So what was seen from here is an error only where metrics-server lacks that node's metrics; where it
has them, hardly anything that we see is worth a word.

Nodes of which nobody expects metrics (``expected``) are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps

from kubectl_metrics.diagnosis.check import Judge
from kubectl_metrics.diagnosis.evidence import FAILED, OUT_OF_TIME, Read, Unknown
from kubectl_metrics.diagnosis.facts.expected import is_expected
from kubectl_metrics.diagnosis.facts.flags import ServerFlags
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.serverpods import State, patience, pods_in, server_status, serving
from kubectl_metrics.diagnosis.findings import Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Node, condition
from kubectl_metrics.diagnosis.probe import CONFIG, HEALTH, Answer, KubeletProbe

_REFUSALS = (401, 403)
_SILENCE = ("no-answer", "timeout")
_CONNECTED = ("", "tls", "certificate-name", "certificate-untrusted", "certificate-expired")

Proofs = Mapping[str, Sequence[Proof]]  # of nodes, by name


def unscraped(facts: Facts, name: str) -> bool | None:
    """Whether metrics-server has not got metrics of a node; None if that is not known, or nothing to wonder at yet."""
    if name in facts.excluded_nodes:
        return None
    if facts.evidence.node_metrics.ok:
        if name in facts.measured_nodes:
            return False
        node = facts.nodes_by_name.get(name) if facts.evidence.nodes.ok else None
        if (starting(facts) and not facts.measured_nodes) or (node is not None and is_young(facts, node)):
            return None
        return True  # all are scraped at the same time: where it has others, it had no luck with this one
    # It is ready as soon as it has metrics of anybody, and not ready without any.
    try:
        return True if not serving(facts) and pods_in(facts, State.UNREADY) else None
    except Unknown:
        return None


def starting(facts: Facts) -> bool:
    """Whether metrics-server has not run long enough for a full set of metrics."""
    try:
        statuses = [server_status(pod) for pod in facts.pods]
    except Unknown:
        return False
    since = [facts.age(one.state.running.started_at) for one in statuses if one is not None and one.state.running]
    ages = [age for age in since if age is not None]
    return bool(ages) and max(ages) < patience(facts)


def is_young(facts: Facts, node: Node) -> bool:
    """Whether a node has joined so recently that nobody could have measured it."""
    age = facts.age(node.metadata.creation_timestamp)
    return age is not None and age < patience(facts) + 60


def has_returned(facts: Facts, node: Node) -> bool:
    """Whether a node has become ready so recently that metrics-server need not have measured it again: two scrapes.

    That tells only where nothing else is known: what a kubelet does wrong it does in its first minute too.
    """
    found = condition(node.status.conditions, "Ready")
    if found is None or found.status != "True":
        return False
    age = facts.age(found.last_transition_time)
    return age is not None and age < patience(facts)


def is_fargate(node: Node) -> bool:
    """Whether a node is one of EKS's for a single pod."""
    return (node.metadata.labels or {}).get("eks.amazonaws.com/compute-type") == "fargate"


def is_windows(node: Node) -> bool:
    return node.status.node_info.operating_system == "windows" or (
        (node.metadata.labels or {}).get("kubernetes.io/os") == "windows"
    )


def verifying(facts: Facts) -> ServerFlags | None:
    """metrics-server's flags, if it is there and checks the certificates of kubelets."""
    flags = facts.flags
    return None if flags is None or flags.insecure_tls else flags


def graded(
    facts: Facts,
    seen: Proofs,
    *,
    unknown: Severity | None = Severity.WARNING,
    measured: Severity | None = None,
    missing: Severity | None = Severity.ERROR,
    virtual: bool = False,
    title: str = "",
    remedy: Callable[[Sequence[str]], str] | None = None,
) -> Iterator[Fault]:
    """A fault for each severity: of nodes without metrics, with metrics, and where that is not known; None: no word.

    Nodes that are being deleted are left out, and virtual ones if they are not asked for.
    """
    severities = {True: missing, False: measured, None: unknown}
    groups: dict[Severity, list[str]] = {}
    for name in sorted(one for one in seen if is_expected(facts, one, virtual=virtual)):
        severity = severities[unscraped(facts, name)]
        if severity is not None:
            groups.setdefault(severity, []).append(name)
    for severity, names in sorted(groups.items(), key=lambda item: item[0].rank):
        yield Fault(
            title=title,
            evidence=evidence(seen, names),
            affected=names,
            severity=severity,
            remedy=remedy(names) if remedy is not None else "",
            remedy_for=remedy,
        )


def evidence(seen: Proofs, names: Sequence[str]) -> list[Proof]:
    """That of all these nodes; of each finding the first few are shown, whichever nodes it is left with."""
    return [proof for name in names for proof in seen[name]]


def metrics_answers(probe: KubeletProbe, *, by_api: bool = False) -> list[Answer]:
    """The answers to the question for metrics: the kubelet's own, or the API server's."""
    return [one for one in probe.answers if one.path not in (HEALTH, CONFIG) and one.by_api is by_api]


def answered(probe: KubeletProbe) -> bool:
    """Whether somebody has had metrics of this kubelet, by whichever way."""
    return any(one.scrape is not None and not one.scrape.unparsable for one in probe.answers)


def told_by_api(probe: KubeletProbe) -> str:
    """Why the API server could not reach the kubelet; "" if it could, or was not asked."""
    return next((one.message for one in metrics_answers(probe, by_api=True) if one.status >= 500), "")


def own_answers(probe: KubeletProbe) -> list[Answer]:
    """The kubelet's own answers to the question for metrics; silence through the API server is nobody's."""
    return [one for one in metrics_answers(probe) if one.status or not one.proxied]


def silence(probe: KubeletProbe) -> Answer | None:
    """That the API server was asked for a kubelet's metrics and has said nothing either."""
    return next(
        (one for one in metrics_answers(probe) if one.proxied and not one.status and one.failure in _SILENCE), None
    )


# ---- whether there was anything to see ----


def rests_on(enough: Callable[[Facts], bool], what: str = "the kubelets' answers") -> Callable[[Judge], Judge]:
    """Makes a check that has found nothing say that it could see nothing, where that is why."""

    def decorate(judge: Judge) -> Judge:
        @wraps(judge)
        def judged(facts: Facts) -> Iterator[Fault]:
            faults = list(judge(facts))
            if not faults and not enough(facts):
                raise unseen(facts, what)
            yield from faults

        return judged

    return decorate


def unseen(facts: Facts, what: str = "the kubelets' answers") -> Unknown:
    """Why nobody knows about the kubelets."""
    probes = facts.evidence.kubelets
    if not probes:
        message = "no kubelet was asked"
    elif any(one.status in _REFUSALS for probe in probes for one in probe.answers):
        message = "they refuse this user"
    elif any(_is_out_of_time(probe) for probe in probes):
        message = "--timeout was over before they answered"
    else:
        message = "no kubelet could be reached from here"
    return Unknown(Read(what=what, state=FAILED, message=message))


def _is_out_of_time(probe: KubeletProbe) -> bool:
    failures = {one.failure for one in probe.attempts} | {one.failure for one in probe.answers}
    return OUT_OF_TIME in failures


def any_connected(facts: Facts) -> bool:
    """Whether somebody has reached a kubelet, or the API server has said why not."""
    return any(
        own_answers(probe) or told_by_api(probe) or any(one.failure in _CONNECTED for one in probe.attempts)
        for probe in facts.evidence.kubelets
    )


def any_status(facts: Facts) -> bool:
    """Whether anybody has said anything to us, a refusal included."""
    return any(one.status for probe in facts.evidence.kubelets for one in metrics_answers(probe)) or any(
        probe.authentication is not None for probe in facts.evidence.kubelets
    )


def any_told(facts: Facts) -> bool:
    """Whether a kubelet has answered us with something else than a refusal."""
    return any(one.status not in _REFUSALS for probe in facts.evidence.kubelets for one in own_answers(probe))


def any_answered(facts: Facts) -> bool:
    """Whether there are metrics of any kubelet."""
    return any(answered(probe) for probe in facts.evidence.kubelets)


# ---- evidence ----


def kubelet(name: str) -> str:
    """ "kubelet of node-a", for evidence."""
    return f"kubelet of {name}"


def answer_proof(name: str, answer: Answer) -> Proof:
    """An answer as evidence."""
    way = "through the API server" if answer.proxied else "directly"
    what = f"HTTP {answer.status}" if answer.status else answer.failure
    return Proof(kubelet(name), f"GET {answer.path}, {way}", f"{what}: {answer.message}" if answer.message else what)


def api_proof(name: str, words: str) -> Proof:
    """What the API server says of a kubelet."""
    return Proof(kubelet(name), "as the API server sees it", words)


def attempt_proofs(name: str, probe: KubeletProbe) -> list[Proof]:
    """The failed attempts of ours."""
    return [
        Proof(kubelet(name), f"{one.type} {one.address}, port {one.port}, from here", one.message or one.failure)
        for one in probe.attempts
        if one.failure
    ][:2]
