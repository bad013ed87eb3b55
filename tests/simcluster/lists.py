"""Lists as an API server answers them: selectors, pages, and lists of the metadata alone. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from tests.simcluster.messages import Request, Response, document, failure
from tests.simcluster.selecting import SelectorError, parse_field_selector, parse_label_selector

Object = dict[str, Any]

_FIELDS = {
    "NodeMetrics": ("metadata.name", "metadata.namespace"),
    "PodMetrics": ("metadata.name", "metadata.namespace"),
    "Node": ("metadata.name", "metadata.namespace", "spec.unschedulable"),
    "Pod": (
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    ),
    "APIService": ("metadata.name", "metadata.namespace"),
}
_RESOURCE_VERSION = "1065"


def list_response(request: Request, kind: str, group_version: str, items: Sequence[Object]) -> Response:
    """The list of the objects that the request's parameters leave over."""
    served_by_metrics = kind.endswith("Metrics")  # metrics-server knows no pages and gives no versions
    try:
        chosen = _chosen(request, kind, items)
        metadata: Object = {} if served_by_metrics else {"resourceVersion": _RESOURCE_VERSION}
        if not served_by_metrics:
            chosen, metadata = _page(request, chosen, metadata)
    except (SelectorError, _BadPage) as error:
        return failure(400, "BadRequest", str(error))
    if "as=PartialObjectMetadataList" in request.headers.get("accept", "").replace(" ", "").split(",")[0]:
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        shown = [{**partial, "metadata": item["metadata"]} for item in chosen]
        return document(
            {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": shown}
        )
    return document({"kind": f"{kind}List", "apiVersion": group_version, "metadata": metadata, "items": list(chosen)})


def _chosen(request: Request, kind: str, items: Sequence[Object]) -> Sequence[Object]:
    labels = parse_label_selector(request.query.get("labelSelector", ""))
    terms = parse_field_selector(request.query.get("fieldSelector", ""))
    for field, _, _ in terms:
        if field not in _FIELDS[kind]:
            raise SelectorError(_unknown_field(field, kind))
    return [
        item
        for item in items
        if labels(item["metadata"].get("labels", {}))
        and all((_field(item, field) == value) == equal for field, equal, value in terms)
    ]


def _unknown_field(field: str, kind: str) -> str:
    if kind in ("Node", "Pod"):
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def _field(item: Object, path: str) -> str:
    value: Any = item
    for key in path.split("."):
        value = value.get(key, "") if isinstance(value, dict) else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _BadPage(ValueError):
    """``limit`` or ``continue`` is not what it should be."""


def _page(request: Request, items: Sequence[Object], metadata: Object) -> tuple[Sequence[Object], Object]:
    begin = _begin(request.query.get("continue", ""))
    limit = request.query.get("limit") or "0"
    if not limit.isdigit():
        raise _BadPage(f'strconv.ParseInt: parsing "{limit}": invalid syntax')
    end = begin + int(limit) if int(limit) else len(items)
    if end < len(items):
        token = json.dumps({"v": "meta.k8s.io/v1", "rv": int(_RESOURCE_VERSION), "start": end}).encode()
        encoded = base64.urlsafe_b64encode(token).decode().rstrip("=")
        metadata = {**metadata, "continue": encoded, "remainingItemCount": len(items) - end}
    return items[begin:end], metadata


def _begin(token: str) -> int:
    if not token:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["start"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise _BadPage(
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0"
        ) from None
