"""The composition root: from flags to sources. Everything a command needs of the world outside is put together here."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING

import click

from kubectl_metrics.commands import settings
from kubectl_metrics.connection import api_transport, connect_ahead, credentials, kubeconfig
from kubectl_metrics.connection.config import MAX_TIMEOUT
from kubectl_metrics.connection.deadlines import Total
from kubectl_metrics.connection.kubefile import home_folder
from kubectl_metrics.errors import HTTPStatusError, MetricsError, UsageError
from kubectl_metrics.output.progress import Progress
from kubectl_metrics.output.terminal import say

if TYPE_CHECKING:
    from types import TracebackType

    from kubectl_metrics.commands.early import Early
    from kubectl_metrics.sources.access import Kubelets
    from kubectl_metrics.sources.kubelets import KubeletSource

_LAST_LOOK = 15.0  # seconds for what --wait has begun when its time is over; a diagnosis takes a few


class Session:
    """One command's connection to a cluster, and the sources behind it; a context manager, whose end closes it all."""

    def __init__(self, ctx: click.Context) -> None:
        """Reads the kubeconfig and has the credentials. Raises MetricsError."""
        self._progress = Progress(sys.stderr)
        given = ctx.params
        kubelet_options = settings.for_kubelets(given)
        self._trace = say if settings.verbosity(ctx) else None
        self._window: float | None = given.get("window")
        self.mode: str = given.get("source", "auto")
        if self._window is not None and self.mode == "api":
            raise UsageError("--window is for the kubelets; metrics.k8s.io has a window of its own")
        if self._window is not None:
            self.mode = "kubelet"  # only the kubelets can measure over a window of one's own choice
        seconds = settings.timeout(ctx)
        if seconds is not None and self._window is not None and seconds <= self._window:
            raise UsageError("--timeout leaves no time for --window, after which the kubelets are asked a second time")
        overrides = settings.overrides(ctx)
        early: Early | None = ctx.find_root().obj
        begun = early.config_for(overrides) if early is not None else None
        config = begun or kubeconfig.load(overrides, os.environ, home_folder())
        mine = credentials.resolve(config, environ=os.environ, interactive=sys.stdin is not None and sys.stdin.isatty())
        self._credentials = mine
        self.namespace = config.namespace
        self.chosen_namespace = overrides.namespace  # by a flag; None where it is only the context's
        self.request_timeout = config.request_timeout
        self.api_authority = config.certificate_authority
        self._total = None if seconds is None else Total(seconds)
        if given.get("wait") is not None:
            self._total = Total(given["wait"], "--wait", grace=_LAST_LOOK)
        ahead = early.connections if early is not None and begun is not None else None
        if ahead is None:
            # Two questions are asked at once, but by raw, and where only the kubelets are wanted. What it takes to ask
            # is imported while these connect.
            count = 1 if ctx.info_name == "raw" or self.mode == "kubelet" else 2
            ahead = connect_ahead(config, environ=os.environ, count=count)
        try:
            self.api = api_transport(
                config, mine, environ=os.environ, total=self._total, trace=self._trace, ahead=ahead
            )
            from kubectl_metrics.commands import kubelet_access
            from kubectl_metrics.sources.choose import Sources
            from kubectl_metrics.sources.metrics_api import MetricsAPI

            self._kubelet_access = kubelet_access.prepare(kubelet_options, given, self.api_authority, mine)
            self.kubelet_authority = self._kubelet_access.authorities
            patience = metrics_timeout(config.request_timeout, seconds) if self.mode == "auto" else None
            self.metrics_api = MetricsAPI(self.api, timeout=patience, progress=self._progress)
            self.sources = Sources(self.mode, self.metrics_api, lambda: self.kubelet_source)
        except BaseException:
            if ahead is not None:
                ahead.close()
            raise

    @cached_property
    def kubelets(self) -> Kubelets:
        """The way to the kubelets."""
        return self._kubelet_access.open(self.api, self._trace, self._total)

    @cached_property
    def kubelet_source(self) -> KubeletSource:
        """The kubelets as a source; where nobody asks them, nothing of that is imported."""
        from kubectl_metrics.sources.kubelets import KubeletSource

        return KubeletSource(self.api, self.kubelets, window=self._window, total=self._total, progress=self._progress)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.clear()
        self.api.close()
        if isinstance(error, MetricsError):  # it may quote what it could not read
            error.message = self.api.redact(error.message)
            error.hint = error.hint and self.api.redact(error.hint)
        if isinstance(error, HTTPStatusError) and error.status == 401 and error.hint is None:
            from kubectl_metrics.connection import expiry

            error.hint = expiry.explain(self._credentials, datetime.now(timezone.utc))


def metrics_timeout(request_timeout: float | None, total: float | None) -> float | None:
    """The time for metrics.k8s.io: where the kubelets can answer instead, one that hangs is not waited for so long.

    Args:
        request_timeout: seconds of --request-timeout, None where it was not given.
        total: seconds of --timeout, None where it was not given.

    Returns:
        Seconds; None where it has no limit but the one of every request to the API server.
    """
    from kubectl_metrics.sources.metrics_api import METRICS_TIMEOUT

    seconds = METRICS_TIMEOUT if request_timeout is None else request_timeout
    if total is not None:
        seconds = min(seconds, total / 2)
    return seconds if seconds < MAX_TIMEOUT else None
