"""What counts of a kubelet's answers: metrics-server's cases (its pkg/storage and decode tests), for both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.usage.kubelet import Missing, NodeReport, from_scrapes, from_summary
from kubectl_metrics.usage.rate import NoRate, rate
from kubectl_metrics.wire.exposition import Point, Scrape
from kubectl_metrics.wire.metrics_list import ContainerMetrics, NodeMetrics, PodMetrics, Usage
from kubectl_metrics.wire.quantity import Bytes, Nanocores
from kubectl_metrics.wire.summary import summary

SECOND = 10**9  # core-nanoseconds, or nanoseconds
T = 1_795_000_000_000  # milliseconds since 1970
RESOLUTION = 15_000


def point(seconds: float, cpu: float, memory: int = 1 << 20, started: float | None = -3600) -> Point:
    start = None if started is None else T * 1_000_000 + round(started * SECOND)
    return Point(T + round(seconds * 1000), start, round(cpu * SECOND), memory)


def scrape(node: Point | None = None, failed: bool = False, **containers: Point) -> Scrape:
    keys = {("shop", name.partition("_")[0], name.partition("_")[2]): value for name, value in containers.items()}
    return Scrape(node or Point(), keys, failed)


# ---- rates ----------------------------------------------------------------------------------------------------------


def test_rate_is_increase_over_the_samples_own_time() -> None:
    assert rate(point(0, 100), point(10, 105), RESOLUTION) == (Nanocores(SECOND // 2), Bytes(1 << 20), 10_000)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (None, point(15, 5), "too-young"),
        (Point(), point(15, 5), "too-young"),
        (point(0, 5), point(0, 5), "stale"),
        (point(1, 5), point(0, 6), "stale"),
        (point(0, 5), point(15, 4), "counter-reset"),
        (point(0, 5, started=-60), point(15, 9, started=-90), "counter-reset"),
        (point(0, 5), point(15, 6, started=5.5), "restarted"),
        (point(0, 5), point(30, 6, started=0), "restarted"),  # not before the first sample
        (None, point(15, 6, started=5.001), "too-young"),  # not yet 10 s old
        (None, point(15, 6, started=0), "too-young"),  # no longer younger than the resolution
        (point(0, 5), point(15, 0), "zero"),
        (point(0, 5), point(15, 9, memory=0), "zero"),
        (point(0, 5), Point(None, None, 5, 5), "zero"),
    ],
)
def test_no_rate(first: Point | None, second: Point, reason: str) -> None:
    with pytest.raises(NoRate) as caught:
        rate(first, second, RESOLUTION)
    assert caught.value.reason == reason


@pytest.mark.parametrize("first", [None, point(0, 1)])
@pytest.mark.parametrize(("started", "window"), [(0.001, 14_999), (3, 12_000), (5, 10_000)])
def test_a_fresh_container_needs_one_sample(first: Point | None, started: float, window: int) -> None:
    # Between 10 s and the resolution old: from its start, when the counter was zero.
    cpu, _, measured = rate(first, point(15, 6, started=started), RESOLUTION)
    assert measured == window
    assert cpu == pytest.approx(6 * SECOND * 1000 / window, abs=1)


def test_without_a_start_time_there_was_no_restart() -> None:
    assert rate(point(0, 1, started=None), point(10, 2, started=None), RESOLUTION)[0] == SECOND // 10


@given(st.integers(1, 10**6), st.integers(1, 10**15), st.integers(0, 10**15))
def test_a_rate_is_never_negative(milliseconds: int, counter: int, increase: int) -> None:
    first = Point(T, 0, counter, 1)
    second = Point(T + milliseconds, 0, counter + increase, 1)
    cpu, _, window = rate(first, second, RESOLUTION)
    assert window == milliseconds
    assert cpu == pytest.approx(increase / (milliseconds / 1000), abs=1)


# ---- two scrapes ----------------------------------------------------------------------------------------------------


def test_scrapes() -> None:
    report = from_scrapes(
        scrape(point(0, 1000), web_app=point(0, 10), web_log=point(1, 1), web_z=point(1, 1)),
        scrape(point(15, 1003), web_app=point(15, 13), web_log=point(13, 1), web_z=point(14, 1)),
        "node-a",
        RESOLUTION,
    )
    assert isinstance(report.node, NodeMetrics)
    assert (report.node.metadata.name, report.node.usage.cpu, report.node.window) == ("node-a", SECOND // 5, "15s")
    web = report.pods["shop", "web"]
    assert isinstance(web, PodMetrics)
    assert web.containers == (
        ContainerMetrics("app", Usage(Nanocores(SECOND // 5), Bytes(1 << 20))),
        ContainerMetrics("log", Usage(Nanocores(0), Bytes(1 << 20))),
        ContainerMetrics("z", Usage(Nanocores(0), Bytes(1 << 20))),
    )
    # The pod is as old as its oldest container, and has that one's window.
    assert (web.timestamp, web.window) == ("2026-11-18T11:06:53Z", "12s")


def test_only_the_wanted_pods() -> None:
    first = scrape(point(0, 1), web_app=point(0, 10), job_run=point(0, 1))
    second = scrape(point(15, 2), web_app=point(15, 13), job_run=point(15, 1))
    whole = from_scrapes(first, second, "node-a", RESOLUTION)
    assert set(whole.pods) == {("shop", "web"), ("shop", "job")}
    some = from_scrapes(first, second, "node-a", RESOLUTION, {("shop", "web"), ("shop", "gone")})
    assert (some.node, some.pods) == (whole.node, {("shop", "web"): whole.pods["shop", "web"]})
    assert from_scrapes(first, second, "node-a", RESOLUTION, ()) == NodeReport(whole.node, {})


def test_a_pod_has_all_its_containers_or_is_not_there() -> None:
    report = from_scrapes(
        scrape(point(0, 1), web_app=point(0, 10)),
        scrape(point(15, 2), web_app=point(15, 13), web_new=point(15, 1)),
        "node-a",
        RESOLUTION,
    )
    assert report.pods["shop", "web"] == Missing("too-young", "container new: it has been measured only once")


def test_a_container_that_has_ended_is_passed_over() -> None:
    report = from_scrapes(
        scrape(point(0, 1), web_app=point(0, 10)),
        scrape(point(15, 2), web_app=point(15, 13), web_init=Point(T), job_run=Point(T, None, 0, 0)),
        "node-a",
        RESOLUTION,
    )
    web = report.pods["shop", "web"]
    assert isinstance(web, PodMetrics)
    assert [container.name for container in web.containers] == ["app"]
    assert report.pods["shop", "job"] == Missing("no-containers", "the kubelet reports no container of it")


def test_a_zero_counter_drops_the_pod() -> None:
    report = from_scrapes(scrape(), scrape(web_app=point(15, 0), web_log=point(15, 9)), "node-a", RESOLUTION)
    missing = report.pods["shop", "web"]
    assert isinstance(missing, Missing)
    assert missing.reason == "zero"
    assert isinstance(report.node, Missing)


def test_swap_of_scrapes() -> None:
    second = point(15, 2)
    second.swap = 4096
    report = from_scrapes(scrape(point(0, 1)), scrape(second), "node-a", RESOLUTION)
    assert isinstance(report.node, NodeMetrics)
    assert report.node.usage.swap == 4096


def test_the_kubelets_own_failure() -> None:
    report = from_scrapes(scrape(point(0, 1)), scrape(point(15, 2), failed=True), "node-a", RESOLUTION)
    assert isinstance(report.node, Missing)
    assert report.node.reason == "scrape-error"


# ---- the summary ----------------------------------------------------------------------------------------------------

TIME = "2026-11-23T19:05:56Z"


def stats(rate: int | None = 5, counter: int | None = 7, memory: int | None = 9, time: str = TIME) -> dict[str, Any]:
    cpu = {"time": time, "usageNanoCores": rate, "usageCoreNanoSeconds": counter}
    return {"cpu": cpu, "memory": {"time": time, "workingSetBytes": memory}, "swap": {"swapUsageBytes": 3}}


def pod_stats(name: str, *containers: dict[str, Any], started: str = TIME) -> dict[str, Any]:
    named = [{"name": f"c{index}", **container} for index, container in enumerate(containers)]
    return {"podRef": {"name": name, "namespace": "shop", "uid": "u"}, "startTime": started, "containers": named}


def read(node: dict[str, Any], *pods: dict[str, Any]) -> NodeReport:
    document = {"node": {"nodeName": "node-a", **node}, "pods": list(pods)}
    return from_summary(summary(json.dumps(document).encode()), "node-a")


def test_summary() -> None:
    report = read(stats(), pod_stats("web", stats(1, 1, 1), stats(2, 2, 2, "2026-11-23T19:05:50Z")))
    assert isinstance(report.node, NodeMetrics)
    assert report.node.usage == Usage(Nanocores(5), Bytes(9), Bytes(3))
    assert (report.node.timestamp, report.node.window) == (TIME, "")
    web = report.pods["shop", "web"]
    assert isinstance(web, PodMetrics)
    assert [container.usage.cpu for container in web.containers] == [1, 2]
    assert web.timestamp == "2026-11-23T19:05:50Z"


def test_only_the_wanted_pods_of_a_summary() -> None:
    body = json.dumps({"node": {"nodeName": "node-a", **stats()}, "pods": [pod_stats("web", stats()), pod_stats("db")]})
    whole = from_summary(summary(body.encode()), "node-a")
    some = from_summary(summary(body.encode()), "node-a", {("shop", "web")})
    assert (some.node, some.pods) == (whole.node, {("shop", "web"): whole.pods["shop", "web"]})
    node_only = summary(body.encode(), pods=False)
    assert node_only.pods is None
    assert from_summary(node_only, "node-a", ()) == NodeReport(whole.node, {})


def test_an_idle_container_counts() -> None:
    web = read(stats(), pod_stats("web", stats(rate=0))).pods["shop", "web"]
    assert isinstance(web, PodMetrics)
    assert web.containers[0].usage.cpu == 0


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (stats(counter=0), "zero"),
        (stats(memory=0), "zero"),
        (stats(counter=None), "zero"),
        (stats(rate=None), "too-young"),
        ({"cpu": stats()["cpu"]}, "zero"),
        ({}, "no-containers"),
        (stats(counter=0, memory=0), "no-containers"),
    ],
)
def test_what_does_not_count(container: dict[str, Any], reason: str) -> None:
    missing = read(stats(), pod_stats("web", container)).pods["shop", "web"]
    assert isinstance(missing, Missing)
    assert missing.reason == reason


def test_a_node_without_measurements() -> None:
    for node in ({}, stats(counter=0), stats(rate=None)):
        assert isinstance(read(node).node, Missing)


def test_of_two_pods_with_one_name_the_younger_counts() -> None:
    old = pod_stats("web", stats(rate=1), started="2026-11-23T18:00:00Z")
    new = pod_stats("web", stats(rate=2), started="2026-11-23T19:00:00Z")
    for pods in ((old, new), (new, old)):
        web = read(stats(), *pods).pods["shop", "web"]
        assert isinstance(web, PodMetrics)
        assert web.containers[0].usage.cpu == 2


@pytest.mark.parametrize(
    ("pod", "message"),
    [
        (pod_stats("web", stats(rate=-1)), "nothing can have"),
        (pod_stats("web", stats(memory=2**63)), "nothing can have"),
        (pod_stats("web", stats(time="now")), "is not a time"),
        (pod_stats("web", {**stats(), "name": "x"}, {**stats(), "name": "x"}), "the same container twice"),
    ],
)
def test_values_that_nothing_can_have(pod: dict[str, Any], message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        read(stats(), pod)


def test_the_kubelet_of_another_node() -> None:
    with pytest.raises(DecodeError, match="this is the kubelet of 'node-a'"):
        from_summary(summary(b'{"node":{"nodeName":"node-a"}}'), "node-b")


def test_both_ways_agree() -> None:
    """The same container, seen both ways: the same usage."""
    by_summary = read(stats(), pod_stats("web", stats(rate=SECOND // 5, counter=13 * SECOND, memory=1 << 20)))
    by_scrapes = from_scrapes(scrape(web_c0=point(0, 10)), scrape(web_c0=point(15, 13)), "node-a", RESOLUTION)
    one, other = by_summary.pods["shop", "web"], by_scrapes.pods["shop", "web"]
    assert isinstance(one, PodMetrics)
    assert isinstance(other, PodMetrics)
    assert one.containers[0].name == other.containers[0].name
    assert (one.containers[0].usage.cpu, one.containers[0].usage.memory) == (
        other.containers[0].usage.cpu,
        other.containers[0].usage.memory,
    )
