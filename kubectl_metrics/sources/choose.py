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
from typing import TYPE_CHECKING, TypeVar

from kubectl_metrics.errors import ConnectionFailed, DecodeError, HTTPStatusError, MetricsError, NoSourceError
from kubectl_metrics.sources.metrics_api import MetricsAPI, NoMetrics
from kubectl_metrics.sources.query import NodesQuery, PodsQuery
from kubectl_metrics.usage.model import NodesUsage, PodsUsage, PodTotals

if TYPE_CHECKING:
    from kubectl_metrics.sources.kubelets import KubeletSource

U = TypeVar("U", NodesUsage, PodsUsage, PodTotals)


class Sources:
    """Answers a query from the source that ``mode`` ("auto", "api", "kubelet") allows."""

    def __init__(self, mode: str, api: MetricsAPI, kubelets: Callable[[], KubeletSource]) -> None:
        """``kubelets`` is called when they are needed: where the API answers, nothing of them is imported."""
        self._mode = mode
        self._api = api
        self._kubelets = kubelets

    def nodes(self, query: NodesQuery) -> NodesUsage:
        """The usage of nodes. Raises NoSourceError when no source has any, MetricsError for other failures."""
        return self._answer(lambda: self._api.nodes(query), lambda absent: self.nodes_of_kubelets(query, absent))

    def pods(self, query: PodsQuery) -> PodsUsage:
        """The usage of pods. Raises NoSourceError when no source has any, MetricsError for other failures."""
        return self._answer(lambda: self._api.pods(query), lambda absent: self.pods_of_kubelets(query, absent))

    def pod_totals(self, query: PodsQuery) -> PodTotals:
        """What pods use in all, without their containers. Raises as ``pods`` does."""

        def ask_kubelets(absent: NoMetrics | None) -> PodTotals:
            known = absent.pods if absent else None
            return self._from_kubelets(absent, lambda: self._kubelets().pod_totals(query, known))

        return self._answer(lambda: self._api.pod_totals(query), ask_kubelets)

    def nodes_of_kubelets(self, query: NodesQuery, absent: NoMetrics | None) -> NodesUsage:
        """The usage of nodes without asking the API again, which is ``absent``. Raises as ``nodes`` does."""
        known = absent.nodes if absent else None
        return self._from_kubelets(absent, lambda: self._kubelets().nodes(query, known))

    def pods_of_kubelets(self, query: PodsQuery, absent: NoMetrics | None) -> PodsUsage:
        """The usage of pods without asking the API again, which is ``absent``. Raises as ``pods`` does."""
        known = absent.pods if absent else None
        return self._from_kubelets(absent, lambda: self._kubelets().pods(query, known))

    def _answer(self, ask_api: Callable[[], U], ask_kubelets: Callable[[NoMetrics | None], U]) -> U:
        if self._mode == "kubelet":
            return ask_kubelets(None)
        try:
            return ask_api()
        except NoMetrics as absent:
            if self._mode == "api":
                from kubectl_metrics.sources import explaining

                absent.hint = explaining.alone(absent)
                raise absent.original or absent from None
            return ask_kubelets(absent)

    @staticmethod
    def _from_kubelets(absent: NoMetrics | None, ask: Callable[[], U]) -> U:
        """``absent`` is why the kubelets have to do; None if they were asked for."""
        from kubectl_metrics.sources import explaining

        usage: U
        try:
            usage = ask()
        except MetricsError as error:
            if absent is None or not _is_the_sources(error):
                raise
            raise explaining.neither(absent, error.message) from error
        if usage.gaps and not usage.items:
            if absent is None:
                raise NoSourceError(f"no usage from the kubelets: {explaining.worst(usage.gaps)}")
            raise explaining.neither(absent, explaining.worst(usage.gaps))
        if absent is not None:
            usage.notes = [explaining.instead(absent, usage.notes)]
        return usage


def _is_the_sources(error: MetricsError) -> bool:
    """Whether a failure says that the source has no metrics; not so a question that no source could have answered."""
    if isinstance(error, HTTPStatusError):
        return error.status not in (400, 401, 404)  # a wrong selector, nobody we know, no such node or pod
    return isinstance(error, (ConnectionFailed, DecodeError, NoSourceError))
