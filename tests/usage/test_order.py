"""Go's sort.Sort: its own output for 200 inputs (data/README says how it was made), and the properties of any sort."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.usage.order import descending

_CASES = json.loads((Path(__file__).parent / "data" / "go_sort.json").read_text())


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_as_go_sorts(case: dict[str, list[int]]) -> None:
    assert descending(case["keys"]) == case["order"]


@given(st.lists(st.integers(0, 5), max_size=300))
def test_sorts(keys: list[int]) -> None:
    order = descending(keys)
    assert sorted(order) == list(range(len(keys)))
    assert [keys[index] for index in order] == sorted(keys, reverse=True)


@given(st.lists(st.integers(), unique=True, max_size=100))
def test_distinct_keys_need_no_algorithm(keys: list[int]) -> None:
    assert descending(keys) == sorted(range(len(keys)), key=lambda index: -keys[index])
