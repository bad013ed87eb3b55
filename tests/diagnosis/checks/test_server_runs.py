"""metrics-server's pods once they run: crashes, memory, probes, restarts."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence, Health, Log
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import SERVER_POD, absent, at, healthy, of, ok, refused, roots
from tests.diagnosis.servers import (
    NAME,
    beside,
    containers,
    crashed,
    crashing,
    down,
    ended,
    event,
    failing,
    its_status,
    set_args,
    the_pod,
    the_server,
    unready,
    with_proxy,
)


def values(verdict: Verdict, check_id: str) -> str:
    """All that was observed."""
    return "\n".join(f"{one.object} {one.field} {one.value}" for one in of(verdict, check_id).evidence)


def logged(evidence: Evidence, *lines: str) -> Evidence:
    """With --logs."""
    evidence.logs = ok([Log(pod=NAME, container="metrics-server", previous=True, lines=list(lines))], "get pods/log")
    return evidence


# ---- KM504 ----


def test_a_crash_of_unknown_reason() -> None:
    verdict = judge(crashing())
    assert roots(verdict) == ["KM504"]
    found = of(verdict, "KM504")
    assert found.severity is Severity.ERROR
    assert "lastState.terminated Error, exit code 2, 5 restarts" in values(verdict, "KM504")
    assert found.remedy.startswith(f"kubectl logs -n kube-system {SERVER_POD} -c metrics-server --previous")


def test_its_last_words_are_quoted() -> None:
    words = "panic: open /etc/kubernetes/ca.crt: no such file or directory"
    assert words in values(judge(logged(crashing(), "E1 whatever", words)), "KM504")
    assert words in values(judge(crashing(message=words)), "KM504")


def test_the_first_crash() -> None:
    evidence = crashing()
    one = its_status(evidence)
    one.restart_count, one.state, one.last_state = 0, one.last_state, k8s.ContainerState()
    assert roots(judge(evidence)) == ["KM504"]


@pytest.mark.parametrize(("seconds", "found"), [(3.0, "KM504"), (300.0, "KM506")])
def test_between_two_crashes_it_runs_for_a_moment(seconds: float, found: str) -> None:
    evidence = crashing()
    one = its_status(evidence)
    one.state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=seconds)))
    assert roots(judge(evidence)) == [found]


def test_a_crash_in_a_rollout() -> None:
    verdict = judge(beside(crashing()))
    assert roots(verdict) == ["KM504"]
    assert (of(verdict, "KM504").severity, of(verdict, "KM504").affected) == (Severity.WARNING, [NAME])


def test_another_container_of_the_pod_crashes() -> None:
    evidence = down()
    server = its_status(evidence)
    end = k8s.ContainerState(terminated=k8s.Terminated(reason="Error", exit_code=255, finished_at=at(seconds=9)))
    waiting = k8s.ContainerState(waiting=k8s.Waiting(reason="CrashLoopBackOff"))
    nanny = k8s.ContainerStatus(name="nanny", restart_count=3, state=waiting, last_state=end)
    server.ready = True
    the_pod(evidence).status.container_statuses = [server, nanny]
    verdict = judge(evidence)
    assert roots(verdict) == ["KM504"]
    assert "containerStatuses[nanny]" in values(verdict, "KM504")
    assert " -c nanny " in of(verdict, "KM504").remedy


def test_which_container_of_the_pod_crashes() -> None:
    evidence = down()
    server = its_status(evidence)
    ended(with_proxy(evidence))
    server.ready = False  # as long as its proxy does not let it reach anybody
    ended(server, "OOMKilled", 137, hours=30)
    found = of(judge(evidence), "KM504")
    assert found.title == "The container istio-proxy beside metrics-server ends again and again"
    assert " -c istio-proxy --previous" in found.remedy
    ended(server)
    found = of(judge(evidence), "KM504")
    assert found.title == "metrics-server ends again and again"
    assert " -c metrics-server --previous" in found.remedy


# ---- KM505 ----


def limited(evidence: Evidence, limit: str = "64Mi") -> Evidence:
    """With a memory limit."""
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].resources.limits = {"memory": limit}
    return evidence


def test_out_of_memory() -> None:
    verdict = judge(limited(crashing("OOMKilled", 137)))
    assert roots(verdict) == ["KM505"]
    assert of(verdict, "KM504").symptom_of == "KM505"
    assert "OOMKilled, exit code 137, 5 restarts" in values(verdict, "KM505")
    assert "limits.memory 64Mi" in values(verdict, "KM505")
    assert of(verdict, "KM505").remedy == (
        "kubectl set resources -n kube-system deployment/metrics-server -c metrics-server "
        "--requests=memory=200Mi --limits=memory=200Mi"
    )


def test_its_node_is_out_of_memory() -> None:
    found = of(judge(crashing("OOMKilled", 137)), "KM505")
    assert found.title == "The node of metrics-server ran out of memory"
    assert found.remedy.startswith("kubectl describe node node-a  #")


def test_another_container_is_out_of_memory() -> None:
    evidence = crashing("OOMKilled", 137)
    its_status(evidence).name = "nanny"
    assert "node" not in of(judge(evidence), "KM505").title


def test_twice_the_limit_is_advised() -> None:
    assert "--limits=memory=600Mi" in of(judge(limited(crashing("OOMKilled", 137), "300Mi")), "KM505").remedy


def test_a_container_beside_it_is_out_of_memory() -> None:
    evidence = limited(down(), "400Mi")
    ended(with_proxy(evidence, "128Mi"), "OOMKilled", 137)
    verdict = judge(evidence)
    assert roots(verdict) == ["KM505"]
    assert of(verdict, "KM504").symptom_of == "KM505"
    found = of(verdict, "KM505")
    assert found.severity is Severity.ERROR
    assert found.title == (
        "The container istio-proxy beside metrics-server was killed because it needs more memory than its limit"
    )
    assert "[istio-proxy].resources.limits.memory 128Mi" in values(verdict, "KM505")
    assert found.remedy == (
        "kubectl set resources -n kube-system deployment/metrics-server -c istio-proxy --limits=memory=256Mi"
    )


def test_the_deployment_does_not_have_the_container_that_is_out_of_memory() -> None:
    evidence = limited(down(), "400Mi")
    ended(with_proxy(evidence, "128Mi", injected=True), "OOMKilled", 137)
    assert of(judge(evidence), "KM505").remedy.startswith(f"kubectl describe pod -n kube-system {SERVER_POD}  #")


def test_a_container_beside_it_has_no_limit() -> None:
    evidence = limited(down(), "400Mi")
    ended(with_proxy(evidence), "OOMKilled", 137)
    found = of(judge(evidence), "KM505")
    assert found.title == "The node of metrics-server ran out of memory"
    assert "istio-proxy itself has no limit" in found.remedy


def test_a_container_beside_it_has_recovered() -> None:
    evidence = limited(failing(), "400Mi")
    server = its_status(evidence)
    ended(with_proxy(evidence, "128Mi"), "OOMKilled", 137, hours=3)
    server.ready = False
    verdict = judge(evidence)
    assert roots(verdict) == ["KM506", "KM505"]
    assert (of(verdict, "KM505").severity, of(verdict, "KM505").affected) == (Severity.WARNING, [NAME])


@pytest.mark.parametrize(
    ("flags", "remedy"),
    [
        (["--container=metrics-server", "--memory=40Mi"], "kubectl edit -n kube-system deployment/metrics-server  #"),
        (["--container=$(NAME)", "--memory=40Mi"], "kubectl edit "),
        (["--container=metrics-server", "--config-dir=/etc/config"], "kubectl edit "),
        (["--container=metrics-server", "--cpu=40m"], "kubectl set resources "),
        (["--memory=40Mi"], "kubectl set resources "),  # of a container called pod-nanny
    ],
)
def test_what_sets_its_limit_has_to_set_another_one(flags: list[str], remedy: str) -> None:
    evidence = limited(crashing("OOMKilled", 137))
    nanny = k8s.Container(name="nanny", image="registry.k8s.io/autoscaling/addon-resizer:1.8.14")
    nanny.command, nanny.args = ["/pod_nanny"], ["--deployment=metrics-server", *flags]
    spec = evidence.deployments.get()[0].spec.template.spec
    spec.containers = [nanny, *containers(spec)]
    found = of(judge(evidence), "KM505").remedy
    assert found.startswith(remedy)
    assert "200Mi" in found
    assert ("container nanny" in found) is remedy.startswith("kubectl edit")


@pytest.mark.parametrize(("hours", "found"), [(1.0, ["KM505"]), (30.0, [])])
def test_it_has_recovered(hours: float, found: list[str]) -> None:
    evidence = limited(healthy())
    one = its_status(evidence)
    end = k8s.Terminated(reason="OOMKilled", exit_code=137, finished_at=at(hours=hours))
    one.restart_count, one.last_state = 1, k8s.ContainerState(terminated=end)
    verdict = judge(evidence)
    assert roots(verdict) == found
    assert [one.severity for one in verdict.findings] == [Severity.WARNING] * len(found)


# ---- KM506 ----


def test_not_ready_for_no_other_reason() -> None:
    verdict = judge(failing())
    assert roots(verdict) == ["KM506"]
    assert of(verdict, "KM404").symptom_of == "KM506"
    assert "/readyz HTTP 500 failed: metric-storage-ready" in values(verdict, "KM506")
    assert of(verdict, "KM506").remedy.startswith(f"kubectl logs -n kube-system {SERVER_POD}")


def test_its_health_is_not_needed() -> None:
    evidence = down()
    evidence.readyz = refused("get pods/proxy in kube-system")
    evidence.events = ok([event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")])
    verdict = judge(evidence)
    assert roots(verdict) == ["KM506"]
    assert "statuscode: 500" in values(verdict, "KM506")


def test_its_probe_fails_and_it_does_not() -> None:
    evidence = down()
    evidence.readyz = healthy().readyz
    verdict = judge(evidence)
    assert roots(verdict) == ["KM506"]
    found = of(verdict, "KM506")
    assert found.title == "metrics-server says that it is ready, and its readiness probe fails"
    assert "/readyz HTTP 200 readyz check passed" in values(verdict, "KM506")
    assert found.remedy.startswith(f"kubectl describe pod -n kube-system {SERVER_POD}  #")


def test_a_container_beside_it_is_not_ready() -> None:
    evidence = down()
    evidence.readyz = healthy().readyz
    with_proxy(evidence).ready = False
    verdict = judge(evidence)
    assert roots(verdict) == ["KM506"]
    found = of(verdict, "KM506")
    assert found.title == "The container istio-proxy beside metrics-server is not ready"
    assert found.remedy.startswith(f"kubectl logs -n kube-system {SERVER_POD} -c istio-proxy  #")


def test_whose_log_is_to_be_read() -> None:
    evidence = down()
    with_proxy(evidence)
    its_status(evidence).ready = False
    assert f"{SERVER_POD} -c metrics-server  #" in of(judge(evidence), "KM506").remedy


def started(evidence: Evidence, seconds: float = 20.0) -> Evidence:
    """The same, and its container has started so long ago."""
    its_status(evidence).state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=seconds)))
    return evidence


def test_it_has_just_started() -> None:
    verdict = judge(started(failing()))
    assert verdict.worst() is Severity.INFO
    assert [(one.id, one.symptom_of) for one in verdict.findings] == [
        ("KM506", None),
        ("KM205", "KM506"),
        ("KM404", "KM506"),
    ]
    assert of(verdict, "KM506").title == "metrics-server has only just started"
    assert of(verdict, "KM506").remedy.startswith("kubectl rollout status -n kube-system deployment/metrics-server")


def test_it_has_just_started_after_a_crash() -> None:
    """A crash loop so slow that each run is as long as a start may take."""
    evidence = crashing()
    set_args(evidence, "--metric-resolution=60s")
    assert (its_status(started(evidence, 100.0)).last_state.terminated or k8s.Terminated()).exit_code == 2
    verdict = judge(evidence)
    assert roots(verdict) == ["KM506"]
    assert of(verdict, "KM506").title == "metrics-server has only just started"
    assert of(verdict, "KM205").severity is Severity.ERROR


def test_it_has_just_started_and_another_fault_is_no_less_of_one() -> None:
    evidence = started(failing())
    evidence.service_account = absent("get serviceaccounts in kube-system")
    verdict = judge(evidence)
    assert roots(verdict) == ["KM605"]
    assert {one.severity for one in verdict.findings} == {Severity.ERROR}


def test_it_has_just_started_and_its_readiness_probe_asks_for_something_else() -> None:
    evidence = started(down())
    probe = the_server(evidence).readiness_probe
    assert probe is not None and probe.http_get is not None
    probe.http_get.path = "/no-such-path"
    assert roots(judge(evidence)) == ["KM506"]


@pytest.mark.parametrize(("seconds", "title"), [(58.0, "has only just started"), (62.0, "runs and is not ready")])
def test_two_scrapes_and_the_probes_delay_are_waited_for(seconds: float, title: str) -> None:
    evidence = failing()
    its_status(evidence).state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=seconds)))
    assert of(judge(evidence), "KM506").title == f"metrics-server {title}"


def test_one_that_has_just_started_beside_one_that_serves_is_nothing() -> None:
    evidence = down()
    one = its_status(evidence)
    one.state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=20)))
    assert roots(judge(beside(evidence))) == []


def test_one_of_two_is_not_ready() -> None:
    verdict = judge(beside(down()))
    assert roots(verdict) == ["KM506"]
    assert (of(verdict, "KM506").severity, of(verdict, "KM506").affected) == (Severity.WARNING, [NAME])


def test_the_readiness_probe_asks_for_something_else() -> None:
    evidence = down()
    probe = the_server(evidence).readiness_probe
    assert probe is not None and probe.http_get is not None
    probe.http_get.path = "/no-such-path"
    verdict = judge(evidence)
    assert roots(verdict) == ["KM506"]
    assert "readiness probe" in of(verdict, "KM506").title
    assert "readinessProbe.httpGet.path /no-such-path" in values(verdict, "KM506")


def test_its_node_is_not_ready() -> None:
    evidence = down()
    ready = (evidence.nodes.get()[0].status.conditions or [])[0]
    ready.status, ready.reason = "Unknown", "NodeStatusUnknown"
    found = of(judge(evidence), "KM506")
    assert found.title == "metrics-server's pod is on a node that is not ready"
    assert found.affected == [NAME]
    assert found.remedy.startswith("kubectl describe node node-a")


# ---- KM507 ----

KILLING = "Container metrics-server failed liveness probe, will be restarted"
UNHEALTHY = "Liveness probe failed: HTTP probe failed with statuscode: 500"


def test_killed_by_its_liveness_probe() -> None:
    evidence = crashing("Error", 137)
    text = "[+]ping ok\n[-]metric-collection-timely failed: reason withheld\nlivez check failed"
    evidence.livez = ok(Health(status=500, text=text))
    evidence.events = ok([event("Unhealthy", UNHEALTHY, count=9), event("Killing", KILLING)])
    verdict = judge(evidence)
    assert roots(verdict) == ["KM507"]
    assert of(verdict, "KM504").symptom_of == "KM507"
    seen = values(verdict, "KM507")
    assert KILLING in seen and f"{UNHEALTHY} (9 times)" in seen and "metric-collection-timely" in seen


@pytest.mark.parametrize(
    "events",
    [
        [event("Unhealthy", UNHEALTHY)],  # once, and nothing came of it
        [event("Killing", "Stopping container metrics-server")],  # a rollout
        [event("Killing", KILLING, name="metrics-server-of-old")],
        [event("Killing", KILLING, hours=2)],
        [event("Killing", KILLING.replace("metrics-server", "istio-proxy"))],
    ],
)
def test_not_killed_by_its_liveness_probe(events: list[k8s.Event]) -> None:
    evidence = healthy()
    with_proxy(evidence)
    evidence.events = ok(events)
    assert "KM507" in judge(evidence).passed


def test_it_was_killed_and_serves_again() -> None:
    evidence = healthy()
    evidence.events = ok([event("Killing", KILLING)])
    verdict = judge(evidence)
    assert roots(verdict) == ["KM507"]
    assert of(verdict, "KM507").severity is Severity.WARNING


# ---- KM519 ----


@pytest.mark.parametrize(("restarts", "minutes", "found"), [(3, 20.0, ["KM519"]), (2, 20.0, []), (30, 200.0, [])])
def test_restarts(restarts: int, minutes: float, found: list[str]) -> None:
    evidence = crashed(healthy())
    one = its_status(evidence)
    one.ready, one.restart_count = True, restarts
    one.state = k8s.ContainerState(running=k8s.Running(started_at=at(minutes=minutes)))
    assert one.last_state.terminated is not None
    one.last_state.terminated.finished_at = at(minutes=minutes)
    verdict = judge(evidence)
    assert roots(verdict) == found
    assert not found or of(verdict, "KM519").affected == [NAME]


def test_restarts_of_another_container() -> None:
    evidence = healthy()
    ended(with_proxy(evidence), minutes=20)
    found = of(judge(evidence), "KM519")
    assert found.title.startswith("The container istio-proxy beside metrics-server has restarted several times")


def test_two_replicas_are_both_down() -> None:
    evidence = crashing()
    other = unready(
        k8s.Pod(metadata=k8s.Metadata(name="second", namespace="kube-system", labels={"k8s-app": "metrics-server"}))
    )
    other.spec = the_pod(evidence).spec
    other.status.phase = "Running"
    evidence.service_pods = ok([*evidence.service_pods.get(), other])
    assert set(roots(judge(evidence))) == {"KM504", "KM506"}
