"""YAML as Kubernetes reads it: bytes in, plain values out.

Strategy: PyYAML's C loader where it is built in (a kubeconfig of a thousand clusters takes 0.1 s instead of 2 s), its
Python loader elsewhere, with the differences to sigs.k8s.io/yaml that matter here taken out.

Facts
- Without a tag, a date stays a string in Kubernetes (go-yaml resolves timestamps only into time.Time), PyYAML makes a
  ``datetime.date`` of it.
- libyaml's composer recurses without a limit in C: two million ``[`` end the process with a segmentation fault. The
  depth is therefore bounded before the text reaches it.
- PyYAML's error texts quote the document, and the documents read here hold secrets: only positions are passed on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 100  # levels of nesting; a kubeconfig has fewer than ten
MAX_NODES = 200_000  # values in one entry, aliases counted each time they are used

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_loader: Any = None


class YAMLTextError(ValueError):
    """The text is not YAML; the message says where and quotes nothing."""


def parse(data: bytes) -> object:
    """Decode the one YAML (or JSON) document in ``data``: dicts, lists, str, int, float, bool and None.

    Aliases are shared objects, not copies: see :func:`plain` before walking through the result.

    Raises:
        YAMLTextError: not YAML, more than one document, or nested too deeply.
    """
    _check_depth(data)
    import yaml  # 10 ms: not for those who need no kubeconfig

    try:
        return yaml.load(data, _load_class())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise YAMLTextError(f"not valid YAML{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError):
        # ReaderError (control characters, not UTF-8), and what the constructors of scalars let through.
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


def _check_depth(data: bytes) -> None:
    # Brackets in strings are counted too, which errs on the safe side: nobody has 100 more opening than closing ones.
    depth = 0
    for match in re.finditer(rb"[][{}]", data):
        if match.group() in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise YAMLTextError("nested too deeply")
        elif depth:
            depth -= 1
    # Block collections nest by their column, so that a line's indentation bounds their depth.
    if re.search(rb"(?m)^[ \t?:-]{%d}" % (10 * MAX_DEPTH), data):
        raise YAMLTextError("nested too deeply")


def _load_class() -> Any:
    global _loader
    if _loader is None:
        import yaml

        base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

        class Loader(base):  # type: ignore[misc]
            yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
                first: [(tag, regexp) for tag, regexp in resolvers if tag != _TIMESTAMP]
                for first, resolvers in base.yaml_implicit_resolvers.items()
            }

        _loader = Loader
    return _loader
