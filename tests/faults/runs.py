"""Runs of the tool as processes, several at a time, at the price of a fork each."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import msgspec

ROOT = Path(__file__).parents[2]


class Run(msgspec.Struct):
    """How a run ended, and what it wrote; ``requests`` are the lines of ``-v``, ``said`` is all else on stderr."""

    arguments: tuple[str, ...]
    status: int
    seconds: float
    peak: int  # KiB
    out: str
    requests: list[str]
    said: list[str]

    @property
    def rows(self) -> list[list[str]]:
        """The table's cells, without the header."""
        return [line.split() for line in self.out.splitlines()[1:]]

    @property
    def text(self) -> str:
        """All that it wrote."""
        return "\n".join([self.out, *self.requests, *self.said])


class Launcher:
    """Starts runs and waits for them; a context manager."""

    def __init__(self, folder: Path, ceiling: int) -> None:
        """``folder`` is for what the runs write, ``ceiling`` the seconds after which one is killed as hung."""
        self._folder = folder
        self._ceiling = ceiling
        self._numbers = itertools.count()
        self._zygote = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.faults.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Launcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._zygote.communicate()

    def __call__(self, *commands: Sequence[str]) -> list[Run]:
        """Runs all ``commands`` at the same time, and returns when the last one has ended."""
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        begun: dict[int, tuple[tuple[str, ...], Path, Path]] = {}
        for command in commands:
            id_ = next(self._numbers)
            out, err = self._folder / f"{id_}.out", self._folder / f"{id_}.err"
            out.touch()
            err.touch()
            begun[id_] = tuple(command), out, err
            wanted = {
                "id": id_,
                "arguments": list(command),
                "out": str(out),
                "err": str(err),
                "ceiling": self._ceiling,
            }
            self._zygote.stdin.write(json.dumps(wanted) + "\n")
        ended: dict[int, Run] = {}
        while len(ended) < len(begun):
            line = self._zygote.stdout.readline()
            assert line, "the zygote has died"
            found = json.loads(line)
            arguments, out, err = begun[found["id"]]
            lines = err.read_text("utf-8").splitlines()
            traced = [line for line in lines if line.startswith(("GET http", "POST http"))]
            ended[found["id"]] = Run(
                arguments,
                found["status"],
                found["seconds"],
                found["peak"],
                out.read_bytes().decode("utf-8", "replace"),
                traced,
                [line for line in lines if line not in traced],
            )
            out.unlink()
            err.unlink()
        return [ended[id_] for id_ in begun]
