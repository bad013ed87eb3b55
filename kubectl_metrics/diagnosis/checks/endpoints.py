"""From the Service to an address that answers: who is ready, on which port, and whether anybody listens there."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl, patch
from kubectl_metrics.diagnosis.checks.service import port_of
from kubectl_metrics.diagnosis.facts.complaint import Kind, complaints, target
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.selection import selects
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Endpoint, EndpointSlice, Pod, Service, ServicePort

_DEBUG_SERVICES = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/"


@check(
    "KM404",
    Severity.ERROR,
    Category.SERVICE,
    title="No pod behind the Service is ready",
    why="Only pods that are ready become endpoints of a Service. Without one the API server has nobody to pass "
    "requests for metrics.k8s.io on to.",
    remedy="kubectl -n kube-system get pods -l k8s-app=metrics-server; kubectl -n kube-system describe pods -l "
    "k8s-app=metrics-server",
    link=_DEBUG_SERVICES,
    needs=("service", "endpoint_slices"),
    after=("KM2", "KM401"),
    because=("KM403", "KM407", "KM5", "KM6", "KM7"),
)
def nobody_ready(facts: Facts) -> Iterator[Fault]:
    """kube-aggregator's reasons are EndpointsNotFound and MissingEndpoints."""
    service = facts.evidence.service.value
    if service is None or service.spec.type == "ExternalName" or any(_ready(facts)):
        return
    endpoints = [one for part in facts.evidence.endpoint_slices.get() for one in part.endpoints or ()]
    waiting = [one.target_ref.namespaced_name for one in endpoints if one.target_ref]
    proofs = [
        Proof(
            f"EndpointSlices of Service {service.namespaced_name}",
            "endpoints[].conditions.ready",
            f"none of {len(endpoints)} is true" if endpoints else "there are no endpoints",
        )
    ]
    proofs += [Proof(f"Pod {name}", "endpoints[].conditions.ready", "false") for name in sorted(set(waiting))[:3]]
    remedy = ""
    if service.spec.selector:
        words = ("pods", "-l", ",".join(f"{key}={value}" for key, value in sorted(service.spec.selector.items())))
        remedy = kubectl("describe", *words, namespace=service.metadata.namespace)
        pods = facts.evidence.service_pods.value or ()
        if pods and not any(selects(service.spec.selector, pod.metadata.labels) for pod in pods):
            note = "the Service's selector catches none of metrics-server's"
            remedy = kubectl("get", "pods", "--show-labels", namespace=service.metadata.namespace, note=note)
    yield Fault(evidence=proofs, remedy=remedy)


@check(
    "KM405",
    Severity.ERROR,
    Category.SERVICE,
    title="The endpoints have no port of the name that the Service's port has",
    why="There are endpoints that are ready, but the API server looks for the port of the Service's port name, and "
    "they have none: targetPort is a name that no container port has, or the EndpointSlice was made by hand.",
    remedy="kubectl -n kube-system get services,endpointslices -o yaml -l k8s-app=metrics-server  # compare port names",
    link=_DEBUG_SERVICES,
    needs=("service", "endpoint_slices"),
    after=("KM2", "KM401", "KM402"),
)
def port_names_differ(facts: Facts) -> Iterator[Fault]:
    """Names are compared, not numbers (remote_available_controller.go, hasActiveEndpoints)."""
    service = facts.evidence.service.value
    wanted = port_of(facts, service) if service else None
    if service is None or wanted is None or service.spec.type == "ExternalName":
        return
    slices = [part for part in facts.evidence.endpoint_slices.get() if any(_ready_in(part))]
    if not slices or any(
        one.name is not None and one.name == wanted.name and one.port for part in slices for one in part.ports or ()
    ):
        return
    names = sorted({repr(one.name or "") for part in slices for one in part.ports or ()})
    proofs = [
        Proof(f"Service {service.namespaced_name}", "spec.ports[].name", repr(wanted.name)),
        Proof(f"EndpointSlices of Service {service.namespaced_name}", "ports[].name", ", ".join(names) or "no ports"),
    ]
    known = [one.name for pod in facts.pods[:1] for one in _ports_of(pod)] if facts.evidence.service_pods.ok else []
    if isinstance(wanted.target_port, str) and known and wanted.target_port not in known:
        proofs += [
            Proof(f"Service {service.namespaced_name}", "spec.ports[].targetPort", wanted.target_port),
            Proof(
                f"Pod {facts.pods[0].namespaced_name}", "spec.containers[].ports[].name", ", ".join(map(repr, known))
            ),
        ]
        yield Fault(
            evidence=proofs,
            title="The Service's targetPort is a name that no port of the pod has",
            remedy=_target_remedy(service, wanted, known[0]) if len(known) == 1 and known[0] else "",
        )
    else:
        yield Fault(evidence=proofs)


@check(
    "KM407",
    Severity.ERROR,
    Category.SERVICE,
    title="Nobody listens on the port that the Service leads to",
    why="The connection is refused: the Service's targetPort, the container's port and metrics-server's --secure-port "
    "are not the same, or metrics-server has ended.",
    remedy="kubectl -n kube-system edit service metrics-server  # targetPort has to be metrics-server's --secure-port",
    link=_DEBUG_SERVICES,
    needs=("service",),
    after=("KM2", "KM401", "KM402"),
    because=("KM50", "KM512", "KM518"),
)
def nobody_listens(facts: Facts) -> Iterator[Fault]:
    """By the refusal; or by the three ports, which disagree where metrics-server is not even found ready."""
    service = facts.evidence.service.value
    wanted = port_of(facts, service) if service else None
    if service is None or wanted is None or service.spec.type == "ExternalName":
        return
    proofs = complaints(facts, Kind.REFUSED)
    dialled = next((found[1] for one in proofs if (found := target(one.value)) is not None), 0)
    flags = facts.flags if facts.evidence.deployments.ok or facts.evidence.service_pods.ok else None
    listens = flags.secure_port if flags is not None else 0
    leads = _leads_to(facts, wanted)
    if listens and leads and listens != leads and facts.fails and not _is_others(facts, leads):
        named = isinstance(wanted.target_port, str)
        proofs += [
            Proof(
                f"Service {service.namespaced_name}",
                "spec.ports[].targetPort",
                f"{wanted.target_port}, that is {leads}" if named else str(leads),
            ),
            Proof(_container_name(facts), "--secure-port", str(listens)),
        ]
        yield Fault(
            evidence=proofs,
            title="The Service leads to another port than metrics-server listens on",
            remedy=_port_remedy(facts, listens)
            if named
            else _target_remedy(service, wanted, _own_port(facts, listens)),
        )
    elif proofs:
        proofs.append(
            Proof(
                f"Service {service.namespaced_name}", "spec.ports[].targetPort", str(wanted.target_port or wanted.port)
            )
        )
        if dialled:
            proofs.append(Proof("API server", "dials port", str(dialled)))
        yield Fault(evidence=proofs)


def _container_name(facts: Facts) -> str:
    if facts.evidence.deployments.ok and facts.deployment is not None:
        return facts.deployment_name
    return f"Pod {facts.pods[0].namespaced_name}" if facts.pods else "metrics-server"


def _is_ready(one: Endpoint) -> bool:
    return one.conditions.ready is not False


def _ready_in(part: EndpointSlice) -> Iterator[bool]:
    return (_is_ready(one) for one in part.endpoints or ())


def _ready(facts: Facts) -> Iterator[bool]:
    return (found for part in facts.evidence.endpoint_slices.get() for found in _ready_in(part))


def _ports_of(pod: Pod) -> list[ServicePort]:
    """The ports of a pod's containers, by name."""
    return [
        ServicePort(name=one.name, port=one.container_port)
        for container in pod.spec.containers or ()
        for one in container.ports or ()
    ]


def _leads_to(facts: Facts, wanted: ServicePort) -> int:
    """The number of the port that a Service's port leads to; 0 if that is not known."""
    if isinstance(wanted.target_port, int) and wanted.target_port:
        return wanted.target_port
    if not wanted.target_port:
        return wanted.port
    containers = []
    if facts.evidence.deployments.ok and facts.deployment is not None:
        containers = facts.deployment.spec.template.spec.containers or []
    elif facts.evidence.service_pods.ok and facts.pods:
        containers = facts.pods[0].spec.containers or []
    ports = [one for container in containers for one in container.ports or ()]
    return next((one.container_port for one in ports if one.name == wanted.target_port), 0)


def _is_others(facts: Facts, port: int) -> bool:
    """Whether a port is that of another container, as of a proxy beside metrics-server."""
    pods = facts.pods if facts.evidence.service_pods.ok else []
    return any(
        one.container_port == port
        for container in (pods[0].spec.containers if pods else None) or ()
        if container.name != (facts.container.name if facts.container else "")
        for one in container.ports or ()
    )


def _own_port(facts: Facts, listens: int) -> str | int:
    """The name of metrics-server's port if it has one, else its number."""
    ports = (facts.container.ports if facts.container else None) or ()
    return next((one.name for one in ports if one.container_port == listens and one.name), listens)


def _target_remedy(service: Service, wanted: ServicePort, to: str | int) -> str:
    number = (service.spec.ports or []).index(wanted)
    change = [{"op": "replace", "path": f"/spec/ports/{number}/targetPort", "value": to}]
    return patch("service", service.metadata.name, change, namespace=service.metadata.namespace)


def _port_remedy(facts: Facts, listens: int) -> str:
    """The container's port has the name, and another number than --secure-port."""
    if not facts.evidence.deployments.ok or facts.deployment is None:
        return ""
    meta = facts.deployment.metadata
    return kubectl(
        "edit",
        "deployment",
        meta.name,
        namespace=meta.namespace,
        note=f"containerPort and --secure-port have to be the same number, as {listens}",
    )
