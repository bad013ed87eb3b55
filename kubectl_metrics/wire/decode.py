"""JSON into typed structs, with errors that name the field.

``decoder(T)`` makes a function from bytes to ``T``. The structs ignore the fields that they do not name, so they carry
only what the tool uses, and msgspec builds nothing else: a list of 150,000 pods never exists as dictionaries.
"""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire import quantity
from kubectl_metrics.wire.quantity import Bytes, Nanocores

T = TypeVar("T")

# msgspec crashes when two threads make decoders of a type, or of two types with a part in common, that no decoder has
# been made of before.
_COMPILING = threading.Lock()


def _quantity(kind: type, value: Any) -> Any:
    # What metrics-server sends, nearly always: "12345n" and "678Ki". A list of 150,000 pods comes here half a million
    # times, so these two do without any other call. isdigit alone would let the digits of all scripts pass.
    if value.__class__ is str and len(value) < 18 and value.isascii():
        if kind is Nanocores:
            digits, unit, rest = value.partition("n")
            if unit and not rest and digits.isdigit():
                return Nanocores(digits)
        else:
            digits, unit, rest = value.partition("Ki")
            if unit and not rest and digits.isdigit():
                return Bytes(int(digits) << 10)
    elif not isinstance(value, (str, int)) or isinstance(value, bool):
        raise ValueError(f"{value!r:.40} is not a quantity")
    return quantity.nanocores(value) if kind is Nanocores else quantity.to_bytes(value)


def decoder(kind: type[T]) -> Callable[[bytes, str], T]:
    """A function that decodes JSON into ``kind``; its second argument says whose answer it is, for the error."""
    inner: msgspec.json.Decoder[T] | None = None

    def decode(body: bytes, whose: str) -> T:
        nonlocal inner
        if inner is None:  # compiling a type costs more than a small command should pay at import
            with _COMPILING:
                inner = msgspec.json.Decoder(kind, dec_hook=_quantity)
        try:
            try:
                return inner.decode(body)
            except msgspec.ValidationError:
                if b"null" not in body:
                    raise
                # To Go, null leaves a field as if it were not there. Hardly anybody sends one, so it may cost more.
                return msgspec.convert(_without_nulls(msgspec.json.decode(body)), kind, dec_hook=_quantity)
        except msgspec.ValidationError as error:
            raise DecodeError(f"{whose}: unexpected answer: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:  # the latter for a string, by msgspec before 0.23
            raise DecodeError(f"{whose}: {_instead_of_json(body) or f'the answer is not JSON ({error})'}") from error
        except RecursionError as error:
            raise DecodeError(f"{whose}: the answer is nested too deeply") from error

    return decode


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _instead_of_json(body: bytes) -> str:
    """What a body that is not JSON seems to be instead, empty if it cannot be told."""
    start = body[:512].lstrip().lower()
    if not start:
        return "the answer is empty" if len(body) < 512 else "the answer is blank"
    if start.startswith(b"<"):
        return "answered with a web page, not with JSON; is this a Kubernetes API server?"
    if start.startswith((b"{", b"[")):  # what looks like JSON up to a string in it; other bytes are anything
        try:
            codecs.getincrementaldecoder("utf-8")().decode(body)  # in which the last character may be cut
        except UnicodeDecodeError:
            return "the answer is not UTF-8"
    return ""


def check_kind(found: str, expected: str, whose: str) -> None:
    """Raises DecodeError unless an object is of the kind that was asked for; an object without a kind passes."""
    if found and found != expected:
        raise DecodeError(f"{whose}: unexpected answer: kind {found!r:.60} instead of {expected}")
