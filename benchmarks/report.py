"""The tables: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.measuring import Measured, Result, Spread
from benchmarks.rows import TIMEOUT
from benchmarks.simulated import Counts

_NOTHING = "—"
_ASKED = ("requests", "connections", "bytes")


def tables(results: Sequence[Result]) -> str:
    """Time and memory, and what was asked over the network, as Markdown."""
    times = [
        [
            result.row.title,
            _spread(result.theirs, lambda measured: measured.seconds, _seconds),
            _spread(result.ours, lambda measured: measured.seconds, _seconds),
            _ratio(result, lambda measured: measured.seconds),
            *_judged(result, results),
        ]
        for result in results
    ]
    costs = [
        [
            result.row.title,
            _spread(result.theirs, lambda measured: measured.memory, _mebibytes),
            _spread(result.ours, lambda measured: measured.memory, _mebibytes),
            _ratio(result, lambda measured: measured.memory),
            *_goal(result.row.memory, result, lambda measured: measured.memory),
            _median(result.theirs, lambda measured: measured.cpu),
            _median(result.ours, lambda measured: measured.cpu),
        ]
        for result in results
    ]
    asked = [[result.row.title, *_network(result.theirs), *_network(result.ours)] for result in results]
    return "\n".join(
        [
            "Time, in seconds:",
            "",
            *_table(["", "kubectl", "ours", "ratio", "goal", "reached"], times),
            "",
            "Peak memory, in MiB, and processor time, in seconds:",
            "",
            *_table(["", "kubectl", "ours", "ratio", "goal", "reached", "kubectl CPU", "our CPU"], costs),
            "",
            "Requests, connections, and bytes received (TLS included):",
            "",
            *_table(["", *(f"{whose} {what}" for whose in ("kubectl", "our") for what in _ASKED)], asked),
        ]
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _mebibytes(value: float) -> str:
    return f"{value / (1 << 20):.0f}"


def _spread(measured: Measured | None, what: Callable[[Measured], Spread], form: Callable[[float], str]) -> str:
    if measured is None:
        return _NOTHING
    spread = what(measured)
    return f"{form(spread.median)} ({form(spread.low)} to {form(spread.high)})"


def _median(measured: Measured | None, what: Callable[[Measured], Spread]) -> str:
    return _NOTHING if measured is None else _seconds(what(measured).median)


def _times(result: Result, what: Callable[[Measured], Spread]) -> float | None:
    return None if result.theirs is None else what(result.ours).median / what(result.theirs).median


def _ratio(result: Result, what: Callable[[Measured], Spread]) -> str:
    ratio = _times(result, what)
    return _NOTHING if ratio is None else f"{ratio:.2f}"


def _goal(goal: float | None, result: Result, what: Callable[[Measured], Spread]) -> tuple[str, str]:
    ratio = _times(result, what)
    if goal is None or ratio is None:
        return _NOTHING, _NOTHING
    return f"{goal:g}x", _yes(ratio <= goal)


def _judged(result: Result, results: Sequence[Result]) -> tuple[str, str]:
    """The goal for the time, and whether it is reached."""
    row, median = result.row, result.ours.seconds.median
    if row.seconds is not None:
        return f"{row.seconds:g} s", _yes(median <= row.seconds)
    if row.beside is not None:
        goal = f"{TIMEOUT:g} s more than without"
        others = [other.ours.seconds.median for other in results if other.row.name == row.beside]
        return goal, _yes(median <= others[0] + TIMEOUT) if others else _NOTHING
    return _goal(row.time, result, lambda measured: measured.seconds)


def _yes(reached: bool) -> str:
    return "yes" if reached else "**no**"


def _network(measured: Measured | None) -> tuple[str, str, str]:
    if measured is None:
        return _NOTHING, _NOTHING, _NOTHING
    sides = [measured.seen.api, measured.seen.kubelets]

    def both(count: Callable[[Counts], int]) -> str:
        return " + ".join(f"{count(side):,}" for side in sides if side.connections or side is sides[0])

    return both(lambda side: side.requests), both(lambda side: side.connections), both(lambda side: side.sent)
