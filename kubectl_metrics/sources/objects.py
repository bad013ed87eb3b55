"""Reads of core/v1 objects: nodes, and the pods that should have usage."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.errors import DecodeError, HTTPStatusError, MetricsError
from kubectl_metrics.sources.query import NodesQuery, PodsQuery
from kubectl_metrics.wire import core, status

_PAGE = 1000  # pods in one answer: bounds the memory of a list whose items are some 8 KB each
MAX_PAGES = 400  # of one list: Kubernetes is made for 150,000 pods
_GET_AT_MOST = 8  # nodes that are fetched one by one; for more of them the list is cheaper

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"


def checked(response: Response, subject: str) -> bytes:
    """The body of a successful response. Raises HTTPStatusError for any other."""
    if 200 <= response.status < 300:
        return response.body
    raise status.error(response.status, response.body, subject)


def nodes_path(name: str | None = None) -> str:
    """The path of all nodes or of one."""
    return "/api/v1/nodes" + (f"/{quote(name, safe='')}" if name else "")


def pods_path(namespace: str | None, name: str | None = None) -> str:
    """The path of all pods, of a namespace's pods, or of one pod."""
    place = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/api/v1{place}/pods" + (f"/{quote(name, safe='')}" if name else "")


def selector_query(selector: str, fields: str = "") -> list[tuple[str, str]]:
    """Selectors as query parameters."""
    return [(key, value) for key, value in (("labelSelector", selector), ("fieldSelector", fields)) if value]


def pods_query(query: PodsQuery, *, running: bool) -> list[tuple[str, str]]:
    """The selectors of a query about pods, narrowed to the ``running`` ones if so wished."""
    fields = ",".join(filter(None, (query.field_selector, "status.phase=Running" if running else "")))
    return selector_query(query.selector, fields)


def get_nodes(api: Transport, query: NodesQuery) -> list[core.Node]:
    """The nodes that a query is about. Raises MetricsError."""
    response = api.get(nodes_path(query.name), selector_query(query.selector, query.field_selector))
    if query.name:
        return [core.node(checked(response, f"get nodes {query.name}"))]
    return core.node_list(checked(response, "get nodes"))


def get_named_nodes(api: Transport, names: Iterable[str]) -> dict[str, core.Node]:
    """Nodes by name; one that is gone is left out. Raises MetricsError."""
    from kubectl_metrics.connection.places import gather, in_thread

    wanted = set(names)
    if len(wanted) > _GET_AT_MOST:
        return {node.name: node for node in get_nodes(api, NodesQuery()) if node.name in wanted}
    calls = [lambda name=name: get_nodes(api, NodesQuery(name=name))[0] for name in wanted]
    found: dict[str, core.Node] = {}
    for name, outcome in zip(wanted, gather(in_thread, calls, workers=_GET_AT_MOST), strict=True):
        if isinstance(outcome, HTTPStatusError) and outcome.status == 404:
            continue
        if isinstance(outcome, MetricsError):
            raise outcome
        found[name] = outcome
    return found


def get_pod(api: Transport, namespace: str, name: str) -> core.Pod:
    """One pod. Raises MetricsError."""
    return core.pod(checked(api.get(pods_path(namespace, name)), f"get pods {name}"))


def get_pods(api: Transport, query: PodsQuery, *, running: bool) -> list[core.Pod]:
    """The pods that a query is about, only the ``running`` ones if so wished. Raises MetricsError."""
    if query.name:
        return [get_pod(api, query.namespace or "default", query.name)]
    selectors = pods_query(query, running=running)
    pods: list[core.Pod] = []
    pages = 0
    page: list[tuple[str, str]] = [("limit", str(_PAGE))]
    while True:
        body = checked(api.get(pods_path(query.namespace), [*selectors, *page]), "get pods")
        items, more = core.pod_page(body)
        pods += items
        if not more:
            return pods
        pages += 1
        if pages > MAX_PAGES:
            raise DecodeError(f"pods: unexpected answer: a list without end, {MAX_PAGES} pages say that there are more")
        page = [("limit", str(_PAGE)), ("continue", more)]
