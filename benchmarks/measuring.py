"""A row measured: the two commands in turns against one and the same server."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import running
from benchmarks.rows import Row
from benchmarks.running import Run
from benchmarks.simulated import Seen, Simulated


@dataclasses.dataclass(frozen=True)
class Spread:
    """A median between two quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        ordered = sorted(values)

        def at(share: float) -> float:
            place = share * (len(ordered) - 1)
            below = int(place)
            above = min(below + 1, len(ordered) - 1)
            return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

        return cls(at(0.25), at(0.5), at(0.75))


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a command cost: seconds, seconds of a processor, bytes at the peak; what the servers saw of its last run."""

    seconds: Spread
    cpu: Spread
    memory: Spread
    seen: Seen


@dataclasses.dataclass(frozen=True)
class Result:
    """A row with what was measured."""

    row: Row
    runs: int
    ours: Measured
    theirs: Measured | None


class Differs(Exception):
    """Two commands that should print the same do not."""


def _alike(one: Path, other: Path) -> bool:
    """Piece by piece, so that this process stays small: see running.floor."""
    with one.open("rb") as mine, other.open("rb") as theirs:
        while True:
            piece = mine.read(1 << 16)
            if piece != theirs.read(1 << 16):
                return False
            if not piece:
                return True


def measure(
    row: Row,
    cluster: Simulated,
    environment: Mapping[str, str],
    folder: Path,
    runs: int,
) -> Result:
    """Runs the row's commands in turns, each of them ``runs`` times, after one run of each that does not count.

    That run fills what a user has filled too: the file cache, Python's bytecode, kubectl's caches in HOME.

    Raises CommandFailed, Differs.
    """
    commands = [command for command in (row.theirs, row.ours) if command]
    printed = [folder / f"printed-{number}" for number in range(len(commands))]
    for command, output in zip(commands, printed, strict=True):
        running.run(command, environment, folder, output=output)
    if row.same and not all(_alike(printed[0], output) for output in printed[1:]):
        raise Differs(f"{' and '.join(' '.join(command) for command in commands)} do not print the same")
    cluster.seen()
    found: dict[Sequence[str], list[Run]] = {command: [] for command in commands}
    saw: dict[Sequence[str], Seen] = {}
    for turn in range(runs):
        for command in commands if turn % 2 == 0 else reversed(commands):
            found[command].append(running.run(command, environment, folder))
            saw[command] = cluster.seen()

    def summary(command: Sequence[str]) -> Measured:
        return Measured(
            Spread.of([run.seconds for run in found[command]]),
            Spread.of([run.cpu for run in found[command]]),
            Spread.of([run.memory for run in found[command]]),
            saw[command],
        )

    return Result(row, runs, summary(row.ours), summary(row.theirs) if row.theirs else None)
