"""Text laid out for people: cleaned, cut, wrapped, counted."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from kubectl_metrics.output.terminal import printable

_JOINTS = "./-:,"  # a word that has to be broken is broken behind one of these, if it can be
_NAMED = 3  # objects that a line names


def clean(text: str) -> str:
    """One line of text that came from elsewhere: line breaks become spaces, what is not printable an escape."""
    return printable(" ".join(text.split()))


def width(text: str) -> int:
    """Columns on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, limit: int) -> str:
    """``text``, or as much of it as fits together with three dots."""
    if width(text) <= limit:
        return text
    return _split(text, max(1, limit - 3))[0].rstrip() + "..."


def shorten_words(text: str, limit: int) -> str:
    """``text``, in which words longer than ``limit`` have lost their middle."""
    half = (limit - 3) // 2
    return " ".join(word if len(word) <= limit else f"{word[:half]}...{word[-half:]}" for word in text.split(" "))


def wrap(text: str, limit: int) -> list[str]:
    """``text`` in lines of at most ``limit`` columns; a word is broken only if it is longer than a line."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if width(candidate) <= limit:
            line = candidate
            continue
        if line:
            lines.append(line)
        while width(word) > limit:
            head, rest = _split(word, limit)
            at = max(map(head.rfind, _JOINTS)) + 1
            if at > len(head) // 2:
                head, rest = word[:at], word[at:]
            lines.append(head)
            word = rest
        line = word
    return [*lines, line] if line else lines


def _split(text: str, limit: int) -> tuple[str, str]:
    """Text at a number of columns; at least one character comes before."""
    if text.isascii():
        return text[: max(1, limit)], text[max(1, limit) :]
    columns = 0
    for position, character in enumerate(text):
        columns += _columns(character)
        if columns > limit and position:
            return text[:position], text[position:]
    return text, ""


def count(number: int, noun: str) -> str:
    """ "1 node", "2 nodes"."""
    return f"{number} {plural(noun) if number != 1 else noun}"


def plural(noun: str) -> str:
    """The plural, of such words as the kinds of objects are."""
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def enumeration(names: Sequence[str], named: int = _NAMED) -> str:
    """ "a, b and c"; of many: "a, b, c and 37 more"."""
    if len(names) > named + 1:
        return f"{', '.join(names[:named])} and {len(names) - named} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
