"""--timeout: what there is when the time is over.

Where it has to pass, it is some seconds: in them all those answer who do answer, however busy the machine.
"""

from __future__ import annotations

import json

import pytest

from kubectl_metrics.commands.session import metrics_timeout
from kubectl_metrics.connection.config import MAX_TIMEOUT
from kubectl_metrics.sources.metrics_api import METRICS_TIMEOUT
from tests.harness import Tool
from tests.simcluster import Fault, SimCluster

METRICS = "/apis/metrics.k8s.io"


def test_one_kubelet_hangs(cluster: SimCluster, admin: Tool) -> None:
    given = ["nodes", "--source", "kubelet"]
    whole = admin(*given).rows
    with cluster.fault("node-b", Fault.hang()):
        result = admin(*given, "--timeout", "4s")
        strict = admin("--timeout", "4s", *given, "--strict")  # before the command it is the same
    assert result.rows == [whole[0], whole[2], ["node-b", *["<unknown>"] * 4]]
    assert result.err.startswith("warning: no usage of node node-b: ")
    assert result.err.endswith("i/o timeout: no answer within the 4s of --timeout\n")
    assert (result.status, strict.status, strict.out) == (0, 4, result.out)


def test_all_kubelets_hang(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("kubelets", Fault.hang()):
        result = admin("nodes", "--source", "kubelet", "--timeout", "3s")
    assert (result.status, result.out) == (3, "")
    assert "no answer within the 3s of --timeout (and 2 more without usage)" in result.err


def test_the_metrics_api_gets_half_of_it_where_the_kubelets_can_answer(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.hang(), METRICS + "/v1beta1"):
        auto = admin("nodes", "--timeout", "6s")
        patient = admin("nodes", "--timeout", "6s", "--request-timeout", "1h")
        only = admin("nodes", "--source", "api", "--timeout", "500ms")
    assert (auto.status, [row[0] for row in auto.rows]) == (0, ["node-a", "node-b", "node-c"])
    assert "(i/o timeout: no answer within 3s)" in auto.err
    assert patient == auto
    assert (only.status, only.out) == (1, "")
    assert only.err.startswith("Unable to connect to the server: ")
    assert "the 0.5s of --timeout" in only.err


@pytest.mark.parametrize(
    ("request_timeout", "total", "seconds"),
    [
        (None, None, METRICS_TIMEOUT),
        (None, 10.0, 5.0),
        (None, 3600.0, METRICS_TIMEOUT),
        (5.0, None, 5.0),
        (5.0, 2.0, 1.0),
        (3600.0, None, 3600.0),
        (MAX_TIMEOUT, None, None),  # --request-timeout 0: no limit of its own
        (MAX_TIMEOUT, 10.0, 5.0),
    ],
)
def test_the_time_for_the_metrics_api(
    request_timeout: float | None, total: float | None, seconds: float | None
) -> None:
    assert metrics_timeout(request_timeout, total) == seconds


def test_no_limit_for_a_request(admin: Tool) -> None:
    for command in (["nodes"], ["pods", "-A", "--source", "kubelet"], ["raw", "/version"], ["diagnose"]):
        usual, patient = admin(*command), admin(*command, "--request-timeout", "0")
        assert (patient.status, patient.err) == (usual.status, usual.err)


def test_the_api_server_hangs(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.hang()):
        for command in (["nodes"], ["pods", "-A"], ["raw", "/version"]):
            result = admin(*command, "--timeout", "500ms")
            assert (result.status, result.out) == (1, "")
            assert result.err.startswith("Unable to connect to the server: ")
            assert "the 0.5s of --timeout" in result.err  # or they are over before it is asked


def test_a_window_takes_its_time(cluster: SimCluster, admin: Tool) -> None:
    result = admin("nodes", "--window", "10s", "--timeout", "10s")
    assert (result.status, result.err.splitlines()[0]) == (
        2,
        "error: --timeout leaves no time for --window, after which the kubelets are asked a second time",
    )
    with cluster.fault(
        "kubelets", Fault.body(b"404 page not found\n", "text/plain", 404), "/stats/summary"
    ):  # so a window of 15 s is needed
        result = admin("nodes", "--source", "kubelet", "--timeout", "10s")
    assert (result.status, result.out) == (3, "")
    assert "its rate takes a second scrape 15s after the first, and the 10s of --timeout end before that" in result.err


def test_a_kubelet_that_hangs_leaves_time_for_the_second_scrape(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("node-b", Fault.hang()):
        result = admin("nodes", "--window", "1s", "--timeout", "7s")
    assert (result.status, [row[0] for row in result.rows]) == (0, ["node-a", "node-c", "node-b"])
    assert [row[1] == "<unknown>" for row in result.rows] == [False, False, True]
    assert "node-b: " in result.err and "no answer within half of what --window leaves of --timeout" in result.err


def test_diagnose_does_not_blame_others(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("kubelets", Fault.hang()):
        result = admin("diagnose", "--timeout", "7s")
    assert "--timeout was over before they answered" in " ".join(result.out.split())
    with cluster.fault("api", Fault.hang(), "/apis/metrics.k8s.io/v1beta1"):
        result = admin("diagnose", "--timeout", "3s", "-o", "json")
    assert "KM101" not in [finding["id"] for finding in json.loads(result.out)["findings"]]


def test_there_is_time_enough(admin: Tool) -> None:
    for source in ("api", "kubelet"):
        result = admin("pods", "-n", "shop", "--source", source, "--timeout", "1h", "--strict")
        assert (result.status, result.err, len(result.rows)) == (0, "", 3)


@pytest.mark.parametrize("value", ["0", "-1s", "never", "25h", ""])
def test_wrong_values(admin: Tool, value: str) -> None:
    result = admin("nodes", f"--timeout={value}")
    assert (result.status, result.out) == (2, "")
    assert "--timeout" in result.err
