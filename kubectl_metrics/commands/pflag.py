"""What click needs to read a command line as kubectl does.

kubectl's flags are pflag's: a switch can be written ``--no-headers=true``, a short flag ``-l=app=web`` or ``-An=shop``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import click

from kubectl_metrics.errors import UsageError

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})  # strconv.ParseBool
_LONG = {"--v": "--verbose"}  # as kubectl calls it
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Option(click.Option):
    """An option that stands in a section of its own in the help."""

    def __init__(self, *arguments: Any, section: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.section = section


class Command(click.Command):
    """A command whose arguments are read with pflag's habits."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        reading = _Reading(self, args)
        left = super().parse_args(ctx, reading.words)
        reading.apply(ctx)
        return left

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _format_options(self, ctx, formatter)


class Group(Command, click.Group):
    """A group that takes connection flags in front of the command, and reads them with pflag's habits."""

    aliases: Mapping[str, str] = MappingProxyType({"node": "nodes", "no": "nodes", "pod": "pods", "po": "pods"})

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands and what is the group's own; the help of each command has the sections that they share."""
        self.format_commands(ctx, formatter)
        with formatter.section("Options"):
            formatter.write_dl(_sections(self, ctx).pop("Options"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click asks so
        return self.load(self.aliases.get(cmd_name, cmd_name))

    def load(self, name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        raise NotImplementedError


def _format_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    for title, records in _sections(command, ctx).items():
        with formatter.section(title):
            formatter.write_dl(records)


def _sections(command: click.Command, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
    """The options of a help text by their sections: what is special first, what every command has last."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record is not None:
            sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
    return sections


class _Reading:
    """Arguments as click wants them: ``-l=x`` becomes ``-lx``, ``--switch=true`` becomes ``--switch``.

    Of a switch that is given more than once the last one counts. ``--switch=false`` takes those before it away, and is
    remembered, for it also counts against one in front of the command. ``-v``, which takes a level in kubectl, is given
    once, or for level 0 not at all.
    """

    def __init__(self, command: click.Command, args: list[str]) -> None:
        """Reads them. Raises UsageError."""
        self._options = options_of(command)
        self._parts: list[tuple[click.Option | None, list[str]]] = []
        self.denied: set[click.Option] = set()  # switches that were said to be false last
        left = iter(range(len(args)))
        for index in left:
            argument = args[index]
            ends = argument == "--" or (isinstance(command, click.Group) and not argument.startswith("-"))
            if ends and not self._wants_value():
                self._parts.append((None, args[index:]))
                return
            if not argument.startswith("-") or argument == "-" or self._wants_value():
                self._parts.append((None, [argument]))
                continue
            for name, value in _apart(self._options, argument):
                option = self._options.get(name)
                if option is not None and option.count and value is None and args[index + 1 : index + 2]:
                    value = args[index + 1] if is_level(args[index + 1]) else None
                    if value is not None:
                        next(left)
                self._add(option, name, value)

    @property
    def words(self) -> list[str]:
        """What click is to read."""
        return [word for _, words in self._parts for word in words]

    def apply(self, ctx: click.Context) -> None:
        """Says of what was denied that it is not so, where click would say that nothing was said."""
        for option in self.denied:
            ctx.params[option.name or ""] = False

    def _wants_value(self) -> bool:
        """Whether the next argument is the value of the flag before it."""
        option, words = self._parts[-1] if self._parts else (None, [])
        return option is not None and takes_value(option) and len(words) == 1 and words[0] in self._options

    def _add(self, option: click.Option | None, name: str, value: str | None) -> None:
        words = _words(option, name, value)
        if option is not None and not takes_value(option):
            self._parts = [part for part in self._parts if part[0] is not option]
            self.denied.discard(option)
            if not words:
                self.denied.add(option)
        self._parts.append((option, words))


def options_of(command: click.Command) -> dict[str, click.Option]:
    """The flags of a command by all of their names, also those that kubectl has for them."""
    options = {
        name: option
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    return options | {alias: options[name] for alias, name in _LONG.items() if name in options}


def _apart(options: Mapping[str, click.Option], argument: str) -> Iterator[tuple[str, str | None]]:
    """The flags in an argument that begins with "-", each with its value, if it has one there."""
    if argument.startswith("--"):
        name, equals, value = argument.partition("=")
        yield _LONG.get(name, name), value if equals else None
        return
    for end, letter in enumerate(argument[1:], 2):
        name, rest = f"-{letter}", argument[end:]
        option = options.get(name)
        if option is None:
            yield f"-{argument[end - 1 :]}", None  # click says that there is none
            return
        within = value_within(option, rest)
        yield name, within
        if within is not None:
            return


def value_within(option: click.Option, rest: str) -> str | None:
    """The value of a short flag that stands in the same word, ``rest`` being what follows it; None if there is none."""
    if rest == "=" and takes_value(option):
        return rest  # to pflag, too, "-n=" is no empty value
    if rest.startswith("="):
        return rest[1:]
    return rest if rest and (takes_value(option) or (option.count and is_level(rest))) else None


def _words(option: click.Option | None, name: str, value: str | None) -> list[str]:
    """A flag as click reads it. Raises UsageError."""
    if value is None:
        return [name]
    if option is not None and option.count:
        if not is_level(value):
            raise UsageError(f'invalid argument "{value}" for "{name}" flag: must be a number')
        return [name] if int(value) else []
    if option is not None and option.is_flag:
        if value in _TRUE:
            return [name]
        if value not in _FALSE:
            raise UsageError(f'invalid argument "{value}" for "{name}" flag: must be true or false')
        opposite = dict(_opposites(option))[name]
        return [opposite] if opposite else []
    return [f"{name}={value}" if name.startswith("--") else name + value]


def takes_value(option: click.Option) -> bool:
    """Whether a flag has a value: it is neither a switch nor one that counts."""
    return not option.is_flag and not option.count


def is_level(text: str) -> bool:
    """Whether it can be the level of ``-v``."""
    return text.isascii() and text.isdigit() and len(text) < 10


def _opposites(switch: click.Option) -> Iterator[tuple[str, str]]:
    """The names of a switch, each with one that says the opposite ("" where there is none)."""
    for names, others in ((switch.opts, switch.secondary_opts), (switch.secondary_opts, switch.opts)):
        for name in names:
            yield name, others[0] if others else ""
