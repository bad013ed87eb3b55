"""The serving certificates of kubelets as metrics-server judges them, and requests for them (KM723 to KM729)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.probe import Answer, Attempt, Certificate
from tests.diagnosis.build import (
    NODES,
    SERVER_ARGS,
    absent,
    at,
    condition,
    failed,
    healthy,
    lose,
    node_metrics,
    of,
    ok,
    refused,
)

E, W, I = Severity.ERROR, Severity.WARNING, Severity.INFO  # noqa: E741


def found(verdict: Verdict, *beginnings: str) -> list[tuple[str, Severity, str | None]]:
    return [
        (one.id, one.severity, one.symptom_of)
        for one in verdict.findings
        if not beginnings or one.id.startswith(beginnings)
    ]


def attempt(evidence: Evidence, name: str) -> Attempt:
    return next(one for one in evidence.kubelets if one.node == name).attempts[0]


def certificate(evidence: Evidence, name: str) -> Certificate:
    known = attempt(evidence, name).certificate
    assert known is not None
    return known


def run_with(evidence: Evidence, *arguments: str) -> None:
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None
    containers[0].args = [*SERVER_ARGS, *arguments]


# ---- what can be wrong with one ----


def no_ip(evidence: Evidence, name: str = "node-b") -> None:
    certificate(evidence, name).ip_addresses = []
    attempt(evidence, name).failure = ""  # we are content with the node's name


def other_ip(evidence: Evidence, name: str = "node-b") -> None:
    certificate(evidence, name).ip_addresses = ["127.0.0.1"]


def self_signed(evidence: Evidence, name: str = "node-b") -> None:
    """As kubelets make them: without IP addresses, too."""
    known = certificate(evidence, name)
    known.subject, known.issuer, known.ip_addresses = f"CN={name}@1795460335", f"CN={name}-ca@1795460335", []
    attempt(evidence, name).trusted = False
    attempt(evidence, name).failure = "certificate-untrusted"


def expired(evidence: Evidence, name: str = "node-b") -> None:
    certificate(evidence, name).not_after = at(hours=2)
    attempt(evidence, name).failure = "certificate-expired"


def early(evidence: Evidence, name: str = "node-b") -> None:
    certificate(evidence, name).not_before = at(hours=-2)


CASES: list[tuple[Callable[..., None], str, str]] = [
    (no_ip, "KM723", "DNS:node-b"),
    (other_ip, "KM724", "DNS:node-b, IP:127.0.0.1"),
    (self_signed, "KM725", "CN=node-b-ca@1795460335"),
    (expired, "KM726", f"{at(days=30)} to {at(hours=2)}"),
    (early, "KM726", f"{at(hours=-2)} to {at(days=-335)}"),
]


@pytest.mark.parametrize(("change", "id_", "seen"), CASES)
def test_a_bad_certificate(change: Callable[..., None], id_: str, seen: str) -> None:
    evidence = healthy()
    change(evidence)
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict)[0] == (id_, E, None)
    assert ("KM801", E, id_) in found(verdict)
    assert {cause for _, _, cause in found(verdict)[1:]} == {id_}
    one = of(verdict, id_)
    assert (one.affected, one.evidence[0].object, one.evidence[0].value) == (["node-b"], "kubelet of node-b", seen)
    assert "serverTLSBootstrap: true" in one.remedy


@pytest.mark.parametrize(("change", "id_", "seen"), CASES)
def test_a_bad_certificate_of_a_node_with_metrics(change: Callable[..., None], id_: str, seen: str) -> None:
    evidence = healthy()
    change(evidence)
    assert found(judge(evidence)) == [(id_, W, None)]
    assert seen


@pytest.mark.parametrize(("change", "id_", "seen"), CASES)
def test_metrics_server_verifies_nothing(change: Callable[..., None], id_: str, seen: str) -> None:
    for argument in ("--kubelet-insecure-tls", "--deprecated-kubelet-completely-insecure"):
        evidence = healthy()
        run_with(evidence, argument)
        change(evidence)
        assert found(judge(evidence), id_, "KM729") == []
        lose(evidence, "node-b")
        assert found(judge(evidence), id_) == []
    assert seen


def test_all_kubelets_alike() -> None:
    """The default of kubeadm with the default of metrics-server: nothing works, for one reason."""
    evidence = healthy()
    for name in NODES:
        self_signed(evidence, name)
    evidence.service_pods.get()[0].status.conditions = [condition("Ready", "False", "ContainersNotReady")]
    evidence.node_metrics, evidence.pod_metrics = failed("list nodes.metrics.k8s.io"), failed("list pods")
    verdict = judge(evidence)
    assert of(verdict, "KM725").affected == list(NODES)
    assert ("KM506", E, "KM725") in found(verdict)
    assert len(of(verdict, "KM725").evidence) == 3


# ---- which address is dialled ----


def test_dialled_by_name() -> None:
    evidence = healthy()
    run_with(evidence, "--kubelet-preferred-address-types=Hostname")
    no_ip(evidence)
    assert found(judge(evidence)) == []
    certificate(evidence, "node-b").dns_names = ["somebody-else"]
    assert of(judge(evidence), "KM724").evidence[0].value == "DNS:somebody-else"
    certificate(evidence, "node-b").dns_names = []
    assert of(judge(evidence), "KM724").evidence[0].value == "none"


def test_another_port_or_address_of_ours_does_not_matter() -> None:
    evidence = healthy()
    attempt(evidence, "node-b").address = "198.51.100.9"
    attempt(evidence, "node-b").failure = "certificate-name"
    assert found(judge(evidence)) == []


# ---- what is not known ----


def test_a_ca_of_its_own() -> None:
    evidence = healthy()
    run_with(evidence, "--kubelet-certificate-authority=/ca/kubelets.pem")
    self_signed(evidence)
    lose(evidence, "node-b")
    # Whether it is trusted cannot be seen; that it has no address can.
    assert found(judge(evidence), "KM72") == [("KM723", E, None)]


def test_the_ca_could_not_be_read() -> None:
    evidence = healthy()
    evidence.root_ca = refused("get configmaps/kube-root-ca.crt in kube-system")
    self_signed(evidence)
    certificate(evidence, "node-b").ip_addresses = ["192.0.2.12"]
    verdict = judge(evidence)
    assert found(verdict) == []
    assert ("KM725", "get configmaps/kube-root-ca.crt in kube-system") in {
        (one.id, one.needs) for one in verdict.not_checked
    }
    evidence.root_ca = absent("get configmaps/kube-root-ca.crt in kube-system")
    assert found(judge(evidence)) == []


def test_trust_is_not_known() -> None:
    evidence = healthy()
    attempt(evidence, "node-b").trusted = None
    assert found(judge(evidence)) == []


def test_metrics_server_is_ready_and_the_api_does_not_answer() -> None:
    evidence = healthy()
    self_signed(evidence)
    evidence.node_metrics = failed("list nodes.metrics.k8s.io")
    assert ("KM725", W, None) in found(judge(evidence))


# ---- KM729 ----


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (at(days=355), at(days=-10), "in 10 days"),
        (at(days=364), at(hours=-30), "in 30 hours"),
        (at(days=345), at(days=-20), ""),
        (at(days=1), at(days=-6), ""),  # a week is all that it is for
        (at(hours=20), at(hours=-4), ""),
        (at(hours=23), at(hours=-1), "in 1 hours"),
        ("", at(hours=-1), ""),
        ("garbage", "garbage", ""),
    ],
)
def test_expires_soon(begins: str, ends: str, expected: str) -> None:
    evidence = healthy()
    certificate(evidence, "node-b").not_before, certificate(evidence, "node-b").not_after = begins, ends
    assert found(judge(evidence)) == ([("KM729", W, None)] if expected else [])
    if expected:
        assert of(judge(evidence), "KM729").evidence[0].value == f"{ends}, {expected}"


def test_expires_soon_and_is_no_good_anyway() -> None:
    evidence = healthy()
    other_ip(evidence)
    certificate(evidence, "node-b").not_after = at(days=-1)
    assert found(judge(evidence)) == [("KM724", W, None)]


# ---- requests ----


def request(name: str, node: str = "node-b", age: float = 900, **more: object) -> k8s.CSR:
    return k8s.CSR(
        metadata=k8s.Metadata(name=name, creation_timestamp=at(seconds=age)),
        spec=k8s.CSRSpec(signer_name="kubernetes.io/kubelet-serving", username=f"system:node:{node}"),
        status=k8s.CSRStatus(**more),  # type: ignore[arg-type]  # CSRStatus' own
    )


def without_certificate(evidence: Evidence, name: str) -> None:
    """The kubelet ends every handshake."""
    one = next(one for one in evidence.kubelets if one.node == name)
    one.attempts[0] = Attempt(
        type="InternalIP", address="192.0.2.12", port=10250, failure="tls", message="remote error: tls: internal error"
    )
    one.answers = [
        Answer(path="/metrics/resource", proxied=True, by_api=True, status=503, message="remote error: tls: x")
    ]


def test_pending() -> None:
    evidence = healthy()
    evidence.csrs = ok([request("csr-old", age=4000), request("csr-1"), request("csr-2", "node-c")])
    for name in ("node-b", "node-c"):
        without_certificate(evidence, name)
    lose(evidence, "node-b", "node-c")
    verdict = judge(evidence)
    assert found(verdict) == [("KM727", E, None), ("KM730", E, "KM727"), ("KM801", E, "KM727")]
    one = of(verdict, "KM727")
    assert one.evidence[0].object == "CertificateSigningRequest csr-1"
    assert one.evidence[0].value == f"none since {at(seconds=900)}, for node-b"
    assert one.remedy == "kubectl certificate approve csr-1 csr-2  # after a look at: kubectl describe csr NAME"


def test_no_patience_with_a_kubelet_without_certificate() -> None:
    evidence = healthy()
    evidence.csrs = ok([request("csr-1", age=20)])
    assert found(judge(evidence)) == []
    without_certificate(evidence, "node-b")
    lose(evidence, "node-b")
    assert found(judge(evidence))[0] == ("KM727", E, None)


def test_pending_renewals() -> None:
    evidence = healthy()
    evidence.csrs = ok([request("csr-1")])
    assert found(judge(evidence)) == [("KM727", W, None)]
    certificate(evidence, "node-b").not_before = at(days=364)
    certificate(evidence, "node-b").not_after = at(days=-1)
    assert found(judge(evidence)) == [("KM727", W, None), ("KM729", W, "KM727")]
    run_with(evidence, "--kubelet-insecure-tls")
    assert found(judge(evidence)) == [("KM727", I, None)]


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [request("young", age=60)],
        [request("old"), request("new", age=600, conditions=[condition("Approved")], certificate="LS0t")],
        [request("gone", "node-x")],
        [
            k8s.CSR(
                metadata=k8s.Metadata(name="client", creation_timestamp=at(hours=1)),
                spec=k8s.CSRSpec(
                    signer_name="kubernetes.io/kube-apiserver-client-kubelet", username="system:node:node-b"
                ),
            )
        ],
        [
            k8s.CSR(
                metadata=k8s.Metadata(name="somebody", creation_timestamp=at(hours=1)),
                spec=k8s.CSRSpec(signer_name="kubernetes.io/kubelet-serving", username="node-b"),
            )
        ],
        [request("signed", conditions=[condition("Approved")], certificate="LS0t")],
        [request("fresh", conditions=[condition("Approved", since=at(seconds=20))])],
        [request("odd", conditions=[condition("Whatever")])],
        [k8s.CSR()],
    ],
)
def test_requests_that_are_in_order(requests: list[k8s.CSR]) -> None:
    evidence = healthy()
    evidence.csrs = ok(requests)
    assert found(judge(evidence)) == []


@pytest.mark.parametrize(
    ("decision", "seen"),
    [
        (condition("Approved", reason="KubectlApprove"), "approved, and no certificate, for node-b"),
        (condition("Denied", reason="Policy", message="not this one"), "Policy: not this one, for node-b"),
        (
            condition("Failed", reason="SignerValidationFailure", message="no"),
            "SignerValidationFailure: no, for node-b",
        ),
    ],
)
def test_unsigned(decision: k8s.Condition, seen: str) -> None:
    evidence = healthy()
    evidence.csrs = ok([request("csr-1", conditions=[decision])])
    without_certificate(evidence, "node-b")
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict) == [("KM728", E, None), ("KM730", E, "KM728"), ("KM801", E, "KM728")]
    assert of(verdict, "KM728").evidence[0].value == seen
    assert of(verdict, "KM728").evidence[0].field == f"status.conditions[{decision.type}]"
    evidence.node_metrics = ok([node_metrics(name) for name in NODES])
    assert found(judge(evidence), "KM728") == [("KM728", W, None)]


@pytest.mark.parametrize(("change", "id_"), [(expired, "KM726"), (None, "KM729")])
def test_not_renewed_because_nobody_signs(change: Callable[..., None] | None, id_: str) -> None:
    for request_, cause in (
        (request("csr-1"), "KM727"),
        (request("csr-1", conditions=[condition("Failed", reason="SignerValidationFailure")]), "KM728"),
    ):
        evidence = healthy()
        certificate(evidence, "node-b").not_before = at(days=364)
        certificate(evidence, "node-b").not_after = at(days=-1)
        if change is not None:
            change(evidence)
        evidence.csrs = ok([request_])
        assert found(judge(evidence)) == [(cause, W, None), (id_, W, cause)]


def test_requests_could_not_be_read() -> None:
    evidence = healthy()
    evidence.csrs = refused("list certificatesigningrequests")
    assert {one.id for one in judge(evidence).not_checked} == {"KM727", "KM728"}
