"""Pods, what makes them, and events about them."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.objects.meta import Condition, Kube, Metadata, Object, is_true
from kubectl_metrics.diagnosis.objects.network import LabelSelector, TargetRef


class EnvVar(Kube):
    """Of the environment only the proxies are kept: see collect."""

    name: str = ""
    value: str = ""


class Resources(Kube):
    requests: dict[str, str | int | float] | None = None
    limits: dict[str, str | int | float] | None = None


class ContainerPort(Kube):
    name: str = ""
    container_port: int = 0
    host_port: int = 0


class HTTPGet(Kube):
    path: str = ""
    port: int | str = 0


class Probe(Kube):
    http_get: HTTPGet | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    failure_threshold: int = 3


class Container(Kube):
    name: str = ""
    image: str = ""
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[EnvVar] | None = None
    resources: Resources = msgspec.field(default_factory=Resources)
    ports: list[ContainerPort] | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    restart_policy: str | None = None  # "Always" makes a sidecar of an init container


class PodSpec(Kube):
    node_name: str = ""
    host_network: bool = False
    service_account_name: str = ""
    node_selector: dict[str, str] | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None


class Waiting(Kube):
    reason: str = ""
    message: str = ""


class Terminated(Kube):
    reason: str = ""
    message: str = ""
    exit_code: int = 0
    started_at: str | None = None
    finished_at: str | None = None


class Running(Kube):
    started_at: str | None = None


class ContainerState(Kube):
    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Kube):
    name: str = ""
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    last_state: ContainerState = msgspec.field(default_factory=ContainerState)


class PodIP(Kube):
    ip: str = ""


class PodStatus(Kube):
    phase: str = ""
    reason: str = ""
    message: str = ""
    start_time: str | None = None
    pod_ip: str = msgspec.field(name="podIP", default="")
    pod_ips: list[PodIP] | None = msgspec.field(name="podIPs", default=None)  # one of each family
    host_ip: str = msgspec.field(name="hostIP", default="")
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None


class Pod(Object):
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)

    @property
    def is_ready(self) -> bool:
        """Whether its condition Ready is true."""
        return is_true(self.status.conditions, "Ready")


class PodTemplate(Kube):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PodSpec = msgspec.field(default_factory=PodSpec)


class WorkloadSpec(Kube):
    replicas: int = 1
    selector: LabelSelector | None = None
    template: PodTemplate = msgspec.field(default_factory=PodTemplate)


class WorkloadStatus(Kube):
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    conditions: list[Condition] | None = None


class Deployment(Object):
    spec: WorkloadSpec = msgspec.field(default_factory=WorkloadSpec)
    status: WorkloadStatus = msgspec.field(default_factory=WorkloadStatus)


class Event(Object):
    type: str = ""  # "Normal", "Warning"
    reason: str = ""
    message: str = ""
    count: int | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    involved_object: TargetRef = msgspec.field(default_factory=TargetRef)
