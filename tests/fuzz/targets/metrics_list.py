"""The lists and objects of metrics.k8s.io, down to the table and the documents."""

from __future__ import annotations

from kubectl_metrics.output import documents, table
from kubectl_metrics.usage import report
from kubectl_metrics.usage.model import NodesUsage, PodsUsage, Source
from kubectl_metrics.wire import metrics_list
from kubectl_metrics.wire.metrics_list import NodeMetrics, PodMetrics, PodTotal
from kubectl_metrics.wire.totals import TotalsReader
from tests.fuzz.accepting import any_accepts

_USAGE = b'{"cpu":"123456789n","memory":"52Ki"}'
_NODE = b'"metadata":{"name":"a"},"timestamp":"2026-11-23T19:05:56Z","window":"20.05s","usage":' + _USAGE
_POD = (
    b'"metadata":{"name":"p","namespace":"n"},"timestamp":"2026-11-23T19:05:56Z","window":"15s",'
    b'"containers":[{"name":"c","usage":' + _USAGE + b'},{"name":"d","usage":{"cpu":"0","memory":"1e3","swap":"1Mi"}}]'
)
SEEDS = (
    b'{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[{' + _NODE + b"}]}",
    b'{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1","metadata":{},"items":[{' + _POD + b"}]}",
    b'{"kind":"NodeMetrics",' + _NODE + b"}",
    b'{"kind":"PodMetrics",' + _POD + b"}",
    b'{"items":null}',
)
_SOURCE = Source("api", "metrics.k8s.io/v1beta1")


def read(data: bytes) -> bool:
    return any_accepts(
        lambda: show_nodes(metrics_list.node_list(data)),
        lambda: show_nodes([metrics_list.node(data)]),
        lambda: show_pods(metrics_list.pod_list(data)),
        lambda: show_pods([metrics_list.pod(data)]),
        lambda: show_totals(add_up(data)),
    )


def show_nodes(items: list[NodeMetrics]) -> None:
    usage = NodesUsage(_SOURCE, [], [], items, [])
    for key in (None, "cpu", "memory"):
        table.render(report.node_rows(usage, sort_by=key, swap=True))
    assert documents.render(documents.nodes_document(usage, sort_by=None, capacity=False), "json")
    encoded = metrics_list.encode_list("NodeMetricsList", items, "v1")
    if all(item.timestamp for item in items):  # an empty one is written as null
        again = metrics_list.node_list(encoded)
        assert [(one.metadata.name, one.usage.cpu, one.usage.memory) for one in again] == [
            (one.metadata.name, one.usage.cpu, one.usage.memory) for one in items
        ]


def add_up(data: bytes) -> list[PodTotal]:
    reader = TotalsReader()
    for at in range(0, len(data), 50):
        reader.write(data[at : at + 50])
    return reader.totals()


def show_totals(totals: list[PodTotal]) -> None:
    for key in (None, "cpu", "memory"):
        table.render(report.total_rows(totals, sort_by=key, namespaces=True, total=True))


def show_pods(items: list[PodMetrics]) -> None:
    for key in (None, "cpu", "memory"):
        table.render(report.pod_rows(items, sort_by=key, namespaces=True, total=True))
        table.render(report.pod_rows(items, sort_by=key, containers=True, swap=True))
    usage = PodsUsage(_SOURCE, [], [], items)
    assert documents.render(documents.pods_document(usage, sort_by=None, namespaces=True), "json")
    encoded = metrics_list.encode_list("PodMetricsList", items, "v1")
    if all(item.timestamp for item in items):
        again = metrics_list.pod_list(encoded)
        assert list(map(metrics_list.total_of, again)) == list(map(metrics_list.total_of, items))
