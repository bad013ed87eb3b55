"""Lists as an API server answers them: selectors, pages, and lists of the metadata alone.

Things become objects only when they are shown, and later pages come from what was chosen for the first one: a hundred
thousand pods, page by page, are looked through once. It is also what a cluster does: all pages are of one moment.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.simcluster.messages import Request, Response, document, failure
from tests.simcluster.selecting import SelectorError, parse_field_selector, parse_label_selector

Object = dict[str, Any]

_NAME = ("metadata.name", "metadata.namespace")
_RESOURCE_VERSION = "1065"
_SNAPSHOTS = 16  # lists that somebody may still be turning the pages of


def _bare(item: Object) -> Object:
    """As the items of a list are: without kind and apiVersion."""
    return {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}


def _labels(item: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = item["metadata"].get("labels") or {}
    return labels


def _field(item: Object, path: str) -> str:
    value: Any = item
    for key in path.split("."):
        value = value.get(key, "") if isinstance(value, dict) else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class View(NamedTuple):
    """How to look at the things of a list; by default they are objects."""

    build: Callable[[Any], Object] = _bare
    """The object, without kind and apiVersion."""
    labels: Callable[[Any], Mapping[str, str]] = _labels
    field: Callable[[Any, str], str] = _field


OBJECTS = View()


class Lists:
    """Answers lists, and remembers those of which there are more pages."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[str, Sequence[Any]] = OrderedDict()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def respond(
        self,
        request: Request,
        kind: str,
        group_version: str,
        things: Callable[[], Sequence[Any]],
        view: View = OBJECTS,
        fields: Sequence[str] = _NAME,
    ) -> Response:
        """The list of the objects that the request's parameters leave over."""
        metadata: Object = {"resourceVersion": _RESOURCE_VERSION}
        try:
            if kind.endswith("Metrics"):  # metrics-server knows no pages and gives no versions
                chosen, metadata = _chosen(request, things(), view, fields), {}
            else:
                token = _token(request.query.get("continue", ""))
                limit = request.query.get("limit") or "0"
                if not limit.isdigit():
                    raise _BadPage(f'strconv.ParseInt: parsing "{limit}": invalid syntax')
                with self._lock:
                    kept = self._snapshots.get(token.snapshot)
                chosen = _chosen(request, things(), view, fields) if kept is None else kept
                end = token.start + int(limit) if int(limit) else len(chosen)
                if end < len(chosen):
                    following = self._continue(token.snapshot if kept is not None else "", chosen, end)
                    metadata = {**metadata, "continue": following, "remainingItemCount": len(chosen) - end}
                chosen = chosen[token.start : end]
        except (SelectorError, _BadPage) as error:
            return failure(400, "BadRequest", str(error))
        return _document(request, kind, group_version, metadata, [view.build(thing) for thing in chosen])

    def _continue(self, snapshot: str, chosen: Sequence[Any], start: int) -> str:
        if not snapshot:
            snapshot = str(next(self._numbers))
            with self._lock:
                self._snapshots[snapshot] = chosen
                while len(self._snapshots) > _SNAPSHOTS:
                    self._snapshots.popitem(last=False)
        token = {"v": "meta.k8s.io/v1", "rv": int(_RESOURCE_VERSION), "start": start, "of": snapshot}
        return base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")


def _document(request: Request, kind: str, group_version: str, metadata: Object, items: list[Object]) -> Response:
    accepted = request.headers.get("accept", "").replace(" ", "").split(",")[0]
    if "as=Table" in accepted:
        columns = [{"name": "Name", "type": "string", "format": "name"}, {"name": "Created At", "type": "date"}]
        cells = [[item["metadata"].get(field) for field in ("name", "creationTimestamp")] for item in items]
        table = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns}
        return document({**table, "rows": [{"cells": row, "object": None} for row in cells]})
    if "as=PartialObjectMetadataList" in accepted:
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        shown = [{**partial, "metadata": item["metadata"]} for item in items]
        return document(
            {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": shown}
        )
    return document({"kind": f"{kind}List", "apiVersion": group_version, "metadata": metadata, "items": items})


def _chosen(request: Request, things: Sequence[Any], view: View, fields: Sequence[str]) -> Sequence[Any]:
    selector = request.query.get("labelSelector", "")
    labels = parse_label_selector(selector)
    terms = parse_field_selector(request.query.get("fieldSelector", ""))
    for field, _, _ in terms:
        if field not in fields:
            raise SelectorError(_unknown_field(field, fields))
    if selector:
        things = [thing for thing in things if labels(view.labels(thing))]
    for field, equal, value in terms:
        things = [thing for thing in things if (view.field(thing, field) == value) == equal]
    return things


def _unknown_field(field: str, fields: Sequence[str]) -> str:
    if len(fields) > len(_NAME):
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'


class _BadPage(ValueError):
    """``limit`` or ``continue`` is not what it should be."""


class _Token(NamedTuple):
    """Where a page begins, and in which list."""

    start: int = 0
    snapshot: str = ""


def _token(text: str) -> _Token:
    if not text:
        return _Token()
    try:
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return _Token(int(content["start"]), str(content.get("of", "")))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError):
        raise _BadPage(
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0"
        ) from None
