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
        return super().parse_args(ctx, list(_as_click_wants(self, args)))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _format_options(self, ctx, formatter)


class Group(click.Group):
    """A group that takes connection flags in front of the command, and reads them with pflag's habits."""

    command_class = Command
    aliases: Mapping[str, str] = MappingProxyType({"node": "nodes", "no": "nodes", "pod": "pods", "po": "pods"})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_as_click_wants(self, args)))

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


def _as_click_wants(command: click.Command, args: list[str]) -> list[str]:
    """``--switch=true`` becomes ``--switch``, ``--switch=false`` its opposite or nothing, ``-l=x`` becomes ``-lx``.

    ``-v``, which takes a level in kubectl, is given as often as it says: once, or for level 0 not at all.
    """
    options = {
        name: option
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    result: list[str] = []
    left = iter(range(len(args)))
    for index in left:
        argument = args[index]
        ends = argument == "--" or (isinstance(command, click.Group) and not argument.startswith("-"))
        if ends and not _is_value(options, result):
            return result + args[index:]
        if not argument.startswith("-") or argument == "-" or _is_value(options, result):
            result.append(argument)
            continue
        for name, value in _apart(options, argument):
            option = options.get(name)
            if option is not None and option.count and value is None and args[index + 1 : index + 2]:
                value = args[index + 1] if _is_level(args[index + 1]) else None
                if value is not None:
                    next(left)
            result += _words(option, name, value)
    return result


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
        if rest.startswith("=") or (rest and (takes_value(option) or (option.count and _is_level(rest)))):
            yield name, rest.removeprefix("=")
            return
        yield name, None


def _words(option: click.Option | None, name: str, value: str | None) -> list[str]:
    """A flag as click reads it. Raises UsageError."""
    if value is None:
        return [name]
    if option is not None and option.count:
        if not _is_level(value):
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


def _is_level(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 3


def _opposites(switch: click.Option) -> Iterator[tuple[str, str]]:
    """The names of a switch, each with one that says the opposite ("" where there is none)."""
    for names, others in ((switch.opts, switch.secondary_opts), (switch.secondary_opts, switch.opts)):
        for name in names:
            yield name, others[0] if others else ""


def _is_value(options: Mapping[str, click.Option], before: list[str]) -> bool:
    """Whether the next argument is the value of the flag before it."""
    option = options.get(before[-1]) if before else None
    return option is not None and takes_value(option)
