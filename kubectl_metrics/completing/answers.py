"""The candidates as kubectl and the shells want to have them: one in each line, and in the last line what else to know.

A shell's own script gets "files" there (complete the name of a file), "more" (put no space behind the word) or "-".
"""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_metrics.commands.candidates import Asking
from kubectl_metrics.completing import engine, quoting
from kubectl_metrics.completing.engine import Candidate, Completion

# cobra's ShellCompDirective (completions.go), as a sum.
_NO_SPACE = 2
_NO_FILES = 4

_EXPANDED = frozenset("$`\"'\\")  # what the scripts of older kubectls leave to the shell to expand
_LISTING = "63"  # "?", bash's COMP_TYPE when the candidates are shown and none is inserted


def for_kubectl(completion: Completion) -> str:
    """kubectl's plugin completion: behind a TAB what the candidate means, in the last line the directive."""
    lines = [
        f"{one.value}\t{one.description}" if one.description else one.value
        for one in completion.candidates
        if _EXPANDED.isdisjoint(one.value)
    ]
    directive = (0 if completion.files else _NO_FILES) | (_NO_SPACE if completion.more else 0)
    return _text([*lines, f":{directive}"])


def for_bash(line: str, kind: str, columns: str, breaks: str, asking: Asking) -> str:
    """Candidates as they are inserted: from where bash has the last word begin, and quoted.

    Args:
        line: the command line up to the cursor.
        kind: COMP_TYPE.
        columns: of the terminal.
        breaks: COMP_WORDBREAKS.
        asking: for what is not known without.
    """
    *before, last = quoting.split(line, breaks)
    words = [quoting.meant(word.raw) for word in before[1:]]
    completion = engine.complete([*words, last.text], asking)
    shown = [Candidate((completion.head + one.value)[last.start :], one.description) for one in completion.candidates]
    if kind == _LISTING and len(shown) > 1:
        width = int(columns) if columns.isdigit() else 80
        return _text([*_listed(shown, width), _mode(completion)])
    return _text([*(quoting.quoted(one.value, last.quote) for one in shown), _mode(completion)])


def for_zsh(words: Sequence[str], asking: Asking) -> str:
    """Candidates for _describe, without the "--flag=" that the script has taken off; zsh quotes by itself."""
    *before, last = words
    completion = engine.complete([*map(quoting.meant, before), quoting.split(last)[-1].text], asking)
    lines = []
    for one in completion.candidates:
        value = one.value.replace("\\", "\\\\").replace(":", "\\:")
        lines.append(f"{value}:{one.description}" if one.description else value)
    return _text([*lines, _mode(completion)])


def for_fish(words: Sequence[str], asking: Asking) -> str:
    """Candidates as whole words, behind a TAB what they mean; fish quotes by itself, and unquotes all but the last one.

    Whether a space comes behind a word is fish's own decision, unless there is a choice.
    """
    *before, last = words
    completion = engine.complete([*map(quoting.expanded, before), quoting.split(last)[-1].text], asking)
    lines = []
    for one in completion.candidates:
        value = completion.head + one.value
        lines.append(f"{value}\t{one.description}" if one.description else value)
        if completion.more and len(completion.candidates) == 1 and value[-1] not in "/=":
            lines.append(f"{value},")
    return _text([*lines, _mode(completion)])


def for_shell(arguments: Sequence[str], asking: Asking) -> str:
    """The answer to a script: the shell's name, and what that shell tells. Raises ValueError for anything else."""
    shell, *told = arguments
    if shell == "bash":
        line, kind, columns, breaks = told
        return for_bash(line, kind, columns, breaks, asking)
    if shell == "zsh":
        return for_zsh(told, asking)
    if shell == "fish":
        return for_fish(told, asking)
    raise ValueError(shell)


def _mode(completion: Completion) -> str:
    return "files" if completion.files else "more" if completion.more else "-"


def _listed(shown: Sequence[Candidate], columns: int) -> list[str]:
    """Each candidate with its meaning, as far as the terminal is wide."""
    width = max(len(one.value) for one in shown)
    room = columns - width - len("  ()")
    lines = []
    for one in shown:
        words = one.description
        if len(words) > room:
            words = words[: room - 1] + "…"
        lines.append(f"{one.value:{width}}  ({words})" if words and room > 8 else one.value)
    return lines


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
