"""The checks of the numbers (KM8xx)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.probe import Scrape
from tests.diagnosis.build import NODES, NOW, SERVER_ARGS, at, failed, healthy, lose, of, ok, pod, pod_metrics, refused

E, W, I = Severity.ERROR, Severity.WARNING, Severity.INFO  # noqa: E741


def found(verdict: Verdict, *beginnings: str) -> list[tuple[str, Severity, str | None]]:
    return [
        (one.id, one.severity, one.symptom_of)
        for one in verdict.findings
        if not beginnings or one.id.startswith(beginnings)
    ]


def scrape(evidence: Evidence, name: str = "node-b") -> Scrape:
    known = next(one for one in evidence.kubelets if one.node == name).scrape
    assert known is not None
    return known


def http_date(**ahead: float) -> str:
    return (NOW + timedelta(**ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")


# ---- nodes without metrics ----


def test_no_reason() -> None:
    evidence = healthy()
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict) == [("KM801", E, None)]
    one = of(verdict, "KM801")
    assert one.affected == ["node-b"]
    assert [proof.value for proof in one.evidence] == [
        "no NodeMetrics",
        "it answers from here in 0.0 s, with 2 containers",
    ]
    assert one.remedy == "kubectl logs -n kube-system deployment/metrics-server | grep -Fw node-b"


def test_metrics_of_nobody() -> None:
    evidence = healthy()
    lose(evidence, *NODES)
    verdict = judge(evidence)
    assert found(verdict, "KM8") == [("KM812", E, None)]
    assert of(verdict, "KM812").affected == list(NODES)
    assert of(verdict, "KM812").evidence[0].value == "[]"


def test_metrics_of_nobody_yet() -> None:
    evidence = healthy()
    lose(evidence, *NODES)
    statuses = evidence.service_pods.get()[0].status.container_statuses
    assert statuses is not None and statuses[0].state.running is not None
    statuses[0].state.running.started_at = at(seconds=30)
    verdict = judge(evidence)
    assert found(verdict, "KM8") == [("KM812", I, None)]
    assert of(verdict, "KM812").affected == []
    lose(evidence)
    evidence.node_metrics = ok([k8s.NodeMetrics(metadata=k8s.Metadata(name="node-a"), timestamp=at(seconds=5))])
    assert found(judge(evidence), "KM8") == []


def test_a_new_node() -> None:
    evidence = healthy()
    next(one for one in evidence.nodes.get() if one.metadata.name == "node-c").metadata.creation_timestamp = at(
        seconds=70
    )
    lose(evidence, "node-c")
    assert found(judge(evidence)) == []


def test_no_answer_at_all() -> None:
    evidence = healthy()
    evidence.node_metrics = failed("list nodes.metrics.k8s.io")
    verdict = judge(evidence)
    assert found(verdict, "KM8") == []
    unknown = {one.id for one in verdict.not_checked} | {one.id for one in verdict.skipped}
    assert unknown >= {"KM801", "KM802", "KM812", "KM808"}


# ---- what the kubelet says of the node ----


@pytest.mark.parametrize(
    ("field", "value", "seen"),
    [
        ("node_cpu", None, "missing"),
        ("node_cpu", 0.0, "0"),
        ("node_memory", None, "missing"),
        ("node_memory", 0.0, "0"),
    ],
)
def test_node_series(field: str, value: float | None, seen: str) -> None:
    evidence = healthy()
    setattr(scrape(evidence), field, value)
    assert found(judge(evidence)) == []  # metrics-server has them all the same
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict)[:2] == [("KM803", E, None), ("KM801", E, "KM803")]
    (proof,) = of(verdict, "KM803").evidence
    assert (proof.value, proof.field.startswith(field.replace("_", "_"))) == (seen, True)
    scrape(evidence).unparsable = "line 1"
    assert found(judge(evidence), "KM803") == []


def test_the_kubelets_own_error() -> None:
    evidence = healthy()
    scrape(evidence).scrape_error = 1.0
    assert found(judge(evidence)) == [("KM813", W, None)]
    scrape(evidence).node_cpu = scrape(evidence).node_memory = None
    scrape(evidence).containers = 0
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict)[0] == ("KM813", E, None)
    assert {(id_, cause) for id_, _, cause in found(verdict)[1:]} == {
        ("KM803", "KM813"),
        ("KM804", "KM813"),
        ("KM801", "KM813"),
    }


def test_no_containers() -> None:
    evidence = healthy()
    for name in NODES:
        scrape(evidence, name).containers = scrape(evidence, name).pods = 0
    assert found(judge(evidence)) == []  # they have metrics
    evidence.pod_metrics = ok([])
    verdict = judge(evidence)
    assert set(found(verdict)) == {("KM804", E, None), ("KM802", E, "KM804")}
    assert of(verdict, "KM804").affected == list(NODES)
    assert [proof.value for proof in of(verdict, "KM804").evidence[:2]] == ["missing for all containers", "2"]


def test_a_node_without_pods_has_no_containers() -> None:
    evidence = healthy()
    evidence.pods = ok([one for one in evidence.pods.get() if one.spec.node_name != "node-b"])
    scrape(evidence).containers = 0
    evidence.pod_metrics = ok([pod_metrics(one) for one in evidence.pods.get()])
    assert found(judge(evidence)) == []
    evidence.pods = refused("list pods")
    verdict = judge(evidence)
    assert found(verdict) == []
    assert {one.id for one in verdict.not_checked} >= {"KM802", "KM804", "KM805", "KM806", "KM807"}


def test_duplicates() -> None:
    evidence = healthy()
    scrape(evidence).duplicates = ["shop/web-node-b/main", "shop/web-node-b/log", "node"]
    one = of(judge(evidence), "KM810")
    assert (one.severity, one.affected) == (W, ["node-b", "shop/web-node-b"])
    assert one.evidence[1].field == "series of shop/web-node-b/main"


# ---- pods ----


def a_pod(evidence: Evidence, name: str = "new", node: str = "node-b") -> k8s.Pod:
    """One more pod in order, without metrics."""
    made = pod("shop", name, node)
    evidence.pods = ok([*evidence.pods.get(), made], "list pods", evidence.pods.partial)
    return made


def status(of_pod: k8s.Pod) -> k8s.ContainerStatus:
    assert of_pod.status.container_statuses is not None
    return of_pod.status.container_statuses[0]


def test_a_pod_without_metrics() -> None:
    evidence = healthy()
    a_pod(evidence)
    verdict = judge(evidence)
    assert found(verdict) == [("KM802", W, None)]
    one = of(verdict, "KM802")
    assert (one.affected, one.evidence[0].value) == (["shop/new"], "running on node-b for 7200 s")
    assert one.remedy.startswith("kubectl -n shop describe pod new ")


def test_no_pod_has_metrics() -> None:
    evidence = healthy()
    evidence.pod_metrics = ok([], "list pods.metrics.k8s.io")
    verdict = judge(evidence)
    assert found(verdict) == [("KM802", E, None)]
    assert of(verdict, "KM802").title == "No pod has metrics, although nodes have some"
    assert len(of(verdict, "KM802").affected) == len(evidence.pods.get())
    scrape(evidence).zero_containers = ["shop/web-node-b/main"]
    assert {("KM805", E, None), ("KM802", E, "KM805"), ("KM802", E, None)} == set(found(judge(evidence)))


def test_no_pod_has_metrics_yet() -> None:
    evidence = healthy()
    evidence.pod_metrics = ok([], "list pods.metrics.k8s.io")
    statuses = evidence.service_pods.get()[0].status.container_statuses
    assert statuses is not None and statuses[0].state.running is not None
    statuses[0].state.running.started_at = at(seconds=30)
    assert found(judge(evidence)) == []


def test_the_only_pod_of_a_namespace_has_no_metrics() -> None:
    evidence = healthy()
    evidence.pods = ok(evidence.pods.get()[1:2], "list pods in shop")
    evidence.pod_metrics = ok([], "list pods.metrics.k8s.io in shop")
    assert found(judge(evidence)) == [("KM802", W, None)]


def test_a_container_that_counts_as_zero() -> None:
    evidence = healthy()
    a_pod(evidence)
    scrape(evidence).zero_containers = ["shop/new/main", "shop/web-node-b/main", "shop/other/main", "garbage"]
    verdict = judge(evidence)
    assert found(verdict) == [("KM805", W, None), ("KM802", W, "KM805")]
    assert of(verdict, "KM805").affected == ["shop/new"]
    assert of(verdict, "KM805").evidence[0].object == "kubelet of node-b"


@pytest.mark.parametrize(("seconds", "expected"), [(10, "KM806"), (119, "KM806"), (121, "KM802")])
def test_young(seconds: float, expected: str) -> None:
    evidence = healthy()
    status(a_pod(evidence)).state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=seconds)))
    assert found(judge(evidence)) == [(expected, I if expected == "KM806" else W, None)]


def test_young_for_a_long_resolution() -> None:
    evidence = healthy()
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None
    containers[0].args = [*SERVER_ARGS, "--metric-resolution=2m"]
    status(a_pod(evidence)).state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=260)))
    assert found(judge(evidence), "KM80") == [("KM806", I, None)]


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (
            k8s.ContainerState(waiting=k8s.Waiting(reason="CrashLoopBackOff")),
            "container main: CrashLoopBackOff, 7 restarts",
        ),
        (k8s.ContainerState(terminated=k8s.Terminated(reason="Error")), "container main: Error, 7 restarts"),
        (k8s.ContainerState(), "container main: not running, 7 restarts"),
    ],
)
def test_crashing(state: k8s.ContainerState, seen: str) -> None:
    evidence = healthy()
    one = status(a_pod(evidence, "crashing"))
    one.state, one.restart_count = state, 7
    verdict = judge(evidence)
    assert found(verdict) == [("KM807", I, None)]
    assert (of(verdict, "KM807").affected, of(verdict, "KM807").evidence[0].value) == (["shop/crashing"], seen)


def test_just_restarted() -> None:
    evidence = healthy()
    one = status(a_pod(evidence))
    one.restart_count = 3
    one.state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=5)))
    assert found(judge(evidence)) == [("KM806", I, None)]


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed", "Unknown", ""])
def test_pods_that_do_not_run(phase: str) -> None:
    evidence = healthy()
    a_pod(evidence).status.phase = phase
    assert found(judge(evidence)) == []


def test_pods_of_which_nobody_expects_anything() -> None:
    evidence = healthy()
    a_pod(evidence, "going").metadata.deletion_timestamp = at(seconds=5)
    a_pod(evidence, "odd").status.container_statuses = None
    a_pod(evidence, "elsewhere", "node-x")
    assert found(judge(evidence)) == []


def test_pods_of_a_node_without_metrics() -> None:
    evidence = healthy()
    lose(evidence, "node-b")
    assert found(judge(evidence)) == [("KM801", E, None)]


def test_nothing_is_claimed_of_half_a_list() -> None:
    evidence = healthy()
    a_pod(evidence)
    evidence.pod_metrics = ok(evidence.pod_metrics.get(), "list pods.metrics.k8s.io", partial="the first 3 of 4")
    assert found(judge(evidence)) == []


# ---- time ----


@pytest.mark.parametrize(("seconds", "expected"), [(80, None), (100, W), (599, W), (700, E), (-50, None)])
def test_old_metrics(seconds: float, expected: Severity | None) -> None:
    evidence = healthy()
    evidence.node_metrics.get()[1].timestamp = at(seconds=seconds)
    assert found(judge(evidence)) == ([("KM808", expected, None)] if expected else [])
    if expected:
        assert of(judge(evidence), "KM808").affected == ["node-b"]
    evidence.connected.date = ""  # then nobody knows what time it is
    assert found(judge(evidence)) == []


def test_a_long_window_makes_patient() -> None:
    evidence = healthy()
    evidence.node_metrics.get()[1].timestamp, evidence.node_metrics.get()[1].window = at(seconds=700), "5m0s"
    assert found(judge(evidence)) == []
    evidence.node_metrics.get()[1].window = "garbage"
    assert found(judge(evidence)) == [("KM808", E, None)]


def test_our_clock_does_not_matter() -> None:
    evidence = healthy()
    evidence.collected_at = evidence.connected.asked = at(hours=1)
    for probe in evidence.kubelets:
        probe.answers[0].asked = at(hours=1)
    assert found(judge(evidence), "KM7", "KM8") == []


@pytest.mark.parametrize(
    ("ahead", "expected"), [(50, ""), (90, "90 s ahead of the API server's"), (-3600, "3600 s behind the API server's")]
)
def test_a_nodes_clock(ahead: float, expected: str) -> None:
    evidence = healthy()
    evidence.kubelets[1].answers[0].date = http_date(seconds=ahead)
    evidence.node_metrics.get()[1].timestamp = at(seconds=12 - ahead)
    verdict = judge(evidence)
    assert found(verdict) == ([("KM809", W, None)] if expected else [])
    if expected:
        assert (of(verdict, "KM809").affected, of(verdict, "KM809").evidence[0].value) == (["node-b"], expected)


def test_metrics_from_the_future() -> None:
    evidence = healthy()
    evidence.node_metrics.get()[1].timestamp = at(seconds=-300)
    evidence.kubelets = []
    assert found(judge(evidence)) == [("KM809", W, None)]
    assert of(judge(evidence), "KM809").evidence[0].value.endswith(", in 300 s")


@pytest.mark.parametrize("date", ["", "garbage", "Mon, 99 Foo 2026 10:00:00 GMT"])
def test_dates_that_are_none(date: str) -> None:
    evidence = healthy()
    evidence.kubelets[1].answers[0].date = date
    assert found(judge(evidence)) == []


# ---- percentages ----


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [
        ("24632893Ki", "24632892Ki", True),
        ("24632892Ki", "24632892Ki", False),
        (30_000_000_000, "24632892Ki", True),
        ("garbage", "1", False),
        ("1", "garbage", False),
        ("1", "0", False),
        (1.5, "1", False),
    ],
)
def test_more_than_all(used: str | int | float, limit: str, expected: bool) -> None:
    evidence = healthy()
    evidence.node_metrics.get()[1].usage = {"memory": used}
    next(one for one in evidence.nodes.get() if one.metadata.name == "node-b").status.allocatable = {"memory": limit}
    assert found(judge(evidence)) == ([("KM811", I, None)] if expected else [])
