"""Any API path; those of metrics.k8s.io also where that API is absent, answered from the kubelets in its own shape."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.errors import MetricsError
from kubectl_metrics.sources.choose import Sources
from kubectl_metrics.sources.metrics_api import VERSIONS, Absence, MetricsAPI, NoMetrics
from kubectl_metrics.sources.query import NodesQuery, PodsQuery
from kubectl_metrics.usage.model import NodesUsage, PodsUsage
from kubectl_metrics.wire import metrics_list, status
from kubectl_metrics.wire.metrics_list import GROUP, NodeMetrics, PodMetrics

_ROOT = f"/apis/{GROUP}"
_WORDS = {"namespace": "namespaces", "node": "nodes", "pod": "pods"}


class RawPath(msgspec.Struct, frozen=True):
    """A path and its query, as typed."""

    path: str
    query: tuple[tuple[str, str], ...] = ()


class Document(msgspec.Struct, frozen=True):
    """A body for stdout, and the answer it was made from if it is not the server's own."""

    body: bytes
    usage: NodesUsage | PodsUsage | None = None


def parse(text: str) -> RawPath:
    """A path as typed, with its query. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        raise ValueError(f"{text!r} is not a path: it has to begin with a single /, as in {_ROOT}")
    return RawPath(parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True)))


def get(path: RawPath, api: Transport, sources: Sources, metrics_api: MetricsAPI, mode: str) -> Document:
    """The body behind a path. Raises MetricsError; for a 404 with a guess at what was meant."""
    question = _question(path)
    if mode == "kubelet":
        if question is None:
            raise MetricsError(f"the kubelets have no {path.path}; with --source kubelet only {_ROOT} is answered")
        return _document(question, sources)
    if question is None or mode == "api":
        return Document(_from_server(path, api.get(path.path, path.query)))
    try:
        response, _ = metrics_api.fetch(question.version or VERSIONS[0], path.path, path.query)
    except NoMetrics as absent:
        return _document(question, sources, absent)
    return Document(_from_server(path, response))


def _from_server(path: RawPath, response: Response) -> bytes:
    if 200 <= response.status < 300:
        return response.body
    failure = status.error(response.status, response.body, "")
    if response.status == 404 and (better := _correction(path.path)):
        failure.hint = f"did you mean {better} ?"
    raise failure


class _Question(msgspec.Struct, frozen=True):
    """A path of metrics.k8s.io, understood."""

    version: str | None
    resource: str | None = None
    namespace: str | None = None
    name: str | None = None
    selector: str = ""
    fields: str = ""


def _question(path: RawPath) -> _Question | None:
    if path.path.rstrip("/") != _ROOT and not path.path.startswith(_ROOT + "/"):
        return None
    parts = [unquote(part) for part in path.path[len(_ROOT) :].strip("/").split("/") if part]
    given = dict(path.query)
    selectors = {"selector": given.get("labelSelector", ""), "fields": given.get("fieldSelector", "")}
    if not parts:
        return _Question(None)
    version, *rest = parts
    if version not in VERSIONS:
        return None
    if not rest:
        return _Question(version)
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
        if rest[0] != "pods":
            return None
    resource, *names = rest
    if resource not in ("nodes", "pods") or len(names) > 1 or (names and resource == "pods" and not namespace):
        return None
    return _Question(version, resource, namespace, names[0] if names else None, **selectors)


def _document(question: _Question, sources: Sources, absent: NoMetrics | None = None) -> Document:
    if question.resource is None:
        if absent is not None and absent.absence is Absence.UNAVAILABLE:
            raise absent
        return Document(_discovery(question.version))
    version = question.version or VERSIONS[0]
    usage: NodesUsage | PodsUsage
    if question.resource == "nodes":
        nodes_query = NodesQuery(name=question.name, selector=question.selector, field_selector=question.fields)
        usage = sources.nodes_of_kubelets(nodes_query, absent)
    else:
        usage = sources.pods_of_kubelets(
            PodsQuery(
                namespace=question.namespace,
                name=question.name,
                selector=question.selector,
                field_selector=question.fields,
            ),
            absent,
        )
    if question.name:
        return Document(metrics_list.encode(usage.items[0], version), usage)
    items: list[NodeMetrics | PodMetrics] = [*usage.items]
    items.sort(key=lambda item: (item.metadata.namespace, item.metadata.name))
    kind = "NodeMetricsList" if question.resource == "nodes" else "PodMetricsList"
    return Document(metrics_list.encode_list(kind, items, version), usage)


def _discovery(version: str | None) -> bytes:
    if version is None:
        return metrics_list.encode_group(VERSIONS[0])
    return metrics_list.encode_resources(version)


def _correction(path: str) -> str | None:
    """The path with its singulars made plural, and the version put in where it was left out; None if nothing changed.

    Words and names take turns behind the version (``/namespaces/NAME/pods/NAME``), so a pod called "pod" stays one.
    """
    parts = path.split("/")
    if parts[1:3] == ["api", GROUP]:
        parts[1] = "apis"
    if parts[1:3] == ["apis", GROUP] and len(parts) > 3 and parts[3] in (*_WORDS, *_WORDS.values()):
        parts.insert(3, VERSIONS[0])
    for index in range(4 if parts[1] == "apis" else 3, len(parts), 2):
        parts[index] = _WORDS.get(parts[index], parts[index])
    better = "/".join(parts)
    return better if better != path else None
