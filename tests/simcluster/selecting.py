"""Label and field selectors with the API server's semantics and its error texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
Requirement = Callable[[Labels], bool]

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|=|!|,|\(|\)|>|<|[^ \t\r\n=!,()<>]+)")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_OPERATORS = ("in", "notin", "=", "==", "!=")
_SYMBOLS = {"=", "==", "!=", "!", ",", "(", ")", "<", ">"}


class SelectorError(ValueError):
    """A selector that the API server answers with 400; the text is its message."""


def parse_label_selector(text: str) -> Requirement:
    """What a labelSelector parameter demands of an object's labels."""
    tokens = _Tokens(text)
    requirements: list[Requirement] = []
    while tokens.peek():
        requirements.append(_requirement(tokens))
        separator = tokens.take()
        if separator not in ("", ","):
            raise SelectorError(f"found '{separator}', expected: ',' or 'end of string'")
        if separator == "," and not tokens.peek():
            raise SelectorError("found '', expected: identifier after ','")
    return lambda labels: all(requirement(labels) for requirement in requirements)


def parse_field_selector(text: str) -> list[tuple[str, bool, str]]:
    """(field, whether it must be equal, value) for each term of a fieldSelector parameter."""
    terms = []
    for term in filter(None, text.split(",")):
        match = re.match(r"([^=!]+)(==|!=|=)(.*)", term)
        if match is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
        terms.append((match[1], match[2] != "!=", match[3]))
    return terms


class _Tokens:
    def __init__(self, text: str) -> None:
        self._left = _TOKEN.findall(text)

    def peek(self) -> str:
        return self._left[0] if self._left else ""

    def take(self) -> str:
        return self._left.pop(0) if self._left else ""


def _requirement(tokens: _Tokens) -> Requirement:
    negated = tokens.peek() == "!"
    if negated:
        tokens.take()
    key = tokens.take()
    if key in _SYMBOLS or not key:
        raise SelectorError(f"found '{key}', expected: !, identifier, or 'end of string'")
    _check_name(key.rpartition("/")[2], key, "name part must", "'MyName',  or 'my.name',  or '123-abc'")
    if negated:
        return lambda labels: key not in labels
    if tokens.peek() in ("", ","):
        return lambda labels: key in labels
    operator = tokens.take()
    if operator not in _OPERATORS:
        expected = ", ".join((*_OPERATORS, "gt", "lt"))
        raise SelectorError(f"unable to parse requirement: found '{operator}', expected: {expected}")
    if operator in ("in", "notin"):
        values = _values(tokens)
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    value = _value(tokens, key)
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _value(tokens: _Tokens, key: str) -> str:
    """The right side of an equality; nothing at all is the empty value."""
    if tokens.peek() in ("", ","):
        return ""
    value = tokens.take()
    if value in _SYMBOLS:
        raise SelectorError(f"unable to parse requirement: found '{value}', expected: identifier")
    _check_name(
        value,
        value,
        "a valid label must be an empty string or",
        "'MyValue',  or 'my_value',  or '12345'",
        f"values[0][{key}]",
    )
    return value


def _values(tokens: _Tokens) -> frozenset[str]:
    """The list in brackets after ``in`` and ``notin``."""
    if tokens.peek() != "(":
        raise SelectorError(f"unable to parse requirement: found '{tokens.peek()}' expected: '('")
    tokens.take()
    values = set()
    while True:
        values.add("" if tokens.peek() in (",", ")") else tokens.take())
        separator = tokens.take()
        if separator == ")":
            return frozenset(values)
        if separator != ",":
            raise SelectorError(f"unable to parse requirement: found '{separator}', expected: ',' or ')'")


def _check_name(part: str, whole: str, rule: str, examples: str, field: str = "<nil>") -> None:
    if _NAME.fullmatch(part) and len(part) <= 63:
        return
    pattern = _NAME.pattern if field == "<nil>" else f"({_NAME.pattern})?"
    raise SelectorError(
        f'unable to parse requirement: {field}: Invalid value: "{whole}": {rule} consist of alphanumeric characters, '
        f"'-', '_' or '.', and must start and end with an alphanumeric character (e.g. {examples}, "
        f"regex used for validation is '{pattern}')"
    )
