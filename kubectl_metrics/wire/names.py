"""The names in a list of objects, of any kind and in any of the forms that an API server sends; nothing else of it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kubectl_metrics.wire.decode import decoder

# What namespaces, nodes and pods can be called: a DNS subdomain (RFC 1123).
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?", re.ASCII)


class _Metadata(msgspec.Struct):
    name: str = ""


class _Object(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Column(msgspec.Struct):
    format: str = ""


class _Row(msgspec.Struct):
    cells: list[Any] = []


class _List(msgspec.Struct, rename={"columns": "columnDefinitions"}):
    """A meta.k8s.io/v1 Table, which has columns and rows, or a list, which has items."""

    columns: list[_Column] | None = None
    rows: list[_Row] | None = None
    items: list[_Object] | None = None


_list = decoder(_List)


def names(body: bytes, whose: str) -> list[str]:
    """The names in a Table or a list, sorted; what no object can be called is left out.

    Raises DecodeError, with ``whose`` answer it is.
    """
    answer = _list(body, whose)
    formats = [column.format for column in answer.columns or ()]
    index = formats.index("name") if "name" in formats else 0
    found = {row.cells[index] for row in answer.rows or () if len(row.cells) > index and _is_name(row.cells[index])}
    found |= {item.metadata.name for item in answer.items or () if _is_name(item.metadata.name)}
    return sorted(found)


def _is_name(cell: object) -> bool:
    return isinstance(cell, str) and _NAME.fullmatch(cell) is not None
