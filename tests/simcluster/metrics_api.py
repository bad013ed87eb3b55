"""metrics.k8s.io as metrics-server fills it: two scrapes, a ``window`` apart, and their difference. Pure."""

from __future__ import annotations

from typing import Any

from tests.simcluster.clock import SECOND
from tests.simcluster.formats import cpu_quantity, go_duration, memory_quantity, rfc3339
from tests.simcluster.objects import Container, Node, Pod
from tests.simcluster.world import MetricsService

_FRESH = 10 * SECOND
"""A container of at least this age needs no earlier scrape: its own start is the first point."""


def node_metrics(node: Node, service: MetricsService, now: int) -> dict[str, Any] | None:
    """A NodeMetrics without kind; None when metrics-server has nothing about the node."""
    last, window = _scrape(service, now)
    used, before = node.used(last), node.used(last - window)
    if service.empty or node.name in service.missing or node.started > last - window or not used or not node.memory:
        return None
    return {
        "metadata": {"name": node.name, "creationTimestamp": rfc3339(now), "labels": node.all_labels},
        "timestamp": rfc3339(last),
        "window": go_duration(window),
        "usage": _usage((used - before) * SECOND // window, node.memory, node.swap),
    }


def pod_metrics(pod: Pod, service: MetricsService, now: int) -> dict[str, Any] | None:
    """A PodMetrics without kind; None unless every container that reports has two points and uses something."""
    last, window = _scrape(service, now)
    if service.empty or pod.key in service.missing or not pod.running:
        return None
    entries = []
    windows = []
    for container in pod.running:
        span = _window(container, last, window)
        used = container.used(last)
        if span is None or not used or not container.memory:
            return None
        windows.append(span)
        rate = (used - container.used(last - span)) * SECOND // span
        entries.append({"name": container.name, "usage": _usage(rate, container.memory, container.swap)})
    metadata: dict[str, Any] = {"name": pod.name, "namespace": pod.namespace, "creationTimestamp": rfc3339(now)}
    if pod.labels:
        metadata["labels"] = dict(pod.labels)
    return {"metadata": metadata, "timestamp": rfc3339(last), "window": go_duration(windows[0]), "containers": entries}


def _scrape(service: MetricsService, now: int) -> tuple[int, int]:
    """When the last scrape was (in whole seconds, as the answer says it), and the time before it."""
    return (now - round(service.lag * SECOND)) // SECOND * SECOND, round(service.window * SECOND)


def _window(container: Container, last: int, window: int) -> int | None:
    age = last - container.started
    if age >= window:
        return window
    return age if age >= _FRESH else None


def _usage(nanocores: int, memory: int, swap: int | None) -> dict[str, str]:
    usage = {"cpu": cpu_quantity(nanocores), "memory": memory_quantity(memory)}
    if swap is not None:
        usage["swap"] = memory_quantity(swap)
    return usage
