"""The arithmetic of docs/agreement.md."""

from __future__ import annotations

import pytest

from benchmarks.agreement import table
from benchmarks.series import Agreement, Pair, Sample, Series, above

KEY = ("pod", "shop", "web")


def series() -> Series:
    """100 until second 10, 200 until 20, then 400 until 30; memory as much as that."""
    found = Series()
    for end, value in ((20.0, 200.0), (10.0, 100.0), (30.0, 400.0)):
        found.add(Sample(end, 10.0, value, value))
    return found


@pytest.mark.parametrize(
    ("begin", "end", "mean"),
    [(0, 10, 100), (10, 20, 200), (5, 15, 150), (18, 28, 360), (0, 30, 700 / 3), (29, 39, None), (-10, 0, None)],
)
def test_the_mean_of_a_span_is_weighted_by_the_overlap(begin: float, end: float, mean: float | None) -> None:
    assert series().cpu(begin, end) == (None if mean is None else pytest.approx(mean))


@pytest.mark.parametrize(("at", "memory"), [(10, 100), (15, 150), (22.5, 250), (30, 400), (9, None), (31, None)])
def test_memory_lies_between_the_measurements_around_it(at: float, memory: float | None) -> None:
    assert series().memory(at) == memory


def test_what_is_read_twice_counts_once() -> None:
    found = series()
    found.add(Sample(10.0, 10.0, 100.0, 100.0))
    assert found.cpu(0, 20) == 150


def test_errors_in_both_directions_cancel_in_the_bias_only() -> None:
    agreement = Agreement.of([Pair(KEY, 50, 100), Pair(KEY, 150, 100)])
    assert (agreement.pairs, agreement.bias, agreement.median) == (2, 0, 0)
    assert agreement.low == pytest.approx(-0.45)
    assert agreement.high == pytest.approx(0.45)


def test_neither_side_decides_alone_what_is_too_small() -> None:
    assert above([Pair(KEY, 12, 8), Pair(KEY, 8, 12), Pair(KEY, 9, 10), Pair(KEY, 100, 0)], 10) == [
        Pair(KEY, 12, 8),
        Pair(KEY, 8, 12),
    ]


@pytest.mark.parametrize(("how", "reached"), [("same span", False), ("same moment", True)])
def test_only_the_same_span_has_a_goal(how: str, reached: bool) -> None:
    pairs = [Pair(KEY, 104e6, 100e6), Pair(KEY, 104e6, 100e6)]
    text, found = table({("/stats/summary", how, "pod", "CPU"): pairs})
    assert found is reached
    assert text.splitlines()[-1] == f"| /stats/summary | pods, CPU | {how} | 2 | +4.0 % | +4.0 % | +4.0 % | +4.0 % |"
