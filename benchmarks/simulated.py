"""The simulated servers (server/, in Go): building them, starting them, and asking for what they have counted."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "server"
BUILD = Path(__file__).parents[1] / "build" / "benchmarks"
NOT_LOOPBACK = "0.0.0.0"  # as an address to connect to it is this machine, but nobody knows that


@dataclasses.dataclass(frozen=True)
class Setup:
    """A cluster and the way to it. Times in milliseconds, bandwidth in Mbit/s (0: no limit), shares in percent."""

    nodes: int = 3
    pods: int = 30
    round_trip: int = 0
    bandwidth: float = 0
    gzip: bool = False
    metrics_api: bool = True
    hung: int = 0
    down: int = 0
    unknown: bool = False  # whether the nodes of those are known not to be ready

    def flags(self) -> list[str]:
        """The server's."""
        return [
            f"-nodes={self.nodes}",
            f"-pods={self.pods}",
            f"-rtt={self.round_trip}ms",
            f"-bandwidth={self.bandwidth}",
            f"-gzip={str(self.gzip).lower()}",
            f"-metrics={str(self.metrics_api).lower()}",
            f"-hung={self.hung}",
            f"-down={self.down}",
            f"-unknown={str(self.unknown).lower()}",
            # Our tool asks for compression only where there is a network in between.
            f"-host={NOT_LOOPBACK if self.gzip else '127.0.0.1'}",
        ]


@dataclasses.dataclass(frozen=True)
class Counts:
    """What one server, or all kubelets together, saw of a command. ``sent`` in bytes, TLS included."""

    connections: int
    requests: int
    received: int
    sent: int
    paths: dict[str, int]

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Counts:
        return cls(**answer | {"paths": answer["paths"] or {}})


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the servers saw."""

    api: Counts
    kubelets: Counts


class Simulated:
    """A running simulated cluster."""

    def __init__(self, kubeconfig: Path, process: subprocess.Popen[str]) -> None:
        self.kubeconfig = kubeconfig
        self._process = process

    def seen(self) -> Seen:
        """What the servers saw since this was asked last."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Seen:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulated servers have ended, with status {self._process.wait()}")
        answer = json.loads(line)
        return Seen(Counts.of(answer["api"]), Counts.of(answer["kubelets"]))

    def wait(self) -> None:
        """Returns when all that is answered has been prepared."""
        self._read()


def build() -> Path:
    """The program; Go knows whether there is anything to do."""
    program = BUILD / "server"
    BUILD.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCE, check=True)
    return program


@contextlib.contextmanager
def simulated(setup: Setup, folder: Path) -> Iterator[Simulated]:
    """A simulated cluster, whose kubeconfig is in ``folder``; for as long as it is needed."""
    command = [str(build()), f"-dir={folder}", *setup.flags()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            cluster = Simulated(folder / "kubeconfig", process)
            cluster.wait()
            yield cluster
        finally:
            process.kill()
