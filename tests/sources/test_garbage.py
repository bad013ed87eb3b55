"""The process runs without the collector: calls that have ended must not keep each other, and what they have read."""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.harness import tool
from tests.simcluster import Fault, Node, SimCluster

ROOT = Path(__file__).parents[2]
METRICS = "/apis/metrics.k8s.io"
ACCESS = ("auto", "direct", "proxy")
FAULTS = {
    "refuse": Fault.refuse(),
    "hang": Fault.hang("body"),
    "reset": Fault.reset("body"),
    "no-tls": Fault.raw_handshake(b"nonsense"),
    "unauthorized": Fault.status(401),
    "forbidden": Fault.status(403),
    "nonsense": Fault.body(b"nonsense"),
    "empty": Fault.body(b""),
}


@contextlib.contextmanager
def uncollected() -> Iterator[list[str]]:
    """Gets the functions whose calls are kept by nothing but themselves."""
    found: list[str] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        codes = [one.f_code for one in gc.garbage if isinstance(one, FrameType)]
        found += [code.co_name for code in codes if "kubectl_metrics" in code.co_filename]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def kept(command: str, access: str, broken: str) -> list[str]:
    """The functions whose calls a command has left behind, at a cluster where all paths below ``broken`` break off."""
    with SimCluster([Node(name) for name in ("fine", *FAULTS)], metrics_versions=()) as cluster:
        for name, fault in FAULTS.items():
            cluster.fault(name, fault)
        if broken:
            cluster.fault("api", Fault.reset("body"), broken)
        with uncollected() as found:
            tool(cluster)(command, "--kubelet-access", access, "--kubelet-request-timeout", "1s")
    return found


CASES = {
    "nodes": [
        *(("nodes", access, "") for access in ACCESS),
        ("nodes", "direct", "/api/v1"),
        ("nodes", "direct", METRICS),
    ],
    "diagnose": [*(("diagnose", access, "") for access in ACCESS), ("diagnose", "direct", "/api/v1")],
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", CASES)
def test_no_call_outlives_its_error(command: str) -> None:
    """In a process of its own: in this one, other tests have threads that end at any time."""
    code = (
        "import json; from tests.sources.test_garbage import CASES, kept; "
        f"print(json.dumps({{' '.join(case): found for case in CASES[{command!r}] if (found := kept(*case))}}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=55, check=True)
    assert json.loads(ran.stdout) == {}
