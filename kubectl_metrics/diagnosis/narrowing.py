"""A finding about some of its nodes or pods only: its evidence and its remedy speak of no others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kubectl_metrics.diagnosis.findings import Finding, Proof

_SHOWN = 3  # of the nodes or pods that a finding is about, so many are in its evidence


def narrowed(finding: Finding, names: Sequence[str]) -> Finding:
    """A finding about some of its nodes or pods only, with the evidence and the remedy for these."""
    others = set(finding.affected).difference(names)
    evidence = [one for one in finding.evidence if one.name not in others]
    if not evidence and finding.evidence and names:  # the check has told of others only
        first = finding.evidence[0]
        evidence = [Proof(first.object.removesuffix(first.name) + names[0], f"check {finding.id}", finding.title)]
    remedy = finding.remedy_for(names) if finding.remedy_for is not None and others and names else finding.remedy
    return msgspec.structs.replace(finding, affected=list(names), evidence=evidence, remedy=remedy)


def sample(finding: Finding) -> Finding:
    """A finding with the evidence about the first few of those that it is about."""
    affected = set(finding.affected)
    about = [proof.name for proof in finding.evidence if proof.name in affected]
    hidden = set(list(dict.fromkeys(about))[_SHOWN:])
    if not hidden:
        return finding
    evidence = [proof for proof in finding.evidence if proof.name not in hidden]
    return msgspec.structs.replace(finding, evidence=evidence)
