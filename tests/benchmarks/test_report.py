"""The tables of docs/benchmarks.md."""

from __future__ import annotations

import pytest

from benchmarks.measuring import Measured, Result, Spread
from benchmarks.report import tables
from benchmarks.rows import ROWS, Row
from benchmarks.simulated import Counts, Seen, Setup

NOBODY = Counts(0, 0, 0, 0, {})


def measured(seconds: float, mebibytes: float = 10, *, kubelets: Counts = NOBODY) -> Measured:
    def fixed(value: float) -> Spread:
        return Spread(value, value, value)

    api = Counts(connections=3, requests=4, received=100, sent=12_345, paths={})
    return Measured(fixed(seconds), fixed(seconds / 2), fixed(mebibytes * (1 << 20)), Seen(api, kubelets))


def cells(results: list[Result], *, table: int, row: int = 0) -> list[str]:
    """Of a row, in the first table (time), the second (memory) or the third (network)."""
    blocks = [block.splitlines() for block in tables(results).split("\n\n") if block.startswith("|")]
    return [cell.strip() for cell in blocks[table][2 + row].strip("|").split("|")]


def row(**fields: object) -> Row:
    return Row("name", "title", Setup(), ("kubectl-metrics",), **fields)  # type: ignore[arg-type]  # they are Row's


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([3.0], Spread(3, 3, 3)),
        ([4.0, 1.0, 2.0, 3.0, 5.0], Spread(2, 3, 4)),
        ([1.0, 2.0], Spread(1.25, 1.5, 1.75)),
    ],
)
def test_the_median_and_the_quartiles(values: list[float], spread: Spread) -> None:
    assert Spread.of(values) == spread


@pytest.mark.parametrize(("ours", "ratio", "reached"), [(0.8, "0.80", "yes"), (0.81, "0.81", "**no**")])
def test_a_goal_is_a_multiple_of_what_kubectl_needs(ours: float, ratio: str, reached: str) -> None:
    result = Result(row(time=0.8), 10, measured(ours), measured(1))
    assert cells([result], table=0)[3:] == [ratio, "0.8x", reached]


def test_memory_has_a_goal_of_its_own() -> None:
    result = Result(row(time=1, memory=0.5), 10, measured(1, mebibytes=60), measured(1, mebibytes=100))
    assert cells([result], table=1)[1:6] == ["100 (100 to 100)", "60 (60 to 60)", "0.60", "0.5x", "**no**"]


def test_what_kubectl_cannot_do_has_a_goal_in_seconds() -> None:
    result = Result(row(seconds=8), 10, measured(7), None)
    assert cells([result], table=0) == ["title", "—", "7.00 (7.00 to 7.00)", "—", "8 s", "yes"]


@pytest.mark.parametrize(("seconds", "reached"), [(17, "yes"), (17.1, "**no**")])
def test_hung_kubelets_may_cost_one_timeout(seconds: float, reached: str) -> None:
    without = Result(row(seconds=8), 10, measured(7), None)
    with_them = Result(row(beside="name"), 10, measured(seconds), None)
    assert cells([without, with_them], table=0, row=1)[4:] == ["10 s more than without", reached]


def test_hung_kubelets_alone_are_not_judged() -> None:
    assert cells([Result(row(beside="other"), 10, measured(7), None)], table=0)[5] == "—"


def test_the_kubelets_are_counted_apart_from_the_api_server() -> None:
    kubelets = Counts(connections=50, requests=51, received=0, sent=1_000_000, paths={})
    result = Result(row(), 10, measured(1, kubelets=kubelets), measured(1))
    assert cells([result], table=2)[1:] == ["4", "3", "12,345", "4 + 51", "3 + 50", "12,345 + 1,000,000"]


def test_rows_that_others_lean_on_come_first() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert all(names.index(row.beside) < names.index(row.name) for row in ROWS if row.beside)
