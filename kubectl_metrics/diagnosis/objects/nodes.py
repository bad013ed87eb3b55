"""Nodes, and the certificates that their kubelets ask for."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.objects.meta import Condition, Kube, Object, is_true


class Address(Kube):
    type: str = ""
    address: str = ""


class KubeletEndpoint(Kube):
    port: int = msgspec.field(name="Port", default=0)


class DaemonEndpoints(Kube):
    kubelet_endpoint: KubeletEndpoint = msgspec.field(default_factory=KubeletEndpoint)


class NodeInfo(Kube):
    kubelet_version: str = ""
    operating_system: str = ""
    architecture: str = ""
    os_image: str = ""
    container_runtime_version: str = ""


class NodeSpec(Kube):
    pod_cidr: str = msgspec.field(name="podCIDR", default="")
    pod_cidrs: list[str] | None = msgspec.field(name="podCIDRs", default=None)
    unschedulable: bool = False


class NodeStatus(Kube):
    addresses: list[Address] | None = None
    conditions: list[Condition] | None = None
    daemon_endpoints: DaemonEndpoints = msgspec.field(default_factory=DaemonEndpoints)
    node_info: NodeInfo = msgspec.field(default_factory=NodeInfo)
    allocatable: dict[str, str | int | float] | None = None
    capacity: dict[str, str | int | float] | None = None


class Node(Object):
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)

    @property
    def is_ready(self) -> bool:
        """Whether its condition Ready is true."""
        return is_true(self.status.conditions, "Ready")


class CSRSpec(Kube):
    signer_name: str = ""
    username: str = ""


class CSRStatus(Kube):
    conditions: list[Condition] | None = None
    certificate: str | None = None  # PEM in base64; public


class CSR(Object):
    """A CertificateSigningRequest."""

    spec: CSRSpec = msgspec.field(default_factory=CSRSpec)
    status: CSRStatus = msgspec.field(default_factory=CSRStatus)
