"""What commands do with an answer: the document to stdout, notes and gaps to stderr, the exit status."""

from __future__ import annotations

from kubectl_metrics.errors import ExitStatus
from kubectl_metrics.output.terminal import emit, say
from kubectl_metrics.usage.model import Usage

# What the last command has made. The process ends at once, without taking it apart, which would take as long as to sort
# 150,000 rows.
_kept: list[object] = []


def finish(usage: Usage, document: str | bytes, *, strict: bool = False, made_of: object = None) -> ExitStatus:
    """Prints it all. Notes come first, so that a person knows what the table is before reading it.

    ``made_of`` is what the document was made of.
    """
    _kept[:] = (usage, document, made_of)
    for note in usage.notes:
        say(f"note: {note}")
    emit(document)
    if usage.gaps:
        from kubectl_metrics.output import gaps

        for line in gaps.lines(usage.gaps):
            say(f"warning: {line}")
    return ExitStatus.INCOMPLETE if strict and usage.gaps else ExitStatus.OK
