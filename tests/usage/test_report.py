"""The rows of the tables, against what kubectl's printer does (pkg/metricsutil/metrics_printer.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.usage import report
from kubectl_metrics.wire.core import Node, ObjectMeta
from kubectl_metrics.wire.metrics_list import PodMetrics, total_of
from tests.usage.builders import node, node_metrics, nodes_usage, pod

HEADER = ("NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)")


@pytest.mark.parametrize(
    ("nanocores", "millicores"), [(0, 0), (1, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2), (2 * 10**9, 2000)]
)
def test_millicores_are_rounded_up(nanocores: int, millicores: int) -> None:
    assert report.millicores(nanocores) == millicores


@pytest.mark.parametrize(
    ("used", "available", "percent"),
    [(0, 5, 0), (5, 0, 0), (29, 100, 28), (57, 100, 56), (199, 200, 99), (300, 200, 150)],
)
def test_percentages_are_those_of_floating_point(used: int, available: int, percent: int) -> None:
    # 29/100*100 is 28.999999999999996 in IEEE 754, and 28 % in kubectl's table.
    assert report.percentage(used, available) == percent


def test_nodes() -> None:
    usage = nodes_usage(
        [node_metrics("b", 100.5, 500.9), node_metrics("a", 300, 250)], [node("a"), node("b"), node("d"), node("c")]
    )
    assert report.node_rows(usage) == [
        HEADER,
        ("a", "300m", "15%", "250Mi", "25%"),
        ("b", "101m", "5%", "500Mi", "50%"),
        ("c", *["<unknown>"] * 4),
        ("d", *["<unknown>"] * 4),
    ]


@pytest.mark.parametrize(("sort_by", "names"), [(None, "abc"), ("cpu", "cab"), ("memory", "bca")])
def test_nodes_are_sorted(sort_by: str | None, names: str) -> None:
    usage = nodes_usage(
        [node_metrics("b", 1, 3), node_metrics("a", 2, 1), node_metrics("c", 3, 2)], [node(name) for name in "abc"]
    )
    assert "".join(row[0] for row in report.node_rows(usage, sort_by=sort_by, header=False)) == names


def test_nodes_by_cpu_compare_millicores() -> None:
    # 1.2m and 1.9m are both shown as 2m, and equal to kubectl: the order of the answer stays.
    usage = nodes_usage([node_metrics("a", 1.2, 1), node_metrics("b", 1.9, 1)], [])
    assert [row[0] for row in report.node_rows(usage, sort_by="cpu", header=False)] == ["a", "b"]


def test_capacity_instead_of_allocatable() -> None:
    usage = nodes_usage([node_metrics("a", 1000, 500)], [node("a")])
    assert report.node_rows(usage, capacity=True, header=False) == [("a", "1000m", "10%", "500Mi", "5%")]


def test_a_node_of_unknown_capacity_has_fewer_cells() -> None:
    usage = nodes_usage([node_metrics("gone", 1, 1), node_metrics("half", 1, 1)], [node("half", cores=None)])
    assert report.node_rows(usage, header=False) == [("gone", "1m", "1Mi"), ("half", "1m", "1Mi", "0%")]
    bare = nodes_usage([node_metrics("a", 1, 1)], [Node(ObjectMeta("a"))])
    assert report.node_rows(bare, header=False) == [("a", "1m", "1Mi")]


def test_swap_of_nodes() -> None:
    usage = nodes_usage(
        [
            node_metrics("a", 1, 1, swap=5),
            node_metrics("b", 1, 1, swap=5),
            node_metrics("c", 1, 1),
            node_metrics("x", 1, 1),
        ],
        [node("a", swap=10), node("b"), node("c", swap=0), node("d")],
    )
    rows = report.node_rows(usage, swap=True)
    assert rows[0] == (*HEADER, "SWAP(bytes)", "SWAP(%)")
    assert [row[5:] for row in rows[1:]] == [
        ("5Mi", "50%"),
        ("<unknown>", "<unknown>"),
        ("0Mi", "0%"),
        (),
        ("<unknown>", "<unknown>"),
    ]
    assert rows[4] == ("x", "1m", "1Mi", "0Mi")


PODS = [
    pod("web", ("app", 10.2, 30), ("log", 0.4, 10), namespace="shop"),
    pod("api", ("app", 20, 20.9), namespace="zoo"),
    pod("cron", ("job", 5, 50), namespace="base"),
]


def total_rows(items: list[PodMetrics], **options: Any) -> list[report.Row]:
    return report.total_rows(list(map(total_of, items)), **options)


# The plain table, made of totals and of whole pods.
plain = pytest.mark.parametrize("table", [total_rows, report.pod_rows])
Table = Callable[..., list[report.Row]]


@plain
def test_pods(table: Table) -> None:
    assert table(PODS) == [
        ("NAME", "CPU(cores)", "MEMORY(bytes)"),
        ("api", "20m", "20Mi"),
        ("cron", "5m", "50Mi"),
        ("web", "11m", "40Mi"),
    ]


@plain
def test_pods_of_all_namespaces(table: Table) -> None:
    assert table(PODS, namespaces=True) == [
        ("NAMESPACE", "NAME", "CPU(cores)", "MEMORY(bytes)"),
        ("base", "cron", "5m", "50Mi"),
        ("shop", "web", "11m", "40Mi"),
        ("zoo", "api", "20m", "20Mi"),
    ]


@plain
@pytest.mark.parametrize(("sort_by", "names"), [("cpu", ["api", "web", "cron"]), ("memory", ["cron", "web", "api"])])
def test_pods_are_sorted(table: Table, sort_by: str, names: list[str]) -> None:
    assert [row[0] for row in table(PODS, sort_by=sort_by, header=False)] == names


def test_containers() -> None:
    assert report.pod_rows(PODS[:1], containers=True, namespaces=True) == [
        ("NAMESPACE", "POD", "NAME", "CPU(cores)", "MEMORY(bytes)"),
        ("shop", "web", "app", "11m", "30Mi"),
        ("shop", "web", "log", "1m", "10Mi"),
    ]


@pytest.mark.parametrize(("sort_by", "names"), [(None, "abc"), ("cpu", "cab"), ("memory", "bca")])
def test_containers_are_sorted(sort_by: str | None, names: str) -> None:
    item = pod("p", ("b", 1, 3), ("a", 2, 1), ("c", 3, 2))
    assert "".join(row[1] for row in report.pod_rows([item], containers=True, sort_by=sort_by, header=False)) == names


def test_swap_of_pods() -> None:
    item = pod("p", ("a", 1, 1), ("b", 1, 1), swap=3)
    assert report.pod_rows([item], swap=True) == [
        ("NAME", "CPU(cores)", "MEMORY(bytes)", "SWAP(bytes)"),
        ("p", "2m", "2Mi", "6Mi"),
    ]


@plain
def test_the_sum_is_of_exact_values(table: Table) -> None:
    items = [pod("a", ("c", 0.4, 0.6)), pod("b", ("c", 0.4, 0.6))]
    assert table(items, total=True)[1:] == [
        ("a", "1m", "0Mi"),
        ("b", "1m", "0Mi"),
        ("", "________", "________"),
        ("", "1m", "1Mi"),
    ]


@pytest.mark.parametrize(
    ("options", "line", "total"),
    [
        ({}, ("",), ("",)),
        ({"namespaces": True}, ("", ""), ("", "")),
        ({"namespaces": True, "containers": True}, ("", "", ""), ("", "", "")),
        # kubectl counts the columns of a header only where it prints one:
        ({"namespaces": True, "header": False}, ("",), ("",)),
        ({"swap": True}, ("", ""), ("", "")),
    ],
)
def test_where_the_sum_stands(options: dict[str, Any], line: tuple[str, ...], total: tuple[str, ...]) -> None:
    rows = report.pod_rows([pod("a", ("c", 1, 1))], total=True, **options)
    assert rows[-2] == (*line, "________", "________")
    assert rows[-1][: len(total) + 2] == (*total, "1m", "1Mi")


@plain
def test_no_pods_no_table(table: Table) -> None:
    assert table([], total=True) == []


@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**13)), max_size=5))
def test_a_pod_is_the_sum_of_its_containers(values: list[tuple[int, int]]) -> None:
    item = pod("p", *((f"c{index}", cpu / 1e6, memory / (1 << 20)) for index, (cpu, memory) in enumerate(values)))
    cpu, memory = total_of(item)[2:]
    assert total_rows([item], header=False) == [("p", f"{report.millicores(cpu)}m", f"{memory >> 20}Mi")]
    assert report.pod_rows([item], header=False, swap=True) == [
        ("p", f"{report.millicores(cpu)}m", f"{memory >> 20}Mi", "0Mi")
    ]


measured = st.tuples(st.sampled_from("abc"), st.sampled_from("pqr"), st.integers(0, 3), st.integers(0, 3))


@given(st.lists(measured), st.sampled_from([None, "cpu", "memory"]), st.booleans(), st.booleans(), st.booleans())
def test_both_tables_are_the_same(
    values: list[tuple[str, str, int, int]], sort_by: str | None, namespaces: bool, header: bool, total: bool
) -> None:
    items = [pod(name, ("c", cpu, memory), namespace=namespace) for namespace, name, cpu, memory in values]
    options = {"sort_by": sort_by, "namespaces": namespaces, "header": header, "total": total}
    assert total_rows(items, **options) == report.pod_rows(items, **options)  # type: ignore[arg-type]  # each has its own


@given(st.lists(measured), st.booleans())
def test_pods_come_by_name_whether_they_are_in_order_already_or_not(
    values: list[tuple[str, str, int, int]], namespaces: bool
) -> None:
    for totals in (values, sorted(values), sorted(values, reverse=True)):
        rows = report.total_rows(totals, namespaces=namespaces, header=False)
        by_name = sorted(totals, key=lambda total: total[:2] if namespaces else total[1:2])
        assert rows == [
            row for total in by_name for row in report.total_rows([total], namespaces=namespaces, header=False)
        ]
