"""Label selectors of a command line, applied to labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.diagnosis.facts.selection import matches

LABELS = {"os": "linux", "zone": "a", "size": "5", "empty": "", "example.com/x": "y"}


@pytest.mark.parametrize(
    ("selector", "matched"),
    [
        ("", True),
        ("os", True),
        ("!os", False),
        ("! gpu", True),
        ("gpu", False),
        ("os=linux", True),
        ("os==linux", True),
        ("os = linux", True),
        ("os=windows", False),
        ("os!=windows", True),
        ("os!=linux", False),
        ("gpu!=yes", True),  # no such label
        ("gpu=", False),
        ("empty=", True),
        ("empty", True),
        ("zone in (a, b)", True),
        ("zone in (b,c)", False),
        ("zone notin (b,c)", True),
        ("zone notin (a)", False),
        ("gpu notin (a)", True),
        ("gpu in (a)", False),
        ("empty in (,a)", True),
        ("size>4", True),
        ("size>5", False),
        ("size<6", True),
        ("os>4", False),
        ("gpu<4", False),
        ("example.com/x=y", True),
        ("os=linux,zone=a", True),
        ("os=linux,zone=b", False),
        ("zone in (a,b),os=linux", True),
        ("zone in (a,b),os=windows", False),
        (" os=linux , !gpu ", True),
    ],
)
def test_selectors(selector: str, matched: bool) -> None:
    assert matches(selector, LABELS) is matched


def test_no_labels() -> None:
    assert matches("!a", None)
    assert not matches("a", None)


@pytest.mark.parametrize("selector", ["a b", "=", "a in b", "a=b,", "a in (b", "a>x", "-a=b"])
def test_what_is_no_selector(selector: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # which text does not matter here
        matches(selector, {})


VALUES = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y", ""]))
ATOMS = st.sampled_from(["a", "b=x", "c!=y", "a in (x,y)", "b notin (x, )", "!c"])


@given(VALUES, st.lists(ATOMS, min_size=1, max_size=4))
def test_commas_mean_and(labels: dict[str, str], atoms: list[str]) -> None:
    assert matches(",".join(atoms), labels) == all(matches(one, labels) for one in atoms)


@given(VALUES)
def test_opposites(labels: dict[str, str]) -> None:
    for one, other in (("a=x", "a!=x"), ("a", "!a"), ("a in (x,y)", "a notin (x,y)")):
        assert matches(one, labels) is not matches(other, labels)
