"""What can come next on a command line: for kubectl, and for bash, zsh and fish themselves.

``line`` finds out what is being completed, click and ``commands.candidates`` have the candidates, ``answers`` puts
them into words for whoever asked. A shell waits: cluster or not, there is an answer within a second, and if anything
at all goes wrong it is that nothing is known.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_metrics.commands.candidates import Asking


def run() -> None:
    """The executable ``kubectl_complete-metrics``, which kubectl calls with the words behind ``kubectl metrics``."""

    def answer(words: Sequence[str]) -> str:
        from kubectl_metrics.completing import answers, engine

        return answers.for_kubectl(engine.complete(words, _asking()))

    _run(answer, sys.argv[1:], ":4\n")


def run_for_shell(arguments: Sequence[str]) -> None:
    """``kubectl-metrics __complete``, which the scripts of ``kubectl-metrics completion`` call."""

    def answer(words: Sequence[str]) -> str:
        from kubectl_metrics.completing import answers

        return answers.for_shell(words, _asking())

    _run(answer, arguments, "")


def _asking() -> Asking:
    from kubectl_metrics.commands.candidates import Asking
    from kubectl_metrics.completing.alarm import alarm

    return Asking(limit=alarm)


def _run(answer: Callable[[Sequence[str]], str], words: Sequence[str], nothing: str) -> None:
    """Prints the answer and ends the process, with status 0 whatever happens; see ``__main__.run`` for the haste."""
    gc.disable()
    text = nothing
    try:
        _mute()
        text = answer(words)
    except BaseException:  # noqa: BLE001  # Ctrl-C as well: whoever completes wants to go on typing
        text = nothing
    with contextlib.suppress(BaseException):
        left = text.encode("utf-8", "surrogateescape")
        while left:
            left = left[os.write(1, left) :]
    os._exit(0)


def _mute() -> None:
    """Nobody, no credential plugin either, talks to the person at the terminal or reads what is typed."""
    null = os.open(os.devnull, os.O_RDWR)  # is one of the three itself where one of them was closed
    os.dup2(null, 0)
    os.dup2(null, 2)
