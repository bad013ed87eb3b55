"""Selectors and number formats against what Kubernetes does with the same text."""

from __future__ import annotations

import pytest

from tests.simcluster.formats import cpu_quantity, go_duration, go_float, memory_quantity
from tests.simcluster.selecting import SelectorError, parse_label_selector


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("app=web", True),
        ("app==web,tier!=back", True),
        ("app != web", False),
        ("app in (db, web)", True),
        ("app notin (db,web)", False),
        ("missing notin (a)", True),
        ("missing!=a", True),
        ("example.com/part-of=shop", True),
        ("app=", False),
        ("! app, tier", False),
    ],
)
def test_label_selectors(selector: str, matches: bool) -> None:
    labels = {"app": "web", "tier": "front", "example.com/part-of": "shop"}
    assert parse_label_selector(selector)(labels) == matches


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a=!", "unable to parse requirement: found '!', expected: identifier"),
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        ("x,", "found '', expected: identifier after ','"),
    ],
)
def test_bad_label_selectors_have_the_api_servers_words(selector: str, message: str) -> None:
    with pytest.raises(SelectorError) as error:
        parse_label_selector(selector)
    assert str(error.value) == message


def test_quantities_are_canonical() -> None:
    assert [cpu_quantity(n) for n in (0, 1, 51497, 250_000_000, 2_000_000_000)] == ["0", "1n", "51497n", "250m", "2"]
    assert [memory_quantity(n) for n in (0, 1025, 5748 * 1024, 100 << 20)] == ["0", "1025", "5748Ki", "100Mi"]


def test_durations_and_floats_are_gos() -> None:
    assert [go_duration(n) for n in (15 * 10**9, 15_003_000_000, 60 * 10**9)] == ["15s", "15.003s", "1m0s"]
    assert [go_float(x) for x in (0, 0.024837157, 1040.623021286, 6074368.0, 1795460338.6903331)] == [
        "0",
        "0.024837157",
        "1040.623021286",
        "6.074368e+06",
        "1.7954603386903331e+09",
    ]
