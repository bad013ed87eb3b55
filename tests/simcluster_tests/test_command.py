"""``python -m tests.simcluster`` serves until it is told to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path


def test_it_prints_a_kubeconfig_and_ends_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.simcluster", "--nodes", "2", "--dir", str(tmp_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        printed = Path(process.stdout.readline().strip())
        assert json.loads(printed.read_text())["current-context"] == "sim"
        for _ in range(2):  # what it says about itself
            process.stderr.readline()
        process.send_signal(signal.SIGUSR1)
        assert process.stderr.readline() == "metrics.k8s.io is gone\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
