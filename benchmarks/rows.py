"""What is measured, and what is to be reached."""

from __future__ import annotations

import dataclasses

from benchmarks.simulated import Setup

TIMEOUT = 10.0  # seconds: the default of --kubelet-request-timeout


@dataclasses.dataclass(frozen=True)
class Row:
    """A command of ours beside one of kubectl's (None: kubectl has none). The first word of each is the program.

    Goals: ``time`` and ``memory`` as a multiple of kubectl's, ``seconds`` as they are, ``beside`` as the name of a row
    than which this one may take one timeout longer.
    """

    name: str
    title: str
    setup: Setup
    ours: tuple[str, ...]
    theirs: tuple[str, ...] | None = None
    time: float | None = None
    memory: float | None = None
    seconds: float | None = None
    beside: str | None = None
    same: bool = True  # whether both print the same


_TOP_NODES = ("kubectl", "top", "nodes")
_TOP_PODS = ("kubectl", "top", "pods", "-A")
_NODES = ("kubectl-metrics", "nodes")
_SLOW = Setup(500, 30, round_trip=30, bandwidth=10, gzip=True)
_LARGE = Setup(nodes=5000, pods=150_000)

ROWS = (
    Row("small", "3 nodes, `kubectl metrics`", Setup(), ("kubectl", "metrics", "nodes"), _TOP_NODES, time=3),
    Row("small-bare", "3 nodes, `kubectl-metrics`", Setup(), _NODES, _TOP_NODES, time=3),
    Row("near", "50 nodes, 30 ms", Setup(50, 1500, round_trip=30), _NODES, _TOP_NODES, time=0.8),
    Row("far", "50 nodes, 100 ms", Setup(50, 1500, round_trip=100), _NODES, _TOP_NODES, time=0.6),
    Row("nodes", "5,000 nodes", Setup(5000, 30), _NODES, _TOP_NODES, time=0.9, memory=0.5),
    Row("slow-link", "500 nodes, 30 ms, 10 Mbit/s", _SLOW, _NODES, _TOP_NODES),
    Row("slow-plain", "the same, no gzip", dataclasses.replace(_SLOW, gzip=False), _NODES, _TOP_NODES),
    Row("pods", "150,000 pods", _LARGE, ("kubectl-metrics", "pods", "-A"), _TOP_PODS, time=0.5, memory=0.5),
    Row("kubelets", "5,000 kubelets", dataclasses.replace(_LARGE, metrics_api=False), _NODES, seconds=8),
    Row(
        "kubelets-faulty",
        "5,000 kubelets, 1 % hung, 1 % down",
        dataclasses.replace(_LARGE, metrics_api=False, hung=1, down=1, unknown=True),
        _NODES,
        beside="kubelets",
    ),
    Row(
        "kubelets-sudden",
        "the same, in the first minute",
        dataclasses.replace(_LARGE, metrics_api=False, hung=1, down=1),
        _NODES,
    ),
    Row(
        "help",
        "`--help`",
        Setup(),
        ("kubectl-metrics", "--help"),
        ("kubectl", "version", "--client"),
        time=3,
        same=False,
    ),
)
