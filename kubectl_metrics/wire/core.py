"""The parts of core/v1 Node and Pod that usage needs: addresses, capacity, where a pod runs."""

from __future__ import annotations

import msgspec

from kubectl_metrics.wire.decode import check_kind, decoder
from kubectl_metrics.wire.quantity import Bytes, Nanocores

PodKey = tuple[str, str]  # namespace, name


class Annotations(msgspec.Struct, frozen=True, gc=False):
    """The one annotation that is used: where a node's kubelet has its resource metrics, as metrics-server reads it."""

    resource_metrics_path: str | None = msgspec.field(default=None, name="metrics.k8s.io/resource-metrics-path")


class ObjectMeta(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The part of metadata that is used."""

    name: str
    namespace: str = ""
    annotations: Annotations | None = None
    creation_timestamp: str | None = None


class Resources(msgspec.Struct, frozen=True, gc=False):
    """CPU in nanocores and memory in bytes that a node has; None where the node does not say."""

    cpu: Nanocores | None = None
    memory: Bytes | None = None


class NodeAddress(msgspec.Struct, frozen=True, gc=False):
    """One of a node's addresses; ``type`` is InternalIP, Hostname, InternalDNS, ExternalDNS or ExternalIP."""

    type: str
    address: str


class DaemonEndpoint(msgspec.Struct, frozen=True, gc=False):
    """Where a node's daemon listens; 0 if it does not say."""

    Port: int = 0


class DaemonEndpoints(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The daemons of a node: only the kubelet."""

    kubelet_endpoint: DaemonEndpoint = DaemonEndpoint()


class Swap(msgspec.Struct, frozen=True, gc=False):
    """A node's swap in bytes."""

    capacity: int | None = None


class NodeInfo(msgspec.Struct, frozen=True, gc=False):
    """Facts that the kubelet reports about itself."""

    swap: Swap | None = None


class NodeCondition(msgspec.Struct, frozen=True, gc=False):
    """One of a node's conditions; ``status`` is "True", "False" or "Unknown"."""

    type: str
    status: str


class NodeStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """status of a Node."""

    conditions: list[NodeCondition] | None = None
    addresses: list[NodeAddress] | None = None
    allocatable: Resources | None = None
    capacity: Resources | None = None
    daemon_endpoints: DaemonEndpoints = DaemonEndpoints()
    node_info: NodeInfo = NodeInfo()


class Node(msgspec.Struct, frozen=True, gc=False):
    """A core/v1 Node."""

    metadata: ObjectMeta
    kind: str = ""
    status: NodeStatus = NodeStatus()

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def is_ready(self) -> bool:
        """False where the node's kubelet says so, or has said nothing to the API server for a while."""
        return all(one.status == "True" for one in self.status.conditions or () if one.type == "Ready")


class PodSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """spec of a Pod."""

    node_name: str = ""


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """Why a container does not run: CrashLoopBackOff, ImagePullBackOff, ..."""

    reason: str = ""


class ContainerState(msgspec.Struct, frozen=True, gc=False):
    """state of a container, as far as it waits."""

    waiting: Waiting | None = None


class ContainerStatus(msgspec.Struct, frozen=True, gc=False):
    """One of a Pod's containers."""

    name: str
    state: ContainerState = ContainerState()


class PodStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """status of a Pod."""

    phase: str = ""
    container_statuses: list[ContainerStatus] | None = None


class Pod(msgspec.Struct, frozen=True, gc=False):
    """A core/v1 Pod."""

    metadata: ObjectMeta
    kind: str = ""
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def key(self) -> PodKey:
        """(namespace, name)"""
        return self.metadata.namespace, self.metadata.name

    @property
    def is_running(self) -> bool:
        """Whether it is in the one phase in which there is usage."""
        return self.status.phase == "Running"


class _NodeList(msgspec.Struct):
    kind: str = ""
    items: list[Node] | None = None


class _ListMeta(msgspec.Struct, frozen=True, rename={"more": "continue"}):
    more: str = ""


class _PodList(msgspec.Struct):
    kind: str = ""
    items: list[Pod] | None = None
    metadata: _ListMeta = _ListMeta()


_node_list, _pod_list, _node, _pod = decoder(_NodeList), decoder(_PodList), decoder(Node), decoder(Pod)


def node_list(body: bytes) -> list[Node]:
    """The items of a NodeList. Raises DecodeError."""
    answer = _node_list(body, "nodes")
    check_kind(answer.kind, "NodeList", "nodes")
    return answer.items or []


def pod_page(body: bytes) -> tuple[list[Pod], str]:
    """The items of a PodList or of a list of pods' metadata, and the token for the next page ("" for the last one).

    Raises DecodeError.
    """
    answer = _pod_list(body, "pods")
    if answer.kind != "PartialObjectMetadataList":
        check_kind(answer.kind, "PodList", "pods")
    return answer.items or [], answer.metadata.more


def node(body: bytes) -> Node:
    """A single Node. Raises DecodeError."""
    answer = _node(body, "node")
    check_kind(answer.kind, "Node", "node")
    return answer


def pod(body: bytes) -> Pod:
    """A single Pod. Raises DecodeError."""
    answer = _pod(body, "pod")
    check_kind(answer.kind, "Pod", "pod")
    return answer
