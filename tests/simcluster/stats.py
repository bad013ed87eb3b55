"""What a kubelet knows: the summary as JSON and the resource metrics as an exposition. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from tests.simcluster.clock import SECOND
from tests.simcluster.formats import go_float, rfc3339
from tests.simcluster.objects import GI, Container, Cpu, Node, Pod, cpu_used

RATE_WINDOW = 10 * SECOND
"""usageNanoCores is the mean over this time; whatever is younger has none."""

Series: TypeAlias = "tuple[str, float, int | None]"
"""Labels (with their braces), value, timestamp in milliseconds."""

_FAMILIES = {
    "container_cpu_usage_seconds_total": "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
    "container_memory_working_set_bytes": "[STABLE] Current working set of the container in bytes",
    "container_start_time_seconds": "[STABLE] Start time of the container since unix epoch in seconds",
    "container_swap_usage_bytes": "[ALPHA] Current amount of the container swap usage in bytes",
    "node_cpu_usage_seconds_total": "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
    "node_memory_working_set_bytes": "[STABLE] Current working set of the node in bytes",
    "node_swap_usage_bytes": "[ALPHA] Current swap usage of the node in bytes",
    "pod_cpu_usage_seconds_total": "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
    "pod_memory_working_set_bytes": "[STABLE] Current working set of the pod in bytes",
    "pod_swap_usage_bytes": "[ALPHA] Current amount of the pod swap usage in bytes",
    "resource_scrape_error": "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
}


def summary(node: Node, pods: Sequence[Pod], now: int, only_cpu_and_memory: bool) -> dict[str, Any]:
    """The body of /stats/summary."""
    reported = [pod for pod in pods if pod.running]
    swap = {"swapAvailableBytes": (node.swap_capacity or 0) - (node.swap or 0)}
    whole = {
        "nodeName": node.name,
        "startTime": rfc3339(node.started),
        "cpu": _cpu(node.cpu, node.started, now),
        "memory": {**_memory(node.memory, now), "availableBytes": max(0, 32 * GI - node.memory)},
        "swap": {**_swap(node.swap, now), **swap},
    }
    if not only_cpu_and_memory:
        whole["fs"] = _filesystem(40 * GI, now)
        whole["runtime"] = {"imageFs": _filesystem(12 * GI, now)}
        whole["rlimit"] = {"time": rfc3339(now), "maxpid": 32768, "curproc": 365}
    return {"node": whole, "pods": [_pod(pod, now, only_cpu_and_memory) for pod in reported]}


def _pod(pod: Pod, now: int, only_cpu_and_memory: bool) -> dict[str, Any]:
    containers = [_container(container, now, only_cpu_and_memory) for container in pod.running]
    entry = {
        "podRef": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        "startTime": rfc3339(pod.created),
        "containers": containers,
        "cpu": {
            "time": rfc3339(now),
            "usageNanoCores": sum(c["cpu"].get("usageNanoCores", 0) for c in containers),
            "usageCoreNanoSeconds": sum(c["cpu"]["usageCoreNanoSeconds"] for c in containers),
        },
        "memory": _memory(sum(c.memory for c in pod.running), now),
        "swap": _swap(sum(c.swap or 0 for c in pod.running), now),
    }
    if not only_cpu_and_memory:
        entry["ephemeral-storage"] = _filesystem(65536, now)
    return entry


def _container(container: Container, now: int, only_cpu_and_memory: bool) -> dict[str, Any]:
    entry = {
        "name": container.name,
        "startTime": rfc3339(container.started),
        "cpu": _cpu(container.cpu, container.started, now),
        "memory": _memory(container.memory, now),
        "swap": {**_swap(container.swap, now), "swapAvailableBytes": 0},
    }
    if not only_cpu_and_memory:
        entry["rootfs"] = _filesystem(45056, now)
        entry["logs"] = _filesystem(4096, now)
    return entry


def _cpu(cpu: Cpu, started: int, now: int) -> dict[str, Any]:
    total = cpu_used(cpu, now - started)
    usage: dict[str, Any] = {"time": rfc3339(now), "usageCoreNanoSeconds": total}
    if now - started >= RATE_WINDOW:
        before = cpu_used(cpu, now - RATE_WINDOW - started)
        usage["usageNanoCores"] = (total - before) * SECOND // RATE_WINDOW
    return usage


def _memory(working_set: int, now: int) -> dict[str, Any]:
    return {
        "time": rfc3339(now),
        "usageBytes": working_set + working_set // 8,
        "workingSetBytes": working_set,
        "rssBytes": working_set - working_set // 8,
        "pageFaults": 2282,
        "majorPageFaults": 0,
    }


def _swap(used: int | None, now: int) -> dict[str, Any]:
    return {"time": rfc3339(now), "swapUsageBytes": used or 0}


def _filesystem(used: int, now: int) -> dict[str, Any]:
    capacity = 250 * GI
    return {"time": rfc3339(now), "availableBytes": capacity - used, "capacityBytes": capacity, "usedBytes": used}


def exposition(node: Node, pods: Sequence[Pod], now: int) -> str:
    """The body of /metrics/resource: families and series in the alphabet's order, timestamps in milliseconds."""
    moment = now // 1_000_000
    now = moment * 1_000_000  # the counters are those of the timestamp, to the nanosecond
    series: dict[str, list[Series]] = {name: [] for name in _FAMILIES}
    series["node_cpu_usage_seconds_total"].append(("", node.used(now) / SECOND, moment))
    series["node_memory_working_set_bytes"].append(("", node.memory, moment))
    series["node_swap_usage_bytes"].append(("", node.swap or 0, moment))
    series["resource_scrape_error"].append(("", int(node.scrape_error), None))
    for pod, container in _containers(pods):
        labels = f'{{container="{container.name}",namespace="{pod.namespace}",pod="{pod.name}"}}'
        series["container_cpu_usage_seconds_total"].append((labels, container.used(now) / SECOND, moment))
        series["container_memory_working_set_bytes"].append((labels, container.memory, moment))
        series["container_start_time_seconds"].append((labels, container.started / SECOND, None))
        series["container_swap_usage_bytes"].append((labels, container.swap or 0, moment))
    for pod in pods:
        if pod.running:
            labels = f'{{namespace="{pod.namespace}",pod="{pod.name}"}}'
            used = sum(container.used(now) for container in pod.running)
            series["pod_cpu_usage_seconds_total"].append((labels, used / SECOND, moment))
            series["pod_memory_working_set_bytes"].append((labels, sum(c.memory for c in pod.running), moment))
            series["pod_swap_usage_bytes"].append((labels, sum(c.swap or 0 for c in pod.running), moment))
    return "".join(_family(name, series[name]) for name in _FAMILIES if series[name])


def _containers(pods: Iterable[Pod]) -> Iterator[tuple[Pod, Container]]:
    return ((pod, container) for pod in pods for container in pod.running)


def _family(name: str, series: list[Series]) -> str:
    kind = "counter" if name.endswith("_total") else "gauge"
    lines = [f"# HELP {name} {_FAMILIES[name]}", f"# TYPE {name} {kind}"]
    for labels, value, moment in sorted(series):
        lines.append(f"{name}{labels} {go_float(value)}" + ("" if moment is None else f" {moment}"))
    return "\n".join(lines) + "\n"
