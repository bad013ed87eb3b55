"""From evidence to verdict: runs the checks, tells causes from symptoms, and puts them in order.

Strategy: a check runs after those that can take the ground from under it. One whose ground is gone is skipped with the
id that took it away; one that needs what could not be read is not checked. Then each finding looks for its cause among
the ids that its check names. A cause that is about certain nodes explains those nodes and the pods on them; what is
left stays a finding of its own. A cause that is about all of metrics-server's pods, or all nodes, explains everything.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import Any

import msgspec

from kubectl_metrics.diagnosis import stages
from kubectl_metrics.diagnosis.catalogue import CHECKS
from kubectl_metrics.diagnosis.check import Check, matches
from kubectl_metrics.diagnosis.evidence import FAILED, NOT_ASKED, Evidence, Read, Unknown
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import (
    Category,
    Fault,
    Finding,
    NotChecked,
    Proof,
    Severity,
    Skipped,
    Verdict,
)
from kubectl_metrics.wire.metrics_list import GROUP

_STAGES = list(Category)
_LONGEST = 300  # characters of an observed value
_SAMPLE = 50  # so many kubelets stand for all of them
_SHOWN = 3  # of the nodes or pods that a finding is about, so many are in its evidence
# Words with nothing but a space between them; a name of a node is one word.
_WORDS = re.compile(r"[\w-]+(?:\.[\w-]+)*(?: [\w-]+(?:\.[\w-]+)*)*")


class Suppression:
    """``--suppress ID`` or ``ID=OBJECT``."""

    def __init__(self, text: str) -> None:
        self.id, _, self.object = text.partition("=")


def judge(
    evidence: Evidence,
    *,
    only: Collection[str] = (),
    suppressed: Iterable[Suppression] = (),
    checks: Mapping[str, Check] = CHECKS,
) -> Verdict:
    """The verdict over an evidence.

    Args:
        evidence: what was collected.
        only: the ids to report; all if empty. What they hang on is judged too.
        suppressed: findings, or objects in them, that nobody wants to hear of; nor of what only they cause.
        checks: the catalogue.
    """
    facts = Facts(evidence)
    found: dict[str, list[Finding]] = {}
    passed: list[str] = []
    skipped: list[Skipped] = []
    not_checked: list[NotChecked] = []
    for check in in_order(checks):
        ground = _missing_ground(check, found, checks)
        if ground:
            skipped.append(Skipped(check.id, ground))
            continue
        try:
            unread = next((read for need in check.needs if not (read := getattr(evidence, need)).known), None)
            if unread is not None:
                raise Unknown(unread)
            findings = [_finding(check, fault) for fault in check.judge(facts)]
        except Unknown as unknown:
            ground = _broken_ground(unknown.read, found)
            if ground:
                skipped.append(Skipped(check.id, ground))
                continue
            outcome = _unread(check, unknown.read)
            not_checked += [outcome] if outcome is not None else []
            continue
        if findings:
            found[check.id] = findings
        else:
            passed.append(check.id)
    linker = _Linker(facts, found, checks, list(suppressed))
    findings = linker.findings()
    wanted = set(only) or set(checks)
    return Verdict(
        server=evidence.connected.server,
        collected_at=evidence.collected_at,
        nodes=None if evidence.nodes.value is None else len(evidence.nodes.value),
        stages=stages.describe(facts, findings, skipped, not_checked, checks),
        findings=_ordered([one for one in findings if one.id in wanted]),
        passed=sorted(one for one in passed if one in wanted),
        skipped=sorted((one for one in skipped if one.id in wanted), key=lambda one: one.id),
        not_checked=sorted((one for one in not_checked if one.id in wanted), key=lambda one: one.id),
        suppressed=linker.suppressed(wanted),
    )


# ---- running ----


def in_order(checks: Mapping[str, Check]) -> list[Check]:
    """The checks by id, but each behind those that can take its ground away."""
    done: dict[str, Check] = {}
    begun: set[str] = set()

    def add(check: Check) -> None:
        if check.id in begun:
            return
        begun.add(check.id)
        for other in grounds(check, checks):
            add(other)
        done[check.id] = check

    for id_ in sorted(checks):
        add(checks[id_])
    return list(done.values())


def grounds(check: Check, checks: Mapping[str, Check]) -> list[Check]:
    """The checks whose errors leave nothing to look at; not those that may be symptoms of what this one finds."""
    return [
        other
        for id_, other in sorted(checks.items())
        if id_ != check.id and _any(check.after, id_) and not _any(other.because, check.id)
    ]


def _missing_ground(check: Check, found: Mapping[str, list[Finding]], checks: Mapping[str, Check]) -> str:
    for other in grounds(check, checks):
        if any(one.severity is Severity.ERROR for one in found.get(other.id, ())):
            return other.id
    return ""


def _broken_ground(read: Read[Any], found: Mapping[str, list[Finding]]) -> str:
    """The error that keeps metrics.k8s.io from answering, if that is what could not be read."""
    if read.state != FAILED or GROUP not in read.what:
        return ""
    return next((id_ for id_, several in found.items() if any(one.severity is Severity.ERROR for one in several)), "")


def _any(patterns: Iterable[str], id_: str) -> bool:
    return any(matches(pattern, id_) for pattern in patterns)


def _unread(check: Check, read: Read[Any]) -> NotChecked | None:
    """A read that nobody made, because there was nothing to read, is no reason to complain."""
    if read.state == NOT_ASKED and not read.message:
        return None
    return NotChecked(check.id, read.what, read.message)


def _finding(check: Check, fault: Fault) -> Finding:
    return Finding(
        id=check.id,
        severity=fault.severity or check.severity,
        category=check.category,
        title=fault.title or check.title,
        evidence=[Proof(one.object, one.field, _short(one.value)) for one in fault.evidence],
        affected=sorted(set(fault.affected)),
        remedy=fault.remedy or check.remedy,
        link=check.link,
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


# ---- causes and symptoms ----


class _Part(msgspec.Struct, eq=False):
    """A finding, or a part of one, with one cause or none."""

    finding: Finding
    silenced: bool  # suppressed, or a symptom of what is


class _Linker:
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
        return [_sample(part.finding) for id_ in self._found for part in self._parts[id_] if not part.silenced]

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
            if cause != id_ and _any(self._checks[id_].because, cause) and self._is_bad_enough(cause, id_)
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
        about = set(finding.affected) or {_last(proof.object) for proof in finding.evidence}
        if "" in objects or (not finding.affected and about & objects) or (about and about <= objects):
            yield finding, True
        elif not about & objects:
            yield finding, False
        else:
            yield _about(finding, [name for name in finding.affected if name not in objects]), False
            yield _about(finding, [name for name in finding.affected if name in objects]), True

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
                        yield _Part(_about(one, covered, cause.finding.id), silenced or silent)
                        explained = set(covered)
                        left = [name for name in left if name not in explained]
                if one.affected and not left:
                    return
                whole = self._together(among)
            if whole is not None:
                yield _Part(_about(one, left, whole.finding.id), silenced or silent)
                return
        yield _Part(_about(one, left), silenced)

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
            return {_name(*pod.key) for pod in self._facts.pods}
        except Unknown:
            return frozenset()

    @cached_property
    def _nodes(self) -> Set[str]:
        """All nodes, or of many those whose kubelets were asked."""
        nodes = {one.metadata.name for one in self._facts.evidence.nodes.value or ()}
        return set(self._facts.probes) if len(nodes) > len(self._facts.probes) >= _SAMPLE else nodes

    @cached_property
    def _places(self) -> Mapping[str, str]:
        """The nodes of pods; not metrics-server's own, whose readiness hangs on all nodes and not on its own."""
        pods = self._facts.evidence.pods.value or ()
        places = {_name(*pod.key): pod.spec.node_name for pod in pods if pod.spec.node_name}
        return {name: node for name, node in places.items() if name not in self._servers}


def _upstream(part: _Part) -> tuple[bool, tuple[int, int, str]]:
    """Roots before symptoms."""
    return part.finding.symptom_of is not None, _weight(part.finding)


def _name(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


def _last(words: str) -> str:
    """ "node-a" of "kubelet of node-a"."""
    return words.rpartition(" ")[2]


def _merged(parts: Iterable[_Part], whole: Finding) -> list[_Part]:
    """The parts of a finding, those with the same cause being one."""
    merged: dict[tuple[str | None, bool], list[str]] = {}
    for part in parts:
        merged.setdefault((part.finding.symptom_of, part.silenced), []).extend(part.finding.affected)
    return [_Part(_about(whole, sorted(names), cause), silenced) for (cause, silenced), names in merged.items()]


def _about(finding: Finding, names: Sequence[str], cause: str | None = None) -> Finding:
    """A finding about some of its nodes or pods only, with the evidence and the remedy for these, and its cause."""
    others = set(finding.affected).difference(names)
    evidence = [one for one in finding.evidence if _last(one.object) not in others]
    if not evidence and finding.evidence and names:  # the check has told of others only
        kind = finding.evidence[0].object.removesuffix(_last(finding.evidence[0].object))
        evidence = [Proof(f"{kind}{names[0]}", f"check {finding.id}", finding.title)]
    return msgspec.structs.replace(
        finding,
        affected=list(names),
        evidence=evidence,
        remedy=_renamed(finding.remedy, others, names),
        symptom_of=cause,
    )


def _renamed(remedy: str, others: Set[str], names: Sequence[str]) -> str:
    """A remedy without the names of other nodes: with those of its own that stand beside them, or the first few."""
    if not others or not names:
        return remedy
    known = others | set(names)

    def rename(match: re.Match[str]) -> str:
        words: list[str] = []
        for are_names, group in itertools.groupby(match.group().split(" "), known.__contains__):
            run = list(group)
            if are_names:
                run = [word for word in run if word not in others] or list(names[: len(run)])
            words += run
        return " ".join(words)

    return _WORDS.sub(rename, remedy)


def _sample(finding: Finding) -> Finding:
    """A finding with the evidence about the first few of those that it is about."""
    affected = set(finding.affected)
    about = [name for proof in finding.evidence if (name := _last(proof.object)) in affected]
    hidden = set(list(dict.fromkeys(about))[_SHOWN:])
    if not hidden:
        return finding
    evidence = [proof for proof in finding.evidence if _last(proof.object) not in hidden]
    return msgspec.structs.replace(finding, evidence=evidence)


# ---- order ----


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Each cause followed by its symptoms; causes by weight."""
    waiting = sorted(findings, key=_weight)
    ids = {one.id for one in waiting}
    ordered: list[Finding] = []
    roots = [one for one in waiting if one.symptom_of not in ids]
    waiting = [one for one in waiting if one.symptom_of in ids]

    def add(one: Finding) -> None:
        nonlocal waiting
        ordered.append(one)
        children = [other for other in waiting if other.symptom_of == one.id]
        waiting = [other for other in waiting if other.symptom_of != one.id]
        for child in children:
            add(child)

    for root in roots:
        add(root)
    return ordered


def _weight(one: Finding) -> tuple[int, int, str]:
    return one.severity.rank, _STAGES.index(one.category), one.id
