"""The versioned document behind ``-o json`` and ``-o yaml``; docs/diagnosis.schema.json describes it."""

from __future__ import annotations

from typing import Any

import msgspec

from kubectl_metrics.diagnosis.findings import Finding, Severity, Verdict
from kubectl_metrics.output.documents import API_VERSION


def document(verdict: Verdict) -> dict[str, Any]:
    """Fields are only ever added within one apiVersion."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Diagnosis",
        "server": verdict.server or None,
        "collectedAt": verdict.collected_at or None,
        "nodes": verdict.nodes,
        "summary": {
            f"{severity.value}s": sum(one.severity is severity for one in verdict.findings) for severity in Severity
        },
        "stages": [
            {"category": one.category.value, "outcome": one.outcome, "seen": one.seen} for one in verdict.stages
        ],
        "kubelet": None if verdict.kubelet is None else msgspec.to_builtins(verdict.kubelet),
        "findings": [_finding(one) for one in verdict.findings],
        "passed": list(verdict.passed),
        "skipped": [{"id": one.id, "because": one.because} for one in verdict.skipped],
        "notChecked": [{"id": one.id, "needs": one.needs, "reason": one.reason} for one in verdict.not_checked],
        "suppressed": list(verdict.suppressed),
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "id": one.id,
        "severity": one.severity.value,
        "category": one.category.value,
        "title": one.title,
        "evidence": [{"object": proof.object, "field": proof.field, "value": proof.value} for proof in one.evidence],
        "affected": list(one.affected),
        "remedy": one.remedy,
        "link": one.link,
        "symptomOf": one.symptom_of,
    }
