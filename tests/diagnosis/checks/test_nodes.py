"""The checks of nodes and of the addresses that metrics-server dials (KM70x, KM71x)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence, Log
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.probe import Answer, Attempt, KubeletProbe
from tests.diagnosis.build import (
    NODES,
    at,
    condition,
    deployment,
    failed,
    healthy,
    lose,
    of,
    ok,
    refused,
    server_pod,
)

E, W, I = Severity.ERROR, Severity.WARNING, Severity.INFO  # noqa: E741
OURS = ("KM7",)


def nodes_of(evidence: Evidence) -> dict[str, k8s.Node]:
    return {one.metadata.name: one for one in evidence.nodes.get()}


def probe_of(evidence: Evidence, name: str) -> KubeletProbe:
    return next(one for one in evidence.kubelets if one.node == name)


def found(verdict: Verdict, *beginnings: str) -> list[tuple[str, Severity, str | None]]:
    """Ids with severities and causes; all, or those that begin so."""
    return [
        (one.id, one.severity, one.symptom_of)
        for one in verdict.findings
        if not beginnings or one.id.startswith(beginnings)
    ]


def run_with(evidence: Evidence, *arguments: str) -> None:
    """metrics-server runs with other arguments."""
    for container in (
        evidence.deployments.get()[0].spec.template.spec.containers,
        evidence.service_pods.get()[0].spec.containers,
    ):
        assert container is not None
        container[0].args = ["--cert-dir=/tmp", "--secure-port=10250", "--metric-resolution=15s", *arguments]


def not_serving(evidence: Evidence) -> None:
    """metrics-server runs and has no metrics of anybody: it is not ready, and the API server does not reach it."""
    pod = evidence.service_pods.get()[0]
    pod.status.conditions = [condition("PodScheduled"), condition("Ready", "False", "ContainersNotReady")]
    evidence.node_metrics = failed("list nodes.metrics.k8s.io")
    evidence.pod_metrics = failed("list pods.metrics.k8s.io")


def test_healthy() -> None:
    assert found(judge(healthy())) == []


# ---- KM701 ----


def lost(evidence: Evidence, name: str = "node-b") -> k8s.Node:
    node = nodes_of(evidence)[name]
    node.status.conditions = [
        condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    ]
    return node


def test_node_not_ready() -> None:
    evidence = healthy()
    lost(evidence)
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict)[0] == ("KM701", E, None)
    assert {(id_, cause) for id_, _, cause in found(verdict)[1:]} == {("KM801", "KM701")}
    one = of(verdict, "KM701")
    assert one.affected == ["node-b"]
    assert one.evidence[0].object == "Node node-b"
    assert one.evidence[0].value == "Unknown NodeStatusUnknown: Kubelet stopped posting node status."
    assert one.remedy.startswith("kubectl describe node node-b ")


def test_node_not_ready_that_still_has_metrics() -> None:
    evidence = healthy()
    lost(evidence)
    assert found(judge(evidence)) == [("KM701", W, None)]


def test_nodes_of_which_nobody_expects_anything() -> None:
    for field in ("creation_timestamp", "deletion_timestamp"):
        evidence = healthy()
        setattr(lost(evidence).metadata, field, at(seconds=40))
        assert found(judge(evidence), "KM701") == []
    evidence = healthy()
    run_with(evidence, "--node-selector=zone=a")
    nodes_of(evidence)["node-a"].metadata.labels = {"zone": "a"}
    lost(evidence)
    lose(evidence, "node-b", "node-c")
    assert found(judge(evidence), "KM7", "KM8") == []


def unreachable(evidence: Evidence, *names: str) -> None:
    """Nobody gets through to these nodes, and metrics-server has nothing of them."""
    lose(evidence, *names)
    for name in names:
        one = probe_of(evidence, name)
        one.attempts = [Attempt(type="InternalIP", address="192.0.2.1", port=10250, failure="timeout")]
        words = "error trying to reach service: dial tcp 192.0.2.1:10250: i/o timeout"
        one.answers = [Answer(path="/metrics/resource", proxied=True, by_api=True, status=503, message=words)]
        one.authentication = None


@pytest.mark.parametrize("ready", [True, False])
def test_a_node_that_is_being_deleted(ready: bool) -> None:
    """Its machine may be gone, while finalizers keep it in the list."""
    evidence = healthy()
    node = nodes_of(evidence)["node-b"] if ready else lost(evidence)
    unreachable(evidence, "node-b")
    assert len(found(judge(evidence))) > 1
    node.metadata.deletion_timestamp = at(minutes=5)
    assert found(judge(evidence)) == []


def test_a_new_machine_with_the_address_of_one_that_is_being_deleted() -> None:
    evidence = healthy()
    same_address(evidence)
    nodes_of(evidence)["node-b"].metadata.deletion_timestamp = at(minutes=5)
    assert found(judge(evidence)) == []


@pytest.mark.parametrize("field", ["deletion_timestamp", "labels"])
def test_what_is_wrong_with_all_that_should_have_metrics_explains_everything(field: str) -> None:
    evidence = healthy()
    unreachable(evidence, *NODES)
    not_serving(evidence)
    value = at(minutes=5) if field == "deletion_timestamp" else {"type": "virtual-kubelet"}
    setattr(nodes_of(evidence)["node-b"].metadata, field, value)
    verdict = judge(evidence)
    assert of(verdict, "KM722").affected == ["node-a", "node-c"]
    assert of(verdict, "KM506").symptom_of == "KM722"


def test_a_node_that_has_just_come_back() -> None:
    """metrics-server needs two scrapes of it."""
    evidence = healthy()
    lose(evidence, "node-b")
    [ready] = nodes_of(evidence)["node-b"].status.conditions or []
    ready.last_transition_time = at(seconds=50)
    assert found(judge(evidence)) == []
    ready.last_transition_time = at(seconds=70)
    assert found(judge(evidence)) == [("KM801", E, None)]
    ready.last_transition_time = at(seconds=15)
    unreachable(evidence, "node-b")
    assert ("KM722", E, None) in found(judge(evidence))  # that is no matter of waiting


def test_nothing_that_merely_may_be_is_blamed_for_a_node_that_has_just_come_back() -> None:
    evidence = healthy()
    node = nodes_of(evidence)["node-b"]
    [ready] = node.status.conditions or []
    nodes_of(evidence)["node-c"].spec.pod_cidr = "192.0.2.0/24"  # KM707
    policy(evidence)  # KM711
    lose(evidence, "node-b")
    assert {"KM707", "KM711"} <= {id_ for id_, _, _ in found(judge(evidence))}
    ready.last_transition_time = at(seconds=15)
    assert found(judge(evidence)) == []


def test_all_nodes_have_just_come_back() -> None:
    evidence = healthy()
    lose(evidence, *NODES)
    for node in evidence.nodes.get():
        [ready] = node.status.conditions or []
        ready.last_transition_time = at(seconds=15)
    verdict = judge(evidence)
    assert found(verdict) == [("KM812", I, None)]
    assert of(verdict, "KM812").title == "Nodes have just become ready and have no metrics yet"


def test_a_node_that_says_nothing() -> None:
    evidence = healthy()
    nodes_of(evidence)["node-c"].status.conditions = None
    assert of(judge(evidence), "KM701").evidence[0].value == "no such condition"


# ---- addresses ----

Change = Callable[[Evidence], None]


def only_by_name(evidence: Evidence) -> None:
    run_with(evidence, "--kubelet-preferred-address-types=InternalIP")
    nodes_of(evidence)["node-b"].status.addresses = [k8s.Address(type="Hostname", address="node-b")]


def without_address(evidence: Evidence) -> None:
    nodes_of(evidence)["node-b"].status.addresses = None


def same_address(evidence: Evidence) -> None:
    for name in ("node-b", "node-c"):
        addresses = nodes_of(evidence)[name].status.addresses
        assert addresses is not None
        addresses[0].address = "10.0.2.15"
        certificate = probe_of(evidence, name).certificate
        assert certificate is not None
        certificate.ip_addresses = ["10.0.2.15"]


def other_port(evidence: Evidence) -> None:
    run_with(evidence, "--kubelet-preferred-address-types=InternalIP")
    nodes_of(evidence)["node-b"].status.daemon_endpoints.kubelet_endpoint.port = 10260


def policy(evidence: Evidence, *rules: k8s.NetworkPolicyRule, types: Sequence[str] = ("Egress",)) -> None:
    evidence.network_policies = ok(
        [
            k8s.NetworkPolicy(
                metadata=k8s.Metadata(name="default-deny", namespace="kube-system"),
                spec=k8s.NetworkPolicySpec(policy_types=list(types), egress=list(rules)),
            )
        ]
    )


def egress(*cidrs: str, port: int | str | None = 10250, end: int | None = None, **more: str) -> k8s.NetworkPolicyRule:
    return k8s.NetworkPolicyRule(
        ports=[k8s.NetworkPolicyPort(port=port, end_port=end, **more)],
        egress_to=[k8s.NetworkPolicyPeer(ip_block=k8s.IPBlock(cidr=cidr)) for cidr in cidrs],
    )


@pytest.mark.parametrize(
    ("change", "id_", "affected", "seen", "remedy"),
    [
        (only_by_name, "KM702", ["node-b"], "Hostname", "--kubelet-preferred-address-types"),
        (without_address, "KM702", ["node-b"], "none", "--kubelet-preferred-address-types"),
        (same_address, "KM703", ["node-b", "node-c"], "10.0.2.15", "--node-ip"),
        (other_port, "KM706", ["node-b"], "10260", "-n kube-system edit deployment metrics-server"),
    ],
)
def test_addresses(change: Change, id_: str, affected: list[str], seen: str, remedy: str) -> None:
    evidence = healthy()
    change(evidence)
    lose(evidence, *affected)
    verdict = judge(evidence)
    assert found(verdict)[0] == (id_, E, None)
    assert {cause for _, _, cause in found(verdict)[1:]} == {id_}
    one = of(verdict, id_)
    assert (one.affected, one.evidence[0].value) == (affected, seen)
    assert remedy in one.remedy
    # Where all have metrics (for the moment) it is a warning, or nothing: they were dialled somehow.
    evidence = healthy()
    change(evidence)
    assert found(judge(evidence)) == ([] if id_ == "KM706" else [(id_, W, None)])


def test_kubelets_at_one_address_and_two_ports() -> None:
    evidence = healthy()
    same_address(evidence)
    nodes_of(evidence)["node-c"].status.daemon_endpoints.kubelet_endpoint.port = 10251
    assert found(judge(evidence)) == []
    run_with(evidence, "--kubelet-preferred-address-types=InternalIP")  # it does not look at what nodes say
    assert ("KM703", W, None) in found(judge(evidence))
    evidence.deployments, evidence.service_pods = refused("list deployments"), refused("list pods in kube-system")
    assert of(judge(evidence), "KM703").affected == ["node-b", "node-c"]


def test_virtual_nodes_share_the_address_of_the_pod_that_they_are() -> None:
    evidence = healthy()
    same_address(evidence)
    for name in ("node-b", "node-c"):
        nodes_of(evidence)[name].metadata.labels = {"type": "virtual-kubelet"}
    assert found(judge(evidence)) == []


@pytest.mark.parametrize("argument", ["--kubelet-use-node-status-port", "--kubelet-port=10260"])
def test_the_port_that_is_dialled(argument: str) -> None:
    evidence = healthy()
    other_port(evidence)
    run_with(evidence, "--kubelet-preferred-address-types=InternalIP", argument)
    lose(evidence, *NODES)
    affected = [one.affected for one in judge(evidence).findings if one.id == "KM706"]
    assert affected == ([["node-a", "node-c"]] if "10260" in argument else [])


def test_all_nodes_on_another_port() -> None:
    """metrics-server is not ready then, and that is a symptom."""
    evidence = healthy()
    run_with(evidence, "--kubelet-preferred-address-types=InternalIP", "--kubelet-port=4194")
    not_serving(evidence)
    verdict = judge(evidence)
    assert found(verdict)[0] == ("KM706", E, None)
    assert ("KM506", E, "KM706") in found(verdict)
    assert [id_ for id_, severity, cause in found(verdict) if cause is None and severity is E] == ["KM706"]


def test_several_addresses() -> None:
    evidence = healthy()
    addresses = nodes_of(evidence)["node-b"].status.addresses
    assert addresses is not None
    addresses.append(k8s.Address(type="InternalIP", address="198.51.100.7"))
    assert found(judge(evidence)) == []
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert ("KM704", I, None) in found(verdict)
    assert of(verdict, "KM704").evidence[0].value == "192.0.2.12, 198.51.100.7"
    addresses[-1].address = "2001:db8::7"  # of another family
    assert found(judge(evidence), "KM704", "KM705") == []


def test_dual_stack() -> None:
    evidence = healthy()
    addresses = nodes_of(evidence)["node-b"].status.addresses
    assert addresses is not None
    addresses.insert(0, k8s.Address(type="InternalIP", address="2001:db8::7"))
    certificate = probe_of(evidence, "node-b").certificate
    assert certificate is not None
    certificate.ip_addresses = ["2001:db8::7"]
    assert found(judge(evidence)) == []
    lose(evidence, "node-b")
    assert of(judge(evidence), "KM705").affected == ["node-b"]
    evidence.service_pods.get()[0].status.pod_ip = "2001:db8:1::4"
    assert found(judge(evidence), "KM705") == []
    evidence.service_pods.get()[0].status.pod_ip = "10.244.0.4"
    evidence.service_pods.get()[0].spec.host_network = True
    assert found(judge(evidence), "KM705") == []


@pytest.mark.parametrize(
    ("families", "blamed"), [([], True), (["10.244.0.4"], True), (["10.244.0.4", "fd00::4"], False)]
)
def test_the_families_of_metrics_servers_own_pod(families: list[str], blamed: bool) -> None:
    evidence = healthy()
    addresses = nodes_of(evidence)["node-b"].status.addresses
    assert addresses is not None
    addresses.insert(0, k8s.Address(type="InternalIP", address="2001:db8::7"))
    lose(evidence, "node-b")
    evidence.service_pods.get()[0].status.pod_ips = [k8s.PodIP(ip=ip) for ip in families] or None
    assert found(judge(evidence), "KM705") == ([("KM705", W, None)] if blamed else [])


def test_a_node_that_is_measured_over_ipv6_shows_that_there_is_a_way() -> None:
    evidence = healthy()
    for number, node in enumerate(evidence.nodes.get()):
        assert node.status.addresses is not None
        node.status.addresses.insert(0, k8s.Address(type="InternalIP", address=f"2001:db8::{number}"))
    lose(evidence, "node-b")
    assert found(judge(evidence), "KM705") == []
    lose(evidence, *NODES)
    assert of(judge(evidence), "KM705").affected == list(NODES)


def test_overlapping_ranges() -> None:
    evidence = healthy()
    nodes_of(evidence)["node-c"].spec.pod_cidr = "192.0.2.0/24"
    nodes_of(evidence)["node-a"].spec.pod_cidrs = ["garbage", ""]
    assert found(judge(evidence)) == []
    lose(evidence, "node-b")
    one = of(judge(evidence), "KM707")
    assert (one.severity, one.affected) == (W, ["node-b"])
    assert [proof.value for proof in one.evidence] == ["192.0.2.12", "192.0.2.0/24"]


# ---- names ----


def test_dialled_by_name() -> None:
    evidence = healthy()
    run_with(evidence)  # the default: Hostname first
    assert found(judge(evidence)) == []  # somebody has a DNS for them
    lose(evidence, "node-b")
    assert found(judge(evidence), "KM710") == []  # names work, for two nodes
    lose(evidence, *NODES)
    verdict = judge(evidence)
    assert found(verdict)[0] == ("KM710", E, None)
    assert {cause for _, _, cause in found(verdict)[1:]} == {"KM710"}
    assert of(verdict, "KM710").evidence[0].value == "node-a"
    assert "--kubelet-preferred-address-types=InternalIP" in of(verdict, "KM710").remedy


def test_not_ready_because_of_names() -> None:
    evidence = healthy()
    run_with(evidence)
    not_serving(evidence)
    verdict = judge(evidence)
    assert ("KM506", E, "KM710") in found(verdict)


def test_what_the_log_says_of_names() -> None:
    evidence = healthy()
    run_with(evidence)
    lose(evidence, "node-b")
    line = (
        'E0302 09:59:11.258023       1 scraper.go:149] "Failed to scrape node" err="Get \\"https://node-b:10250/metrics/'
        'resource\\": dial tcp: lookup node-b on 10.96.0.10:53: no such host" node="node-b"'
    )
    evidence.logs = ok([Log(pod="kube-system/ms", container="metrics-server", lines=[line])])
    one = of(judge(evidence), "KM710")
    assert (one.severity, one.affected) == (E, ["node-b"])
    assert one.evidence[-1].value == line


@pytest.mark.parametrize(
    ("beginning", "believed"),
    [
        ("E0302 09:59:11.258023       1 scraper.go:149] ", True),
        ("E0302 09:30:11.258023       1 scraper.go:149] ", False),
        ("E0228 03:11:02.123456       1 scraper.go:149] ", False),
        ('{"ts":1772445551258.023,"caller":"scraper.go:149"} ', True),
        ('{"ts":1772248262123.456,"caller":"scraper.go:149"} ', False),
        ("", True),  # nobody knows
    ],
)
def test_what_the_log_said_of_names_some_time_ago(beginning: str, believed: bool) -> None:
    evidence = healthy()
    run_with(evidence)
    line = f'{beginning}"Failed to scrape node" err="dial tcp: lookup node-b on 10.96.0.10:53: i/o timeout"'
    evidence.logs = ok([Log(pod="kube-system/ms", container="metrics-server", lines=[line])])
    assert found(judge(evidence), "KM710") == ([("KM710", W, None)] if believed else [])


def test_a_line_of_last_year() -> None:
    evidence = healthy()
    run_with(evidence)
    evidence.collected_at = evidence.connected.asked = "2026-01-01T00:00:30Z"
    evidence.connected.date = "Thu, 01 Jan 2026 00:00:30 GMT"
    line = "E1231 23:59:40.258023       1 scraper.go:149] dial tcp: lookup node-b on 10.96.0.10:53: i/o timeout"
    evidence.logs = ok([Log(pod="kube-system/ms", container="metrics-server", lines=[line])])
    assert found(judge(evidence), "KM710") == [("KM710", W, None)]


# ---- KM711 ----


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [egress("192.0.2.0/24", port=443)],
        [egress("192.0.2.0/24", port=10250, protocol="UDP")],
        [egress("192.0.2.0/24", port="kubelet")],
        [egress("192.0.2.0/24", port=10000, end=10249)],
        [egress("198.51.100.0/24")],
        [egress("garbage")],
        [k8s.NetworkPolicyRule(egress_to=[k8s.NetworkPolicyPeer(pod_selector=k8s.LabelSelector())])],
        [
            k8s.NetworkPolicyRule(
                egress_to=[k8s.NetworkPolicyPeer(ip_block=k8s.IPBlock(cidr="0.0.0.0/0", exceptions=["192.0.2.0/24"]))]
            )
        ],
    ],
)
def test_egress_is_denied(rules: list[k8s.NetworkPolicyRule]) -> None:
    evidence = healthy()
    policy(evidence, *rules)
    assert found(judge(evidence), "KM711") == []  # they have metrics: nobody enforces it
    lose(evidence, *NODES)
    verdict = judge(evidence)
    one = of(verdict, "KM711")
    assert (one.severity, one.affected, one.symptom_of) == (E, list(NODES), None)
    assert one.evidence[0].value == "no rule for 192.0.2.11, port 10250"
    assert "edit networkpolicy default-deny" in one.remedy
    assert of(verdict, "KM812").symptom_of == "KM711"


@pytest.mark.parametrize(
    "rules",
    [
        [k8s.NetworkPolicyRule()],
        [egress("192.0.2.0/24")],
        [egress("192.0.2.0/24", port=10000, end=20000)],
        [egress("192.0.2.0/24", port=None)],
        [egress("192.0.2.11/32", "192.0.2.12/31")],
        [egress("198.51.100.0/24"), egress("192.0.2.0/28")],
    ],
)
def test_egress_is_allowed(rules: list[k8s.NetworkPolicyRule]) -> None:
    evidence = healthy()
    policy(evidence, *rules)
    lose(evidence, *NODES)
    assert found(judge(evidence), "KM711") == []


def test_policies_for_somebody_else() -> None:
    def elsewhere(one: k8s.NetworkPolicy) -> None:
        one.metadata.namespace = "shop"

    def of_others(one: k8s.NetworkPolicy) -> None:
        one.spec.pod_selector = k8s.LabelSelector(match_labels={"app": "web"})

    def ingress(one: k8s.NetworkPolicy) -> None:
        one.spec.policy_types = ["Ingress"]

    for change in (elsewhere, of_others, ingress):
        evidence = healthy()
        policy(evidence)
        change(evidence.network_policies.get()[0])
        lose(evidence, *NODES)
        assert found(judge(evidence), "KM711") == []
    evidence = healthy()
    policy(evidence)
    evidence.service_pods.get()[0].spec.host_network = True
    lose(evidence, *NODES)
    assert found(judge(evidence), "KM711") == []


# ---- what is no kubelet ----


def test_windows() -> None:
    evidence = healthy()
    nodes_of(evidence)["node-b"].status.node_info.operating_system = "windows"
    assert found(judge(evidence)) == []
    lose(evidence, "node-b")
    assert ("KM708", I, None) in found(judge(evidence))


def test_virtual() -> None:
    evidence = healthy()
    nodes_of(evidence)["node-b"].metadata.labels = {"type": "virtual-kubelet"}
    nodes_of(evidence)["node-b"].status.addresses = None
    lose(evidence, "node-b")
    evidence.kubelets = [one for one in evidence.kubelets if one.node != "node-b"]
    assert found(judge(evidence), "KM7", "KM80") == [("KM709", I, None)]


def test_a_virtual_node_on_whose_port_nobody_listens() -> None:
    evidence = healthy()
    nodes_of(evidence)["node-b"].metadata.labels = {"type": "virtual-kubelet"}
    unreachable(evidence, "node-b")
    assert found(judge(evidence)) == [("KM709", I, None)]
    one = probe_of(evidence, "node-b")
    one.attempts[0].failure = "connection-refused"
    one.answers[0].message = one.answers[0].message.replace("i/o timeout", "connect: connection refused")
    assert found(judge(evidence)) == [("KM709", I, None)]


def test_a_virtual_node_that_is_not_ready() -> None:
    evidence = healthy()
    lost(evidence).metadata.labels = {"type": "virtual-kubelet"}
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict) == [("KM701", W, None), ("KM709", I, None)]
    assert of(verdict, "KM701").remedy == "kubectl describe node node-b"


def test_fargate() -> None:
    evidence = healthy()
    for node in evidence.nodes.get():
        node.metadata.labels = {"eks.amazonaws.com/compute-type": "fargate"}
    lose(evidence, "node-a", "node-b")
    verdict = judge(evidence)
    assert of(verdict, "KM709").affected == ["node-a"]  # where metrics-server runs
    assert of(verdict, "KM801").affected == ["node-b"]


# ---- what cannot be read, and what is odd ----


def test_missing_reads() -> None:
    evidence = healthy()
    evidence.nodes = refused("list nodes")
    verdict = judge(evidence)
    mine = {one.id for one in verdict.not_checked if one.needs == "list nodes"}
    assert mine >= {"KM701", "KM702", "KM703", "KM706", "KM710", "KM711", "KM721", "KM725", "KM801", "KM812"}
    evidence = healthy()
    evidence.deployments, evidence.service_pods = refused("list deployments"), refused("list pods in kube-system")
    lose(evidence, "node-b")
    verdict = judge(evidence)
    needs = {one.id: one.needs for one in verdict.not_checked}
    assert (needs["KM702"], needs["KM706"]) == ("list pods in kube-system", "list pods in kube-system")
    assert ("KM801", E, None) in found(verdict)


def test_another_provider() -> None:
    """Flags are metrics-server's: nothing is said about those of somebody else."""
    evidence = healthy()
    other = deployment("prometheus-adapter")
    containers = other.spec.template.spec.containers
    assert containers is not None
    containers[0].name, containers[0].image, containers[0].args = "prometheus-adapter", "prometheus-adapter:v0.12", []
    evidence.deployments = ok([other])
    pod = server_pod("prometheus-adapter-1")
    pod.spec.containers = containers
    evidence.service_pods = ok([pod])
    without_address(evidence)
    assert found(judge(evidence), *OURS) == []
