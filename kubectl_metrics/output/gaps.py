"""Gaps as lines for stderr: one line for all objects with the same reason, not one for each."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_metrics.sources import causes
from kubectl_metrics.usage.model import Gap

_NAMED = 3  # objects that a line names
_LINES = 12


def lines(gaps: Sequence[Gap]) -> list[str]:
    """A sentence for each reason. Pods that miss for the reason of their node are one line for that node."""
    groups: dict[tuple[str, str, str], list[Gap]] = {}
    for gap in gaps:
        groups.setdefault((gap.kind, gap.reason, gap.node if gap.kind == "Pod" else ""), []).append(gap)
    found = [_line(members) for members in groups.values()]
    if len(found) <= _LINES:
        return found
    return [
        *found[:_LINES],
        f"no usage, for {len(found) - _LINES} more reasons or nodes; nodes and pods list them all with -o json",
    ]


def _line(members: list[Gap]) -> str:
    first = members[0]
    names = [f"{gap.namespace}/{gap.name}" if gap.namespace else gap.name for gap in members]
    kind = first.kind.lower()
    where = f" on {first.node}" if kind == "pod" and first.node else ""
    if len(members) == 1:
        subject = f"{kind} {names[0]}{where}"
    else:
        shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        subject = f"{len(members)} {kind}s{where} ({shown})"
    text = f"no usage of {subject}: {first.message}"
    if any(gap.message != first.message for gap in members):
        text += ", and the like"
    if (first.kind, first.reason) == ("Node", "no-metrics"):
        # metrics-server leaves out the nodes that it cannot scrape; pods are often just too young.
        text += f"; {causes.DIAGNOSE}"
    return text
