"""Which finding is the cause of which, and what is not to be reported.

Strategy: each finding looks for its cause among the ids that its check names. A cause that is about certain nodes
explains those nodes and the pods on them; what is left stays a finding of its own. A cause that is about all of
metrics-server's pods, or all nodes, explains everything. Where the cause will be over by itself, it and its symptoms
are no more than remarks. What is suppressed takes its symptoms with it, but not those that something reported explains
too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property

import msgspec

from kubectl_metrics.diagnosis.check import Check, means_any
from kubectl_metrics.diagnosis.evidence import Unknown
from kubectl_metrics.diagnosis.facts.expected import is_expected
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Finding, Severity, Suppression
from kubectl_metrics.diagnosis.narrowing import narrowed, sample

_SAMPLE = 50  # so many kubelets stand for all of them


class _Part(msgspec.Struct, eq=False):
    """A finding, or a part of one, with one cause or none."""

    finding: Finding
    silenced: bool  # suppressed, or a symptom of what is


class Linker:
    """Finds the cause of each finding."""

    def __init__(
        self,
        facts: Facts,
        found: Mapping[str, list[Finding]],
        checks: Mapping[str, Check],
        suppressed: Sequence[Suppression],
    ) -> None:
        self._facts = facts
        self._found = found
        self._checks = checks
        self._suppressed = suppressed
        self._parts: dict[str, list[_Part]] = {}  # those that are done, by id

    def findings(self) -> list[Finding]:
        """All that is to be reported."""
        for id_ in self._found:
            self._link(id_, ())
        return [_told(part.finding) for id_ in self._found for part in self._parts[id_] if not part.silenced]

    def suppressed(self, wanted: Collection[str]) -> list[str]:
        """The ids that were named to be suppressed, and but for which one of these ids would be reported."""
        rules = {rule.id for rule in self._suppressed}
        causes = {id_: part.finding.symptom_of for id_, parts in self._parts.items() for part in parts if part.silenced}
        found = set()
        for id_, parts in self._parts.items():
            for part in parts:
                if not part.silenced or id_ not in wanted:
                    continue
                named, seen = id_, {id_}
                cause = part.finding.symptom_of
                while named not in rules and cause is not None and cause not in seen:
                    named, cause = cause, causes.get(cause)
                    seen.add(named)
                found.add(named)
        return sorted(found & rules)

    def _link(self, id_: str, asking: tuple[str, ...]) -> list[_Part]:
        """The parts of what a check has found, its possible causes first."""
        if id_ in self._parts:
            return self._parts[id_]
        if id_ in asking:  # a circle of causes: the one that asked first is the symptom
            return []
        causes = [
            part
            for cause in self._found
            if cause != id_ and means_any(self._checks[id_].because, cause) and self._is_bad_enough(cause, id_)
            for part in self._link(cause, (*asking, id_))
        ]
        parts = [
            part
            for finding in self._found[id_]
            for piece, silenced in self._silence(finding)
            for part in _merged(self._explain(piece, silenced, causes), piece)
        ]
        return self._parts.setdefault(id_, parts)

    def _is_bad_enough(self, cause: str, symptom: str) -> bool:
        """Whether any finding of a cause can explain any of a symptom: it is at least as bad."""
        mildest = max(one.severity.rank for one in self._found[symptom])
        return min(one.severity.rank for one in self._found[cause]) <= mildest

    def _silence(self, finding: Finding) -> Iterator[tuple[Finding, bool]]:
        """The part of a finding that is to be reported, and the part that is suppressed."""
        objects = {rule.object for rule in self._suppressed if rule.id == finding.id}
        names = set(finding.affected) or {proof.name for proof in finding.evidence}
        if "" in objects or (not finding.affected and names & objects) or (names and names <= objects):
            yield finding, True
        elif not names & objects:
            yield finding, False
        else:
            yield narrowed(finding, [name for name in finding.affected if name not in objects]), False
            yield narrowed(finding, [name for name in finding.affected if name in objects]), True

    def _explain(self, one: Finding, silenced: bool, causes: Iterable[_Part]) -> Iterator[_Part]:
        """A finding cut up by its causes: one that is reported before one that is silenced, a root before a symptom."""
        able = sorted(
            (cause for cause in causes if cause.finding.severity.rank <= one.severity.rank),
            key=_upstream,
        )
        left = one.affected
        for silent in (False, True):
            among = [cause for cause in able if cause.silenced is silent]
            whole = next((cause for cause in among if not cause.finding.affected), None)
            if whole is None:
                for cause in sorted(among, key=lambda cause: -len(self._covered(cause, one.affected))):
                    covered = self._covered(cause, left)
                    if covered:
                        yield _symptom(one, covered, cause, silenced)
                        explained = set(covered)
                        left = [name for name in left if name not in explained]
                if one.affected and not left:
                    return
                whole = self._together(among)
            if whole is not None:
                yield _symptom(one, left, whole, silenced)
                return
        yield _Part(narrowed(one, left), silenced)

    def _together(self, causes: Sequence[_Part]) -> _Part | None:
        """The largest of several causes that together leave no node, or none of metrics-server's pods, untouched."""
        union = {name for cause in causes for name in cause.finding.affected}
        largest = [
            max(causes, key=lambda cause: len(everyone & set(cause.finding.affected)))
            for everyone in (self._servers, self._nodes)
            if everyone and everyone <= union
        ]
        return min(largest, key=_upstream, default=None)

    def _covered(self, cause: _Part, names: Iterable[str]) -> list[str]:
        """Those of some nodes and pods that a cause explains."""
        known = set(cause.finding.affected)
        return [name for name in names if name in known or self._places.get(name) in known]

    @cached_property
    def _servers(self) -> Set[str]:
        """metrics-server's pods."""
        try:
            return {pod.namespaced_name for pod in self._facts.pods}
        except Unknown:
            return frozenset()

    @cached_property
    def _nodes(self) -> Set[str]:
        """All nodes that should have metrics, or of many those whose kubelets were asked."""
        names = (one.metadata.name for one in self._facts.evidence.nodes.value or ())
        nodes = {name for name in names if is_expected(self._facts, name)}
        asked = nodes & set(self._facts.probes)
        return asked if len(nodes) > len(asked) >= _SAMPLE else nodes

    @cached_property
    def _places(self) -> Mapping[str, str]:
        """The nodes of pods; not metrics-server's own, whose readiness hangs on all nodes and not on its own."""
        pods = self._facts.evidence.pods.value or ()
        places = {pod.namespaced_name: pod.spec.node_name for pod in pods if pod.spec.node_name}
        return {name: node for name, node in places.items() if name not in self._servers}


def _upstream(part: _Part) -> tuple[bool, tuple[int, int, str]]:
    """Roots before symptoms."""
    return part.finding.symptom_of is not None, part.finding.weight


def _symptom(finding: Finding, names: Sequence[str], cause: _Part, silenced: bool) -> _Part:
    """The part of a finding that a cause explains."""
    part = msgspec.structs.replace(narrowed(finding, names), symptom_of=cause.finding.id, passing=cause.finding.passing)
    return _Part(part, silenced or cause.silenced)


def _told(finding: Finding) -> Finding:
    """A finding as it is reported."""
    severity = Severity.INFO if finding.passing else finding.severity
    return msgspec.structs.replace(sample(finding), severity=severity, remedy_for=None)


def _merged(parts: Iterable[_Part], whole: Finding) -> list[_Part]:
    """The parts of a finding, those with the same cause being one."""
    merged: dict[tuple[str | None, bool, bool], list[str]] = {}
    for part in parts:
        one = part.finding
        merged.setdefault((one.symptom_of, one.passing, part.silenced), []).extend(one.affected)
    return [
        _Part(msgspec.structs.replace(narrowed(whole, sorted(names)), symptom_of=cause, passing=passing), silenced)
        for (cause, passing, silenced), names in merged.items()
    ]
