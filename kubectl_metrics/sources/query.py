"""What is asked of a source."""

from __future__ import annotations

import msgspec


class NodesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One node by ``name``, or those that match a label ``selector``, or all."""

    name: str | None = None
    selector: str = ""


class PodsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One pod by ``name``, or those that match the selectors, in a ``namespace`` or (None) in all of them."""

    namespace: str | None
    name: str | None = None
    selector: str = ""
    field_selector: str = ""
