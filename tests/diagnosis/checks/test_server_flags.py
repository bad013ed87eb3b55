"""metrics-server's command line and ports."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence, Log
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import (
    NODES,
    condition,
    healthy,
    lose,
    node_metrics,
    of,
    ok,
    refused,
    roots,
    without_metrics,
)
from tests.diagnosis.servers import (
    NAME,
    beside,
    containers,
    crashing,
    down,
    ended,
    failing,
    set_args,
    set_image,
    the_pod,
    the_server,
    waiting,
    with_proxy,
)


def values(verdict: Verdict, check_id: str) -> str:
    """All that was observed."""
    return "\n".join(f"{one.object} {one.field} {one.value}" for one in of(verdict, check_id).evidence)


# ---- KM508 ----


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (["--metric-resolution=5s"], "--metric-resolution=5s: it must be at least 10s"),
        (["--metric-resolution=10s"], "nine tenths"),
        (["--no-such-flag"], "--no-such-flag: metrics-server has no such flag"),
        (["--kubelet-insecure-tls", "--kubelet-certificate-authority=/ca"], "they exclude each other"),
        (["--source=kubernetes.summary_api:"], "--source: metrics-server has no such flag"),  # Heapster's
    ],
)
def test_flags_that_it_refuses(arguments: list[str], seen: str) -> None:
    evidence = crashing()
    set_args(evidence, *arguments)
    verdict = judge(evidence)
    assert roots(verdict) == ["KM508"]
    assert of(verdict, "KM504").symptom_of == "KM508"
    assert seen in values(verdict, "KM508")
    assert of(verdict, "KM508").remedy.startswith("kubectl edit -n kube-system deployment/metrics-server")


def test_what_runs_has_accepted_its_flags() -> None:
    evidence = healthy()
    set_args(evidence, "--flag-of-a-fork")
    assert roots(judge(evidence)) == []
    evidence = failing()
    set_args(evidence, "--flag-of-a-fork")
    assert roots(judge(evidence)) == ["KM506"]


def test_what_runs_beside_a_container_that_crashes_has_accepted_its_flags() -> None:
    evidence = down()
    set_args(evidence, "--flag-of-a-fork")
    ended(with_proxy(evidence))
    verdict = judge(evidence)
    assert roots(verdict) == ["KM504"]
    assert of(verdict, "KM504").title == "The container istio-proxy beside metrics-server ends again and again"


def test_a_rollout_with_wrong_flags() -> None:
    evidence = crashing()
    set_args(evidence, "--metric-resolution=5s")
    verdict = judge(beside(evidence))
    assert roots(verdict) == ["KM508"]
    assert (of(verdict, "KM508").severity, of(verdict, "KM508").affected) == (Severity.WARNING, [NAME])
    assert of(verdict, "KM504").symptom_of == "KM508"


def test_a_shell_is_not_judged() -> None:
    evidence = crashing()
    the_server(evidence).command = ["/bin/sh", "-c", "exec /metrics-server --metric-resolution=5s"]
    the_server(evidence).args = None
    assert roots(judge(evidence)) == ["KM504"]


def started_by(evidence: Evidence, command: list[str] | None, *args: str) -> Evidence:
    """Another command line, in the Deployment and in its pod."""
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].command, containers(spec)[0].args = command, list(args)
    return evidence


SHELL = ["/bin/sh", "-c", "exec /metrics-server --secure-port=10250 --kubelet-insecure-tls"]
VARIABLES = ("--secure-port=10250", "--kubelet-insecure-tls=$(INSECURE)", "--kubelet-preferred-address-types=$(TYPES)")


@pytest.mark.parametrize(("command", "args"), [(SHELL, ()), (None, VARIABLES)])
def test_what_is_not_known_of_flags_is_no_fault(command: list[str] | None, args: tuple[str, ...]) -> None:
    evidence = started_by(healthy(), command, *args)
    for probe in evidence.kubelets:
        probe.attempts[0].trusted = False
    verdict = judge(evidence)
    assert roots(verdict) == []
    why = {one.id: one for one in verdict.not_checked}
    assert {"KM702", "KM710", "KM725"} <= why.keys()
    assert why["KM725"].needs == "metrics-server's arguments"


def test_a_port_that_a_shell_hands_on_is_not_the_wrong_one() -> None:
    evidence = started_by(healthy(), SHELL)
    without_metrics(evidence, message='Get "https://10.96.81.101:443/apis/metrics.k8s.io/v1beta1": i/o timeout')
    assert "KM407" not in [one.id for one in judge(evidence).findings]


def test_names_that_a_shell_may_have_avoided_are_not_the_cause() -> None:
    evidence = started_by(healthy(), SHELL)
    lose(evidence, *NODES)
    assert "KM710" not in [one.id for one in judge(evidence).findings]


def test_newer_versions_may_have_other_flags() -> None:
    evidence = crashing("OOMKilled", 137)
    set_args(evidence, "--flag-of-0-10")
    set_image(evidence, "registry.k8s.io/metrics-server/metrics-server:v0.10.0")
    assert roots(judge(evidence)) == ["KM505"]


def test_a_duration_beyond_all_measure() -> None:
    evidence = crashing()
    set_args(evidence, f"--metric-resolution={'9' * 400}s")
    assert roots(judge(evidence)) == ["KM508"]


def test_another_provider_is_not_judged() -> None:
    evidence = crashing()
    set_args(evidence, "--prometheus-url=http://prometheus")
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].name = containers(spec)[0].image = "prometheus-adapter"
    assert "KM508" not in [one.id for one in judge(evidence).findings]


def test_old_versions_have_other_flags() -> None:
    evidence = crashing()
    set_args(evidence, "--logtostderr")
    set_image(evidence, "registry.k8s.io/metrics-server/metrics-server:v0.6.4")
    assert "KM508" not in [one.id for one in judge(evidence).findings]


# ---- KM509 ----


def test_the_kubelets_port() -> None:
    evidence = crashing()
    the_pod(evidence).spec.host_network = True
    verdict = judge(evidence)
    assert roots(verdict) == ["KM509"]
    assert of(verdict, "KM504").symptom_of == "KM509"
    seen = values(verdict, "KM509")
    assert "spec.hostNetwork true" in seen and "Node node-a" in seen and "10250" in seen
    assert "--secure-port=4443" in of(verdict, "KM509").remedy


def test_a_port_of_its_own() -> None:
    evidence = crashing()
    the_pod(evidence).spec.host_network = True
    set_args(evidence, "--secure-port=4443")
    assert roots(judge(evidence)) == ["KM504"]


def test_a_kubelet_on_another_port() -> None:
    evidence = crashing()
    the_pod(evidence).spec.host_network = True
    evidence.nodes.get()[0].status.daemon_endpoints.kubelet_endpoint.port = 10350
    assert "KM509" not in [one.id for one in judge(evidence).findings]


def test_by_its_last_words() -> None:
    words = "panic: failed to create listener: listen tcp 0.0.0.0:4443: bind: address already in use"
    evidence = crashing()
    evidence.logs = ok([Log(pod=NAME, container="metrics-server", lines=[words])])
    verdict = judge(evidence)
    assert roots(verdict) == ["KM509"]
    assert words in values(verdict, "KM509")


def test_another_container_crashes_beside_one_that_listens() -> None:
    evidence = down()
    the_pod(evidence).spec.host_network = True
    ended(with_proxy(evidence))
    assert roots(judge(evidence)) == ["KM504"]


def test_last_words_of_long_ago() -> None:
    evidence = crashing()
    words = '00:00:00.123456       1 run.go:72] "command failed" err="listen tcp :4443: bind: address already in use"'
    evidence.logs = ok([Log(pod=NAME, container="metrics-server", lines=[f"E0228 {words}"])])
    assert roots(judge(evidence)) == ["KM504"]


def test_by_the_scheduler() -> None:
    evidence = down()
    the_pod(evidence).spec.node_name = ""
    words = "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports."
    the_pod(evidence).status = k8s.PodStatus(
        phase="Pending", conditions=[condition("PodScheduled", "False", "Unschedulable", words)]
    )
    verdict = judge(evidence)
    assert roots(verdict) == ["KM509"]
    assert of(verdict, "KM502").symptom_of == "KM509"


def test_host_network_that_works() -> None:
    evidence = healthy()
    the_pod(evidence).spec.host_network = True
    assert roots(judge(evidence)) == []


# ---- KM511 ----


def test_some_nodes_are_left_out() -> None:
    evidence = healthy()
    set_args(evidence, "--node-selector=kubernetes.io/hostname notin (node-b)")
    evidence.node_metrics = ok([node_metrics("node-a"), node_metrics("node-c")])
    verdict = judge(evidence)
    assert (of(verdict, "KM511").severity, of(verdict, "KM511").affected) == (Severity.INFO, ["node-b"])
    assert "kubernetes.io/hostname=node-b" in values(verdict, "KM511")


def test_all_nodes_are_left_out() -> None:
    evidence = failing()
    set_args(evidence, "-l", "pool=gone")
    verdict = judge(evidence)
    assert roots(verdict) == ["KM511"]
    assert of(verdict, "KM506").symptom_of == "KM511"
    assert of(verdict, "KM511").title == "metrics-server's --node-selector matches no node"


@pytest.mark.parametrize("selector", ["kubernetes.io/os=linux", "a b", ""])
def test_no_node_is_left_out(selector: str) -> None:
    evidence = healthy()
    set_args(evidence, f"--node-selector={selector}")
    assert "KM511" in judge(evidence).passed


# ---- KM515 ----


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (["--kubelet-use-node-status-port=false", "--kubelet-port=10255"], "read-only port"),
        (["--deprecated-kubelet-completely-insecure"], "without TLS"),
        (
            [
                "--kubelet-use-node-status-port=false",
                "--kubelet-port=10255",
                "--deprecated-kubelet-completely-insecure",
            ],
            "read-only port",
        ),
    ],
)
def test_legacy_flags(arguments: list[str], title: str) -> None:
    evidence = failing()
    set_args(evidence, *arguments)
    verdict = judge(evidence)
    assert roots(verdict) == ["KM515"]
    assert of(verdict, "KM506").symptom_of == "KM515"
    assert title in of(verdict, "KM515").title
    assert arguments[-1] in values(verdict, "KM515")


def test_where_they_work_they_are_said_for_information() -> None:
    evidence = healthy()
    set_args(evidence, "--kubelet-use-node-status-port=false", "--kubelet-port=10255")
    set_args(evidence, "--deprecated-kubelet-completely-insecure=true")
    verdict = judge(evidence)
    assert of(verdict, "KM515").severity is Severity.INFO


def test_a_node_does_not_answer_on_the_read_only_port() -> None:
    evidence = healthy()
    set_args(evidence, "--kubelet-use-node-status-port=false", "--kubelet-port=10255")
    evidence.node_metrics = ok([node_metrics(name) for name in NODES[:2]])
    verdict = judge(evidence)
    assert (of(verdict, "KM515").severity, of(verdict, "KM515").affected) == (Severity.ERROR, ["node-c"])


@pytest.mark.parametrize("why", ["left out", "not ready"])
def test_nodes_that_have_no_metrics_for_another_reason(why: str) -> None:
    evidence = healthy()
    set_args(evidence, "--kubelet-use-node-status-port=false", "--kubelet-port=10255")
    evidence.node_metrics = ok([node_metrics(name) for name in NODES[:2]])
    if why == "left out":
        set_args(evidence, "--node-selector=kubernetes.io/hostname!=node-c")
    else:
        (evidence.nodes.get()[2].status.conditions or [])[0].status = "False"
    assert of(judge(evidence), "KM515").severity is Severity.INFO


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "CrashLoopBackOff"])
def test_they_are_not_to_blame_where_nobody_could_be_asked(reason: str) -> None:
    evidence = waiting(reason)
    set_args(evidence, "--kubelet-use-node-status-port=false", "--kubelet-port=10255")
    verdict = judge(evidence)
    assert of(verdict, "KM515").severity is Severity.INFO
    assert "KM515" not in {one.symptom_of for one in verdict.findings}


def test_the_nodes_own_port_takes_precedence() -> None:
    evidence = failing()
    set_args(evidence, "--kubelet-port=10255")  # beside --kubelet-use-node-status-port
    assert roots(judge(evidence)) == ["KM506"]


def test_flags_of_nobody() -> None:
    evidence = healthy()
    evidence.deployments = refused("list deployments")
    evidence.service_pods = refused("list pods in kube-system")
    verdict = judge(evidence)
    assert {"KM508", "KM509", "KM511", "KM515"} <= {one.id for one in verdict.not_checked}
