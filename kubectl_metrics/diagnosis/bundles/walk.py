"""Going through an evidence as a whole: every text in it, wherever it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import structs

T = TypeVar("T")
Change = Callable[[Any], Any]


def rewrite(value: T, text: Callable[[str], str], special: Mapping[type, Change] | None = None) -> T:
    """``value`` with each text in it replaced by what ``text`` makes of it, keys of dictionaries included.

    ``special`` has functions for structs of a type, which see the struct before its texts are replaced. Nothing is
    changed in place; what stays as it is is shared with the original.
    """
    changed: T = _rewrite(value, text, special or {})
    return changed


def _rewrite(value: Any, text: Callable[[str], str], special: Mapping[type, Change]) -> Any:
    kind = type(value)
    if kind is str:
        return text(value)
    if value is None or kind is int or kind is bool or kind is float:
        return value
    if kind is list:
        items = [_rewrite(one, text, special) for one in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if kind is dict:
        pairs = {_rewrite(key, text, special): _rewrite(one, text, special) for key, one in value.items()}
        same = len(pairs) == len(value) and all(
            a is c and b is d for (a, b), (c, d) in zip(pairs.items(), value.items(), strict=True)
        )
        return value if same else pairs
    if isinstance(value, msgspec.Struct):
        change = special.get(kind)
        if change is not None:
            value = change(value)
        changes = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            if old is not None:
                new = _rewrite(old, text, special)
                if new is not old:
                    changes[name] = new
        return structs.replace(value, **changes) if changes else value
    return value
