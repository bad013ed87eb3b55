"""The rows of kubectl's tables: which cells, in which order (kubectl pkg/metricsutil, pkg/cmd/top).

CPU is shown in millicores rounded up, memory in Mi truncated, percentages truncated. Rows can have fewer cells than the
header: a node whose capacity nobody knows has no percentages, and the line of totals follows kubectl's own count of
columns, which forgets those of a header that is not printed. ``output.table`` draws them as kubectl does.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence

from kubectl_metrics.usage.model import NodesUsage
from kubectl_metrics.wire.core import Node
from kubectl_metrics.wire.metrics_list import ContainerMetrics, NodeMetrics, PodMetrics, PodTotal, Usage, total_of

UNKNOWN = "<unknown>"
Row = tuple[str, ...]

_MEBI = 1 << 20


def millicores(nanocores: int) -> int:
    """Millicores, rounded up as Quantity.MilliValue does."""
    return -(-nanocores // 1_000_000)


def percentage(used: int, available: int) -> int:
    """Truncated; of nothing it is 0 %. Both in thousandths of the unit (millicores, millibytes).

    In floating point and in this order, as in kubectl's printAllResourceUsages: 29 % there must not be 28 % here.
    """
    return int(float(used) / float(available) * 100) if available else 0


class Capacity:
    """What a node has to give: millicores and bytes; None where the node does not say."""

    def __init__(self, node: Node, whole: bool) -> None:
        """``whole``: the capacity of the machine instead of what is allocatable to pods."""
        resources = node.status.capacity if whole else node.status.allocatable
        self.cpu = None if resources is None or resources.cpu is None else millicores(resources.cpu)
        self.memory: int | None = None if resources is None else resources.memory
        swap = node.status.node_info.swap
        self.swap = None if swap is None else swap.capacity


def node_order(items: Sequence[NodeMetrics], sort_by: str | None) -> list[NodeMetrics]:
    """Nodes as kubectl sorts them: by name, or by falling "cpu" or "memory"."""
    if sort_by == "cpu":
        return [items[i] for i in _descending([millicores(item.usage.cpu) for item in items])]
    if sort_by == "memory":
        return [items[i] for i in _descending([item.usage.memory for item in items])]
    return sorted(items, key=lambda item: item.metadata.name)


def node_rows(
    usage: NodesUsage, *, sort_by: str | None = None, capacity: bool = False, swap: bool = False, header: bool = True
) -> list[Row]:
    """The table of nodes; those without usage come last, by name."""
    rows: list[Row] = []
    if header:
        rows.append(("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"))
        if swap:
            rows[0] += ("SWAP(bytes)", "SWAP(%)")
    known = {node.name: Capacity(node, capacity) for node in usage.nodes}
    for item in node_order(usage.items, sort_by):
        name = item.metadata.name
        has = known.pop(name, None)
        row: Row = (name, *_node_cells(item.usage, has))
        if swap:
            row += _swap_cells(item.usage, has)
        rows.append(row)
    rows += [(name, *[UNKNOWN] * (6 if swap else 4)) for name in sorted(known)]
    return rows


def _node_cells(usage: Usage, has: Capacity | None) -> Row:
    cpu = millicores(usage.cpu)
    cells: Row = (f"{cpu}m",)
    if has is not None and has.cpu is not None:
        cells += (f"{percentage(cpu, has.cpu)}%",)
    cells += (f"{usage.memory // _MEBI}Mi",)
    if has is not None and has.memory is not None:
        cells += (f"{percentage(usage.memory * 1000, has.memory * 1000)}%",)
    return cells


def _swap_cells(usage: Usage, has: Capacity | None) -> Row:
    if has is None:
        return (f"{(usage.swap or 0) // _MEBI}Mi",)
    if has.swap is None:
        return (UNKNOWN, UNKNOWN)
    swap = usage.swap or 0
    return (f"{swap // _MEBI}Mi", f"{percentage(swap * 1000, has.swap * 1000)}%")


def _descending(keys: Sequence[int]) -> Sequence[int]:
    from kubectl_metrics.usage.order import descending

    return descending(keys)


def pod_order(items: Sequence[PodMetrics], sort_by: str | None, namespaces: bool) -> list[PodMetrics]:
    """Pods as kubectl sorts them: by name (with ``namespaces`` by namespace first), or by falling "cpu" or "memory"."""
    return [items[i] for i in _total_order([total_of(pod) for pod in items], sort_by, namespaces)]


def _total_order(totals: Sequence[PodTotal], sort_by: str | None, namespaces: bool) -> Sequence[int]:
    """The indices of ``totals`` in that order."""
    if sort_by == "cpu":
        return _descending([millicores(cpu) for _, _, cpu, _ in totals])
    if sort_by == "memory":
        return _descending([memory for _, _, _, memory in totals])
    if (namespaces or len({one[0] for one in totals}) == 1) and _is_sorted(totals):
        return range(len(totals))
    names = [name for _, name, _, _ in totals]
    if not namespaces:
        return sorted(range(len(totals)), key=names.__getitem__)
    grouped: dict[str, list[int]] = {}  # many short lists of names are sorted in half the time of one of pairs
    for index, one in enumerate(totals):
        grouped.setdefault(one[0], []).append(index)
    return [i for namespace in sorted(grouped) for i in sorted(grouped[namespace], key=names.__getitem__)]


def _is_sorted(totals: Sequence[PodTotal]) -> bool:
    """Whether they are in order already, as metrics-server answers: it takes a third of the time to see."""
    return all(map(operator.le, totals, itertools.islice(totals, 1, None)))


def container_order(items: Sequence[ContainerMetrics], sort_by: str | None) -> list[ContainerMetrics]:
    """Containers of one pod as kubectl sorts them: by name, or by falling "cpu" or "memory"."""
    if sort_by == "cpu":
        return [items[i] for i in _descending([millicores(item.usage.cpu) for item in items])]
    if sort_by == "memory":
        return [items[i] for i in _descending([item.usage.memory for item in items])]
    return sorted(items, key=lambda item: item.name)


def pod_rows(
    items: Sequence[PodMetrics],
    *,
    sort_by: str | None = None,
    namespaces: bool = False,
    containers: bool = False,
    swap: bool = False,
    header: bool = True,
    total: bool = False,
) -> list[Row]:
    """The table of pods with their swap, or of their containers; nothing at all, not even a header, without pods."""
    rows: list[Row] = []
    for pod in pod_order(items, sort_by, namespaces):
        first: Row = (pod.metadata.namespace,) if namespaces else ()
        if containers:
            first += (pod.metadata.name,)
            for container in container_order(pod.containers, sort_by):
                rows.append((*first, container.name, *_cells([container], swap)))
        else:
            rows.append((*first, pod.metadata.name, *_cells(pod.containers, swap)))
    last = _cells([container for pod in items for container in pod.containers], swap) if total else None
    return _framed(rows, last, namespaces=namespaces, containers=containers, swap=swap, header=header) if items else []


def total_rows(
    totals: Sequence[PodTotal],
    *,
    sort_by: str | None = None,
    namespaces: bool = False,
    header: bool = True,
    total: bool = False,
) -> list[Row]:
    """The plain table of pods, which may have 150,000 rows; nothing at all, not even a header, without pods."""
    ordered = map(totals.__getitem__, _total_order(totals, sort_by, namespaces))
    rows: list[Row]
    cpus, memories = _Cells("m"), _Cells("Mi")
    if namespaces:
        rows = [
            (namespace, name, cpus[-(-cpu // 1_000_000)], memories[memory // _MEBI])
            for namespace, name, cpu, memory in ordered
        ]
    else:
        rows = [(name, cpus[-(-cpu // 1_000_000)], memories[memory // _MEBI]) for _, name, cpu, memory in ordered]
    last = None
    if total:
        last = (
            f"{millicores(sum(cpu for _, _, cpu, _ in totals))}m",
            f"{sum(memory for *_, memory in totals) // _MEBI}Mi",
        )
    return _framed(rows, last, namespaces=namespaces, header=header) if totals else []


class _Cells(dict[int, str]):
    """Numbers with their unit; many pods use as much as another one, and each text is made once."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def __missing__(self, number: int) -> str:
        text = self[number] = f"{number}{self._unit}"
        return text


def _framed(
    rows: list[Row],
    total: Row | None,
    *,
    namespaces: bool,
    containers: bool = False,
    swap: bool = False,
    header: bool = True,
) -> list[Row]:
    """The rows with the header above and the line of totals below, where they are wanted."""
    measured = ("NAME", "CPU(cores)", "MEMORY(bytes)", *(("SWAP(bytes)",) if swap else ()))
    columns = len(measured)
    if header:
        before = (("NAMESPACE",) if namespaces else ()) + (("POD",) if containers else ())
        columns += len(before)  # only here: so counts kubectl, and its line of totals goes by it
        rows.insert(0, (*before, *measured))
    if total is not None:
        rows.append((*[""] * (columns - 2), "________", "________"))
        rows.append((*[""] * (columns - 3), "", *total))
    return rows


def _cells(containers: Sequence[ContainerMetrics], swap: bool) -> Row:
    cpu = memory = swapped = 0
    for container in containers:
        cpu += container.usage.cpu
        memory += container.usage.memory
        swapped += container.usage.swap or 0
    cells: Row = (f"{millicores(cpu)}m", f"{memory // _MEBI}Mi")
    return (*cells, f"{swapped // _MEBI}Mi") if swap else cells
