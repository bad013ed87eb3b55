"""Which source answers: the fallback policy.

=====================================  =====================================================
what the API says                      ``auto`` does
=====================================  =====================================================
group not served (404)                 kubelets; a note says so
5xx, it breaks off, or it hangs        kubelets; the note carries the APIService's own reason
served but empty                       kubelets; the note says so
one that was named has no metrics      its kubelet; the note says so
some nodes without metrics             the API's answer, with gaps
401, 403, any other failure            the error, at once
=====================================  =====================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kubectl_metrics.errors import ConnectionFailed, DecodeError, HTTPStatusError, MetricsError, NoSourceError
from kubectl_metrics.sources import causes
from kubectl_metrics.sources.kubelets import KubeletSource
from kubectl_metrics.sources.metrics_api import Absence, MetricsAPI, NoMetrics
from kubectl_metrics.sources.query import NodesQuery, PodsQuery
from kubectl_metrics.usage.model import Gap, NodesUsage, PodsUsage

U = TypeVar("U", NodesUsage, PodsUsage)


class Sources:
    """Answers a query from the source that ``mode`` ("auto", "api", "kubelet") allows."""

    def __init__(self, mode: str, api: MetricsAPI, kubelets: KubeletSource) -> None:
        self._mode = mode
        self._api = api
        self._kubelets = kubelets

    def nodes(self, query: NodesQuery) -> NodesUsage:
        """The usage of nodes. Raises NoSourceError when no source has any, MetricsError for other failures."""
        return self._answer(lambda: self._api.nodes(query), lambda absent: self.nodes_of_kubelets(query, absent))

    def pods(self, query: PodsQuery) -> PodsUsage:
        """The usage of pods. Raises NoSourceError when no source has any, MetricsError for other failures."""
        return self._answer(lambda: self._api.pods(query), lambda absent: self.pods_of_kubelets(query, absent))

    def nodes_of_kubelets(self, query: NodesQuery, absent: NoMetrics | None) -> NodesUsage:
        """The usage of nodes without asking the API again, which is ``absent``. Raises as ``nodes`` does."""
        known = absent.nodes if absent else None
        return self._from_kubelets(absent, lambda: self._kubelets.nodes(query, known))

    def pods_of_kubelets(self, query: PodsQuery, absent: NoMetrics | None) -> PodsUsage:
        """The usage of pods without asking the API again, which is ``absent``. Raises as ``pods`` does."""
        return self._from_kubelets(absent, lambda: self._kubelets.pods(query))

    def _answer(self, ask_api: Callable[[], U], ask_kubelets: Callable[[NoMetrics | None], U]) -> U:
        if self._mode == "kubelet":
            return ask_kubelets(None)
        try:
            return ask_api()
        except NoMetrics as absent:
            if self._mode == "api":
                absent.hint = f"{_cause(absent)}; {causes.DIAGNOSE}"
                raise absent.original or absent from None
            return ask_kubelets(absent)

    @staticmethod
    def _from_kubelets(absent: NoMetrics | None, ask: Callable[[], U]) -> U:
        """``absent`` is why the kubelets have to do; None if they were asked for."""
        usage: U
        try:
            usage = ask()
        except MetricsError as error:
            if absent is None or not _is_the_sources(error):
                raise
            raise _neither(absent, error.message) from error
        if usage.gaps and not usage.items:
            if absent is None:
                raise NoSourceError(f"no usage from the kubelets: {_worst(usage.gaps)}")
            raise _neither(absent, _worst(usage.gaps))
        if absent is not None:
            # One line in all: how the kubelets were reached belongs to the same sentence.
            notes = [f"{_cause(absent)}; usage is computed from the kubelets", *usage.notes, causes.DIAGNOSE]
            usage.notes = ["; ".join(notes)]
        return usage


def _is_the_sources(error: MetricsError) -> bool:
    """Whether a failure says that the source has no metrics; not so a question that no source could have answered."""
    if isinstance(error, HTTPStatusError):
        return error.status not in (400, 401, 404)  # a wrong selector, nobody we know, no such node or pod
    return isinstance(error, (ConnectionFailed, DecodeError, NoSourceError))


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


def _neither(absent: NoMetrics, kubelets: str) -> NoSourceError:
    """kubectl's message first, then both reasons."""
    hint = f"{_cause(absent)}; and the kubelets could not be used instead: {kubelets}; {causes.DIAGNOSE}"
    return NoSourceError(absent.message, hint=hint, first=absent.original)


def _worst(gaps: list[Gap]) -> str:
    """The most frequent reason among gaps, with how often it was seen."""
    reasons = [gap.reason for gap in gaps]
    reason = max(dict.fromkeys(reasons), key=reasons.count)
    first = next(gap for gap in gaps if gap.reason == reason)
    place = f"node {first.node}: " if first.node else ""
    return f"{place}{first.message}" + (f" (and {len(gaps) - 1} more without usage)" if len(gaps) > 1 else "")
