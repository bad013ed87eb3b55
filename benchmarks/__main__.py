"""``make bench``: the rows of docs/benchmarks.md measured, ours and kubectl's in turns."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import clients, machine, measuring, report, running
from benchmarks.measuring import Differs, Result
from benchmarks.rows import ROWS, Row
from benchmarks.running import CommandFailed
from benchmarks.simulated import simulated

PAGE = clients.ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- written by make bench: begin -->", "<!-- written by make bench: end -->"


def main(arguments: Sequence[str]) -> int:
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="ROW", choices=names, nargs="+", default=names, help=", ".join(names))
    parser.add_argument("--runs", type=int, default=10, help="of each command (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given = parser.parse_args(arguments)
    if given.write and given.only is not names:
        parser.error("--write is for all rows")
    if given.runs < 1:
        parser.error("--runs has to be at least 1")
    kubectl = clients.kubectl()
    plugin = clients.installation()
    started, load = time.monotonic(), os.getloadavg()[0]
    results = []
    try:
        for row in ROWS:
            if row.name in given.only:
                print(f"measuring {row.name}", file=sys.stderr, flush=True)
                results.append(_measured(row, kubectl, plugin, given.runs))
    except (CommandFailed, Differs) as error:
        print(error, file=sys.stderr)
        return 1
    minutes = (time.monotonic() - started) / 60
    command = " ".join(["python -m benchmarks", *arguments])
    note = f"{given.runs} runs of each command, in turns, in {minutes:.0f} minutes"
    text = "\n\n".join([machine.description(kubectl, command, note, load), _floor(), report.tables(results)])
    if given.write:
        _write(text)
    print(text)
    return 0


def _measured(row: Row, kubectl: Path, plugin: Path, runs: int) -> Result:
    with tempfile.TemporaryDirectory() as name, simulated(row.setup, Path(name)) as cluster:
        folder = Path(name)
        environment = clients.environment(cluster.kubeconfig, folder, plugin, kubectl.parent)
        return measuring.measure(row, cluster, environment, folder, runs)


def _floor() -> str:
    least = running.floor() / (1 << 20)
    return f"Less memory than {least:.0f} MiB could not have been seen: so much has the process that measures."


def _write(text: str) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
