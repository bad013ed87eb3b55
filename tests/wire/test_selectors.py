"""Selectors: what kubectl accepts, and the texts with which it refuses the rest (seen in kubectl 1.34)."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.wire.selectors import check_label_selector, field_names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a",
        "!a",
        "a=b",
        "a==b",
        "a!=b",
        "a=",
        "a in (b)",
        "a in (b, c)",
        "a notin (b,c)",
        "a in ()",
        "a in (,b)",
        "a in (b,)",
        "a,b=c,!d",
        "example.com/a=b",
        "a>1",
        "a<1",
        "a>9223372036854775807",
        "\ta =\r\nb ",
        "in=b",
        "in in (in, notin)",
        "notin",
        "a = b , c",
        "a=in",
        "a" * 63,
        "A_b.c-d=E_f",
    ],
)
def test_accepted(text: str) -> None:
    check_label_selector(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a in", "unable to parse requirement: found '' expected: '('"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b,", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a=b,", "found '', expected: identifier after ','"),
        ("a=b,=c", "found '=', expected: identifier after ','"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!=a", "found '!=', expected: !, identifier, or 'end of string'"),
        ("a==)", "unable to parse requirement: found ')', expected: identifier"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    ],
)
def test_refused_as_kubectl_does(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check_label_selector(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/x=a", '<nil>: Invalid value: "/x": prefix part must be non-empty'),
        ("x/=a", "name part must be non-empty"),
        ("a/b/c=d", "a qualified name must"),
        ("UPPER/x=a", "prefix part a lowercase RFC 1123 subdomain"),
        ("x" * 64, "no more than 63 bytes"),
        ("a_=b", '"a_": name part must consist of'),
        ("a<-1", 'values[0][a]: Invalid value: "-1"'),
        ("a=-b", 'values[0][a]: Invalid value: "-b": a valid label must be'),
        ("a in (b,c-)", 'values[1][a]: Invalid value: "c-"'),
        ("a=" + "b" * 64, "no more than 63 bytes"),
        ("a>x", "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"),
        ("a>9223372036854775808", "the value must be an integer"),
        ("a=b\xa0", 'values[0][a]: Invalid value: "b\xa0"'),
    ],
)
def test_names_and_values_are_checked(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_label_selector(text)


@given(st.text("ab=!(),<> in", max_size=14))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        check_label_selector(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        ("metadata.name=x", {"metadata.name"}),
        ("metadata.name==x,status.phase!=Running", {"metadata.name", "status.phase"}),
        (r"metadata.name=a\,b\=c", {"metadata.name"}),
        ("a=,,b=", {"a", "b"}),
        ("=x", {""}),
    ],
)
def test_field_names(text: str, names: set[str]) -> None:
    assert field_names(text) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", "invalid selector: 'foo'; can't understand 'foo'"),
        ("a=b,foo", "can't understand 'foo'"),
        ("a=b=c", "unescaped character in value: ="),
        (r"a=\x", r"invalid escape sequence: \x"),
        ("a=b\\", "invalid escape sequence: \\"),
    ],
)
def test_field_selectors_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        field_names(text)
