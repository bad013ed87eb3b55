"""``make demo``: the tables from the metrics API of a simulated cluster, then without that API, and why it is gone."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
PLUGIN = Path(sys.executable).parent / "kubectl-metrics"


@contextmanager
def simulated_cluster(folder: str) -> Iterator[subprocess.Popen[str]]:
    """A running ``python -m tests.simcluster``, whose stdout and stderr are still to be read."""
    command = [sys.executable, "-m", "tests.simcluster", "--dir", folder]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def line_with(stream: IO[str] | None, text: str) -> str:
    """The next line of a stream that contains a text."""
    assert stream is not None
    lines: list[str] = []
    for line in stream:
        if text in line:
            return line.strip()
        lines.append(line)
    raise SystemExit(f"the simulated cluster has ended: {''.join(lines)}")


def show(title: str, *commands: str, kubeconfig: str, expected: int = 0) -> int:
    """Runs commands as a person would see them; 1 if one of them ends with another status than expected, else 0."""
    print(f"\n# {title}", flush=True)
    failed = 0
    for command in commands:
        print(f"\n$ kubectl metrics {command}", flush=True)
        ran = subprocess.run(
            [PLUGIN, *shlex.split(command)], env=os.environ | {"KUBECONFIG": kubeconfig}, stderr=subprocess.STDOUT
        )
        failed = failed or int(ran.returncode != expected)
    return failed


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, simulated_cluster(folder) as cluster:
        kubeconfig = line_with(cluster.stdout, "kubeconfig")
        status = show(
            "A cluster with metrics-server: the tables of kubectl top",
            "nodes",
            "pods -A",
            "pods -n shop --containers --sum",
            kubeconfig=kubeconfig,
        )
        cluster.send_signal(signal.SIGUSR1)
        line_with(cluster.stderr, "gone")
        status = status or show(
            "The API is gone: the same tables from the kubelets",
            "nodes",
            "pods -n shop --sort-by=memory",
            "raw /apis/metrics.k8s.io/v1beta1/nodes/worker-1",
            kubeconfig=kubeconfig,
        )
        return status or show(
            "Why it is gone (exit status 5: an error was found)", "diagnose", kubeconfig=kubeconfig, expected=5
        )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader has gone (``| head``), and Python would flush once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
