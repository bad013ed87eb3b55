"""One question to the API server, and its outcome as a ``Read``: a refusal or a failure is an outcome too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

from kubectl_metrics.connection.transport import Response
from kubectl_metrics.diagnosis.evidence import ABSENT, FAILED, OK, REFUSED, Read
from kubectl_metrics.errors import ConnectionFailed, DecodeError
from kubectl_metrics.sources.objects import MAX_PAGES
from kubectl_metrics.wire import status
from kubectl_metrics.wire.decode import decoder

T = TypeVar("T")

_PAGE = 500  # objects in one answer


class _ListMeta(msgspec.Struct, rename="camel"):
    continue_: str = msgspec.field(name="continue", default="")
    remaining_item_count: int | None = None


class _List(msgspec.Struct, Generic[T]):
    items: list[T] | None = None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


def read(what: str, ask: Callable[[], Response], decode: Callable[[bytes, str], T]) -> Read[T]:
    """The outcome of one request.

    Args:
        what: the right that it takes, as in "get configmaps in kube-system".
        ask: makes the request.
        decode: bytes to value; the second argument is ``what``.
    """
    try:
        response = ask()
    except ConnectionFailed as error:
        return Read(what=what, state=FAILED, failure=error.kind.value, message=error.message)
    return outcome(what, response, decode)


def outcome(what: str, response: Response, decode: Callable[[bytes, str], T]) -> Read[T]:
    """An answer as a Read."""
    code, seconds = response.status, round(response.seconds, 3)
    if 200 <= code < 300:
        try:
            return Read(what=what, state=OK, value=decode(response.body, what), status=code, seconds=seconds)
        except DecodeError as error:
            return Read(what=what, state=FAILED, status=code, message=error.message, seconds=seconds)
    state = {401: REFUSED, 403: REFUSED, 404: ABSENT}.get(code, FAILED)
    return Read(what=what, state=state, status=code, message=_reason(response, what), seconds=seconds)


def read_list(
    what: str, ask: Callable[..., Response], kind: type[T], *, at_most: int | None = None, page: int = _PAGE
) -> Read[list[T]]:
    """All objects of a list, page by page, or the first ``at_most`` of them.

    A list that breaks off (an expired continue token, a server that fails) keeps what there was and says so.

    Args:
        what: as for ``read``.
        ask: makes a request; is given ``limit`` and ``_continue``.
        kind: of the items.
        at_most: objects.
        page: objects in one answer.
    """
    items: list[T] = []
    more: dict[str, Any] = {}
    seconds = 0.0
    pages = 0
    while True:
        part = read(what, functools.partial(ask, limit=page, **more), _decoder(kind))
        seconds = round(seconds + part.seconds, 3)
        if part.value is None:
            if not items:
                return msgspec.structs.replace(cast("Read[Any]", part), seconds=seconds)
            note = f"the first {len(items)}; then: {part.message}"
            return Read(what=what, state=OK, value=items, partial=note, seconds=seconds)
        items += part.value.items or []
        following = part.value.metadata.continue_
        if not following:
            return Read(what=what, state=OK, value=items, status=part.status, seconds=seconds)
        if at_most is not None and len(items) >= at_most:
            rest = part.value.metadata.remaining_item_count
            note = f"the first {len(items)}" + (f" of {len(items) + rest}" if rest else "")
            return Read(what=what, state=OK, value=items, status=part.status, partial=note, seconds=seconds)
        pages += 1
        if pages > MAX_PAGES:
            note = f"the first {len(items)}; then: a list without end, {MAX_PAGES} pages say that there are more"
            return Read(what=what, state=OK, value=items, status=part.status, partial=note, seconds=seconds)
        more = {"_continue": following}


def read_whole(what: str, ask: Callable[[], Response], kind: type[T]) -> Read[list[T]]:
    """All objects of a list from one that knows no pages, as metrics-server; what it holds back is not asked for."""
    found = read(what, ask, _decoder(kind))
    if found.value is None:
        return cast("Read[Any]", found)
    items = found.value.items or []
    partial = f"the first {len(items)}" if found.value.metadata.continue_ else ""
    return Read(what=what, state=OK, value=items, status=found.status, partial=partial, seconds=found.seconds)


def kept(found: Read[list[T]], wanted: Callable[[T], bool]) -> Read[list[T]]:
    """The same outcome with only the ``wanted`` objects in it."""
    if found.value is None:
        return found
    return msgspec.structs.replace(found, value=[one for one in found.value if wanted(one)])


def merged(parts: list[Read[list[T]]], key: Callable[[T], object]) -> Read[list[T]]:
    """Several lists of the same kind as one, each object once; the first part that has no value speaks if none has."""
    good = [part for part in parts if part.value is not None]
    if not good:
        return parts[0]
    items = {key(one): one for part in good for one in part.value or ()}
    bad = next((part for part in parts if part.value is None), None)
    partial = next((part.partial for part in good if part.partial), "") or (bad.message if bad else "")
    return Read(what=good[0].what, state=OK, value=list(items.values()), partial=partial)


_DECODERS: dict[Any, Any] = {}  # compiling one costs more than most of the reads


def object_decoder(kind: type[T]) -> Callable[[bytes, str], T]:
    """The decoder of one object."""
    decode: Callable[[bytes, str], T] = _DECODERS.setdefault(kind, decoder(kind))
    return decode


def _decoder(kind: type[T]) -> Callable[[bytes, str], _List[T]]:
    of_kind: Any = _List[kind]  # type: ignore[valid-type]  # a type that is known when it runs
    decode: Callable[[bytes, str], _List[T]] = _DECODERS.setdefault(of_kind, decoder(of_kind))
    return decode


def _reason(response: Response, what: str) -> str:
    """What the server says: a Status' message, else the text itself, in which aggregation gives its reasons."""
    text = status.shorten(response.body[:4000].decode("utf-8", "replace").strip())
    if not text.startswith(("{", "<")) and response.status >= 500 and text:
        return text
    return status.error(response.status, response.body, what).message
