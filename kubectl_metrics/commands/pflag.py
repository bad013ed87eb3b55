"""What click needs to read a command line as kubectl does.

kubectl's flags are pflag's: a switch can be written ``--no-headers=true``, a short flag ``-l=app=web``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import click

from kubectl_metrics.errors import UsageError

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})  # strconv.ParseBool
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

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))


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
    """``--switch=true`` becomes ``--switch``, ``--switch=false`` its opposite or nothing, ``-l=x`` becomes ``-lx``."""
    options = [option for option in command.params if isinstance(option, click.Option)]
    switches = {name: other for option in options if option.is_flag for name, other in _opposites(option)}
    counted = {name for option in options if option.count for name in option.opts}
    result: list[str] = []
    for index, argument in enumerate(args):
        ends = argument == "--" or (isinstance(command, click.Group) and not argument.startswith("-"))
        if ends and not _is_value(command, result):
            return result + args[index:]
        name, equals, value = argument.partition("=")
        if equals and name in counted and value.isdigit():
            result += [name] * (value != "0")  # kubectl's -v takes a level
        elif equals and name in switches:
            if value in _TRUE:
                result.append(name)
            elif value not in _FALSE:
                raise UsageError(f'invalid argument "{value}" for "{name}" flag: must be true or false')
            elif opposite := switches[name]:
                result.append(opposite)
        elif equals and len(name) == 2 and name[0] == "-" and name[1] != "-":
            result.append(name + value)
        else:
            result.append(argument)
    return result


def _opposites(switch: click.Option) -> Iterator[tuple[str, str]]:
    """The names of a switch, each with one that says the opposite ("" where there is none)."""
    for names, others in ((switch.opts, switch.secondary_opts), (switch.secondary_opts, switch.opts)):
        for name in names:
            yield name, others[0] if others else ""


def _is_value(command: click.Command, before: list[str]) -> bool:
    """Whether the next argument is the value of the option before it."""
    if not before:
        return False
    return any(
        isinstance(option, click.Option) and not option.is_flag and not option.count and before[-1] in option.opts
        for option in command.params
    )
