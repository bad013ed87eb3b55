"""Checks of arguments before anything is connected to; the texts are kubectl's."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_metrics.errors import UsageError
from kubectl_metrics.wire import selectors


def one_name(names: Sequence[str], usage: str, command: str) -> str | None:
    """The only NAME, or None. Raises UsageError for several."""
    if len(names) > 1:
        raise UsageError(usage, hint=f"See 'kubectl metrics {command} -h' for help and examples")
    return check_name(names[0]) if names else None


def check_name(name: str) -> str:
    """The name itself. Raises UsageError if nothing in Kubernetes can be called that.

    "." and ".." would be another path to whoever stands before the API server; they and "%" are no segments of a path
    to kubectl either (IsValidPathSegmentName in k8s.io/apimachinery pkg/api/validation/path).
    """
    if not name or name in (".", "..") or set("/%") & set(name) or not name.isascii() or not name.isprintable():
        raise UsageError(f"{name!a} is not a name")
    return name


def check_sort_key(key: str | None) -> None:
    """Raises UsageError unless it is one of the two that there are."""
    if key and key not in ("cpu", "memory"):
        raise UsageError("--sort-by accepts only cpu or memory")


def check_label_selector(text: str) -> None:
    """Raises UsageError if it is none."""
    try:
        selectors.check_label_selector(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


def check_field_selector(text: str) -> None:
    """Raises UsageError if it is none."""
    try:
        selectors.field_names(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
