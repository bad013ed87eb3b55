"""The form for people: the cause first, what to type, and below it the pipeline stage by stage.

A command is never broken into lines, and never gets anything before it but spaces: it is there to be pasted.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from kubectl_metrics.diagnosis.findings import Finding, Severity, Verdict
from kubectl_metrics.diagnosis.probe import KubeletProbe
from kubectl_metrics.output.prose import clean, cut, shorten_words, wrap
from kubectl_metrics.output.style import Style
from kubectl_metrics.output.verdict import kubelet
from kubectl_metrics.output.verdict.words import Cause, affected, causes, headline, hidden_cause, tally, unread

_UNICODE = {"ok": "✓", "error": "×", "warning": "‼", "info": "i", "skipped": "-", "unknown": "?"}  # noqa: RUF001
_ASCII = {"ok": "+", "error": "x", "warning": "!", "info": "i", "skipped": "-", "unknown": "?"}
_COLOURS = {"ok": "green", "error": "red", "warning": "yellow", "info": "cyan", "skipped": "faint", "unknown": "faint"}

_VALUE = 300  # characters of a value
_PROOFS = 9  # lines of evidence for a finding
_SYMPTOMS = 8
_UNREAD = 5
_WORD = 44  # characters of a word in a stage
_LABEL = 15  # the widest name of a stage, and a space
_AFTER = ("or ", "or,", "then ", "then,")  # how a comment begins that goes on from its command
# A line with one of these as a word in it is a command, and whoever pastes it wants it whole.
_COMMAND = re.compile(
    r"(?:^|[\s`'\"(])(?:kubectl|helm|kubeadm|openssl|curl|crictl|systemctl|journalctl|ssh|sudo|eksctl|aws|gcloud|az"
    r"|minikube|k3s|timedatectl|chronyc|ss) \S"
)


def short(verdict: Verdict, style: Style) -> str:
    """The whole report."""
    found = causes(verdict)
    told = [cause for cause in found if cause.finding.severity is not Severity.INFO]
    remarks = [cause for cause in found if cause.finding.severity is Severity.INFO]
    lines = [style.paint(line, "bold") for line in wrap(headline(verdict), style.width)]
    for cause in told:
        lines += ["", *_cause(cause, verdict, style)]
    if remarks:
        lines.append("")
        for cause in remarks:
            lines += _remark(cause, verdict, style)
    lines += ["", *_stages(verdict, style, brief=not told), ""]
    if verdict.kubelet is not None:
        lines += [*_kubelet(verdict.kubelet, style), ""]
    lines += _unread(verdict, style)
    lines += wrap(tally(verdict), style.width)
    if told:
        lines.append(f"more about it: kubectl metrics diagnose --explain {told[0].finding.id}")
    return "\n".join(lines) + "\n"


def mark(outcome: str, style: Style) -> str:
    """The mark of a severity or of a stage's outcome."""
    marks = _UNICODE if style.unicode else _ASCII
    return style.paint(marks.get(outcome, "?"), _COLOURS.get(outcome, "faint"))


def remedy_lines(remedy: str) -> list[tuple[str, bool]]:
    """What to do, line by line, and whether a line is a command.

    A comment behind a command comes before it, but for one that goes on from it ("or ...", "then ...").
    """
    lines: list[tuple[str, bool]] = []
    for part in remedy.splitlines():
        line = clean(part)
        if not line:
            continue
        if not _COMMAND.search(line):
            lines.append((line, False))
            continue
        command, _, comment = line.partition(" # ")
        comment = comment.strip()
        lines.append((command.rstrip(), True))
        if comment:
            place = len(lines) if comment.startswith(_AFTER) else len(lines) - 1
            lines.insert(place, (f"# {comment}", False))
    return lines


def drawn_remedy(remedy: str, indent: int, style: Style) -> Iterator[str]:
    """What to do, for a terminal. Commands stay whole, for pasting; every line of a comment is one."""
    for line, command in remedy_lines(remedy):
        if command:
            yield " " * indent + style.paint(line, "bold")
        else:
            text = line.removeprefix("# ")
            begin = line[: len(line) - len(text)]
            yield from (" " * indent + begin + part for part in wrap(text, style.width - indent - len(begin)))


def _cause(cause: Cause, verdict: Verdict, style: Style) -> Iterator[str]:
    one = cause.finding
    yield from _title(one, style)
    if one.affected:
        yield from _block(affected(verdict, one), 2, style)
    if hidden := hidden_cause(verdict, one):
        yield from _block(hidden, 2, style)
    yield from _evidence(one, style)
    if remedy := list(drawn_remedy(one.remedy, 4, style)):
        yield "  do:"
        yield from remedy
    if one.link:
        yield "  see " + clean(one.link)
    if cause.symptoms:
        yield "  and therefore:"
        for symptom in cause.symptoms[:_SYMPTOMS]:
            who = affected(verdict, symptom).partition(":")[0]
            text = f"{symptom.id} {clean(symptom.title)}" + (f" ({who})" if who else "")
            yield f"    {mark(symptom.severity.value, style)} " + cut(text, style.width - 6)
        if len(cause.symptoms) > _SYMPTOMS:
            yield f"    ... and {len(cause.symptoms) - _SYMPTOMS} more"


def _title(one: Finding, style: Style) -> Iterator[str]:
    head = f"{one.severity.value} {one.id}"
    lines = wrap(f"{head}  {clean(one.title)}", style.width - 2)
    coloured = style.paint(head, _COLOURS[one.severity.value], "bold")
    yield f"{mark(one.severity.value, style)} {coloured}{lines[0][len(head) :]}"
    for line in lines[1:]:
        yield f"  {line}"


def _evidence(one: Finding, style: Style) -> Iterator[str]:
    shown = one.evidence[:_PROOFS]
    for name, proofs in itertools.groupby(shown, key=lambda proof: proof.object):
        yield from _block(clean(name), 2, style)
        for proof in proofs:
            yield from _block(f"{clean(proof.field)}: {cut(clean(proof.value), _VALUE) or '(empty)'}", 4, style, 2)
    if len(one.evidence) > len(shown):
        yield f"  ... and {len(one.evidence) - len(shown)} more; -o json has them all"


def _block(text: str, indent: int, style: Style, hanging: int = 0) -> Iterator[str]:
    """Wrapped text behind spaces; the lines after the first have ``hanging`` more."""
    for number, line in enumerate(wrap(text, style.width - indent - hanging)):
        yield " " * (indent + (hanging if number else 0)) + line


def _remark(cause: Cause, verdict: Verdict, style: Style) -> Iterator[str]:
    """An info in a line or two."""
    for one in (cause.finding, *cause.symptoms):
        who = affected(verdict, one)
        text = f"{one.id}  {clean(one.title)}" + (f" ({who})" if who else "")
        if hidden := hidden_cause(verdict, one):
            text += f", {hidden}"
        lines = wrap(text, style.width - 2)
        yield f"{mark('info', style)} {lines[0]}"
        for line in lines[1:]:
            yield f"  {line}"


def _stages(verdict: Verdict, style: Style, *, brief: bool) -> Iterator[str]:
    room = style.width - 2 - _LABEL
    for stage in verdict.stages:
        text = shorten_words(clean(stage.seen), _WORD)
        lines = [cut(text, room)] if brief else wrap(text, room)
        if len(lines) > 2:
            lines = [lines[0], cut(" ".join(lines[1:]), room)]
        yield f"{mark(stage.outcome, style)} {stage.category.value.ljust(_LABEL)}{lines[0] if lines else ''}".rstrip()
        for line in lines[1:]:
            yield " " * (2 + _LABEL) + line


def _kubelet(probe: KubeletProbe, style: Style) -> Iterator[str]:
    yield f"the kubelet of {clean(probe.node)}"
    for name, text in kubelet.rows(probe):
        yield from _block(f"{name}: {text}", 2, style, 2)


def _unread(verdict: Verdict, style: Style) -> Iterator[str]:
    lines = unread(verdict)
    for number, line in enumerate(lines[:_UNREAD]):
        label = "not checked: "
        yield from _block(line if number else label + line, len(label) if number else 0, style, 0 if number else 13)
    if len(lines) > _UNREAD:
        yield f"             and {len(lines) - _UNREAD} more reads; -o json has them all"
