"""What bench-quick fails on, and that its budgets are of commands that it still looks at."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks.budgets import Cost, exceeded, saved
from benchmarks.quick import BUDGETS, CASES

BUDGET = Cost(
    modules=["click", "kubectl_metrics.cli"],
    requests={"GET /a": 1, "GET /stats/summary (kubelets)": 200},
    connections=3,
    bytes=100_000,
    memory=40,
)


@pytest.mark.parametrize(
    ("cost", "line"),
    [
        (replace(BUDGET, modules=["click", "yaml"]), "imports yaml"),
        (replace(BUDGET, requests={"GET /a": 2}), "asks GET /a 2 times, not 1"),
        (replace(BUDGET, requests={"GET /b": 1}), "asks GET /b 1 times, not 0"),
        (replace(BUDGET, connections=4), "opens 4 connections, not 3"),
        (replace(BUDGET, bytes=103_000), "receives 103,000 bytes, not 100,000"),
        (replace(BUDGET, memory=51), "needs 51 MiB, not 40"),
    ],
)
def test_more_than_before_is_named(cost: Cost, line: str) -> None:
    assert list(exceeded(BUDGET, cost)) == [line]


@pytest.mark.parametrize("cost", [BUDGET, replace(BUDGET, bytes=101_999, memory=49), replace(BUDGET, modules=None)])
def test_what_differs_from_machine_to_machine_is_allowed(cost: Cost) -> None:
    assert list(exceeded(BUDGET, cost)) == []


@pytest.mark.parametrize(
    "cost",
    [
        replace(BUDGET, modules=["click"]),
        replace(BUDGET, bytes=50_000),
        replace(BUDGET, memory=20),
    ],
)
def test_less_than_before_is_no_failure_and_is_told(cost: Cost) -> None:
    assert list(exceeded(BUDGET, cost)) == []
    assert saved(BUDGET, cost)


def test_the_same_as_before_is_nothing_to_tell() -> None:
    assert not saved(BUDGET, BUDGET)


def test_there_are_budgets_for_all_that_is_looked_at_and_nothing_else() -> None:
    budgets = json.loads(BUDGETS.read_text("utf-8"))
    commands = [command for commands in CASES.values() for command in commands]
    assert [name.partition(",")[0] for name in budgets] == commands


def test_the_kubernetes_package_has_no_place_in_a_budget() -> None:
    budgets = json.loads(BUDGETS.read_text("utf-8"))
    imported = {module for budget in budgets.values() for module in budget["modules"] or ()}
    assert {"click", "msgspec"} <= imported
    assert not {"kubernetes", "urllib3"} & imported
