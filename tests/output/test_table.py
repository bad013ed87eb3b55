"""kubectl's layout, against the output of the Go library that kubectl uses (data/README says how it was recorded)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.output.table import render

_CASES = json.loads((Path(__file__).parent / "data" / "tabwriter.json").read_text("utf-8"))


@pytest.mark.parametrize("case", _CASES, ids=range(len(_CASES)))
def test_as_tabwriter_draws(case: dict[str, Any]) -> None:
    assert render([tuple(row) for row in case["rows"]]) == case["text"]


def test_nothing() -> None:
    assert render([]) == ""


def test_control_characters_are_escaped_before_they_are_measured() -> None:
    assert render([("a\x1b[2J", "b"), ("\u202ec", "d")]) == "a\\x1b[2J   b     \n\\u202ec    d     \n"


@given(st.lists(st.lists(st.text(max_size=6), min_size=1, max_size=4).map(tuple), min_size=1, max_size=8))
def test_a_line_for_each_row(rows: list[tuple[str, ...]]) -> None:
    text = render(rows)
    assert text.endswith("\n")
    lines = text[:-1].split("\n")
    assert len(lines) == len(rows)
    assert all(line.isprintable() for line in lines)
