"""Requests against the number of nodes, and addon-resizer."""

from __future__ import annotations

import copy

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import at, healthy, node, node_metrics, of, ok, roots
from tests.diagnosis.facts.test_sizing import AUTOSCALE, GKE
from tests.diagnosis.servers import NAME, containers, crashing, set_args, the_pod

OWN = ("KM513", "KM514")


def sized(evidence: Evidence, requests: dict[str, str] | None, limits: dict[str, str] | None = None) -> Evidence:
    """metrics-server's requests and limits."""
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].resources = k8s.Resources(
            requests=None if requests is None else dict(requests), limits=None if limits is None else dict(limits)
        )
    return evidence


def large(count: int, requests: dict[str, str] | None = None, limits: dict[str, str] | None = None) -> Evidence:
    """A cluster of so many nodes; nobody asked their kubelets."""
    evidence = sized(healthy(), requests if requests is not None else {"cpu": "100m", "memory": "200Mi"}, limits)
    names = [f"node-{number:04}" for number in range(count - 3)]
    like = node("node-a")
    more = []
    for number, name in enumerate(names):
        one = copy.deepcopy(like)
        one.metadata.name = name
        one.metadata.labels = {"kubernetes.io/os": "linux"}
        address = f"198.18.{number // 250}.{number % 250}"
        one.status.addresses = [k8s.Address(type="InternalIP", address=address)]
        one.spec = k8s.NodeSpec()
        more.append(one)
    evidence.nodes = ok([*evidence.nodes.get(), *more], "list nodes")
    metrics = [node_metrics(name) for name in names]
    evidence.node_metrics = ok([*evidence.node_metrics.get(), *metrics], "list nodes.metrics.k8s.io")
    return evidence


def own(evidence: Evidence) -> list[tuple[str, str]]:
    """Ids and severities of the findings about size."""
    return [(one.id, one.severity.value) for one in judge(evidence).findings if one.id in OWN]


# ---- KM513 ----


@pytest.mark.parametrize(
    ("nodes", "requests", "limits", "found"),
    [
        (100, {"cpu": "100m", "memory": "200Mi"}, None, []),
        (100, {"cpu": "10m", "memory": "20Mi"}, {"memory": "30Mi"}, []),  # its distribution's business
        (100, {}, None, []),
        (101, {"cpu": "100m", "memory": "200Mi"}, None, [("KM513", "warning")]),
        (150, {"cpu": "150m", "memory": "300Mi"}, None, []),
        (150, {"cpu": "1", "memory": "1Gi"}, {"memory": "1Gi"}, []),
        (150, {"cpu": "149m", "memory": "300Mi"}, None, [("KM513", "info")]),
        (150, {"cpu": "150m", "memory": "299Mi"}, None, [("KM513", "warning")]),
        (150, {"cpu": "150m", "memory": "300Mi"}, {"memory": "299Mi"}, [("KM513", "warning")]),
        (150, {}, None, [("KM513", "warning")]),
    ],
)
def test_requests(
    nodes: int, requests: dict[str, str], limits: dict[str, str] | None, found: list[tuple[str, str]]
) -> None:
    assert own(large(nodes, requests, limits)) == found


def test_what_is_said_of_requests() -> None:
    verdict = judge(large(150, limits={"memory": "200Mi"}))
    assert roots(verdict) == ["KM513"]
    found = of(verdict, "KM513")
    assert [one.value for one in found.evidence] == ["cpu=100m,memory=200Mi", "memory=200Mi", "cpu=150m,memory=300Mi"]
    assert found.remedy == (
        "kubectl set resources -n kube-system deployment/metrics-server -c metrics-server "
        "--requests=cpu=150m,memory=300Mi --limits=memory=300Mi"
    )


def selecting(evidence: Evidence, selected: int) -> Evidence:
    """So many nodes are those that metrics-server scrapes."""
    for number, one in enumerate(evidence.nodes.get()):
        one.metadata.labels = {"pool": "a" if number < selected else "b"}
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        found = containers(spec)[-1]  # behind a nanny
        found.args = [*(found.args or ()), "--node-selector=pool=a"]
    return evidence


@pytest.mark.parametrize(("selected", "found"), [(20, []), (100, []), (101, [("KM513", "warning")])])
def test_only_nodes_that_are_scraped_count(selected: int, found: list[tuple[str, str]]) -> None:
    evidence = selecting(large(150), selected)
    assert own(evidence) == found
    if found:
        assert of(judge(evidence), "KM513").evidence[-1].object == "README's rule for 101 nodes"


def test_how_many_are_scraped_is_not_known() -> None:
    evidence = large(150)
    set_args(evidence, "--node-selector=$(SELECTOR)")
    assert own(evidence) == []


def test_what_the_running_pod_requests_counts() -> None:
    evidence = large(150)
    resources = containers(the_pod(evidence).spec)[0].resources
    resources.requests = {"cpu": "600m", "memory": "1200Mi"}  # a VerticalPodAutoscaler's
    assert own(evidence) == []
    resources.requests = {"cpu": "150m", "memory": "250Mi"}
    assert own(evidence) == [("KM513", "warning")]
    found = of(judge(evidence), "KM513")
    assert (found.evidence[0].object, found.evidence[0].value) == (f"Pod {NAME}", "cpu=150m,memory=250Mi")
    assert " set resources " in found.remedy
    sized_template = containers(evidence.deployments.get()[0].spec.template.spec)[0].resources
    sized_template.requests = {"cpu": "150m", "memory": "300Mi"}
    assert "verticalpodautoscalers" in of(judge(evidence), "KM513").remedy
    the_pod(evidence).status.phase = "Failed"  # evicted, and another one is to come
    assert "KM513" not in [one.id for one in judge(evidence).findings]


def test_what_is_requested_is_never_more_than_the_limit() -> None:
    remedy = of(judge(large(150, limits={"cpu": "100m", "memory": "1Gi"})), "KM513").remedy
    assert remedy.endswith("--requests=cpu=150m,memory=300Mi --limits=cpu=150m")


# ---- KM514 ----


def nursed(evidence: Evidence, flags: dict[str, str], image: str = "registry.k8s.io/addon-resizer:1.8.23") -> Evidence:
    """With addon-resizer beside metrics-server."""
    found = evidence.deployments.get()[0]
    command = ["/pod_nanny", *(f"--{name}={value}" for name, value in flags.items())]
    nanny = k8s.Container(name="metrics-server-nanny", image=image, command=command)
    for spec in (found.spec.template.spec, the_pod(evidence).spec):
        spec.containers = [nanny, *containers(spec)]  # first, as on AKS
    return evidence


MANAGED = {"cpu": "100m", "memory": "200Mi"}


def test_a_nanny_that_does_its_work() -> None:
    evidence = nursed(sized(healthy(), MANAGED), AUTOSCALE)
    assert roots(judge(evidence)) == []
    assert own(evidence) == []


def test_the_nanny_of_gke() -> None:
    evidence = nursed(sized(healthy(), {"cpu": "48m", "memory": "99Mi"}), GKE)
    evidence.deployments.get()[0].metadata.name = GKE["deployment"]
    assert own(evidence) == []


def test_it_is_known_by_its_image() -> None:
    evidence = nursed(sized(healthy(), MANAGED), AUTOSCALE)
    nanny = containers(evidence.deployments.get()[0].spec.template.spec)[0]
    nanny.command, nanny.args = None, [f"--{name}={value}" for name, value in AUTOSCALE.items()]
    assert roots(judge(evidence)) == []
    assert own(evidence) == []
    sized(evidence, {})  # the first container: its own requests are nobody's business
    assert own(evidence) == []


@pytest.mark.parametrize("command", [["/pod_nanny"], ["pod_nanny"]])
def test_it_is_known_by_its_program(command: list[str]) -> None:
    evidence = nursed(sized(healthy(), MANAGED), {}, image="mirror.example/resizer:1")
    found = containers(evidence.deployments.get()[0].spec.template.spec)[0]
    found.command, found.args = None, [*command, "--deployment=metrics-server", "--threshold=200"]
    assert own(evidence) == [("KM514", "warning")]


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"threshold": "200"}, "--threshold=200"),
        ({"estimator": "quadratic"}, "--estimator=quadratic"),
        ({"minClusterSize": "1"}, "--minClusterSize=1"),
    ],
)
def test_flags_that_it_does_not_accept(change: dict[str, str], seen: str) -> None:
    evidence = nursed(sized(healthy(), MANAGED), {**AUTOSCALE, **change})
    found = of(judge(evidence), "KM514")
    assert found.severity is Severity.WARNING
    assert found.title == "addon-resizer does not accept its flags"
    assert found.evidence[0].value.startswith(seen)
    assert "metrics-server-nanny" in found.remedy


def test_it_ends_because_of_its_flags() -> None:
    evidence = nursed(sized(crashing(), MANAGED), {**AUTOSCALE, "threshold": "200"})
    verdict = judge(evidence)
    assert roots(verdict) == ["KM514"]
    assert of(verdict, "KM504").symptom_of == "KM514"


@pytest.mark.parametrize(
    ("requests", "found"),
    [
        ({"cpu": "95m", "memory": "190Mi"}, []),  # 5 percent
        ({"cpu": "94m", "memory": "200Mi"}, [("KM514", "warning")]),
        ({"cpu": "100m", "memory": "188Mi"}, [("KM514", "warning")]),
        ({"cpu": "200m", "memory": "400Mi"}, []),  # more than enough
        ({}, [("KM514", "warning")]),
    ],
)
def test_its_rule_is_not_followed(requests: dict[str, str], found: list[tuple[str, str]]) -> None:
    evidence = nursed(sized(healthy(), requests), AUTOSCALE)
    assert own(evidence) == found
    if found:
        assert (
            of(judge(evidence), "KM514").title == "addon-resizer has not raised metrics-server's requests to its rule"
        )


@pytest.mark.parametrize("more", [{"config-dir": "/etc/config"}, {"scale-up-delay": "1h"}])
def test_its_rule_may_be_another_one_or_take_its_time(more: dict[str, str]) -> None:
    assert own(nursed(sized(healthy(), {"cpu": "1m", "memory": "1Mi"}), {**AUTOSCALE, **more})) == []


def test_new_nodes_are_not_counted_yet() -> None:
    evidence = nursed(large(160), {**AUTOSCALE, "estimator": "linear", "cpu": "100m", "memory": "500Mi"})
    sized(evidence, {"cpu": "103m", "memory": "506Mi"})
    containers(evidence.deployments.get()[0].spec.template.spec)[1].resources.requests = {
        "cpu": "103m",
        "memory": "506Mi",
    }
    for one in evidence.nodes.get()[3:]:
        one.metadata.creation_timestamp = at(minutes=3)
    assert "not raised" not in " ".join(one.title for one in judge(evidence).findings)
    for one in evidence.nodes.get()[3:]:
        one.metadata.creation_timestamp = at(minutes=30)
    assert "not raised" in " ".join(one.title for one in judge(evidence).findings)


def test_new_nodes_are_not_counted_against_its_rule() -> None:
    rule = {"cpu": "100m", "extra-cpu": "1m", "memory": "200Mi", "extra-memory": "2Mi", "estimator": "linear"}
    evidence = nursed(sized(large(300), {"cpu": "250m", "memory": "500Mi"}), {**AUTOSCALE, **rule})
    for one in evidence.nodes.get()[150:]:
        one.metadata.creation_timestamp = at(minutes=6)
    assert own(evidence) == []


def test_its_rule_is_enough_for_the_nodes_that_are_scraped() -> None:
    rule = {"extra-memory": "1Mi"}
    evidence = nursed(sized(large(200), {"cpu": "225m", "memory": "225Mi"}), {**AUTOSCALE, **rule})
    assert own(evidence) == [("KM514", "warning")]
    assert own(selecting(evidence, 20)) == []


@pytest.mark.parametrize(
    ("rule", "requests", "severity"),
    [
        ({"extra-memory": "1Mi"}, {"cpu": "225m", "memory": "225Mi"}, "warning"),
        ({"extra-cpu": "0.5m"}, {"cpu": "113m", "memory": "450Mi"}, "info"),
    ],
)
def test_its_rule_is_too_small(rule: dict[str, str], requests: dict[str, str], severity: str) -> None:
    evidence = large(200)
    resources = k8s.Resources(requests=dict(requests))
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].resources = resources
    nursed(evidence, {**AUTOSCALE, **rule})  # 100 * 1.5 * 1.5 = 225 nodes
    assert own(evidence) == [("KM514", severity)]
    found = of(judge(evidence), "KM514")
    assert found.title == "addon-resizer's rule gives metrics-server too little for this many nodes"
    assert found.evidence[-1].value == "cpu=200m,memory=400Mi"


def test_it_looks_after_another_container() -> None:
    flags = {name: value for name, value in AUTOSCALE.items() if name != "container"}
    evidence = nursed(sized(healthy(), MANAGED), flags)
    assert own(evidence) == [("KM514", "info")]
    assert "--container=pod-nanny" in of(judge(evidence), "KM514").evidence[0].value
