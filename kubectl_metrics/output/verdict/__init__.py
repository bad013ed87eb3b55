"""A diagnosis as text: ``short`` for people, ``table``, ``markdown`` for a chat or an issue, documents for programs."""

from __future__ import annotations

from kubectl_metrics.diagnosis.findings import Verdict
from kubectl_metrics.output.style import PLAIN, Style

FORMS = ("short", "table", "markdown", "json", "yaml")


def render(verdict: Verdict, form: str = "short", style: Style = PLAIN) -> str:
    """The verdict in one of FORMS; ``style`` is for those for people."""
    if form in ("json", "yaml"):
        from kubectl_metrics.output import documents
        from kubectl_metrics.output.verdict.document import document

        return documents.render(document(verdict), form)
    if form == "short":
        from kubectl_metrics.output.verdict.short import short

        text = short(verdict, style)
    elif form == "table":
        from kubectl_metrics.output.verdict.table import table

        text = table(verdict, style)
    else:
        from kubectl_metrics.output.verdict.markdown import markdown

        return markdown(verdict)
    return text if style.unicode else text.encode("ascii", "backslashreplace").decode("ascii")
