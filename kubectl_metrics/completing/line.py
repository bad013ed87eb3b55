"""A command line up to the cursor: which command, what has been given, and of what the last word is the beginning.

click has a reading of its own for this, and it does not know kubectl's flags: to it ``-lapp=web`` is the option "-lapp"
with the value "web". So the words are told apart here, in pflag's way, and click is asked about each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import click

from kubectl_metrics.commands.pflag import is_level, options_of, takes_value, value_within

NAME = "kubectl metrics"


class Line(NamedTuple):
    """What is being completed."""

    context: click.Context  # of the command, with all that has been given
    parameter: click.Parameter | None  # the value of what; None: a flag's name, or a command's
    head: str  # what of the last word comes before that value, such as "-n" and "--namespace="
    text: str  # what there is of it
    full: bool = False  # there can be no more arguments


class _Flag(NamedTuple):
    """A word that begins with "-"."""

    option: click.Option
    head: str
    value: str | None  # None where there is none in this word


def read(group: click.Group, words: Sequence[str], obj: object = None) -> Line:
    """Reads the words behind the program's name; the last one, which may be empty, is the one being completed.

    ``obj`` is what the contexts carry. Raises MetricsError or click.ClickException for what makes no sense.
    """
    *before, last = words or [""]
    first = _Reader(group, before)
    context = group.make_context(NAME, first.known, resilient_parsing=True, obj=obj)
    if not first.rest:
        return first.line(context, last)
    name, *rest = first.rest
    command = group.get_command(context, name)
    if command is None:
        return Line(context, None, "", last, full=True)
    reader = _Reader(command, rest)
    known = [*reader.known, "--", *reader.arguments]
    return reader.line(command.make_context(name, known, parent=context, resilient_parsing=True), last)


class _Reader:
    """The complete words of one command, told apart."""

    def __init__(self, command: click.Command, words: Sequence[str]) -> None:
        self._command = command
        self._options = options_of(command)
        self._waiting: click.Option | None = None  # for its value, which is the next word
        self._ended = False  # there was a "--"
        self.known: list[str] = []  # the flags that there are, with their values
        self.arguments: list[str] = []
        self.rest: list[str] = []  # of a group: the command and what comes behind it
        for index, word in enumerate(words):
            if self._waiting is not None:
                self.known += [words[index - 1], word]
                self._waiting = None
            elif not self._is_flag(word):
                if isinstance(command, click.Group):
                    self.rest = [*words[index:]]
                    break
                self.arguments.append(word)
            elif word == "--":
                self._ended = True
            elif flag := self._flag(word):
                following = words[index + 1] if index + 1 < len(words) else ""
                if flag.value is None and (takes_value(flag.option) or (flag.option.count and is_level(following))):
                    self._waiting = flag.option
                else:
                    self.known.append(word)

    def line(self, context: click.Context, last: str) -> Line:
        """What the last word is the beginning of."""
        if self._waiting is not None:
            return Line(context, self._waiting, "", last)
        if self._is_flag(last):
            flag = self._flag(last)
            if flag is not None and flag.value is not None:
                return Line(context, flag.option, flag.head, flag.value)
            return Line(context, None, "", last)
        if isinstance(self._command, click.Group):
            return Line(context, None, "", last)
        argument = next((one for one in self._command.params if isinstance(one, click.Argument)), None)
        return Line(context, argument, "", last, full=argument is None or bool(self.arguments))

    def _is_flag(self, word: str) -> bool:
        return word.startswith("-") and not self._ended

    def _flag(self, word: str) -> _Flag | None:
        """The flag that a word is, or the last one of several short ones; None for one that does not exist."""
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            option = self._options.get(name)
            return _Flag(option, name + equals, value if equals else None) if option else None
        for end, letter in enumerate(word[1:], 2):
            option = self._options.get(f"-{letter}")
            if option is None:
                return None
            rest = word[end:]
            if rest.startswith("="):  # of "-n=" the value is still to come
                return _Flag(option, word[: end + 1], rest[1:])
            within = value_within(option, rest)
            if not rest or within is not None:
                return _Flag(option, word[:end], within)
        return None
