"""From the words of a command line to the candidates for the last one."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from kubectl_metrics.cli import group
from kubectl_metrics.commands import candidates
from kubectl_metrics.commands.candidates import Asking
from kubectl_metrics.completing import line

_SWITCH = ("true", "false")


class Candidate(msgspec.Struct, frozen=True):
    """One possible end of the word, as a whole, and what it means."""

    value: str
    description: str = ""


class Completion(msgspec.Struct, frozen=True):
    """What the last word can become."""

    candidates: tuple[Candidate, ...] = ()
    head: str = ""  # what of the word comes before the candidates: "--namespace="; "" where they are the whole word
    files: bool = False  # the name of a file is wanted: the shell knows those
    more: bool = False  # the word need not end there, so no space is wanted behind it


def complete(words: Sequence[str], asking: Asking) -> Completion:
    """The candidates for the last of the words behind the program's name. Never raises an Exception."""
    try:
        return _complete(line.read(group, words, asking))
    except Exception:  # noqa: BLE001  # no kubeconfig, no cluster, no sense: whoever types is told by the command itself
        return Completion()


def _complete(at: line.Line) -> Completion:
    if at.full:
        return Completion()
    parameter = at.parameter
    if parameter is None:
        items = at.context.command.shell_complete(at.context, at.text)
    elif isinstance(parameter, click.Option) and parameter.is_flag:
        items = candidates.of(_SWITCH, at.text)
    else:
        items = parameter.shell_complete(at.context, at.text)
    shown = [item for item in items if item.type == "plain" and item.value and item.value.isprintable()]
    # Behind a "=" a value stands alone, behind a short flag the word goes on: "-nshop".
    glued = "" if at.head.endswith("=") else at.head
    return Completion(
        tuple(Candidate(glued + item.value, _one_line(item.help or "")) for item in shown),
        at.head if at.head.endswith("=") else "",
        files=any(item.type == "file" for item in items),
        more=any(item.more for item in shown),
    )


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
