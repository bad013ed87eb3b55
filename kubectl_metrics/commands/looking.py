"""Looking at the cluster for ``diagnose``: once, or again and again until it is well."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from kubectl_metrics.commands.session import Session
from kubectl_metrics.diagnosis.collect import choosing, kubelets
from kubectl_metrics.diagnosis.collect.cluster import Cluster
from kubectl_metrics.diagnosis.collect.gathering import collect
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.probe import KubeletProbe
from kubectl_metrics.errors import ConnectionFailed, HTTPStatusError, MetricsError
from kubectl_metrics.output.progress import Progress
from kubectl_metrics.output.terminal import say

_CLOSELY = 20  # kubelets without metrics that are asked how they authenticate
_PAUSE = 3.0  # seconds between two looks


class Looking:
    """Collects evidence by one session's connection."""

    def __init__(self, session: Session, given: dict[str, Any]) -> None:
        """``given`` are the command's parameters."""
        self._session = session
        self._given = given
        self._progress = Progress(sys.stderr)

    def look(self) -> Evidence:
        """Collects once. Raises MetricsError if the API server cannot be asked at all."""
        try:
            evidence = collect(
                Cluster(
                    self._session.api,
                    namespace=self._session.chosen_namespace,
                    timeout=self._session.request_timeout,
                    tick=lambda done, total: self._progress("questions", done, total),
                ),
                self._probe,
                logs=self._given["logs"],
            )
            evidence.in_depth = self._given["node"] or ""
            return evidence
        finally:
            self._progress.clear()

    def _probe(self, evidence: Evidence) -> tuple[list[KubeletProbe], str]:
        """Asks the kubelets: the one that was named, else those without metrics and some of the others."""
        name: str | None = self._given["node"]
        known = evidence.nodes.value or []
        unmeasured: set[str] = set()
        nodes = [choosing.core_node(node) for node in known if name is None or node.metadata.name == name]
        if name is None:
            measured = {one.metadata.name for one in evidence.node_metrics.value or ()}
            unmeasured = {node.name for node in nodes} - measured
            nodes, chosen = choosing.choose(nodes, unmeasured, self._given["max_kubelets"])
        elif evidence.nodes.ok and not nodes:
            raise MetricsError(f'node "{name}" not found', hint="kubectl get nodes lists them")
        else:
            chosen = f"only {name}"
        root = evidence.root_ca.value
        theirs = (root.data or {}).get("ca.crt", "").encode() if root else b""
        return kubelets.probe(
            nodes,
            self._session.kubelets,
            kubelets.Authorities(
                ours=self._session.kubelet_authority,
                theirs=theirs or self._session.api_authority,
                insecure=self._given["kubelet_insecure_tls"],
            ),
            deep=name is not None,
            closely=[node.name for node in nodes if node.name in unmeasured][:_CLOSELY],
        ), chosen

    def until_well(
        self, judge: Callable[[Evidence], Verdict], seconds: float, connect: Callable[[], Session]
    ) -> tuple[Evidence, Verdict, bool]:
        """Looks until metrics are served and there is no error, or the time is over; says what it waits for.

        An API server that does not answer may come back. Credentials that are not accepted any more are had anew, by
        another session that ``connect`` gives: in some clusters, a token lives for a quarter of an hour.

        Returns:
            What was seen last, what it means, and whether it is what was waited for.

        Raises:
            MetricsError: the API server has not come back when the time is over, or does not know us.
        """
        end = time.monotonic() + seconds
        said = ""
        known = False  # whether these credentials have been accepted

        def waits_for(cause: str) -> bool:
            """Says so, unless it has been said; whether there is time left."""
            nonlocal said
            if cause != said:
                say(f"waiting: {cause}")
                said = cause
            return time.monotonic() < end

        while True:
            try:
                evidence = self.look()
                known = True
                found = judge(evidence)
                well = _well(evidence, found)
                if well or not waits_for(_cause(found)):
                    return evidence, found, well
            except HTTPStatusError as error:
                if error.status != 401 or not known:
                    raise
                known = False
                self._session = connect()
                continue
            except ConnectionFailed as error:
                if not waits_for(f"the API server does not answer ({error.reason})"):
                    raise
            time.sleep(min(_PAUSE, max(0.0, end - time.monotonic())))


def _well(evidence: Evidence, found: Verdict) -> bool:
    """Served is not enough: a metrics-server that has just started is available and has nothing yet."""
    return found.worst() is not Severity.ERROR and bool(evidence.node_metrics.value)


def _cause(found: Verdict) -> str:
    if not found.findings:
        return "for the first metrics"
    first = found.findings[0]
    return f"{first.title} ({first.id})"
