"""The parts of core/v1 Node and Pod that usage needs: addresses, capacity, where a pod runs."""

from __future__ import annotations

import msgspec

from kubectl_metrics.wire.decode import check_kind, decoder
from kubectl_metrics.wire.quantity import Bytes, Nanocores


class ObjectMeta(msgspec.Struct, frozen=True, rename="camel"):
    """The part of metadata that is used."""

    name: str
    namespace: str = ""
    annotations: dict[str, str] | None = None
    creation_timestamp: str | None = None


class Resources(msgspec.Struct, frozen=True):
    """CPU in nanocores and memory in bytes that a node has; None where the node does not say."""

    cpu: Nanocores | None = None
    memory: Bytes | None = None


class NodeAddress(msgspec.Struct, frozen=True):
    """One of a node's addresses; ``type`` is InternalIP, Hostname, InternalDNS, ExternalDNS or ExternalIP."""

    type: str
    address: str


class DaemonEndpoint(msgspec.Struct, frozen=True):
    """Where a node's daemon listens; 0 if it does not say."""

    Port: int = 0


class DaemonEndpoints(msgspec.Struct, frozen=True, rename="camel"):
    """The daemons of a node: only the kubelet."""

    kubelet_endpoint: DaemonEndpoint = DaemonEndpoint()


class Swap(msgspec.Struct, frozen=True):
    """A node's swap in bytes."""

    capacity: int | None = None


class NodeInfo(msgspec.Struct, frozen=True):
    """Facts that the kubelet reports about itself."""

    swap: Swap | None = None


class NodeStatus(msgspec.Struct, frozen=True, rename="camel"):
    """status of a Node."""

    addresses: list[NodeAddress] | None = None
    allocatable: Resources | None = None
    capacity: Resources | None = None
    daemon_endpoints: DaemonEndpoints = DaemonEndpoints()
    node_info: NodeInfo = NodeInfo()


class Node(msgspec.Struct, frozen=True):
    """A core/v1 Node."""

    metadata: ObjectMeta
    kind: str = ""
    status: NodeStatus = NodeStatus()

    @property
    def name(self) -> str:
        return self.metadata.name


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """spec of a Pod."""

    node_name: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """Why a container does not run: CrashLoopBackOff, ImagePullBackOff, ..."""

    reason: str = ""


class ContainerState(msgspec.Struct, frozen=True):
    """state of a container, as far as it waits."""

    waiting: Waiting | None = None


class ContainerStatus(msgspec.Struct, frozen=True):
    """One of a Pod's containers."""

    name: str
    state: ContainerState = ContainerState()


class PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    """status of a Pod."""

    phase: str = ""
    container_statuses: list[ContainerStatus] | None = None


class Pod(msgspec.Struct, frozen=True):
    """A core/v1 Pod."""

    metadata: ObjectMeta
    kind: str = ""
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name)"""
        return self.metadata.namespace, self.metadata.name


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
