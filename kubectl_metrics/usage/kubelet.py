"""A kubelet's answers as metrics.k8s.io's objects, with metrics-server's rules for what counts.

Two ways lead here: /stats/summary, whose rates the kubelet has computed, and two scrapes of /metrics/resource.
Both end in a ``NodeReport``: what one kubelet says of its node and of each of its pods, usage or the reason why not.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

import msgspec

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.usage.rate import NoRate, rate
from kubectl_metrics.wire.core import PodKey
from kubectl_metrics.wire.exposition import Point, Scrape
from kubectl_metrics.wire.metrics_list import ContainerMetrics, Metadata, NodeMetrics, PodMetrics, Usage
from kubectl_metrics.wire.quantity import Bytes, Nanocores
from kubectl_metrics.wire.summary import ContainerStats, CPUStats, MemoryStats, PodStats, Summary, SwapStats, is_sane
from kubectl_metrics.wire.time import format_duration, format_timestamp, parse_timestamp


class Missing(msgspec.Struct, frozen=True):
    """Why a node or a pod has no usage: a word for scripts and a sentence for people."""

    reason: str
    message: str


class NodeReport(msgspec.Struct):
    """What one kubelet says."""

    node: NodeMetrics | Missing
    pods: dict[PodKey, PodMetrics | Missing]


_NO_WINDOW = ""  # the summary does not tell the window of its rates


def from_summary(summary: Summary, name: str, wanted: Container[PodKey] | None = None) -> NodeReport:
    """A report from /stats/summary of the node ``name``, with the ``wanted`` pods, or all that it knows.

    Raises DecodeError on values that nothing can have.

    A pod that the kubelet lists twice (an old one of the same name on its way out) counts once, the younger one.
    """
    if summary.node.node_name != name:
        raise DecodeError(f"this is the kubelet of {summary.node.node_name!r:.80}")
    measured = _measured(summary.node.cpu, summary.node.memory, summary.node.swap, "node")
    node: NodeMetrics | Missing
    if isinstance(measured, Missing):
        node = measured
    else:
        usage, timestamp = measured
        node = NodeMetrics(Metadata(name), format_timestamp(timestamp), _NO_WINDOW, usage)
    pods: dict[PodKey, PodMetrics | Missing] = {}
    for pod in sorted(summary.pods or (), key=lambda pod: pod.start_time):
        key = (pod.pod_ref.namespace, pod.pod_ref.name)
        if wanted is None or key in wanted:
            pods[key] = _pod_from_summary(pod)
    return NodeReport(node, pods)


def _pod_from_summary(pod: PodStats) -> PodMetrics | Missing:
    containers = []
    earliest: int | None = None
    for stats in pod.containers or ():
        if _is_blank(stats):  # it has ended; metrics-server passes over it too
            continue
        measured = _measured(stats.cpu, stats.memory, stats.swap, f"container {stats.name}")
        if isinstance(measured, Missing):
            return measured
        usage, timestamp = measured
        containers.append(ContainerMetrics(stats.name, usage))
        earliest = timestamp if earliest is None else min(earliest, timestamp)
    if earliest is None:
        return Missing("no-containers", "the kubelet reports no container of it")
    if len({container.name for container in containers}) != len(containers):
        raise DecodeError(f"pod {pod.pod_ref.name!r:.80}: the same container twice")
    metadata = Metadata(pod.pod_ref.name, pod.pod_ref.namespace)
    return PodMetrics(metadata, format_timestamp(earliest), _NO_WINDOW, tuple(containers))


def _is_blank(stats: ContainerStats) -> bool:
    return not (stats.cpu and stats.cpu.usage_core_nano_seconds) and not (
        stats.memory and stats.memory.working_set_bytes
    )


def _measured(
    cpu: CPUStats | None, memory: MemoryStats | None, swap: SwapStats | None, what: str
) -> tuple[Usage, int] | Missing:
    """Usage and its time (milliseconds since 1970).

    An idle container's rate is 0 and counts; a cumulative counter of 0 does not.
    """
    counter = cpu.usage_core_nano_seconds if cpu else None
    working_set = memory.working_set_bytes if memory else None
    if not cpu or not counter or not working_set:
        return Missing("zero", f"{what}: its CPU counter or memory is zero or missing")
    if cpu.usage_nano_cores is None:
        return Missing("too-young", f"{what}: the kubelet has no CPU rate for it yet")
    swapped = swap.swap_usage_bytes if swap else None
    for value in (counter, working_set, cpu.usage_nano_cores, swapped or 0):
        if not is_sane(value):
            raise DecodeError(f"{what}: a value that nothing can have: {value}"[:120])
    try:
        timestamp = parse_timestamp(cpu.time)
    except ValueError as error:
        raise DecodeError(f"{what}: {error}") from None
    return (
        Usage(Nanocores(cpu.usage_nano_cores), Bytes(working_set), None if swapped is None else Bytes(swapped)),
        timestamp,
    )


def from_scrapes(
    first: Scrape, second: Scrape, name: str, resolution: int, wanted: Container[PodKey] | None = None
) -> NodeReport:
    """A report from two scrapes of /metrics/resource that were ``resolution`` milliseconds apart.

    With the ``wanted`` pods, or all that the kubelet knows.
    """
    node: NodeMetrics | Missing
    try:
        if second.failed:
            raise NoRate("scrape-error", "the kubelet could not collect its own statistics (resource_scrape_error 1)")
        cpu, memory, window = rate(first.node, second.node, resolution)
    except NoRate as error:
        node = Missing(error.reason, f"node: {error}")
    else:
        usage = Usage(cpu, memory, _bytes(second.node.swap))
        node = NodeMetrics(Metadata(name), format_timestamp(second.node.timestamp or 0), format_duration(window), usage)
    grouped: dict[PodKey, list[tuple[str, Point | None, Point]]] = {}
    for key, point in second.containers.items():
        namespace, pod, container = key
        if wanted is None or (namespace, pod) in wanted:
            grouped.setdefault((namespace, pod), []).append((container, first.containers.get(key), point))
    pods = {key: _pod_from_points(key, points, resolution) for key, points in grouped.items()}
    return NodeReport(node, pods)


def _pod_from_points(
    key: PodKey, points: Iterable[tuple[str, Point | None, Point]], resolution: int
) -> PodMetrics | Missing:
    containers, earliest, earliest_window = [], 0, 0
    for name, before, point in points:
        if not (point.cpu or point.memory or point.start):
            continue
        try:
            cpu, memory, window = rate(before, point, resolution)
        except NoRate as error:
            return Missing(error.reason, f"container {name}: {error}")
        containers.append(ContainerMetrics(name, Usage(cpu, memory, _bytes(point.swap))))
        timestamp = point.timestamp or 0
        if len(containers) == 1 or timestamp < earliest:
            earliest, earliest_window = timestamp, window
    if not containers:
        return Missing("no-containers", "the kubelet reports no container of it")
    namespace, name = key
    return PodMetrics(
        Metadata(name, namespace), format_timestamp(earliest), format_duration(earliest_window), tuple(containers)
    )


def _bytes(value: int | None) -> Bytes | None:
    return None if value is None else Bytes(value)
