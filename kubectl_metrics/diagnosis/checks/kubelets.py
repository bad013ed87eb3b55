"""Kubelets: whether they can be reached, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.serverpods import target
from kubectl_metrics.diagnosis.facts.vantage import (
    answer_proof,
    answered,
    any_answered,
    any_connected,
    any_told,
    api_proof,
    attempt_proofs,
    graded,
    kubelet,
    metrics_answers,
    own_answers,
    rests_on,
    silence,
    told_by_api,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Node
from kubectl_metrics.diagnosis.probe import Answer, KubeletProbe

_KNOWN_ISSUES = "https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md"
_REQUIREMENTS = "https://github.com/kubernetes-sigs/metrics-server#requirements"
_ENDPOINT = "https://kubernetes.io/docs/reference/instrumentation/cri-pod-container-metrics/"

_REFUSED = "connection-refused"
_NO_ROUTE = frozenset({"timeout", "unreachable", "connection-lost"})
# In the API server's words, if it is not "connection refused" and has nothing to do with TLS.
_NO_ROUTE_WORDS = (
    "i/o timeout",
    "no route to host",
    "network is unreachable",
    "deadline exceeded",
    "timed out",
    "EOF",
    "connection reset",
    "No agent available",
    "dial timeout",
    "no such host",
)
_TLS_WORDS = ("tls: ", "x509: ")
_SLOW = 5.0  # seconds
_WHO_LISTENS = "ss -lntp | grep 10250  # on these nodes: who listens there"
_SCRAPES = "grep 'Failed to scrape node'  # what metrics-server sees; open TCP port 10250 from pods to nodes"
_LONGER = "a longer --kubelet-request-timeout, and a --metric-resolution longer than that"
_NEAR = 0.5  # seconds in which an API server answers to which the way is short


def _unanswered(facts: Facts) -> Iterator[KubeletProbe]:
    """The kubelets that were asked and of which nobody has got any metrics."""
    yield from (one for one in facts.evidence.kubelets if not answered(one))


@check(
    "KM721",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets refuse connections",
    why="The machine is there, and nothing listens on the kubelet's port: the kubelet does not run, or listens on "
    "another port or on localhost only. A firewall that rejects looks the same.",
    remedy="systemctl status kubelet; journalctl -u kubelet -n 50; ss -lntp | grep kubelet  # on these nodes",
    link=f"{_KNOWN_ISSUES}#network-problems",
    needs=("nodes",),
    because=("KM701",),
)
@rests_on(any_connected)
def refused(facts: Facts) -> Iterator[Fault]:
    """Both views count; where metrics-server has its metrics, only the API server's is worth a word."""
    by_both, by_us = {}, {}
    for probe in _unanswered(facts):
        words = told_by_api(probe)
        mine = any(one.failure == _REFUSED for one in probe.attempts)
        proofs = attempt_proofs(probe.node, probe)
        if "connection refused" in words:
            by_both[probe.node] = [*proofs[:1], api_proof(probe.node, words)]
        elif mine and not words and not own_answers(probe):
            by_us[probe.node] = proofs
    yield from graded(facts, by_both, measured=Severity.INFO)
    yield from graded(facts, by_us, unknown=None)


@check(
    "KM722",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets cannot be reached",
    why="Packets to the kubelet's port are dropped or have no route: a firewall or security group, a broken pod "
    "network, overlapping address ranges, or a node that is gone. What is seen from here need not hold for "
    "metrics-server.",
    remedy=f"kubectl -n kube-system logs deployment/metrics-server | {_SCRAPES}",
    link=f"{_KNOWN_ISSUES}#network-problems",
    needs=("nodes",),
    because=("KM305", "KM701", "KM703", "KM705", "KM707", "KM711"),
)
@rests_on(any_connected)
def unreachable(facts: Facts) -> Iterator[Fault]:
    """Where we alone have no route, nothing is known of metrics-server's."""
    by_api, by_us = {}, {}
    for probe in _unanswered(facts):
        words = told_by_api(probe)
        failures = {one.failure for one in probe.attempts} - {"dns"}
        proofs = attempt_proofs(probe.node, probe)
        if words:
            other = "connection refused" in words or any(word in words for word in _TLS_WORDS)
            if not other and any(word in words for word in _NO_ROUTE_WORDS):
                by_api[probe.node] = [*proofs[:1], api_proof(probe.node, words)]
        elif failures and failures <= _NO_ROUTE and not own_answers(probe):
            silent = silence(probe)
            if silent is not None:
                by_api[probe.node] = [*proofs[:1], answer_proof(probe.node, silent)]
            else:
                by_us[probe.node] = proofs

    def remedy(_: Sequence[str]) -> str:
        return f"kubectl logs {target(facts)} | {_SCRAPES}"

    yield from graded(facts, by_api, measured=Severity.INFO, remedy=remedy)
    yield from graded(
        facts,
        by_us,
        missing=Severity.WARNING,
        unknown=None,
        title="Kubelets without metrics cannot be reached from here",
        remedy=remedy,
    )


@check(
    "KM730",
    Severity.ERROR,
    Category.KUBELETS,
    title="The TLS handshake with kubelets fails",
    why="A kubelet that answers with an internal error has no serving certificate: it has asked for one and has not "
    "got it yet. Otherwise something else than a kubelet listens on its port.",
    remedy="kubectl get csr  # pending ones of signer kubernetes.io/kubelet-serving: kubectl certificate approve NAME",
    link="https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#kubelet-serving-certs",
    needs=("nodes",),
    because=("KM701", "KM727", "KM728"),
)
@rests_on(any_connected)
def no_handshake(facts: Facts) -> Iterator[Fault]:
    """Certificates that are merely not trusted are another matter (KM723 to KM726)."""
    seen = {}
    for probe in _unanswered(facts):
        words = told_by_api(probe)
        if "tls: " in words and "x509: " not in words:
            seen[probe.node] = [*attempt_proofs(probe.node, probe)[:1], api_proof(probe.node, words)]
        elif not words and any(one.failure == "tls" for one in probe.attempts):
            seen[probe.node] = attempt_proofs(probe.node, probe)

    def remedy(names: Sequence[str]) -> str:
        said = [proof.value for name in names for proof in seen[name]]
        return "" if any("internal error" in text for text in said) else _WHO_LISTENS

    yield from graded(facts, seen, remedy=remedy)


@check(
    "KM734",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets take long to answer",
    why="metrics-server gives a kubelet --kubelet-request-timeout (10 s) and then does without it. A kubelet is slow "
    "when its machine is short of CPU or disk, or has very many containers.",
    remedy=f"kubectl -n kube-system edit deployment metrics-server  # {_LONGER}",
    link="https://github.com/kubernetes-sigs/metrics-server#configuration",
    needs=("nodes",),
)
@rests_on(any_answered)
def slow(facts: Facts) -> Iterator[Fault]:
    """As measured from here, where the way to the API server is short."""
    if facts.evidence.connected.seconds > _NEAR:
        return
    flags = facts.flags
    limit = (flags.kubelet_timeout if flags is not None else None) or 10.0
    late: dict[str, list[Proof]] = {}
    close: dict[str, list[Proof]] = {}
    for probe in facts.evidence.kubelets:
        found = next((one for one in metrics_answers(probe) if 200 <= one.status < 300), None)
        if found is not None and found.seconds >= min(_SLOW, limit):
            proof = Proof(kubelet(probe.node), f"GET {found.path}", f"took {found.seconds:.1f} s of {limit:.0f} s")
            (late if found.seconds >= limit else close)[probe.node] = [proof]

    def remedy(_: Sequence[str]) -> str:
        return f"kubectl edit {target(facts)}  # {_LONGER}"

    yield from graded(facts, late, measured=Severity.WARNING, remedy=remedy)
    yield from graded(facts, close, missing=Severity.WARNING, measured=Severity.WARNING, remedy=remedy)


@check(
    "KM735",
    Severity.ERROR,
    Category.KUBELETS,
    title="What answers on the kubelet's port are no metrics",
    why="Something else listens there (a proxy, another program), or the kubelet writes what cannot be read. "
    "metrics-server then drops the whole answer: failed parsing metrics.",
    remedy=_WHO_LISTENS,
    link=_REQUIREMENTS,
    needs=("nodes",),
)
@rests_on(any_told)
def unreadable(facts: Facts) -> Iterator[Fault]:
    """Where metrics-server can read it, our reading is what is wrong."""
    seen = {}
    for probe in _unanswered(facts):
        for one in metrics_answers(probe):
            if one.scrape is not None:
                kind = f" (Content-Type: {one.content_type})" if one.content_type else ""
                seen[probe.node] = [Proof(kubelet(probe.node), f"GET {one.path}", one.scrape.unparsable + kind)]
            elif one.failure in ("not-http", "too-large") or (
                one.status and one.status < 500 and one.status not in (401, 403, 404)
            ):
                seen[probe.node] = [answer_proof(probe.node, one)]
    yield from graded(facts, seen)


@check(
    "KM736",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets have no resource metrics at the path that is asked for",
    why="metrics-server asks for /metrics/resource, or for the path in the node's annotation "
    "metrics.k8s.io/resource-metrics-path. Kubelets before 1.18 do not have it.",
    remedy="kubectl get nodes -o wide  # upgrade the kubelets; or correct the annotation "
    "metrics.k8s.io/resource-metrics-path",
    link=_REQUIREMENTS,
    needs=("nodes",),
)
@rests_on(any_told)
def not_found(facts: Facts) -> Iterator[Fault]:
    """The annotation's path, or the one that all have."""
    seen = {}
    for name, proofs in _by_answer(facts, lambda one: one.status == 404).items():
        node = facts.nodes_by_name.get(name)
        if node is None:
            continue
        path = _annotation(node)
        if path:
            proofs.append(Proof(f"Node {name}", "metadata.annotations[metrics.k8s.io/resource-metrics-path]", path))
        else:
            version = node.status.node_info.kubelet_version
            proofs.append(Proof(f"Node {name}", "status.nodeInfo.kubeletVersion", version))
        seen[name] = proofs
    annotated = {name: proofs for name, proofs in seen.items() if "annotations" in proofs[-1].field}
    yield from graded(
        facts,
        annotated,
        title="The annotation that moves the kubelet's metrics names a wrong path",
        remedy=lambda names: f"kubectl annotate node {names[0]} metrics.k8s.io/resource-metrics-path-",
    )
    yield from graded(facts, {name: proofs for name, proofs in seen.items() if name not in annotated})


@check(
    "KM737",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets fail to answer",
    why="The connection is good, and then the kubelet says that something has failed inside of it, or nothing at all. "
    "Mostly its container runtime hangs, or its disk does.",
    remedy="journalctl -u kubelet -n 100; crictl stats; systemctl restart kubelet  # on these nodes",
    link=_ENDPOINT,
    needs=("nodes",),
    because=("KM701",),
)
@rests_on(any_told)
def failing(facts: Facts) -> Iterator[Fault]:
    """An answer that does not come through the API server may be lost on the way to it."""
    seen = _by_answer(
        facts,
        lambda one: (
            one.status >= 500 or (not one.proxied and one.failure in ("no-answer", "connection-lost", "timeout"))
        ),
    )
    yield from graded(facts, seen, measured=Severity.WARNING)


def _by_answer(facts: Facts, wanted: Callable[[Answer], bool]) -> dict[str, list[Proof]]:
    """The kubelets without metrics that have given such an answer themselves."""
    seen = {}
    for probe in _unanswered(facts):
        found = next((one for one in metrics_answers(probe) if wanted(one)), None)
        if found is not None:
            seen[probe.node] = [answer_proof(probe.node, found)]
    return seen


def _annotation(node: Node) -> str:
    return node.metadata.annotations.metrics_path if node.metadata.annotations is not None else ""
