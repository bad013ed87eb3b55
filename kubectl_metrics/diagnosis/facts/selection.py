"""Label selectors as they stand on a command line ("a=b,c in (d, e),!f"), applied to labels.

Facts (k8s.io/apimachinery pkg/labels/selector.go): "!=" and "notin" also match where there is no such label; "a=" wants
an empty value; ">" and "<" compare whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kubectl_metrics.wire.selectors import check_label_selector

_PARTS = re.compile(r"(?:[^,(]|\([^)]*\))+")
_SETS = re.compile(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)")
_OPERATORS = re.compile(r"([^=!<>\s]+)\s*(==|!=|=|>|<)\s*(\S*)")


def matches(selector: str, labels: Mapping[str, str] | None) -> bool:
    """Whether labels match a selector; an empty one matches everything. Raises ValueError if it is none."""
    check_label_selector(selector)
    return all(_holds(part.strip(), labels or {}) for part in _PARTS.findall(selector) if part.strip())


def _holds(part: str, labels: Mapping[str, str]) -> bool:
    if found := _SETS.fullmatch(part):
        key, operator, inside = found.groups()
        return (labels.get(key) in {one.strip() for one in inside.split(",")}) == (operator == "in")
    if found := _OPERATORS.fullmatch(part):
        key, operator, value = found.groups()
        if operator in "<>":
            return _compare(labels.get(key, ""), operator, value)
        return (labels.get(key) == value) == (operator != "!=")
    if part.startswith("!"):
        return part[1:].strip() not in labels
    return part in labels


def _compare(label: str, operator: str, value: str) -> bool:
    try:
        return int(label) > int(value) if operator == ">" else int(label) < int(value)
    except ValueError:
        return False
