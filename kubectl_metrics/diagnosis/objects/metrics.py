"""metrics.k8s.io, and the autoscalers that read it."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.objects.meta import Condition, Kube, Object


class NodeMetrics(Object):
    timestamp: str | None = None
    window: str = ""
    usage: dict[str, str | int | float] | None = None


class ContainerMetrics(Kube):
    name: str = ""
    usage: dict[str, str | int | float] | None = None


class PodMetrics(Object):
    timestamp: str | None = None
    window: str = ""
    containers: list[ContainerMetrics] | None = None


class ScaleTarget(Kube):
    kind: str = ""
    name: str = ""


class ResourceMetric(Kube):
    name: str = ""


class MetricSpec(Kube):
    type: str = ""  # "Resource", "ContainerResource", "Pods", "Object", "External"
    resource: ResourceMetric | None = None


class HPASpec(Kube):
    scale_target_ref: ScaleTarget = msgspec.field(default_factory=ScaleTarget)
    metrics: list[MetricSpec] | None = None


class HPAStatus(Kube):
    conditions: list[Condition] | None = None


class HPA(Object):
    """A HorizontalPodAutoscaler (autoscaling/v2)."""

    spec: HPASpec = msgspec.field(default_factory=HPASpec)
    status: HPAStatus = msgspec.field(default_factory=HPAStatus)
