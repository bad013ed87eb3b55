"""/stats/summary of a kubelet, down to what ``raw`` prints."""

from __future__ import annotations

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.usage.kubelet import Missing, NodeReport, from_summary
from kubectl_metrics.wire.metrics_list import NodeMetrics, PodMetrics
from kubectl_metrics.wire.summary import summary
from tests.fuzz.targets import metrics_list

_CPU = b'"cpu":{"time":"2026-11-23T19:05:56Z","usageNanoCores":123,"usageCoreNanoSeconds":4567}'
_MEMORY = b'"memory":{"time":"2026-11-23T19:05:56Z","workingSetBytes":8192},"swap":{"swapUsageBytes":0}'
SEEDS = (
    b'{"node":{"nodeName":"a",' + _CPU + b"," + _MEMORY + b'},"pods":[{"podRef":{"name":"p","namespace":"n"},'
    b'"startTime":"2026-11-23T19:00:00Z","containers":[{"name":"c",' + _CPU + b"," + _MEMORY + b'},{"name":"d"}]}]}',
    b'{"node":{"nodeName":"a"},"pods":null}',
)


def read(data: bytes) -> bool:
    try:
        answer = summary(data)
        report = from_summary(answer, answer.node.node_name)
    except DecodeError:
        return False
    show(report)
    return True


def show(report: NodeReport) -> None:
    found: list[NodeMetrics | PodMetrics | Missing] = [report.node, *report.pods.values()]
    metrics_list.show_nodes([one for one in found if isinstance(one, NodeMetrics)])
    metrics_list.show_pods([one for one in found if isinstance(one, PodMetrics)])
