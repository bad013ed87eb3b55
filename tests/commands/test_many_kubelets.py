"""How many kubelets are asked at once, directly and through the API server, as the servers see it."""

from __future__ import annotations

import time

import msgspec
import pytest

from kubectl_metrics.sources.access import PROXIED, PROXIED_MOST
from tests.harness import Result, tool
from tests.simcluster import Fault, Gate, SimCluster

PROXY = "/api/v1/nodes/"  # and a name, "/proxy/", and a path


def test_kubelets_that_are_slow_do_not_wait_for_one_another() -> None:
    """More than are asked at a time while all goes well: each answers when all of them have been asked."""
    slow = 130
    gate = Gate(slow)
    with SimCluster(nodes=slow + 20, pods_per_node=0) as cluster:
        cluster.fault([f"node-{number}" for number in range(1, slow + 1)], Fault.held(gate), "/stats/summary")
        arguments = ["--source", "kubelet", "--kubelet-access", "direct", "--kubelet-request-timeout", "20s"]
        result = tool(cluster)("nodes", *arguments)
    assert (result.status, result.err, len(result.rows)) == (0, "", slow + 20)


class Seen(msgspec.Struct):
    """What became of a command, and what the API server saw of it."""

    result: Result
    started: float
    gate: Gate


@pytest.fixture(scope="module")
def hanging() -> Seen:
    """All kubelets hang behind the API server, until as many as may be are asked, and some time has shown no more."""
    gate = Gate(PROXIED_MOST, linger=0.5)
    with SimCluster(nodes=PROXIED_MOST + 12, pods_per_node=0) as cluster:
        cluster.fault("api", Fault.held(gate), PROXY)
        started = time.monotonic()
        arguments = ["--source", "kubelet", "--kubelet-access", "proxy", "--kubelet-request-timeout", "20s"]
        result = tool(cluster)("nodes", *arguments)
    return Seen(result, started, gate)


def test_more_are_asked_through_the_api_server_only_when_the_first_have_hung_for_a_second(hanging: Seen) -> None:
    assert hanging.gate.came[PROXIED] > hanging.started + 1


def test_of_those_that_hang_no_more_than_so_many_are_asked_through_the_api_server(hanging: Seen) -> None:
    assert hanging.gate.most == PROXIED_MOST


def test_none_of_those_that_hang_is_left_out(hanging: Seen) -> None:
    result = hanging.result
    assert (result.status, result.err, len(result.rows)) == (0, "", PROXIED_MOST + 12)
