"""The findings as a table, one row for each, made to fit the width of the terminal."""

from __future__ import annotations

from kubectl_metrics.diagnosis.findings import Finding, Verdict
from kubectl_metrics.output.prose import clean, enumeration, wrap
from kubectl_metrics.output.style import Style
from kubectl_metrics.output.verdict.words import headline, tally, unread

_FIXED = 5 + 10 + 9 + 4 * 2  # ID, SEVERITY, BECAUSE as tabulate pads them, and what stands between five columns
_SHARE = 0.4  # of the rest is for the objects
_OBJECT = 160  # characters


def table(verdict: Verdict, style: Style) -> str:
    """The findings, the causes before their symptoms, and below what could not be checked."""
    lines = []
    if verdict.findings:
        lines.append(_grid(verdict, style))
    else:
        lines += wrap(headline(verdict), style.width)
    lines.append("")
    for line in unread(verdict):
        lines += wrap(f"not checked: {line}", style.width)
    lines += wrap(tally(verdict), style.width)
    return "\n".join(lines) + "\n"


def _grid(verdict: Verdict, style: Style) -> str:
    import tabulate  # only here and in markdown: loading it costs a tenth of a small command's time

    room = style.width - _FIXED
    objects = max(12, int(room * _SHARE))
    rows = [
        (
            one.id,
            one.severity.value,
            "\n".join(wrap(_object(one), objects)),
            "\n".join(wrap(clean(one.title), max(16, room - objects))),
            one.symptom_of or "",
        )
        for one in verdict.findings
    ]
    # What is printed has been cut and cleaned above: numbers stay texts, and no cell is looked into.
    return tabulate.tabulate(
        rows, ("ID", "SEVERITY", "OBJECT", "TITLE", "BECAUSE"), tablefmt="simple", disable_numparse=True
    )


def _object(one: Finding) -> str:
    if one.affected:
        names = [clean(name) for name in one.affected]
        return f"{len(names)}: {enumeration(names)}" if len(names) > 1 else names[0]
    text = clean(one.evidence[0].object) if one.evidence else ""
    return text if len(text) <= _OBJECT else text[:_OBJECT] + "..."
