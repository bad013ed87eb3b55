"""What selectors select: those of a command line ("a=b,c in (d, e),!f"), of Services, and of other objects.

Facts (k8s.io/apimachinery pkg/labels/selector.go): "!=" and "notin" also match where there is no such label; "a=" wants
an empty value; ">" and "<" compare whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kubectl_metrics.diagnosis.objects import LabelSelector
from kubectl_metrics.wire.selectors import check_label_selector

_PARTS = re.compile(r"(?:[^,(]|\([^)]*\))+")
_SETS = re.compile(r"(\S+)\s+(in|notin)\s*\(([^)]*)\)")
_OPERATORS = re.compile(r"([^=!<>\s]+)\s*(==|!=|=|>|<)\s*(\S*)")


def matches(selector: str, labels: Mapping[str, str] | None) -> bool:
    """Whether labels match a selector; an empty one matches everything. Raises ValueError if it is none."""
    check_label_selector(selector)
    return all(_holds(part.strip(), labels or {}) for part in _PARTS.findall(selector) if part.strip())


def selects(selector: Mapping[str, str] | None, labels: Mapping[str, str] | None) -> bool:
    """Whether a Service's selector matches labels; an empty one selects nothing."""
    return bool(selector) and all((labels or {}).get(key) == value for key, value in (selector or {}).items())


def selects_labels(selector: LabelSelector | None, labels: Mapping[str, str] | None) -> bool:
    """Whether a label selector matches labels; an empty one matches everything, None nothing."""
    if selector is None:
        return False
    known = labels or {}
    if any(known.get(key) != value for key, value in (selector.match_labels or {}).items()):
        return False
    for one in selector.match_expressions or ():
        holds = {
            "In": one.key in known and known[one.key] in (one.values or ()),
            "NotIn": known.get(one.key) not in (one.values or ()),
            "Exists": one.key in known,
            "DoesNotExist": one.key not in known,
        }.get(one.operator, False)
        if not holds:
            return False
    return True


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
