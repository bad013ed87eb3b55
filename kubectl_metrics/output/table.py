"""kubectl's table layout: github.com/liggitt/tabwriter as kubectl sets it up (cli-runtime pkg/printers/tabwriter.go).

Facts:

* Each cell is padded with spaces to the width of its column: the widest cell plus three, and at least six. The last
  cell of a row is padded too.
* A column is not the whole table's: it is a run of rows that all have this cell. A row that is too short ends the run,
  and below it a new one begins with a width of its own, though never narrower than the ones above (RememberWidths).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from kubectl_metrics.output.terminal import printable

_PADDING = 3
_MINIMUM = 6
_BLOCK = 512  # rows
_PLAIN = bytes(range(0x20, 0x7F)) + b"\n"


def render(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows as text, each line ended by a newline; "" for no rows."""
    if not rows:
        return ""
    text = _draw(rows)
    if not _is_plain(text) or text.count("\n") != len(rows):
        text = _draw([tuple(map(printable, row)) for row in rows])
    return text


def _is_plain(text: str) -> bool:
    """Whether every character is printable, or ends a line; for ASCII, which it nearly always is, in one call."""
    if text.isascii():
        return not text.encode().translate(None, _PLAIN)
    return text.replace("\n", "").isprintable()


def _draw(rows: Sequence[tuple[str, ...]]) -> str:
    if len(set(map(len, rows))) == 1:
        return _even(rows)
    widths = _ragged_widths(rows)
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, line, strict=True)) + "\n"
        for row, line in zip(rows, widths, strict=True)
    )


def _even(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows that have the same number of cells, formatted in bulk: one format string for many rows at a time."""
    widths = [max(_MINIMUM, max([len(row[column]) for row in rows]) + _PADDING) for column in range(len(rows[0]))]
    line = "".join(f"%-{width}s" for width in widths) + "\n"
    block = line * _BLOCK
    text = []
    for start in range(0, len(rows), _BLOCK):
        some = rows[start : start + _BLOCK]
        form = block if len(some) == _BLOCK else line * len(some)
        text.append(form % tuple(itertools.chain.from_iterable(some)))
    return "".join(text)


def _ragged_widths(rows: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """The width of each cell of each row."""
    widths: list[list[int]] = [[] for _ in rows]
    for column in range(max(map(len, rows))):
        width = _MINIMUM
        run: list[int] = []
        for index, row in enumerate(rows):
            if column < len(row):
                run.append(index)
                width = max(width, len(row[column]) + _PADDING)
            elif run:
                for member in run:
                    widths[member].append(width)
                run = []
        for member in run:
            widths[member].append(width)
    return widths
