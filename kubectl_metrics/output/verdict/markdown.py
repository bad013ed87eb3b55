"""Markdown for an issue report or a chat.

What comes from the cluster stands in code spans, where nothing has a meaning: no mark-up, no link, no mention of
somebody who happens to be called like a node. In titles, which are our own with names filled in, the words that have
a character with a meaning do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubectl_metrics.diagnosis.findings import Finding, Verdict
from kubectl_metrics.output.prose import clean, cut
from kubectl_metrics.output.style import PLAIN
from kubectl_metrics.output.verdict import kubelet
from kubectl_metrics.output.verdict.short import mark, remedy_lines
from kubectl_metrics.output.verdict.words import affected, causes, headline, hidden_cause, tally, unread

_MEANING = re.compile(r"[\\`*_\[\]<>|#~@&$!]|://|www\.")
_VALUE = 300


def markdown(verdict: Verdict) -> str:
    """The whole report; each cause a section."""
    parts = [f"**{prose(headline(verdict))}**"]
    where = [code(verdict.server)] if verdict.server else []
    where += [prose(verdict.collected_at)] if verdict.collected_at else []
    if where:
        parts.append(f"`kubectl metrics diagnose`, {', '.join(map(clean, where))}")
    for cause in causes(verdict):
        parts += _section(cause.finding, verdict)
        if cause.symptoms:
            lines = [f"- {one.id} ({one.severity.value}): {_with_affected(one, verdict)}" for one in cause.symptoms]
            parts.append("And therefore:\n\n" + "\n".join(lines))
    parts.append("### Stages\n\n" + _grid(_stages(verdict), ("", "stage", "seen")))
    if verdict.kubelet is not None:
        rows = [(cell(name), cell(text)) for name, text in kubelet.rows(verdict.kubelet)]
        parts.append(f"### The kubelet of {code(verdict.kubelet.node)}\n\n" + _grid(rows, ("asked", "seen")))
    missing = unread(verdict)
    if missing:
        parts.append("Not checked:\n\n" + "\n".join(f"- {prose(line)}" for line in missing))
    parts.append(tally(verdict))
    return "\n\n".join(parts) + "\n"


def _section(one: Finding, verdict: Verdict) -> list[str]:
    parts = [f"### {mark(one.severity.value, PLAIN)} {one.id} ({one.severity.value}): {prose(one.title)}"]
    if one.affected:
        parts.append(prose(affected(verdict, one)))
    if hidden := hidden_cause(verdict, one):
        parts.append(hidden[0].upper() + hidden[1:])
    if one.evidence:
        rows = [
            (cell(proof.object), cell(proof.field), cell(cut(clean(proof.value), _VALUE))) for proof in one.evidence
        ]
        parts.append(_grid(rows, ("object", "field", "value")))
    remedy = [line for line, _ in remedy_lines(one.remedy)]
    if any(command for _, command in remedy_lines(one.remedy)):
        parts.append(fence(remedy))
    elif remedy:
        parts.append("To do: " + prose(" ".join(remedy)))
    if one.link:
        parts.append(f"<{clean(one.link).replace('>', '%3E').replace('<', '%3C').replace(' ', '%20')}>")
    return parts


def _with_affected(one: Finding, verdict: Verdict) -> str:
    who = affected(verdict, one)
    return prose(one.title) + (f" ({prose(who)})" if who else "")


def _stages(verdict: Verdict) -> list[tuple[str, ...]]:
    return [
        (mark(stage.outcome, PLAIN), stage.category.value, prose(stage.seen).replace("|", "\\|"))
        for stage in verdict.stages
    ]


def _grid(rows: Sequence[tuple[str, ...]], headers: tuple[str, ...]) -> str:
    import tabulate

    return tabulate.tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def prose(text: str) -> str:
    """Text in which words that Markdown would take for mark-up are code."""
    return " ".join(code(word) if _MEANING.search(word) else word for word in clean(text).split(" "))


def code(text: str) -> str:
    """A code span, with as many backticks around it as it takes."""
    content = clean(text)
    if not content:
        return ""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    ticks = "`" * (longest + 1)
    space = " " if content[0] == "`" or content[-1] == "`" else ""
    return f"{ticks}{space}{content}{space}{ticks}"


def cell(text: str) -> str:
    """A code span in a table, where a bar has to be escaped even there (GitHub's Markdown, 4.10)."""
    return code(text).replace("|", "\\|")


def fence(lines: list[str]) -> str:
    """A block of code with a fence that does not occur in it."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    ticks = "`" * max(3, longest + 1)
    return "\n".join((f"{ticks}sh", *lines, ticks))
