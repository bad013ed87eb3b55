"""A finding about some of its nodes or pods only: its evidence and its remedy speak of no others."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence, Set

import msgspec

from kubectl_metrics.diagnosis.findings import Finding, Proof

_SHOWN = 3  # of the nodes or pods that a finding is about, so many are in its evidence
# Words with nothing but a space between them; a name of a node is one word.
_WORDS = re.compile(r"[\w-]+(?:\.[\w-]+)*(?: [\w-]+(?:\.[\w-]+)*)*")


def narrowed(finding: Finding, names: Sequence[str]) -> Finding:
    """A finding about some of its nodes or pods only, with the evidence and the remedy for these."""
    others = set(finding.affected).difference(names)
    evidence = [one for one in finding.evidence if one.name not in others]
    if not evidence and finding.evidence and names:  # the check has told of others only
        first = finding.evidence[0]
        evidence = [Proof(first.object.removesuffix(first.name) + names[0], f"check {finding.id}", finding.title)]
    remedy = _renamed(finding.remedy, others, names)
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
