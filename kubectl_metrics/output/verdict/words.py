"""What all forms for people say alike: the verdict in a sentence, who is affected, what was not looked at."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.findings import Category, Finding, Severity, Verdict
from kubectl_metrics.output.prose import clean, count, enumeration, plural

_GROUP = "metrics.k8s.io"

# What an error at a stage means for whoever wants metrics.
_MEANS = {
    Category.API_SERVER: f"{_GROUP} cannot be relied on",
    Category.REGISTRATION: f"{_GROUP} is not available",
    Category.AGGREGATION: f"{_GROUP} is not available",
    Category.SERVICE: f"{_GROUP} is not available",
    Category.METRICS_SERVER: "metrics-server does not work",
    Category.RBAC: "metrics-server may not do what it has to",
    Category.NODES: "Usage is missing or wrong",
    Category.KUBELETS: "Usage is missing or wrong",
    Category.DATA: "Usage is missing or wrong",
    Category.CONSUMERS: "Not everybody who needs usage gets it",
}
_ARTICLES = frozenset(
    {
        "A",
        "An",
        "Another",
        "All",
        "Every",
        "Neither",
        "No",
        "Nobody",
        "None",
        "Nothing",
        "Several",
        "Some",
        "The",
        "This",
    }
)
_SHORT = {"HorizontalPodAutoscaler": "HPA", "NodeMetrics": "node", "PodMetrics": "pod"}
_REASON = 60  # characters of why a read failed


class Cause(msgspec.Struct):
    """A finding that is nobody's symptom, with all that follows from it, directly or not."""

    finding: Finding
    symptoms: list[Finding]


def causes(verdict: Verdict) -> list[Cause]:
    """The findings by their causes, in the order of the verdict. A cause that is not among them makes no symptom."""
    parents = {one.id: one.symptom_of for one in verdict.findings}
    found: list[Cause] = []
    first: dict[str, Cause] = {}
    later: list[tuple[str, Finding]] = []
    for one in verdict.findings:
        root = _root(one, parents)
        if root is None:
            found.append(Cause(one, []))
            first.setdefault(one.id, found[-1])
        else:
            later.append((root, one))
    for root, one in later:
        first[root].symptoms.append(one)
    return found


def _root(one: Finding, parents: dict[str, str | None]) -> str | None:
    """The id of the last cause behind a finding; None if it is a cause itself, or goes round in a circle."""
    seen = {one.id}
    root, parent = None, one.symptom_of
    while parent is not None and parent in parents:
        if parent in seen:
            return None
        seen.add(parent)
        root, parent = parent, parents[parent]
    return root


def hidden_cause(verdict: Verdict, one: Finding) -> str:
    """ "because of KM721, which is not shown": --only has left it out; "" otherwise."""
    if one.symptom_of is None or any(other.id == one.symptom_of for other in verdict.findings):
        return ""
    return f"because of {one.symptom_of}, which is not shown"


def headline(verdict: Verdict) -> str:
    """The verdict in one sentence, the worst cause being named."""
    roots = [cause.finding for cause in causes(verdict)]
    errors = [one for one in roots if one.severity is Severity.ERROR]
    warnings = [one for one in roots if one.severity is Severity.WARNING]
    if errors:
        first = errors[0]
        named = f" ({_some(verdict, first)})" if first.affected else ""
        others = [count(len(errors) - 1, "more error")] if len(errors) > 1 else []
        others += [count(len(warnings), "warning")] if warnings else []
        rest = f"; and {' and '.join(others)}" if others else ""
        return f"{_MEANS[first.category]}: {_inside(first.title)}{named}{rest}"
    if warnings:
        first = warnings[0]
        named = f" ({_some(verdict, first)})" if first.affected else ""
        rest = f"; and {count(len(warnings) - 1, 'more warning')}" if len(warnings) > 1 else ""
        return f"No error, but a warning: {_inside(first.title)}{named}{rest}"
    unmade = f"; {count(len(verdict.not_checked), 'check')} could not be made" if verdict.not_checked else ""
    if verdict.suppressed:
        return f"Nothing else was found; suppressed: {', '.join(verdict.suppressed)}{unmade}"
    if not verdict.passed:
        return "Nothing could be checked"
    passing = next((one for one in roots if one.passing), None)
    if passing is not None:
        return f"Nothing wrong was found so far: {_inside(passing.title)}{unmade}"
    if unmade:
        return f"Nothing wrong was found{unmade}"
    return "All is well: nothing wrong was found"


def _inside(title: str) -> str:
    """A title in the middle of a sentence."""
    text = clean(title)
    word, space, rest = text.partition(" ")
    return f"{word.lower()}{space}{rest}" if word in _ARTICLES else text


def affected(verdict: Verdict, one: Finding) -> str:
    """ "3 of 40 nodes: node-a, node-b and node-c"; "" if it is not about certain objects."""
    names = [clean(name) for name in one.affected]
    return f"{_some(verdict, one)}: {enumeration(names)}" if names else ""


def _some(verdict: Verdict, one: Finding) -> str:
    """ "3 of 40 nodes", "1 pod"."""
    noun, number = _noun(one), len(one.affected)
    if noun == "node" and verdict.nodes and verdict.nodes >= number:
        return f"{number} of {verdict.nodes} {plural(noun) if verdict.nodes != 1 else noun}"
    return count(number, noun)


def _noun(one: Finding) -> str:
    """What kind of objects are affected: the evidence names some of them with their kind."""
    names = set(one.affected)
    for proof in one.evidence:
        kind, _, name = proof.object.partition(" ")
        if kind == "kubelet" and name.startswith("of "):
            kind, name = "Node", name[3:]
        if name in names and kind.isalpha():
            kind = _SHORT.get(kind, kind)
            return kind if kind.isupper() or kind[1:] != kind[1:].lower() else kind.lower()
    if all(name.count("/") == 0 for name in names) and one.category in (
        Category.NODES,
        Category.KUBELETS,
        Category.DATA,
    ):
        return "node"
    if all(name.count("/") == 1 for name in names) and one.category is Category.DATA:
        return "pod"
    return "object"


def unread(verdict: Verdict) -> list[str]:
    """ "needs get configmaps in kube-system (KM308, KM310)": a line for each right that was missing."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in verdict.not_checked:
        # Whoever is told which right is missing need not be told in Kubernetes' words that it is.
        reason = "" if "forbidden" in one.reason else clean(one.reason)
        groups.setdefault((clean(one.needs), reason), []).append(one.id)
    lines = []
    for (needs, reason), ids in groups.items():
        what = f"needs {needs}" if needs else "not known"
        short = reason if len(reason) <= _REASON else reason[:_REASON].rstrip() + "..."
        lines.append(f"{what} ({', '.join(ids)})" + (f": {short}" if short else ""))
    return lines


def tally(verdict: Verdict) -> str:
    """ "41 checks passed; skipped: 22 because of KM401; 2 could not be made"."""
    parts = [f"{count(len(verdict.passed), 'check')} passed"]
    by_cause: dict[str, int] = {}
    for one in verdict.skipped:
        by_cause[one.because] = by_cause.get(one.because, 0) + 1
    if by_cause:
        shown = [f"{number} because of {cause}" for cause, number in by_cause.items()]
        parts.append(f"skipped: {enumeration(shown)}")
    if verdict.not_checked:
        parts.append(f"{len(verdict.not_checked)} could not be made")
    return "; ".join(parts)
