"""What a stream can show: colours, marks, and how wide it is."""

from __future__ import annotations

import codecs
import shutil
from collections.abc import Mapping
from typing import TextIO

import msgspec

_NARROWEST, _WIDEST = 40, 120  # columns; longer lines are hard to read
_COLUMNS = 80  # what a file, a pipe or a chat message is taken for

_CODES = {"bold": "1", "faint": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Style(msgspec.Struct, frozen=True):
    """How text for people is written; as it stands, for a file."""

    colour: bool = False
    unicode: bool = True  # marks such as ✓; without, everything is ASCII
    width: int = _COLUMNS

    def paint(self, text: str, *names: str) -> str:
        """``text`` in a colour, where there are colours."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"


PLAIN = Style()


def of(stream: TextIO | None, environ: Mapping[str, str]) -> Style:
    """The style for a stream: NO_COLOR (https://no-color.org) and TERM=dumb are respected."""
    if stream is None:
        return Style()
    terminal = stream.isatty()
    colour = terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    width = _COLUMNS
    if terminal:
        width = max(_NARROWEST, min(shutil.get_terminal_size((_COLUMNS, 24)).columns, _WIDEST))
    return Style(colour=colour, unicode=_is_utf8(getattr(stream, "encoding", None)), width=width)


def _is_utf8(encoding: str | None) -> bool:
    try:
        return codecs.lookup(encoding or "ascii").name == "utf-8"
    except LookupError:
        return False
