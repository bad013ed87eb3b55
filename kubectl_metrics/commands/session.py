"""The composition root: from flags to sources. Everything a command needs of the world outside is put together here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from ssl import SSLContext
from types import TracebackType
from typing import Any

import click
from msgspec import structs

from kubectl_metrics.commands import settings
from kubectl_metrics.connection import api_transport, credentials, expiry, kubeconfig, tls
from kubectl_metrics.connection.config import MAX_TIMEOUT
from kubectl_metrics.connection.credentials import Credentials
from kubectl_metrics.connection.deadlines import Total
from kubectl_metrics.connection.kubefile import describe, home_folder, read_bytes
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import HTTPStatusError, KubeconfigError, UsageError
from kubectl_metrics.output.progress import Progress
from kubectl_metrics.output.terminal import say
from kubectl_metrics.sources.access import Kubelets
from kubectl_metrics.sources.choose import Sources
from kubectl_metrics.sources.kubelets import KubeletSource
from kubectl_metrics.sources.metrics_api import METRICS_TIMEOUT, MetricsAPI
from kubectl_metrics.sources.query import KubeletOptions


class Session:
    """One command's connection to a cluster, and the sources behind it; a context manager, whose end closes it all."""

    def __init__(self, ctx: click.Context) -> None:
        """Reads the kubeconfig and has the credentials. Raises MetricsError."""
        self._progress = Progress(sys.stderr)
        given = ctx.params
        kubelet_options = settings.for_kubelets(given)
        trace = say if settings.verbosity(ctx) else None
        overrides = settings.overrides(ctx)
        config = kubeconfig.load(overrides, os.environ, home_folder())
        mine = credentials.resolve(config, environ=os.environ, interactive=sys.stdin is not None and sys.stdin.isatty())
        self._credentials = mine
        self.namespace = config.namespace
        self.chosen_namespace = overrides.namespace  # by a flag; None where it is only the context's
        self.request_timeout = config.request_timeout
        window, mode = given.get("window"), given.get("source", "auto")
        if window is not None and mode == "api":
            raise UsageError("--window is for the kubelets; metrics.k8s.io has a window of its own")
        seconds = settings.timeout(ctx)
        if seconds is not None and window is not None and seconds <= window:
            raise UsageError("--timeout leaves no time for --window, after which the kubelets are asked a second time")
        total = None if seconds is None else Total(seconds)
        self.api = api_transport(config, mine, environ=os.environ, total=total, trace=trace)
        named = given["kubelet_certificate_authority"]
        self.api_authority = config.certificate_authority
        self.kubelet_authority = _read(named) if named else config.certificate_authority
        self.access = _kubelets(self.api, self.kubelet_authority, mine, kubelet_options, given, trace, total)
        self.kubelets = KubeletSource(self.api, self.access, window=window, total=total, progress=self._progress)
        if window is not None:
            mode = "kubelet"  # only the kubelets can measure over a window of one's own choice
        self.mode = mode
        patience = metrics_timeout(config.request_timeout, seconds) if mode == "auto" else None
        self.metrics_api = MetricsAPI(self.api, timeout=patience, progress=self._progress)
        self.sources = Sources(mode, self.metrics_api, self.kubelets)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.clear()
        self.api.close()
        if isinstance(error, HTTPStatusError) and error.status == 401 and error.hint is None:
            error.hint = expiry.explain(self._credentials, datetime.now(timezone.utc))


def metrics_timeout(request_timeout: float | None, total: float | None) -> float | None:
    """The time for metrics.k8s.io: where the kubelets can answer instead, one that hangs is not waited for so long.

    Args:
        request_timeout: seconds of --request-timeout, None where it was not given.
        total: seconds of --timeout, None where it was not given.

    Returns:
        Seconds; None where it has no limit but the one of every request to the API server.
    """
    seconds = METRICS_TIMEOUT if request_timeout is None else request_timeout
    if total is not None:
        seconds = min(seconds, total / 2)
    return seconds if seconds < MAX_TIMEOUT else None


def _kubelets(
    api: Transport,
    authorities: bytes | None,
    mine: Credentials,
    kubelet_options: KubeletOptions,
    given: dict[str, Any],
    trace: Callable[[str], None] | None,
    total: Total | None,
) -> Kubelets:
    """Direct access is with the same credentials as to the API server, unless the flags name a certificate."""
    if mine.impersonation:
        # A kubelet knows no impersonation: it would see the real user, who may be allowed more than the other one.
        if kubelet_options.access == "direct":
            raise UsageError("kubelets know no impersonation: --as does not go with --kubelet-access direct")
        kubelet_options = structs.replace(kubelet_options, access="proxy")
    certificate_file, key_file = given["kubelet_client_certificate"], given["kubelet_client_key"]
    if bool(certificate_file) != bool(key_file):
        raise UsageError("--kubelet-client-certificate and --kubelet-client-key go together")
    certificate = (_read(certificate_file), _read(key_file)) if certificate_file else mine.certificate
    authority_file = given["kubelet_certificate_authority"]

    def context() -> SSLContext:
        return tls.client_context(
            authorities=authorities, insecure=given["kubelet_insecure_tls"], certificate=certificate
        )

    if certificate_file or authority_file:
        # Files that were named on the command line are looked at before anybody is asked.
        try:
            context()
        except KubeconfigError as error:
            named = ", ".join(filter(None, (authority_file, certificate_file, key_file)))
            raise KubeconfigError(f"{error.message} (kubelet TLS files: {named})") from error
    return Kubelets(api, kubelet_options, context, None if certificate_file else mine.authorization, trace, total)


def _read(path: str) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise KubeconfigError(f"cannot {describe(error, path)}") from None
