"""What is said of a metrics API that has no metrics, and of kubelets that have none either."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_metrics.errors import NoSourceError
from kubectl_metrics.sources import causes
from kubectl_metrics.sources.metrics_api import Absence, NoMetrics
from kubectl_metrics.usage.model import Gap


def alone(absent: NoMetrics) -> str:
    """Where nobody else may be asked."""
    return f"{_cause(absent)}; {causes.DIAGNOSE}"


def instead(absent: NoMetrics, notes: Sequence[str]) -> str:
    """Where the kubelets have answered instead; ``notes`` say how, and belong to the same sentence."""
    return "; ".join([f"{_cause(absent)}; usage is computed from the kubelets", *notes, causes.DIAGNOSE])


def neither(absent: NoMetrics, kubelets: str) -> NoSourceError:
    """kubectl's message first, then both reasons."""
    hint = f"{_cause(absent)}; and the kubelets could not be used instead: {kubelets}; {causes.DIAGNOSE}"
    return NoSourceError(absent.message, hint=hint, first=absent.original)


def worst(gaps: list[Gap]) -> str:
    """The most frequent reason among gaps, with how often it was seen."""
    reasons = [gap.reason for gap in gaps]
    reason = max(dict.fromkeys(reasons), key=reasons.count)
    first = next(gap for gap in gaps if gap.reason == reason)
    place = f"node {first.node}: " if first.node else ""
    return f"{place}{first.message}" + (f" (and {len(gaps) - 1} more without usage)" if len(gaps) > 1 else "")


def _cause(absent: NoMetrics) -> str:
    if absent.absence is Absence.NOT_SERVED:
        return f"metrics.k8s.io is not served by this cluster ({absent.detail or 'no metrics-server is registered'})"
    if absent.absence is Absence.EMPTY:
        if absent.original:
            return "metrics.k8s.io is served but has no metrics of this one"
        return "metrics.k8s.io is served but has no metrics yet (metrics-server is new, or reaches no kubelet)"
    likely = causes.likely(absent.detail)
    return (
        "metrics.k8s.io is not available"
        + (f": {likely}" if likely else "")
        + (f" ({absent.detail})" if absent.detail else "")
    )
