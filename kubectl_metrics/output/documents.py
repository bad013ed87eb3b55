"""The versioned document behind ``-o json`` and ``-o yaml``.

Numbers are integers in base units (nanocores, bytes), percentages truncated as in the table, windows in seconds. What
is not known is null. Fields are only ever added within one apiVersion.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from kubectl_metrics.usage.model import Gap, NodesUsage, PodsUsage, Usage
from kubectl_metrics.usage.report import (
    Capacity,
    container_order,
    millicores,
    node_order,
    percentage,
    pod_order,
)
from kubectl_metrics.wire.metrics_list import NodeMetrics, PodMetrics, total_of
from kubectl_metrics.wire.metrics_list import Usage as Measured
from kubectl_metrics.wire.time import parse_duration

API_VERSION = "kubectl-metrics/v1"


def render(document: dict[str, Any], form: str) -> str:
    """The document as text; ``form`` is "json" or "yaml"."""
    if form == "json":
        return _escaped(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"
    import yaml  # only here: loading it costs more than the table

    text: str = yaml.dump(document, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
    return text


def _escaped(text: str) -> str:
    """JSON in which every character is printable: what is not stands in a string, and there it has an escape."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1] for character in text
    )


def nodes_document(usage: NodesUsage, *, sort_by: str | None, capacity: bool) -> dict[str, Any]:
    """The answer of ``nodes``; ``percent`` is of the allocatable resources, with ``capacity`` of the machine's."""
    known = {node.name: node for node in usage.nodes}
    items = []
    for item in node_order(usage.items, sort_by):
        node = known.get(item.metadata.name)
        allocatable = Capacity(node, False) if node else None
        whole = Capacity(node, True) if node else None
        items.append(
            {
                "name": item.metadata.name,
                "usage": _usage(item.usage),
                "allocatable": _capacity(allocatable),
                "capacity": _capacity(whole),
                "percent": _percent(item.usage, whole if capacity else allocatable),
                **_when(item),
            }
        )
    return _envelope("NodeUsageList", usage, items)


def pods_document(usage: PodsUsage, *, sort_by: str | None, namespaces: bool) -> dict[str, Any]:
    """The answer of ``pods``: always with the containers, ``usage`` being their sum."""
    items = []
    for pod in pod_order(usage.items, sort_by, namespaces):
        namespace, name, cpu, memory = total_of(pod)
        swaps = [container.usage.swap for container in pod.containers if container.usage.swap is not None]
        items.append(
            {
                "namespace": namespace,
                "name": name,
                "usage": {"cpuNanocores": cpu, "memoryBytes": memory, "swapBytes": sum(swaps) if swaps else None},
                "containers": [
                    {"name": container.name, "usage": _usage(container.usage)}
                    for container in container_order(pod.containers, sort_by)
                ],
                **_when(pod),
            }
        )
    return _envelope("PodUsageList", usage, items)


def _envelope(kind: str, usage: Usage, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "source": {"kind": usage.source.kind, "detail": usage.source.detail},
        "items": items,
        "gaps": [_gap(gap) for gap in usage.gaps],
    }


def _gap(gap: Gap) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": gap.kind, "name": gap.name}
    if gap.kind == "Pod":
        document |= {"namespace": gap.namespace, "node": gap.node or None}
    return document | {"reason": gap.reason, "message": gap.message}


def _usage(usage: Measured) -> dict[str, int | None]:
    swap = None if usage.swap is None else int(usage.swap)
    return {"cpuNanocores": int(usage.cpu), "memoryBytes": int(usage.memory), "swapBytes": swap}


def _capacity(has: Capacity | None) -> dict[str, int | None]:
    if has is None:
        return {"cpuMillicores": None, "memoryBytes": None, "swapBytes": None}
    memory = None if has.memory is None else int(has.memory)
    return {"cpuMillicores": has.cpu, "memoryBytes": memory, "swapBytes": has.swap}


def _percent(usage: Measured, has: Capacity | None) -> dict[str, int | None]:
    cpu = memory = None
    if has is not None and has.cpu is not None:
        cpu = percentage(millicores(usage.cpu), has.cpu)
    if has is not None and has.memory is not None:
        memory = percentage(usage.memory * 1000, has.memory * 1000)
    return {"cpu": cpu, "memory": memory}


def _when(item: NodeMetrics | PodMetrics) -> dict[str, Any]:
    try:
        window = parse_duration(item.window) if item.window else 0.0
    except ValueError:
        window = 0.0
    return {"timestamp": item.timestamp or None, "windowSeconds": window or None}
