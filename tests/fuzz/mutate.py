"""Inputs made odd on purpose: JSON as a tree, everything else as text."""

from __future__ import annotations

import json
import random
from typing import Any

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320, "", " ",
    "0", "-1", "a", "\0", "\ud800", "\u202e", "\u0665", "\u00e4" * 50, "x" * 5000, "9" * 5000, "a.a" * 700, "-" * 700,
    "1e999999999", "1e-999999999", "9223372036854775808", "NaN", "Infinity", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "99999999999h", "-1h", "1.5.1", "::ffff:10.0.0.1",
    "fd00::1%eth0", "10.0.0.0/99", "[", "https://[:99999/", "Mon, 01 Jan 0001 00:00:00 -0000",
    "Mon, 01 Jan 2024 00:00:00 +99999999999999", "Fri, 31 Dec 9999 23:59:59 -2359",
    "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "$(x)", "--", "--x", [], {}, [[]], {"": ""},
    [None], {"a": None}, [{}] * 3,
)  # fmt: skip
_PIECES = (
    b"", b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\t", b" " * 300,
    b"\xc2\x85", b"0", b"-", b"+", b"1" * 5000, b"1e999999999", b"1e-400", b"NaN", b"+Inf", b"0x1p3", b"1_0",
    b"\xd9\xa5", b"9223372036854775808", b"-1", b"Ki", b"E", b"n", b"99999999999999", b"18446744073709551616", b'"',
    b"'", b"\\", b"\\\\", b"{", b"}", b"[" * 200, b"]", b"(", b")", b",", b"=", b"!", b":", b":1" * 50, b"#", b"&a ",
    b"*a", b"<<: ", b"!!int ", b"!!float ", b"!!bool ", b"!!timestamp ", b"!!binary ", b"!!set ", b"!!omap ", b"? ",
    b"- ", b"|", b">", b"---\n", b"...\n", b"%YAML 1.1\n", b"~", b"null", b"a" * 5000, b"a." * 500,
    b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff",
    b"\x06\x7f", b"chunked", b"gzip", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n",
    b"-1\r\n", b"ffffffffff\r\n",
)  # fmt: skip


def mutated(data: bytes, dice: random.Random, times: int = 1) -> bytes:
    """``data`` changed in ``times`` places."""
    for _ in range(times):
        tree = _json(data) if dice.random() < 0.8 else None
        if isinstance(tree, (dict, list)):
            _spoil(tree, dice)
            data = json.dumps(tree, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
        else:
            data = _spoiled(data, dice)
    return data


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _spoil(tree: Any, dice: random.Random) -> None:
    """Replaces, removes, repeats or nests one value, at any depth."""
    places: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        places += [(one, key) for key in keys]
        waiting += [one[key] for key in keys if isinstance(one[key], (dict, list))]
    if not places:
        return
    inside, key = dice.choice(places)
    kind = dice.randrange(8)
    if kind == 0:
        del inside[key]
    elif kind == 1:
        elsewhere, other = dice.choice(places)
        inside[key] = json.loads(json.dumps(elsewhere[other]))
    elif kind == 2:
        inside[key] = [inside[key]] * dice.choice((1, 2, 60))
    elif kind == 3 and isinstance(inside, dict):
        inside[dice.choice([value for value in _VALUES if isinstance(value, str)])] = inside.pop(key)
    elif kind == 4 and isinstance(inside[key], str) and inside[key]:
        inside[key] = _spoiled(inside[key].encode("utf-8", "surrogatepass"), dice).decode("utf-8", "replace")
    else:
        inside[key] = dice.choice(_VALUES)


def _spoiled(data: bytes, dice: random.Random) -> bytes:
    """Replaces or repeats a slice."""
    start = dice.randint(0, len(data))
    end = min(len(data), start + dice.choice((0, 0, 1, 1, 2, 5, 20, 200)))
    kind = dice.randrange(6)
    if kind == 0:
        return data[:start] + data[start:end] * dice.choice((0, 2, 2, 3, 300)) + data[end:]
    if kind == 1:
        other = dice.randint(0, len(data))
        return data[:start] + data[other : other + end - start] + data[end:]
    if kind == 2:
        return data[:start] + bytes((dice.randrange(256),)) + data[start + 1 :]
    return data[:start] + dice.choice(_PIECES) + data[end:]
