"""Kubernetes quantities ("250m", "12345678n", "64Ki", "1e3") as exact integers.

Facts (k8s.io/apimachinery pkg/api/resource/quantity.go):

* A quantity is a decimal number with a suffix: a power of ten (n u m - k M G T P E), a power of two (Ki ... Ei) or a
  decimal exponent (e3, E-2). "E" alone is exa.
* The finest unit is nano; what is finer is rounded away from zero.
* ``Value()`` and ``MilliValue()`` round away from zero as well, which for usage means up.

So every quantity is a whole number of nano units, and Python's integers hold it without loss. Floats never come in.
"""

from __future__ import annotations

import re

NANO = 10**9  # nano units in one

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_GRAMMAR = re.compile(r"([+-]?)([0-9]+)?(?:\.([0-9]*))?(?:([numkMGTPE]|[KMGTPE]i)?|[eE]([+-]?[0-9]{1,2}))", re.ASCII)
_MAX_DIGITS = 64  # more is not a number that anybody measured
_MAX = (2**63 - 1) * NANO  # the largest whole number that most of Kubernetes reckons with; nobody has more


class Nanocores(int):
    """CPU, or CPU time per second, in billionths of a core."""

    __slots__ = ()


class Bytes(int):
    """Memory in bytes."""

    __slots__ = ()


def parse(text: str) -> int:
    """The value of a quantity in nano units, rounded away from zero.

    Raises ValueError when ``text`` is no quantity, or a larger one than anybody has. (Go takes a suffix alone, such as
    "P", for zero, and keeps or caps what is too large.)
    """
    match = _GRAMMAR.fullmatch(text) if len(text) <= _MAX_DIGITS else None
    if match is None:
        raise ValueError(f"{_short(text)} is not a quantity")
    sign, whole, fraction, suffix, exponent = match.groups()
    if not whole and not fraction:
        raise ValueError(f"{_short(text)} is not a quantity")
    fraction = fraction or ""
    digits: int = int((whole or "") + fraction)
    power = 9 - len(fraction)
    if exponent is not None:
        power += int(exponent)
    elif suffix in _BINARY:
        digits <<= _BINARY[suffix]
    else:
        power += _DECIMAL[suffix or ""]
    value: int = digits * 10**power if power >= 0 else -(-digits // 10**-power)
    if value > _MAX:
        raise ValueError(f"{_short(text)} is larger than any quantity")
    return -value if sign == "-" else value


def nanocores(value: str | int) -> Nanocores:
    """A CPU quantity in nanocores. Raises ValueError on what is no quantity, and on a negative one."""
    return Nanocores(_not_negative(value))


def to_bytes(value: str | int) -> Bytes:
    """A memory quantity in bytes, rounded up. Raises ValueError on what is no quantity, and on a negative one."""
    return Bytes(-(-_not_negative(value) // NANO))


def _not_negative(value: str | int) -> int:
    nano = parse(str(value))
    if nano < 0:
        raise ValueError(f"{_short(str(value))} is negative")
    return nano


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def format_nanocores(value: int) -> str:
    """The canonical form of a CPU quantity: the largest suffix that leaves a whole number ("2", "1500m", "7n")."""
    return _format_decimal(value, ("n", "u", "m", "", "k", "M", "G"))


def format_bytes(value: int) -> str:
    """The canonical form of a memory quantity: the largest binary suffix that leaves a whole number ("64Mi", "1025").

    Below 1024 the decimal suffixes are used ("1k"), as Quantity.CanonicalizeBytes does.
    """
    if value < 1024:
        return _format_decimal(value, ("", "k"))
    suffixes = ("", *_BINARY)
    index = min(((value & -value).bit_length() - 1) // 10, len(suffixes) - 1)
    return f"{value >> 10 * index}{suffixes[index]}"


def _format_decimal(value: int, suffixes: tuple[str, ...]) -> str:
    if value == 0:
        return "0"
    index = 0
    while value % 1000 == 0 and index < len(suffixes) - 1:
        value //= 1000
        index += 1
    return f"{value}{suffixes[index]}"
