"""Services, EndpointSlices, NetworkPolicies."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.objects.meta import Kube, Object, Reference


class ServicePort(Kube):
    name: str = ""
    port: int = 0
    target_port: int | str | None = None
    protocol: str = "TCP"


class ServiceSpec(Kube):
    type: str = ""
    cluster_ip: str = msgspec.field(name="clusterIP", default="")
    ip_families: list[str] | None = None
    selector: dict[str, str] | None = None
    ports: list[ServicePort] | None = None
    external_name: str = ""


class Service(Object):
    spec: ServiceSpec = msgspec.field(default_factory=ServiceSpec)


class EndpointConditions(Kube):
    ready: bool | None = None  # None means ready (EndpointConditions in k8s.io/api/discovery/v1)
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(Reference):
    kind: str = ""


class Endpoint(Kube):
    addresses: list[str] | None = None
    conditions: EndpointConditions = msgspec.field(default_factory=EndpointConditions)
    target_ref: TargetRef | None = None
    node_name: str | None = None


class EndpointPort(Kube):
    name: str | None = None
    port: int | None = None


class EndpointSlice(Object):
    address_type: str = ""
    endpoints: list[Endpoint] | None = None
    ports: list[EndpointPort] | None = None


class LabelSelectorRequirement(Kube):
    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class LabelSelector(Kube):
    match_labels: dict[str, str] | None = None
    match_expressions: list[LabelSelectorRequirement] | None = None


class NetworkPolicyPort(Kube):
    port: int | str | None = None
    end_port: int | None = None
    protocol: str | None = None


class IPBlock(Kube):
    cidr: str = ""
    exceptions: list[str] | None = msgspec.field(name="except", default=None)


class NetworkPolicyPeer(Kube):
    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class NetworkPolicyRule(Kube):
    """An ingress or egress rule; empty ``peers`` or ``ports`` mean all of them."""

    ports: list[NetworkPolicyPort] | None = None
    ingress_from: list[NetworkPolicyPeer] | None = msgspec.field(name="from", default=None)
    egress_to: list[NetworkPolicyPeer] | None = msgspec.field(name="to", default=None)


class NetworkPolicySpec(Kube):
    pod_selector: LabelSelector = msgspec.field(default_factory=LabelSelector)
    policy_types: list[str] | None = None
    ingress: list[NetworkPolicyRule] | None = None
    egress: list[NetworkPolicyRule] | None = None


class NetworkPolicy(Object):
    spec: NetworkPolicySpec = msgspec.field(default_factory=NetworkPolicySpec)
