"""metrics-server's pod in all the states in which it does not serve, with what follows from them for the evidence."""

from __future__ import annotations

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence, Health
from tests.diagnosis.build import (
    PLACE,
    SERVER_POD,
    at,
    condition,
    endpoint_slice,
    healthy,
    ok,
    pod_metrics,
    refused,
    server_pod,
    without_metrics,
)

NAME = f"{PLACE}/{SERVER_POD}"
MISSING = 'endpointslices for service/metrics-server in "kube-system" have no addresses with port name "https"'


def the_pod(evidence: Evidence) -> k8s.Pod:
    """metrics-server's only pod."""
    return evidence.service_pods.get()[0]


def the_server(evidence: Evidence) -> k8s.Container:
    """metrics-server's container in its pod."""
    return containers(the_pod(evidence).spec)[0]


def its_status(evidence: Evidence) -> k8s.ContainerStatus:
    """The status of metrics-server's container."""
    return (the_pod(evidence).status.container_statuses or [])[0]


def containers(spec: k8s.PodSpec) -> list[k8s.Container]:
    """The containers of a specification."""
    assert spec.containers is not None
    return spec.containers


def set_args(evidence: Evidence, *more: str) -> None:
    """More arguments for metrics-server, in the Deployment and in its pod."""
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        one = containers(spec)[0]
        one.args = [*(one.args or ()), *more]


def set_image(evidence: Evidence, image: str) -> None:
    """Another image, in the Deployment and in its pod."""
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].image = image
    for one in the_pod(evidence).status.container_statuses or ():
        one.image = image


def down() -> Evidence:
    """The pod is not ready, so the Service has no endpoint and metrics.k8s.io does not answer."""
    evidence = healthy()
    without_metrics(evidence, "MissingEndpoints", MISSING)
    evidence.endpoint_slices = ok([endpoint_slice(ready=False)], "list endpointslices in kube-system")
    evidence.readyz = refused("get pods/proxy in kube-system")
    evidence.livez = refused("get pods/proxy in kube-system")
    unready(the_pod(evidence))
    found = evidence.deployments.get()[0]
    found.status = k8s.WorkloadStatus(
        replicas=1, conditions=[condition("Available", "False", "MinimumReplicasUnavailable")]
    )
    return evidence


def unready(pod: k8s.Pod) -> k8s.Pod:
    """A pod that runs for an hour and is not ready."""
    pod.status.conditions = [
        condition("PodScheduled"),
        condition("Ready", "False", "ContainersNotReady", "containers with unready status: [metrics-server]"),
    ]
    pod.status.container_statuses = [
        k8s.ContainerStatus(
            name="metrics-server",
            image="registry.k8s.io/metrics-server/metrics-server:v0.9.0",
            state=k8s.ContainerState(running=k8s.Running(started_at=at(hours=1))),
        )
    ]
    return pod


def failing() -> Evidence:
    """The same, and its own /readyz says that no kubelet has answered."""
    evidence = down()
    text = (
        "[+]ping ok\n[-]metric-storage-ready failed: reason withheld\n[+]metric-informer-sync ok\nreadyz check failed"
    )
    evidence.readyz = ok(Health(status=500, text=text), "get pods/proxy in kube-system")
    return evidence


def waiting(reason: str, message: str = "", *, pod: k8s.Pod | None = None) -> Evidence:
    """Its container waits for something, and has never run."""
    evidence = down()
    found = the_pod(evidence) if pod is None else pod
    found.status.phase = "Pending"
    found.status.container_statuses = [
        k8s.ContainerStatus(
            name="metrics-server",
            image="registry.k8s.io/metrics-server/metrics-server:v0.9.0",
            state=k8s.ContainerState(waiting=k8s.Waiting(reason=reason, message=message)),
        )
    ]
    return evidence


def crashed(evidence: Evidence, reason: str = "Error", exit_code: int = 2, message: str = "") -> Evidence:
    """Its container ends again and again."""
    end = k8s.Terminated(
        reason=reason,
        exit_code=exit_code,
        message=message,
        started_at=at(seconds=31),
        finished_at=at(seconds=30),
    )
    for one in the_pod(evidence).status.container_statuses or ():
        one.ready = False
        one.restart_count = 5
        one.state = k8s.ContainerState(waiting=k8s.Waiting(reason="CrashLoopBackOff", message="back-off 40s"))
        one.last_state = k8s.ContainerState(terminated=end)
    return evidence


def crashing(reason: str = "Error", exit_code: int = 2, message: str = "") -> Evidence:
    """A cluster whose metrics-server ends again and again."""
    return crashed(down(), reason, exit_code, message)


def with_proxy(evidence: Evidence, limit: str = "", *, injected: bool = False) -> k8s.ContainerStatus:
    """istio-proxy beside metrics-server, which runs; its status, to be changed."""
    found = k8s.Container(name="istio-proxy", image="docker.io/istio/proxyv2:1.22")
    found.resources.limits = {"memory": limit} if limit else None
    specs = [the_pod(evidence).spec] if injected else [evidence.deployments.get()[0].spec.template.spec]
    for spec in {id(one): one for one in (*specs, the_pod(evidence).spec)}.values():
        spec.containers = [*containers(spec), found]
    its_status(evidence).ready = True
    status = k8s.ContainerStatus(
        name="istio-proxy", ready=True, state=k8s.ContainerState(running=k8s.Running(started_at=at(hours=1)))
    )
    the_pod(evidence).status.container_statuses = [its_status(evidence), status]
    return status


def ended(status: k8s.ContainerStatus, reason: str = "Error", exit_code: int = 1, **ago: float) -> None:
    """A container has ended so long ago, or just now and again and again."""
    end = k8s.Terminated(reason=reason, exit_code=exit_code, finished_at=at(**(ago or {"seconds": 30})))
    status.restart_count, status.last_state = 5, k8s.ContainerState(terminated=end)
    if not ago:
        status.ready = False
        status.state = k8s.ContainerState(waiting=k8s.Waiting(reason="CrashLoopBackOff", message="back-off 40s"))


def beside(evidence: Evidence) -> Evidence:
    """The fault is that of a new pod, while the old one goes on serving, as in a rollout."""
    found = healthy()
    old = server_pod("metrics-server-old")
    new = the_pod(evidence)
    found.service_pods = ok([new, old], "list pods in kube-system")
    found.pods = ok([new, old, *found.pods.get()[1:]], "list pods")
    found.pod_metrics = ok([pod_metrics(one) for one in found.pods.get() if one is not new], "list pods.metrics.k8s.io")
    found.deployments = evidence.deployments
    found.events = evidence.events
    slices = found.endpoint_slices.get()[0].endpoints
    assert slices is not None and slices[0].target_ref is not None
    slices[0].target_ref.name = "metrics-server-old"
    return found


def event(reason: str, message: str, *, name: str = SERVER_POD, count: int = 1, **ago: float) -> k8s.Event:
    """An event about metrics-server's pod, two minutes ago if nothing else is said."""
    return k8s.Event(
        metadata=k8s.Metadata(name=f"{name}.1", namespace=PLACE),
        type="Warning",
        reason=reason,
        message=message,
        count=count,
        last_timestamp=at(**(ago or {"minutes": 2})),
        involved_object=k8s.TargetRef(kind="Pod", namespace=PLACE, name=name),
    )
