"""Who else serves, or once served, what metrics-server serves."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl, patch
from kubectl_metrics.diagnosis.facts.pipeline import Facts, is_metrics_server
from kubectl_metrics.diagnosis.facts.selection import selects
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import APIService, Deployment
from kubectl_metrics.wire.metrics_list import GROUP

_AGGREGATION = "https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/"


@check(
    "KM204",
    Severity.ERROR,
    Category.REGISTRATION,
    title="metrics.k8s.io is registered for another provider than metrics-server",
    why="Two things want to serve metrics.k8s.io, often prometheus-adapter and metrics-server, and there is one "
    "APIService: whoever wrote it last has it. metrics-server runs, and nobody asks it.",
    remedy=kubectl("edit", "apiservice", f"v1beta1.{GROUP}", note="spec.service: choose one, and uninstall the other"),
    link=_AGGREGATION,
    needs=("api_services", "service", "deployments"),
)
def other_provider(facts: Facts) -> Iterator[Fault]:
    """An error if it does not work, a warning if it does and metrics-server is there too, else just good to know."""
    reference = facts.reference
    if reference is None or "metrics-server" in reference.name:
        return
    behind = facts.deployment
    if behind is not None and _is_behind(facts, behind) and is_metrics_server(behind.spec.template.spec.containers):
        return  # it is metrics-server, its Service has another name
    proofs = [
        Proof(facts.api_service_name, "spec.service", f"{reference.namespaced_name}:{reference.port}"),
        *_owners(facts.api_service),
    ]
    server = installed(facts)
    if server is None:
        if not facts.fails:
            yield Fault(
                evidence=proofs,
                severity=Severity.INFO,
                title="Another provider than metrics-server answers for metrics.k8s.io",
                remedy="nothing has to be done if that is intended",
            )
        return
    proofs.append(
        Proof(f"Deployment {server.namespaced_name}", "spec.template.spec.containers[].image", images(server))
    )
    own = {"namespace": server.metadata.namespace, "name": server.metadata.name, "port": 443}
    yield Fault(
        evidence=proofs + facts.complaints[:2],
        severity=Severity.ERROR if facts.fails else Severity.WARNING,
        remedy=patch(
            "apiservice",
            facts.api_service.metadata.name if facts.api_service else f"v1beta1.{GROUP}",
            {"spec": {"service": own}},
            note="gives it back to metrics-server's Service; else uninstall metrics-server",
        ),
    )


@check(
    "KM208",
    Severity.WARNING,
    Category.REGISTRATION,
    title="Heapster is still installed",
    why="Heapster was retired with Kubernetes 1.13. Nothing asks it any more, and it reads kubelets by a port that "
    "they no longer open; metrics-server has its place.",
    remedy=kubectl("get", "deployments", "-A", "-l", "k8s-app=heapster", note="then delete it, with its Service"),
    link="https://github.com/kubernetes-retired/heapster/blob/master/docs/deprecation.md",
    needs=("deployments",),
)
def heapster(facts: Facts) -> Iterator[Fault]:
    """Beside a metrics.k8s.io that works it does no harm."""
    found = [one for one in facts.evidence.deployments.get() if _is_heapster(one)]
    if not found:
        return
    names = sorted(one.namespaced_name for one in found)
    first = min(found, key=lambda one: one.key)
    yield Fault(
        evidence=[Proof(f"Deployment {names[0]}", "spec.template.spec.containers[].image", images(first))],
        affected=names,
        severity=Severity.INFO if facts.answers else Severity.WARNING,
        remedy=kubectl("delete", "deployment", first.metadata.name, namespace=first.metadata.namespace),
    )


def installed(facts: Facts) -> Deployment | None:
    """metrics-server's Deployment, as far as Deployments could be read."""
    return next(iter(facts.deployments), None) if facts.evidence.deployments.ok else None


def images(one: Deployment) -> str:
    return ", ".join(container.image for container in one.spec.template.spec.containers or ())


def _is_behind(facts: Facts, deployment: Deployment) -> bool:
    """Whether the Service's pods are that Deployment's."""
    service = facts.evidence.service.value
    return service is not None and selects(service.spec.selector, deployment.spec.template.metadata.labels)


def _owners(api_service: APIService | None) -> Iterator[Proof]:
    """Who says that it is theirs."""
    if api_service is None:
        return
    meta, name = api_service.metadata, f"APIService {api_service.metadata.name}"
    if meta.annotations and meta.annotations.helm_release:
        place = meta.annotations.helm_namespace
        yield Proof(name, "metadata.annotations[meta.helm.sh/release-name]", f"{place}/{meta.annotations.helm_release}")
    if meta.annotations and meta.annotations.argo_tracking:
        yield Proof(name, "metadata.annotations[argocd.argoproj.io/tracking-id]", meta.annotations.argo_tracking)
    managers = sorted({one.manager for one in meta.managed_fields or ()} - {"", "kube-apiserver"})
    if managers:
        yield Proof(name, "metadata.managedFields[].manager", ", ".join(managers))


def _is_heapster(one: Deployment) -> bool:
    images = [container.image for container in one.spec.template.spec.containers or ()]
    return any(image.partition("@")[0].rpartition("/")[2].startswith("heapster") for image in images)
