"""The checks themselves: as a list, one explained, and all of them as a page of the documentation."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from kubectl_metrics.diagnosis.catalogue import CHECKS
from kubectl_metrics.diagnosis.check import Check, means_any
from kubectl_metrics.diagnosis.findings import Category
from kubectl_metrics.errors import UsageError
from kubectl_metrics.output import documents
from kubectl_metrics.output.prose import wrap
from kubectl_metrics.output.style import PLAIN, Style
from kubectl_metrics.output.verdict.markdown import fence, prose
from kubectl_metrics.output.verdict.short import drawn_remedy, remedy_lines

_HEADERS = ("ID", "SEVERITY", "STAGE", "TITLE")
_LIKE = 3  # ids that are suggested
_LINE = 120  # characters of a line of the documentation

_STAGES = {
    Category.API_SERVER: "API server",
    Category.REGISTRATION: "Registration of metrics.k8s.io",
    Category.AGGREGATION: "Aggregation layer",
    Category.SERVICE: "Service and endpoints",
    Category.METRICS_SERVER: "metrics-server",
    Category.RBAC: "metrics-server's rights",
    Category.NODES: "Nodes",
    Category.KUBELETS: "Kubelets",
    Category.DATA: "Data",
    Category.CONSUMERS: "Consumers",
}

# What the page says before the checks and after them is written by hand, between and around these lines.
BEGIN = "<!-- made from the checks themselves by `make docs`; do not change it here -->"
END = "<!-- the end of what is made -->"


def check_id(id_: str, checks: Mapping[str, Check] = CHECKS) -> Check:
    """The check of that id, in upper or lower case. Raises UsageError, with the ids that are most like it."""
    found = checks.get(id_.upper())
    if found is None:
        like = difflib.get_close_matches(id_.upper(), checks, _LIKE, 0.6)
        hint = f"did you mean {' or '.join(like)}?" if like else "kubectl metrics diagnose --list-checks lists them"
        raise UsageError(f"there is no check {id_!r:.40}", hint=hint)
    return found


def listing(form: str = "short", checks: Mapping[str, Check] = CHECKS) -> str:
    """All checks: a table, also in Markdown, or the whole catalogue as a document."""
    if form in ("json", "yaml"):
        return documents.render(
            {
                "apiVersion": documents.API_VERSION,
                "kind": "CheckList",
                "items": [_document(one) for one in checks.values()],
            },
            form,
        )
    import tabulate

    rows = [(one.id, one.severity.value, one.category.value, one.title) for one in checks.values()]
    if form == "markdown":
        rows = [(*row[:3], prose(row[3]).replace("|", "\\|")) for row in rows]
    return (
        tabulate.tabulate(rows, _HEADERS, tablefmt="github" if form == "markdown" else "plain", disable_numparse=True)
        + "\n"
    )


def explanation(
    id_: str,
    form: str = "short",
    style: Style = PLAIN,
    checks: Mapping[str, Check] = CHECKS,
) -> str:
    """All about one check. Raises UsageError for an id that there is not."""
    one = check_id(id_, checks)
    if form in ("json", "yaml"):
        return documents.render({"apiVersion": documents.API_VERSION, "kind": "Check", **_document(one)}, form)
    if form == "markdown":
        return "\n\n".join(_section(one, checks)) + "\n"
    lines = [style.paint(line, "bold") for line in wrap(f"{one.id}  {one.title}", style.width)]
    lines += ["", *wrap(one.why, style.width), "", "do:"]
    lines += drawn_remedy(one.remedy, 2, style)
    lines += ["", f"see {one.link}", ""]
    for name, text in _facts(one, checks):
        first, *rest = wrap(text, style.width - 15) or [""]
        lines += [f"{name + ':':<15}{first}", *(" " * 15 + part for part in rest)]
    return "\n".join(lines) + "\n"


def checks_page(old: str, checks: Mapping[str, Check] = CHECKS) -> str:
    """docs/checks.md: ``old`` with the part between BEGIN and END made anew. Raises ValueError without these lines."""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/checks.md has lost one of its lines {BEGIN!r} and {END!r}")
    parts = []
    for category in Category:
        of_stage = [one for one in checks.values() if one.category is category]
        if of_stage:
            parts.append(f"## {_STAGES[category]}")
        for one in of_stage:
            parts += _section(one, checks)
    return f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}"


def _section(one: Check, checks: Mapping[str, Check]) -> list[str]:
    """A check as a section with its id as anchor."""
    remedy = [line for line, _ in remedy_lines(one.remedy)]
    is_command = any(command for _, command in remedy_lines(one.remedy))
    return [
        f'<a id="{one.id.lower()}"></a>\n\n### {one.id}: {prose(one.title)}',
        "\n".join(wrap(prose(one.why), _LINE)),
        fence(remedy) if is_command else f"To do: {prose(' '.join(remedy))}",
        f"More: <{one.link}>",
        "\n".join(f"- {name}: {prose(text)}" for name, text in _facts(one, checks)),
    ]


def _facts(one: Check, checks: Mapping[str, Check]) -> list[tuple[str, str]]:
    found = [("severity", one.severity.value), ("stage", one.category.value)]
    if one.needs:
        found.append(("needs", ", ".join(_camel(need) for need in one.needs)))
    if one.after:
        found.append(("skipped after", _ids(one.after, checks)))
    if one.because:
        found.append(("follows from", _ids(one.because, checks)))
    return found


def _ids(patterns: tuple[str, ...], checks: Mapping[str, Check]) -> str:
    """ "KM201, KM3..": the beginnings of ids stay beginnings."""
    return ", ".join(
        pattern if pattern in checks or not any(means_any([pattern], id_) for id_ in checks) else f"{pattern}..."
        for pattern in patterns
    )


def _camel(name: str) -> str:
    """A read as it is called in a bundle."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _document(one: Check) -> dict[str, Any]:
    return {
        "id": one.id,
        "severity": one.severity.value,
        "category": one.category.value,
        "title": one.title,
        "why": one.why,
        "remedy": one.remedy,
        "link": one.link,
        "needs": [_camel(need) for need in one.needs],
        "after": list(one.after),
        "because": list(one.because),
    }
