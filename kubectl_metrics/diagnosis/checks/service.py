"""Service, port names and EndpointSlices: from the APIService to an address that answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import MANIFESTS, kubectl, patch
from kubectl_metrics.diagnosis.evidence import Unknown
from kubectl_metrics.diagnosis.facts.pipeline import Facts, server_container
from kubectl_metrics.diagnosis.facts.selection import selects
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Container, Deployment, EndpointSlice, Pod, Service, ServicePort
from kubectl_metrics.wire.metrics_list import GROUP

_AGGREGATION = "https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/"
_DEBUG_SERVICES = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/"
_UNUSABLE = re.compile(r"cannot route to service with ClusterIP|unsupported service type|no such host")
_HTTPS = 443  # the port of an APIService that names none


@check(
    "KM401",
    Severity.ERROR,
    Category.SERVICE,
    title="The Service that the APIService names does not exist",
    why="The API server passes requests for metrics.k8s.io on to the Service in the APIService's spec.service. It was "
    "deleted, or metrics-server was installed again in another namespace or under another name.",
    remedy=kubectl(
        "edit",
        "apiservice",
        f"v1beta1.{GROUP}",
        note="spec.service: where metrics-server's Service is now; or install metrics-server again",
    ),
    link=_AGGREGATION,
    needs=("api_services", "service"),
    after=("KM2",),
)
def service_missing(facts: Facts) -> Iterator[Fault]:
    """kube-aggregator's reason for it is ServiceNotFound (its remote_available_controller.go)."""
    reference = facts.reference
    if reference is None or not facts.evidence.service.absent:
        return
    proofs = [Proof(facts.api_service_name, "spec.service", reference.namespaced_name)]
    proofs += facts.complaints[:1]
    yield Fault(evidence=proofs, remedy=_missing_remedy(facts))


@check(
    "KM402",
    Severity.ERROR,
    Category.SERVICE,
    title="The Service has no such port as the APIService names",
    why="The port in the APIService's spec.service has to be one of the Service's spec.ports (not the port that the "
    "container listens on). Somebody has changed one of the two.",
    remedy=kubectl("edit", "apiservice", f"v1beta1.{GROUP}", note="spec.service.port: one of the Service's ports"),
    link=_AGGREGATION,
    needs=("api_services", "service"),
    after=("KM2", "KM401"),
)
def port_missing(facts: Facts) -> Iterator[Fault]:
    """kube-aggregator's reason for it is ServicePortError; a Service of type ExternalName needs no ports."""
    reference, service = facts.reference, facts.evidence.service.value
    if reference is None or service is None or service.spec.type == "ExternalName" or port_of(facts, service):
        return
    ports = [one.port for one in service.spec.ports or ()]
    name = facts.api_service.metadata.name if facts.api_service else f"v1beta1.{GROUP}"
    yield Fault(
        evidence=[
            Proof(facts.api_service_name, "spec.service.port", str(reference.port)),
            Proof(facts.service_name, "spec.ports[].port", ", ".join(map(str, ports)) or "none"),
            *facts.complaints[:1],
        ],
        remedy=patch("apiservice", name, {"spec": {"service": {"port": ports[0]}}}) if len(ports) == 1 else "",
    )


@check(
    "KM403",
    Severity.ERROR,
    Category.SERVICE,
    title="The Service's selector matches none of metrics-server's pods",
    why="A Service finds its pods by their labels. The labels of metrics-server's pods and the Service's spec.selector "
    "differ, or the pods are in another namespace, so that the Service has no endpoints.",
    remedy="kubectl -n kube-system get pods --show-labels  # the Service's spec.selector has to match metrics-server's",
    link=_DEBUG_SERVICES,
    needs=("service", "service_pods", "deployments"),
    after=("KM2", "KM401"),
    because=("KM501",),
)
def selector_matches_nothing(facts: Facts) -> Iterator[Fault]:
    """Pods that are not made yet will have the labels of the Deployment's template."""
    service = facts.evidence.service.value
    if service is None or not service.spec.selector or _selected(facts, service):
        return
    if any(one.conditions.ready is not False for part in slices(facts) for one in part.endpoints or ()):
        return
    name = f"Service {service.namespaced_name}"
    proofs = [Proof(name, "spec.selector", _labels(service.spec.selector))]
    others = [one for one in facts.deployments if one.metadata.namespace == service.metadata.namespace]
    if any(selects(service.spec.selector, one.spec.template.metadata.labels) for one in _deployments_beside(facts)):
        return  # their pods are missing, which is another matter
    if others:
        labels = others[0].spec.template.metadata.labels
        proofs.append(
            Proof(f"Deployment {others[0].namespaced_name}", "spec.template.metadata.labels", _labels(labels))
        )
        yield Fault(evidence=proofs, remedy=_selector_remedy(service, others[0]))
    elif facts.deployments:
        other = facts.deployments[0]
        proofs.append(Proof(f"Deployment {other.namespaced_name}", "metadata.namespace", other.metadata.namespace))
        yield Fault(
            evidence=proofs,
            title="metrics-server runs in another namespace than the Service",
            remedy=patch(
                "apiservice",
                facts.api_service.metadata.name,
                {"spec": {"service": {"namespace": other.metadata.namespace, "name": other.metadata.name}}},
                note="if its Service there has that name",
            )
            if facts.evidence.api_services.ok and facts.api_service
            else "",
        )
    elif not facts.pods:
        yield Fault(
            evidence=proofs,
            title="There is a Service for metrics.k8s.io, but no metrics-server behind it",
            remedy=kubectl("apply", "-f", MANIFESTS),
        )


@check(
    "KM406",
    Severity.ERROR,
    Category.SERVICE,
    title="The API server cannot use a Service of this type",
    why="A Service of type ExternalName or without a ClusterIP cannot be resolved by every API server: with "
    "--enable-aggregator-routing it needs endpoints, without it a ClusterIP.",
    remedy=f"{kubectl('delete', 'service', 'metrics-server', namespace='kube-system')} && "
    f"{kubectl('apply', '-f', MANIFESTS)}",
    link=_AGGREGATION,
    needs=("service",),
    after=("KM2", "KM401"),
)
def odd_service(facts: Facts) -> Iterator[Fault]:
    """An error only if it does not work; that somebody keeps the endpoints by hand is good to know."""
    service = facts.evidence.service.value
    if service is None:
        return
    name, spec = f"Service {service.namespaced_name}", service.spec
    complaining = [one for one in facts.complaints if _UNUSABLE.search(one.value)]
    delete = kubectl("delete", "service", service.metadata.name, namespace=service.metadata.namespace)
    if spec.type == "ExternalName" or spec.cluster_ip == "None":
        field = "spec.externalName" if spec.type == "ExternalName" else "spec.clusterIP"
        value = spec.external_name if spec.type == "ExternalName" else spec.cluster_ip
        yield Fault(
            evidence=[Proof(name, "spec.type", spec.type), Proof(name, field, value), *complaining],
            severity=Severity.ERROR if complaining else Severity.INFO,
            title="" if complaining else "metrics.k8s.io is answered through a Service without a ClusterIP",
            remedy=f"{delete}  # then create it with a ClusterIP and a selector, as metrics-server's manifest has it",
        )
    elif not spec.selector:
        yield Fault(
            evidence=[Proof(name, "spec.selector", "none")],
            severity=Severity.INFO,
            title="The Service has no selector: somebody else keeps its endpoints",
            remedy=kubectl(
                "get",
                "endpointslices",
                "-l",
                f"kubernetes.io/service-name={service.metadata.name}",
                namespace=service.metadata.namespace,
            ),
        )


# ---- what they share ----


def port_of(facts: Facts, service: Service) -> ServicePort | None:
    """The Service's port that the APIService means; 443 where that may not be read."""
    reference = facts.reference if facts.evidence.api_services.ok else None
    number = reference.port if reference else _HTTPS
    return next((one for one in service.spec.ports or () if one.port == number), None)


def slices(facts: Facts) -> Sequence[EndpointSlice]:
    """The Service's EndpointSlices, as far as they could be read."""
    return facts.evidence.endpoint_slices.value or ()


def _labels(labels: dict[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "none"


def _selected(facts: Facts, service: Service) -> list[Pod]:
    return [
        pod
        for pod in facts.evidence.service_pods.get()
        if pod.metadata.namespace == service.metadata.namespace and selects(service.spec.selector, pod.metadata.labels)
    ]


def _deployments_beside(facts: Facts) -> list[Deployment]:
    """All Deployments in the Service's namespace, whatever they run."""
    service = facts.evidence.service.value
    place = service.metadata.namespace if service else ""
    return [one for one in facts.evidence.deployments.get() if one.metadata.namespace == place]


def _missing_remedy(facts: Facts) -> str:
    """Where metrics-server was installed under another name or elsewhere, its Service there; else a new one."""
    reference = facts.reference
    found = next(iter(facts.deployments), None) if facts.evidence.deployments.ok else None
    name = facts.api_service.metadata.name if facts.api_service else f"v1beta1.{GROUP}"
    if found is None and facts.evidence.deployments.ok:
        delete = kubectl("delete", "apiservice", name)
        return kubectl("apply", "-f", MANIFESTS, note=f"or, if metrics-server is not wanted any more: {delete}")
    if found is None or reference is None:
        return ""
    here = (reference.namespace, reference.name)
    if found.key == here:
        wanted = _target_port(facts, server_container(found.spec.template.spec.containers))
        return kubectl(
            "expose",
            "deployment",
            found.metadata.name,
            f"--port={reference.port}",
            f"--target-port={wanted}",
            namespace=found.metadata.namespace,
        )
    return patch(
        "apiservice",
        name,
        {"spec": {"service": {"namespace": found.metadata.namespace, "name": found.metadata.name}}},
        note="if metrics-server's Service there has that name",
    )


def _target_port(facts: Facts, container: Container | None) -> str:
    """The port of metrics-server's container, by its name where it has one; not that of a sidecar."""
    try:
        listens = facts.flags.secure_port if facts.flags is not None else 0
    except Unknown:
        listens = 0
    ports = sorted((container.ports if container else None) or (), key=lambda one: one.container_port != listens)
    return next((one.name or str(one.container_port) for one in ports), str(listens or "https"))


def _selector_remedy(service: Service, found: Deployment) -> str:
    selector = found.spec.selector.match_labels if found.spec.selector else None
    if not selector:
        return ""
    change = [{"op": "replace", "path": "/spec/selector", "value": selector}]
    return patch("service", service.metadata.name, change, namespace=service.metadata.namespace)
