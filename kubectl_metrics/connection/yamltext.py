"""YAML as Kubernetes reads it: bytes in, plain values out.

Strategy: PyYAML's C loader where it is built in (a kubeconfig of a thousand clusters takes 0.2 s instead of 2 s), its
Python loader elsewhere, with the differences to sigs.k8s.io/yaml that matter here taken out.

Facts
- Without a tag, a date stays a string in Kubernetes (go-yaml resolves timestamps only into time.Time), PyYAML makes a
  ``datetime.date`` of it.
- A number in base 60 ("1:30") is a string in Kubernetes, and PyYAML takes minutes to compute one of a megabyte.
- libyaml's composer recurses without a limit in C: two million ``[`` end the process with a segmentation fault, and
  PyYAML copies what a merge key (``<<``) names, aliases of aliases included. So the text is gone through once before,
  event by event, which neither recurses nor copies, and depth and size are bounded there.
- PyYAML's error texts quote the document, and the documents read here hold secrets: only positions are passed on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 100  # levels of nesting; a kubeconfig has fewer than ten
MAX_NODES = 200_000  # values in one entry, aliases counted each time they are used
MAX_DOCUMENT = 1_000_000  # values in a document, counted likewise; a thousand clusters have 50,000

_TAG = "tag:yaml.org,2002:"
_TIMESTAMP = f"{_TAG}timestamp"
# PyYAML's own, without base 60.
_NUMBERS = {
    f"{_TAG}int": re.compile(r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)\Z"),
    f"{_TAG}float": re.compile(
        r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, by an escape
_loader: Any = None


class YAMLTextError(ValueError):
    """The text is not YAML; the message says where and quotes nothing."""


def parse(data: bytes) -> object:
    """Decode the one YAML (or JSON) document in ``data``: dicts, lists, str, int, float, bool and None.

    Aliases are shared objects, not copies: see :func:`plain` before walking through the result.

    Raises:
        YAMLTextError: not YAML, more than one document, nested too deeply, or too large.
    """
    import yaml  # 10 ms: not for those who need no kubeconfig

    try:
        _check_size(data)
        return yaml.load(data, _load_class())
    except YAMLTextError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise YAMLTextError(f"not valid YAML{where}") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError, OverflowError, TypeError):
        # ReaderError (control characters, not UTF-8), and what the constructors of tagged scalars let through.
        raise YAMLTextError("not valid YAML") from None


def plain(value: object) -> object:
    """Copy ``value`` without its nulls (to Go, a null leaves a field at its zero) and without its aliases.

    Raises:
        YAMLTextError: it has more than ``MAX_NODES`` values or contains itself (the "billion laughs" of YAML).
    """
    budget = iter(range(MAX_NODES))
    return _plain(value, budget, 0)


def _plain(value: object, budget: Iterator[int], depth: int) -> object:
    if next(budget, None) is None or depth > MAX_DEPTH:
        raise YAMLTextError("too many values (aliases of aliases?)")
    if isinstance(value, dict):
        return {k: _plain(v, budget, depth + 1) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_plain(v, budget, depth + 1) for v in value]
    return value


def _check_size(data: bytes) -> None:
    import yaml

    sizes: dict[str, int] = {}  # of what has an anchor: values in it
    nesting: list[tuple[str | None, int]] = []  # of the open collections: anchor, and how many values were before
    values = 0
    for event in yaml.parse(data, Loader=_load_class()):
        if isinstance(event, yaml.CollectionStartEvent):
            if len(nesting) == MAX_DEPTH:
                raise YAMLTextError("nested too deeply")
            nesting.append((event.anchor, values))
            values += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = nesting.pop()
            if anchor is not None:
                sizes[anchor] = values - before
        elif isinstance(event, yaml.AliasEvent):
            values += sizes.get(event.anchor or "", 1)
        else:
            values += 1
            if isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):  # as libyaml and Go have it
                raise YAMLTextError("not valid YAML")
        if values > MAX_DOCUMENT:
            raise YAMLTextError("too many values (aliases of aliases?)")


def _load_class() -> Any:
    global _loader
    if _loader is None:
        import yaml

        base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

        class Loader(base):  # type: ignore[misc]
            yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
                first: [(tag, _NUMBERS.get(tag, regexp)) for tag, regexp in resolvers if tag != _TIMESTAMP]
                for first, resolvers in base.yaml_implicit_resolvers.items()
            }

            def construct_scalar(self, node: Any) -> Any:
                if ":" in str(node.value) and node.tag in _NUMBERS:
                    raise ValueError("base 60")
                return super().construct_scalar(node)

        _loader = Loader
    return _loader
