"""Words as they stand on a shell's command line, quotes and all, and what they mean.

Nothing is run and nothing is looked up but $HOME and the other variables of the environment: a command substitution on
the line stays what it is.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_BLANK = " \t\n"
_IN_DOUBLE_QUOTES = '$`"\\\n'  # what a backslash escapes there
_PLAIN = re.compile(r"[^\w@%+=:,./^-]")  # what needs a backslash outside of quotes, or may need one


class Word(NamedTuple):
    """A word, and where a shell sees its last part begin."""

    text: str  # without quotes
    raw: str
    quote: str = ""  # that is still open at the end
    start: int = 0  # index in ``text`` of the part behind the last character that breaks words


def split(line: str, breaks: str = "") -> list[Word]:
    """The words of a line; the last one ends where the line ends, and is empty behind a blank.

    ``breaks`` are characters at which a new part of a word begins, as in bash's COMP_WORDBREAKS.
    """
    words: list[Word] = []
    text = quote = ""
    begin = start = index = 0
    while index < len(line):
        character = line[index]
        index += 1
        if character == "\\" and quote != "'":
            escaped = line[index : index + 1]
            index += 1
            text += escaped if not quote or escaped in _IN_DOUBLE_QUOTES else "\\" + escaped
        elif character == quote:
            quote = ""
        elif quote:
            text += character
        elif character in "'\"":
            quote, start = character, len(text)
        elif character in _BLANK:
            if index - 1 > begin:
                words.append(Word(text, line[begin : index - 1]))
            text, begin, start = "", index, 0
        else:
            text += character
            if character in breaks:
                start = len(text) - (character == "@")  # readline's "special prefix" belongs to what it begins
    return [*words, Word(text, line[begin:], quote, start)]


def meant(raw: str) -> str:
    """What a whole word stands for: without quotes, with ~ and plain variables replaced as the shell would do it."""
    text = "".join(word.text for word in split(raw))
    return text if "'" in raw or "\\$" in raw else expanded(text, home=raw.startswith("~"))


def expanded(text: str, *, home: bool = True) -> str:
    """The text with plain variables replaced, and a ~ in front if it is not a quoted one."""
    return os.path.expandvars(os.path.expanduser(text) if home else text)


def quoted(text: str, quote: str = "") -> str:
    """The text as it is written outside of quotes, or behind an open one."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote == '"':
        return re.sub(r'([$`"\\])', r"\\\1", text)
    return _PLAIN.sub(r"\\\g<0>", text)
