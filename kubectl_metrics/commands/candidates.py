"""What flags and arguments can be: from this program, the kubeconfig, or the cluster.

``options.suggest`` finds these functions by name and calls them with the context and what there is of the value: so
nobody imports this who completes nothing. They raise whatever goes wrong, and ``completing`` makes silence of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.shell_completion import CompletionItem

from kubectl_metrics.commands import settings
from kubectl_metrics.sources.query import ADDRESS_TYPES

if TYPE_CHECKING:
    from kubectl_metrics.connection.kubefile import Merged
    from kubectl_metrics.connection.transport import Transport

SECONDS = 0.7  # for a cluster to answer in; the start of Python comes on top

_METRICS = "/apis/metrics.k8s.io/v1beta1"
_PATHS = (
    "/apis/metrics.k8s.io",
    _METRICS,
    f"{_METRICS}/nodes",
    f"{_METRICS}/pods",
    f"{_METRICS}/namespaces/",
    "/api/v1/nodes",
    "/version",
)
_OBJECT_PATH = re.compile(r"(/apis/metrics\.k8s\.io/v1(?:beta1)?/(?:nodes|namespaces(?:/([^/]+)/pods)?)/)([^/]*)")
_KUBELET_PATHS = (
    "/configz",
    "/healthz",
    "/metrics",
    "/metrics/cadvisor",
    "/metrics/probes",
    "/metrics/resource",
    "/pods",
    "/stats/summary",
)

Items = list[CompletionItem]


def _no_limit(_: float) -> AbstractContextManager[None]:
    return nullcontext()


class Asking(msgspec.Struct, frozen=True):
    """How a kubeconfig and a cluster may be asked; the ``obj`` of the contexts."""

    seconds: float = SECONDS  # credentials included
    limit: Callable[[float], AbstractContextManager[None]] = _no_limit  # ends its block after so many seconds


def of(values: Iterable[str], text: str, **more: Any) -> Items:
    """Those of the values that begin with the text."""
    return [CompletionItem(value, **more) for value in values if value.startswith(text)]


# ---- from this program -----------------------------------------------------------------------------------------------


def sort_keys(_: click.Context, text: str) -> Items:
    return of(("cpu", "memory"), text)


def files(_: click.Context, text: str) -> Items:
    return [CompletionItem(text, type="file")]


def address_types(_: click.Context, text: str) -> Items:
    """The last of a list with commas, in which none comes twice."""
    head, comma, _last = text.rpartition(",")
    given = head.split(",")
    return of((head + comma + kind for kind in ADDRESS_TYPES if kind not in given), text, more=True)


def field_selectors(_: click.Context, text: str) -> Items:
    fields = ("metadata.name=", "metadata.namespace=", "spec.nodeName=", "status.phase=")
    return of(fields, text, more=True)


def checks(_: click.Context, text: str) -> Items:
    from kubectl_metrics.diagnosis.catalogue import CHECKS

    return [CompletionItem(id_, help=check.title) for id_, check in CHECKS.items() if id_.startswith(text.upper())]


def raw_paths(ctx: click.Context, text: str) -> Items:
    """Of a kubelet, or of the API server: those of metrics.k8s.io, down to the names of nodes and pods."""
    if ctx.params.get("node"):
        return of(_KUBELET_PATHS, text)
    deeper = _OBJECT_PATH.fullmatch(text)
    if deeper is None:
        return [item for path in _PATHS for item in of([path], text, more=path.endswith("/"))]
    head, namespace, _ = deeper.groups()
    if namespace:
        found = pods(ctx, "", namespace)
    elif head.endswith("/nodes/"):
        found = nodes(ctx, "")
    else:
        return of((f"{head}{item.value}/pods" for item in namespaces(ctx, "")), text)
    return of((head + item.value for item in found), text)


# ---- from the kubeconfig ---------------------------------------------------------------------------------------------


def contexts(ctx: click.Context, text: str) -> Items:
    return of(_configured(ctx, lambda merged: merged.contexts), text)


def clusters(ctx: click.Context, text: str) -> Items:
    return of(_configured(ctx, lambda merged: merged.clusters), text)


def users(ctx: click.Context, text: str) -> Items:
    return of(_configured(ctx, lambda merged: merged.users), text)


def _configured(ctx: click.Context, entries: Callable[[Merged], Iterable[str]]) -> list[str]:
    """Names of the kubeconfig, which may be on a disk that is slow, or a pipe."""
    asking: Asking = ctx.obj
    found: list[str] = []
    with asking.limit(asking.seconds):
        from kubectl_metrics.connection import kubefile

        home = kubefile.home_folder()
        merged = kubefile.read_files(settings.overrides(ctx).kubeconfig, os.environ, home)
        found += sorted(entries(merged))
    return found


# ---- from the cluster ------------------------------------------------------------------------------------------------


def namespaces(ctx: click.Context, text: str) -> Items:
    from kubectl_metrics.sources import names

    return of(_ask(ctx, lambda api, _: names.namespace_names(api)), text)


def nodes(ctx: click.Context, text: str) -> Items:
    """All nodes."""
    from kubectl_metrics.sources import names

    return of(_ask(ctx, lambda api, _: names.node_names(api)), text)


def node_argument(ctx: click.Context, text: str) -> Items:
    """NAME, which goes with no selector."""
    return [] if ctx.params.get("selector") else nodes(ctx, text)


def pod_argument(ctx: click.Context, text: str) -> Items:
    """NAME, which goes with no selector and not with all namespaces."""
    given = ctx.params
    if given.get("selector") or given.get("field_selector") or given.get("all_namespaces"):
        return []
    return pods(ctx, text)


def pods(ctx: click.Context, text: str, namespace: str | None = None) -> Items:
    """The pods of a namespace, by default of the one that the command is about."""
    from kubectl_metrics.sources import names

    return of(_ask(ctx, lambda api, current: names.pod_names(api, namespace or current)), text)


def _ask(ctx: click.Context, question: Callable[[Transport, str], list[str]]) -> list[str]:
    """Asks the cluster of the command line; the question gets the API server and the namespace in use."""
    asking: Asking = ctx.obj
    found: list[str] = []
    with asking.limit(asking.seconds):
        from kubectl_metrics.connection import api_transport, credentials, kubeconfig, kubefile
        from kubectl_metrics.connection.deadlines import Total

        total = Total(asking.seconds)
        config = kubeconfig.load(settings.overrides(ctx), os.environ, kubefile.home_folder())
        mine = credentials.resolve(config, environ=os.environ, interactive=False)
        with closing(api_transport(config, mine, environ=os.environ, total=total)) as api:
            found += question(api, config.namespace)
    return found
