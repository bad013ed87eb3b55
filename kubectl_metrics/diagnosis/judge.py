"""From evidence to verdict: runs the checks, and puts what they found in order, symptoms under their causes.

Strategy: a check runs after those that can take the ground from under it. One whose ground is gone is skipped with the
id that took it away; one that needs what could not be read is not checked. What is whose symptom: see ``causes``.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from kubectl_metrics.diagnosis import stages
from kubectl_metrics.diagnosis.catalogue import CHECKS
from kubectl_metrics.diagnosis.causes import Linker
from kubectl_metrics.diagnosis.check import Check, means_any
from kubectl_metrics.diagnosis.evidence import FAILED, NOT_ASKED, Evidence, Read, Unknown
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import (
    Fault,
    Finding,
    NotChecked,
    Proof,
    Severity,
    Skipped,
    Suppression,
    Verdict,
)
from kubectl_metrics.wire.metrics_list import GROUP

_LONGEST = 300  # characters of an observed value


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
    run = _Run(facts, checks)
    linker = Linker(facts, run.found, checks, list(suppressed))
    findings = linker.findings()
    wanted = set(only) or set(checks)
    return Verdict(
        server=evidence.connected.server,
        collected_at=evidence.collected_at,
        nodes=None if evidence.nodes.value is None else len(evidence.nodes.value),
        kubelet=facts.probes.get(evidence.in_depth) if evidence.in_depth else None,
        stages=stages.describe(facts, findings, run.skipped, run.not_checked, checks),
        findings=_ordered([one for one in findings if one.id in wanted]),
        passed=sorted(one for one in run.passed if one in wanted),
        skipped=sorted((one for one in run.skipped if one.id in wanted), key=lambda one: one.id),
        not_checked=sorted((one for one in run.not_checked if one.id in wanted), key=lambda one: one.id),
        suppressed=linker.suppressed(wanted),
    )


# ---- running ----


class _Run:
    """All checks, each run once."""

    def __init__(self, facts: Facts, checks: Mapping[str, Check]) -> None:
        self.found: dict[str, list[Finding]] = {}
        self.passed: list[str] = []
        self.skipped: list[Skipped] = []
        self.not_checked: list[NotChecked] = []
        for check, grounds in in_order(tuple(checks.values())):
            ground = next((id_ for id_ in grounds if _has_error(self.found.get(id_, ()))), "")
            if ground:
                self.skipped.append(Skipped(check.id, ground))
            else:
                self._run(check, facts)

    def _run(self, check: Check, facts: Facts) -> None:
        try:
            for need in check.needs:
                if not (read := getattr(facts.evidence, need)).known:
                    raise Unknown(read)
            findings = [_finding(check, fault) for fault in check.judge(facts)]
        except Unknown as unknown:
            ground = _broken_ground(unknown.read, self.found)
            if ground:
                self.skipped.append(Skipped(check.id, ground))
            elif unknown.read.state != NOT_ASKED or unknown.read.message:
                # A read that nobody made, because there was nothing to read, is no reason to complain.
                self.not_checked.append(NotChecked(check.id, unknown.read.what, unknown.read.message))
            return
        if findings:
            self.found[check.id] = findings
        else:
            self.passed.append(check.id)


@functools.lru_cache
def in_order(checks: tuple[Check, ...]) -> list[tuple[Check, list[str]]]:
    """The checks by id, but each behind those that can take its ground away; and these, by id.

    Those are the checks whose errors leave nothing to look at, but not what may be a symptom of what this one finds.
    """
    by_id = {one.id: one for one in sorted(checks, key=lambda one: one.id)}
    done: dict[str, tuple[Check, list[str]]] = {}
    begun: set[str] = set()

    def add(check: Check) -> None:
        if check.id in begun:
            return
        begun.add(check.id)
        above = [one for one in by_id.values() if one is not check and means_any(check.after, one.id)]
        grounds = [one.id for one in above if not means_any(one.because, check.id)]
        for id_ in grounds:
            add(by_id[id_])
        done[check.id] = check, grounds

    for check in by_id.values():
        add(check)
    return list(done.values())


def _has_error(findings: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in findings)


def _broken_ground(read: Read[Any], found: Mapping[str, list[Finding]]) -> str:
    """The error that keeps metrics.k8s.io from answering, if that is what could not be read."""
    if read.state != FAILED or GROUP not in read.what:
        return ""
    return next((id_ for id_, several in found.items() if _has_error(several)), "")


def _finding(check: Check, fault: Fault) -> Finding:
    written = fault.remedy_for

    def remedy(names: Sequence[str]) -> str:
        return (written(names) if written is not None else "") or check.remedy

    return Finding(
        id=check.id,
        severity=fault.severity or check.severity,
        category=check.category,
        title=fault.title or check.title,
        evidence=[Proof(one.object, one.field, _short(one.value)) for one in fault.evidence],
        affected=sorted(set(fault.affected)),
        remedy=fault.remedy or check.remedy,
        link=check.link,
        passing=fault.passing,
        remedy_for=remedy if written is not None else None,
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


# ---- order ----


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Each cause followed by its symptoms; causes by weight."""
    waiting = sorted(findings, key=lambda one: one.weight)
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
