"""Nodes and pods of core/v1: where a kubelet is, and what a node has to give."""

from __future__ import annotations

from kubectl_metrics.output import documents, table
from kubectl_metrics.sources import addresses
from kubectl_metrics.sources.query import ADDRESS_TYPES
from kubectl_metrics.usage import report
from kubectl_metrics.usage.model import NodesUsage, Source, pod_gap
from kubectl_metrics.wire import core
from kubectl_metrics.wire.core import Node, Pod
from kubectl_metrics.wire.metrics_list import Metadata, NodeMetrics, Usage
from kubectl_metrics.wire.quantity import Bytes, Nanocores
from tests.fuzz.accepting import any_accepts

_NODE = (
    b'"metadata":{"name":"a","annotations":{"k":"v"},"creationTimestamp":"2026-11-23T19:05:56Z"},"status":{'
    b'"addresses":[{"type":"InternalIP","address":"fd00::1"},{"type":"Hostname","address":"a.example"}],'
    b'"allocatable":{"cpu":"3920m","memory":"32901440Ki"},"capacity":{"cpu":4,"memory":"1Gi"},'
    b'"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":{"swap":{"capacity":1024}}}'
)
_POD = (
    b'"metadata":{"name":"p","namespace":"n"},"spec":{"nodeName":"a"},"status":{"phase":"Running","containerStatuses":'
    b'[{"name":"c","state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}'
)
SEEDS = (
    b'{"kind":"NodeList","items":[{' + _NODE + b"}]}",
    b'{"kind":"PodList","metadata":{"continue":"abc"},"items":[{' + _POD + b"}]}",
    b'{"kind":"PartialObjectMetadataList","items":[{"metadata":{"name":"p","namespace":"n"}}]}',
    b'{"kind":"Node",' + _NODE + b"}",
    b'{"kind":"Pod",' + _POD + b"}",
)


def read(data: bytes) -> bool:
    return any_accepts(
        lambda: _look_at_nodes(core.node_list(data)),
        lambda: _look_at_nodes([core.node(data)]),
        lambda: _look_at_pods(core.pod_page(data)[0]),
        lambda: _look_at_pods([core.pod(data)]),
    )


def _look_at_nodes(nodes: list[Node]) -> None:
    for node in nodes:
        addresses.names(node)
        for address in addresses.addresses(node, ADDRESS_TYPES):
            if addresses.is_host(address):
                addresses.url(address, addresses.status_port(node))
    usage = Usage(Nanocores(1_500_000_000), Bytes(1 << 30), Bytes(1))
    items = [NodeMetrics(Metadata(node.name), usage=usage) for node in nodes]
    answer = NodesUsage(Source("kubelet", ""), [], [], items, nodes)
    for whole in (False, True):
        table.render(report.node_rows(answer, capacity=whole, swap=True))
        documents.render(documents.nodes_document(answer, sort_by="cpu", capacity=whole), "json")


def _look_at_pods(pods: list[Pod]) -> None:
    for pod in pods:
        pod_gap(pod, "no-metrics", "")
