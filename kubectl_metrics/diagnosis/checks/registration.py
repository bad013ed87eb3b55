"""Who is registered for metrics.k8s.io, and whether the API server holds it for available."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.providers import images, installed
from kubectl_metrics.diagnosis.checks.remedy import API_SERVICE, MANIFESTS, kubectl, quoted
from kubectl_metrics.diagnosis.evidence import FAILED
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import condition
from kubectl_metrics.wire.metrics_list import GROUP

_AGGREGATION = "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/"
_INSTALL = "https://github.com/kubernetes-sigs/metrics-server#installation"
_EVERYTHING_BEHIND = ("KM3", "KM4", "KM5", "KM6", "KM7")

# Our group in a text, and not custom.metrics.k8s.io.
_OURS = re.compile(rf"(?<![\w.-]){re.escape(GROUP)}(?![\w.-])")
_ASKED_BY_ALL = "v1beta1"  # every client asks for this version; "v1" only those since Kubernetes 1.37
_KNOWN = frozenset({_ASKED_BY_ALL, "v1"})


@check(
    "KM201",
    Severity.ERROR,
    Category.REGISTRATION,
    title="No metrics-server is installed: nothing registers metrics.k8s.io",
    why="Kubernetes does not measure usage for clients itself. metrics-server, or something in its place, has to be "
    "installed and registers the API metrics.k8s.io with an APIService; there is none.",
    remedy=kubectl("apply", "-f", MANIFESTS, note="or your distribution's addon for metrics-server"),
    link=_INSTALL,
    needs=(),
)
def nothinginstalled(facts: Facts) -> Iterator[Fault]:
    """A user who may not list APIServices sees it in the discovery document."""
    if _registered(facts) or installed(facts):
        return
    proofs = [_absence(facts)]
    deployments = facts.evidence.deployments
    if deployments.ok:
        proofs.append(Proof("Deployments", "spec.template.spec.containers[].image", "no metrics-server among them"))
        yield Fault(evidence=proofs)
    else:
        yield Fault(evidence=proofs, title="Nothing registers metrics.k8s.io")


@check(
    "KM202",
    Severity.ERROR,
    Category.REGISTRATION,
    title="metrics-server is installed, but no APIService registers metrics.k8s.io",
    why="Without an APIService the API server does not know that requests for metrics.k8s.io go to metrics-server. "
    "It was deleted, or the installation did not finish.",
    remedy=kubectl("apply", "-f", API_SERVICE),
    link=_AGGREGATION,
    needs=(),
)
def api_service_missing(facts: Facts) -> Iterator[Fault]:
    """Whoever installed it knows the Service's name; the manifest's is right for the manifests and for the chart."""
    found = None if _registered(facts) else installed(facts)
    if found is None:
        return
    release = found.metadata.annotations.helm_release if found.metadata.annotations else ""
    remedy = ""
    if release:
        source = quoted("helm", "get", "manifest", release, "-n", found.metadata.namespace)
        remedy = f"{source} | {kubectl('apply', '-f', '-')}"
    elif found.key != ("kube-system", "metrics-server"):
        remedy = kubectl(
            "create", "-f", API_SERVICE, "--edit", note="spec.service: name and namespace of metrics-server's Service"
        )
    yield Fault(
        evidence=[
            _absence(facts),
            Proof(f"Deployment {found.namespaced_name}", "spec.template.spec.containers[].image", images(found)),
        ],
        remedy=remedy,
    )


@check(
    "KM203",
    Severity.ERROR,
    Category.REGISTRATION,
    title="The APIService of metrics.k8s.io names no Service",
    why="An APIService without spec.service says that the API server serves the group itself, and it has no metrics: "
    "every request ends with 404. It is what somebody created by hand, or what is left of an installation.",
    remedy=kubectl("delete", "apiservice", f"v1beta1.{GROUP}", note="then install metrics-server again"),
    link=_AGGREGATION,
    needs=("api_services",),
)
def no_service(facts: Facts) -> Iterator[Fault]:
    """Its condition is True, reason Local. Where somebody in front of the API server answers, all is well."""
    found = facts.api_service
    if found is None or found.spec.service is not None or facts.answers:
        return
    proofs = [Proof(facts.api_service_name, "spec.service", "none")]
    if facts.available is not None:
        proofs.append(_available(facts))
    source = API_SERVICE if installed(facts) else MANIFESTS
    remedy = f"{kubectl('delete', 'apiservice', found.metadata.name)} && {kubectl('apply', '-f', source)}"
    yield Fault(evidence=proofs, remedy=remedy)


@check(
    "KM205",
    Severity.ERROR,
    Category.REGISTRATION,
    title="The API server holds metrics.k8s.io for unavailable",
    why="The API server checks every 30 s whether whoever serves metrics.k8s.io answers, and turns requests away with "
    "503 while it does not. The reason is in the condition Available of the APIService.",
    remedy=kubectl("describe", "apiservice", f"v1beta1.{GROUP}"),
    link=_AGGREGATION,
    needs=("api_services",),
    because=("KM204", *_EVERYTHING_BEHIND),
)
def unavailable(facts: Facts) -> Iterator[Fault]:
    """Whatever the reason is; and a version beside the one that counts, which spoils discovery all the same."""
    for one in facts.api_services:
        found = condition(one.status.conditions, "Available")
        if one.spec.service is None or (found is not None and found.status == "True"):
            continue
        name = f"APIService {one.metadata.name}"
        text = f"{found.status}, {found.reason}: {found.message}" if found else "there is none yet"
        proofs = [Proof(name, "status.conditions[Available]", text)]
        if found is not None and found.last_transition_time:
            proofs.append(Proof(name, "status.conditions[Available].lastTransitionTime", found.last_transition_time))
        remedy = kubectl("describe", "apiservice", one.metadata.name)
        if one is facts.api_service:
            yield Fault(evidence=proofs, remedy=remedy)
        else:
            yield Fault(
                evidence=proofs,
                remedy=remedy,
                severity=Severity.WARNING,
                title="A further version of metrics.k8s.io is registered and unavailable",
            )


@check(
    "KM206",
    Severity.ERROR,
    Category.REGISTRATION,
    title="metrics.k8s.io is registered, but requests for it fail",
    why="The condition Available comes from a check of its own, made every 30 s by each API server, without verifying "
    "certificates and with all rights. So it can be true while requests fail, or be another API server's opinion.",
    remedy=kubectl("get", "--raw", f"/apis/{GROUP}/v1beta1/nodes", "-v=8", note="shows the answer with its body"),
    link=_AGGREGATION,
    needs=(),
    after=("KM201", "KM202"),
    because=("KM203", "KM204", "KM209", *_EVERYTHING_BEHIND, "KM902"),
)
def requests_fail(facts: Facts) -> Iterator[Fault]:
    """Where the condition is not true, KM205 speaks; who may not read the APIService sees the requests only."""
    evidence = facts.evidence
    if facts.answers is not False or (evidence.api_services.ok and (not facts.api_services or facts.unavailable())):
        return
    if evidence.api_services.state == evidence.discovery.state == FAILED:
        evidence.api_services.get()  # nothing is known of a registration: an API server that fails at everything
    proofs = []
    for path, read in (("nodes", evidence.node_metrics), ("pods", evidence.pod_metrics)):
        if not read.ok and read.state != "notAsked":
            outcome = f"HTTP {read.status}" if read.status else read.failure or "no answer"
            proofs.append(Proof(f"GET {path}.{GROUP}", outcome, read.message))
    if evidence.api_services.ok and facts.available is not None:
        yield Fault(
            evidence=[*proofs, _available(facts)],
            title="The APIService says Available, but requests for metrics.k8s.io fail",
        )
    else:
        yield Fault(evidence=proofs)


@check(
    "KM207",
    Severity.WARNING,
    Category.REGISTRATION,
    title="Namespaces stay Terminating because metrics.k8s.io cannot be discovered",
    why="To empty a namespace all kinds of objects have to be known. While an APIService is registered and does not "
    "answer, that is impossible, and no namespace in the cluster can be deleted.",
    remedy=kubectl("get", "apiservices", note="repair or delete the one of metrics.k8s.io; the namespaces follow"),
    link="https://github.com/kubernetes/kubernetes/issues/60807",
    needs=("namespaces",),
    because=("KM203", "KM204", "KM205", "KM206", *_EVERYTHING_BEHIND),
)
def namespaces_stuck(facts: Facts) -> Iterator[Fault]:
    """The condition stays until the next try: while everything works again it is no more than a remark."""
    stuck = {}
    for one in facts.evidence.namespaces.get():
        found = condition(one.status.conditions, "NamespaceDeletionDiscoveryFailure")
        if found is not None and found.status == "True" and _OURS.search(found.message):
            stuck[one.metadata.name] = found.message
    if not stuck:
        return
    yield Fault(
        evidence=[
            Proof(f"Namespace {name}", "status.conditions[NamespaceDeletionDiscoveryFailure].message", message)
            for name, message in sorted(stuck.items())[:3]
        ],
        affected=list(stuck),
        severity=Severity.INFO if facts.answers else Severity.WARNING,
        title="Deletion of namespaces has waited for metrics.k8s.io, which answers now" if facts.answers else "",
    )


@check(
    "KM209",
    Severity.ERROR,
    Category.REGISTRATION,
    title="metrics.k8s.io is not registered in a version that clients ask for",
    why="Clients ask for v1beta1; since Kubernetes 1.37 some ask for v1 as well. The API server does not convert "
    "between them: a version that is not registered is a 404.",
    remedy=kubectl("get", "--raw", f"/apis/{GROUP}", note="shows the versions; install a metrics-server with v1beta1"),
    link="https://github.com/kubernetes/enhancements/issues/5207",
    needs=(),
    after=("KM201", "KM202"),
)
def version_unknown(facts: Facts) -> Iterator[Fault]:
    """With v1 alone new clients are served; and where it does not work at all, that comes first."""
    if facts.evidence.api_services.ok:
        served = [one.spec.version for one in facts.api_services]
        source, field = "APIServices", "spec.version"
    else:
        document = facts.evidence.discovery.get()
        served = [one.version for one in document.versions or ()]
        source, field = f"/apis/{GROUP}", "versions[].version"
    if not served or _ASKED_BY_ALL in served:
        return
    proofs = [Proof(source, field, ", ".join(served))]
    if _KNOWN.isdisjoint(served):
        yield Fault(evidence=proofs)
    else:
        yield Fault(
            evidence=proofs,
            severity=Severity.WARNING,
            title="metrics.k8s.io is served as v1 only, which older clients do not ask for",
        )


def _registered(facts: Facts) -> bool:
    """Whether there is an APIService for the group. Raises Unknown."""
    if facts.evidence.api_services.ok:
        return bool(facts.api_services)
    if facts.evidence.discovery.known:
        return facts.evidence.discovery.ok
    facts.evidence.api_services.get()
    return True


def _absence(facts: Facts) -> Proof:
    if facts.evidence.api_services.ok:
        return Proof("APIServices", "spec.group", f"none is {GROUP}")
    return Proof(f"/apis/{GROUP}", "HTTP", str(facts.evidence.discovery.status or 404))


def _available(facts: Facts) -> Proof:
    found = facts.available
    text = f"{found.status}, {found.reason}: {found.message}" if found else "none"
    return Proof(facts.api_service_name, "status.conditions[Available]", text)
