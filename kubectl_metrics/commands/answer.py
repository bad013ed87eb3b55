"""What commands do with an answer: the document to stdout, notes and gaps to stderr, the exit status."""

from __future__ import annotations

from kubectl_metrics.errors import ExitStatus
from kubectl_metrics.output.terminal import emit, say
from kubectl_metrics.usage.model import Usage


def finish(usage: Usage, document: str | bytes, *, strict: bool = False) -> ExitStatus:
    """Prints it all. Notes come first, so that a person knows what the table is before reading it."""
    for note in usage.notes:
        say(f"note: {note}")
    emit(document)
    if usage.gaps:
        from kubectl_metrics.output import gaps

        for line in gaps.lines(usage.gaps):
            say(f"warning: {line}")
    return ExitStatus.INCOMPLETE if strict and usage.gaps else ExitStatus.OK
