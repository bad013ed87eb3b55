"""The process runs without the collector: calls that have ended must not keep each other, and what they have read."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from types import FrameType

import pytest

from tests.harness import tool
from tests.simcluster import Fault, Node, SimCluster

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


@pytest.mark.parametrize("access", ["auto", "direct", "proxy"])
@pytest.mark.parametrize("command", ["nodes", "diagnose"])
def test_no_call_outlives_its_error(command: str, access: str) -> None:
    with SimCluster([Node(name) for name in ("fine", *FAULTS)], metrics_versions=()) as cluster:
        for name, fault in FAULTS.items():
            cluster.fault(name, fault)
        with uncollected() as found:
            tool(cluster)(command, "--kubelet-access", access, "--kubelet-request-timeout", "1s")
    assert found == []
