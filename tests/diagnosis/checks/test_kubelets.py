"""The checks of kubelets (KM721, KM722, KM730 to KM737): what is seen from where, and what it proves."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.probe import Answer, Attempt, KubeletAuthentication, KubeletProbe, Scrape
from tests.diagnosis.build import (
    NODES,
    SERVER_POD,
    address,
    at,
    condition,
    failed,
    healthy,
    kubelet,
    lose,
    node_metrics,
    of,
    ok,
    refused,
)

E, W, I = Severity.ERROR, Severity.WARNING, Severity.INFO  # noqa: E741
PATH = "/metrics/resource"


def found(verdict: Verdict, *beginnings: str) -> list[tuple[str, Severity, str | None]]:
    return [
        (one.id, one.severity, one.symptom_of)
        for one in verdict.findings
        if not beginnings or one.id.startswith(beginnings)
    ]


def probe(evidence: Evidence, name: str, attempt: Attempt | None, *answers: Answer) -> KubeletProbe:
    """The kubelet of a node does something else than in a healthy cluster."""
    made = KubeletProbe(node=name, attempts=[attempt] if attempt else [], answers=list(answers))
    evidence.kubelets = [made if one.node == name else one for one in evidence.kubelets]
    return made


def tried(name: str, failure: str, message: str = "") -> Attempt:
    return Attempt(type="InternalIP", address=address(name), port=10250, failure=failure, message=message)


def good(name: str) -> Attempt:
    return kubelet(name).attempts[0]


def api(words: str) -> Answer:
    return Answer(path=PATH, proxied=True, by_api=True, status=503, message=f"error trying to reach service: {words}")


def own(status: int, message: str = "", **more: object) -> Answer:
    return Answer(path=PATH, status=status, message=message, **more)  # type: ignore[arg-type]  # Answer's own


NO_PROXY = Answer(
    path=PATH,
    proxied=True,
    by_api=True,
    status=403,
    message='nodes "node-b" is forbidden: User "dev" cannot get resource "nodes/proxy"',
)


# ---- one kubelet that has a fault: node-b has no metrics, and the fault is why ----

REFUSED = tried("node-b", "connection-refused", "connect: connection refused")
TIMEOUT = tried("node-b", "timeout", "i/o timeout: no connection within 3s")
TLS = tried("node-b", "tls", "remote error: tls: internal error")
DOWN = api("dial tcp 192.0.2.12:10250: connect: connection refused")
SILENT = api("dial tcp 192.0.2.12:10250: i/o timeout")
ALERT = api("remote error: tls: internal error")
HUSH = Answer(path=PATH, proxied=True, failure="no-answer", message="i/o timeout: no answer within 6s")
GOOD = good("node-b")


@pytest.mark.parametrize(
    ("attempt", "answers", "id_", "seen"),
    [
        (REFUSED, [DOWN], "KM721", "connect: connection refused"),
        (REFUSED, [], "KM721", "connect: connection refused"),
        (REFUSED, [NO_PROXY], "KM721", "connect: connection refused"),
        (TIMEOUT, [DOWN], "KM721", "i/o timeout: no connection within 3s"),
        (
            None,
            [DOWN],
            "KM721",
            "error trying to reach service: dial tcp 192.0.2.12:10250: connect: connection refused",
        ),
        (TIMEOUT, [SILENT], "KM722", "i/o timeout: no connection within 3s"),
        (TIMEOUT, [HUSH], "KM722", "i/o timeout: no connection within 3s"),
        (REFUSED, [HUSH], "KM721", "connect: connection refused"),
        (None, [api("No agent available")], "KM722", "error trying to reach service: No agent available"),
        (TLS, [ALERT], "KM730", "remote error: tls: internal error"),
        (TLS, [], "KM730", "remote error: tls: internal error"),
        (TIMEOUT, [ALERT], "KM730", "i/o timeout: no connection within 3s"),
        (GOOD, [own(401, "Unauthorized")], "KM731", "HTTP 401: Unauthorized"),
        (
            GOOD,
            [own(403, "Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource=metrics)")],
            "KM732",
            "HTTP 403: Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource=metrics)",
        ),
        (GOOD, [own(0, "malformed HTTP response", failure="not-http")], "KM735", "not-http: malformed HTTP response"),
        (GOOD, [own(302, "")], "KM735", "HTTP 302"),
        (
            GOOD,
            [own(200, scrape=Scrape(unparsable="line 1: expected a sample"), content_type="text/html")],
            "KM735",
            "line 1: expected a sample (Content-Type: text/html)",
        ),
        (GOOD, [own(404, "404 page not found")], "KM736", "HTTP 404: 404 page not found"),
        (GOOD, [own(500, "runtime is down")], "KM737", "HTTP 500: runtime is down"),
        (REFUSED, [own(500, "runtime is down", proxied=True)], "KM737", "HTTP 500: runtime is down"),
        (TIMEOUT, [own(500, "runtime is down", proxied=True)], "KM737", "HTTP 500: runtime is down"),
        (GOOD, [own(0, "i/o timeout: no answer within 10s", failure="no-answer")], "KM737", "no-answer: i/o timeout: "),
    ],
)
def test_a_fault(attempt: Attempt | None, answers: list[Answer], id_: str, seen: str) -> None:
    evidence = healthy()
    probe(evidence, "node-b", attempt, *answers)
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert found(verdict)[0] == (id_, E, None)
    # Nothing else is wrong, and the missing metrics are a symptom.
    assert ("KM801", E, id_) in found(verdict)
    assert [cause for _, severity, cause in found(verdict) if severity is not I][1:] == [id_]
    one = of(verdict, id_)
    assert one.affected == ["node-b"]
    assert one.evidence[0].object == "kubelet of node-b"
    assert one.evidence[0].value.startswith(seen)


@pytest.mark.parametrize(
    ("attempt", "answer", "remedy"),
    [
        (TLS, ALERT, "kubectl get csr"),
        (
            tried("node-b", "tls", "tls: first record does not look like a TLS handshake"),
            api("tls: first record does not look like a TLS handshake"),
            "ss -lntp | grep 10250  # on these nodes",
        ),
    ],
)
def test_a_kubelet_without_a_certificate_is_told_from_something_else(
    attempt: Attempt, answer: Answer, remedy: str
) -> None:
    evidence = healthy()
    probe(evidence, "node-b", attempt, answer)
    lose(evidence, "node-b")
    assert of(judge(evidence), "KM730").remedy.startswith(remedy)


def test_both_views_are_evidence() -> None:
    evidence = healthy()
    probe(evidence, "node-b", REFUSED, DOWN)
    lose(evidence, "node-b")
    proofs = of(judge(evidence), "KM721").evidence
    assert [proof.field for proof in proofs] == [
        "InternalIP 192.0.2.12, port 10250, from here",
        "as the API server sees it",
    ]


@pytest.mark.parametrize(
    ("attempt", "answers", "expected"),
    [
        # metrics-server has its metrics, so what does not go from here says little ...
        (REFUSED, [], []),
        (TIMEOUT, [], []),
        (TIMEOUT, [NO_PROXY], [("KM733", I)]),
        (TLS, [], []),
        (GOOD, [own(401, "Unauthorized")], []),
        (GOOD, [own(403, "Forbidden (user=system:anonymous, ...)")], []),
        (GOOD, [own(404, "404 page not found")], []),
        (GOOD, [own(200, scrape=Scrape(unparsable="line 1"))], []),
        (GOOD, [own(403, "Forbidden (user=dev, verb=get, resource=nodes)"), NO_PROXY], [("KM733", I)]),
        # ... more if the API server has no luck either ...
        (REFUSED, [DOWN], [("KM721", I)]),
        (TIMEOUT, [SILENT], [("KM722", I)]),
        (TIMEOUT, [HUSH], [("KM722", I)]),
        # ... and what fails once may fail again.
        (GOOD, [own(500, "runtime is down")], [("KM737", W)]),
        (GOOD, [own(0, "no answer", failure="no-answer")], [("KM737", W)]),
        (GOOD, [own(0, "no answer", failure="no-answer", proxied=True)], []),
    ],
)
def test_metrics_server_has_no_trouble(
    attempt: Attempt, answers: list[Answer], expected: list[tuple[str, Severity]]
) -> None:
    evidence = healthy()
    probe(evidence, "node-b", attempt, *answers)
    assert found(judge(evidence)) == [(id_, severity, None) for id_, severity in expected]


@pytest.mark.parametrize("attempt", [REFUSED, TIMEOUT, TLS])
def test_the_api_server_gets_through(attempt: Attempt) -> None:
    """From a laptop there is no way to any node, and nothing is wrong."""
    evidence = healthy()
    answer = kubelet("node-b").answers[0]
    answer.proxied = True
    probe(evidence, "node-b", attempt, answer)
    assert found(judge(evidence)) == []
    lose(evidence, "node-b")
    assert found(judge(evidence), "KM7") == []


def test_what_is_seen_only_from_here_is_no_error() -> None:
    evidence = healthy()
    probe(evidence, "node-b", TIMEOUT)
    lose(evidence, "node-b")
    verdict = judge(evidence)
    assert of(verdict, "KM722").severity is W
    assert of(verdict, "KM722").title == "Kubelets without metrics cannot be reached from here"
    assert of(verdict, "KM801").symptom_of is None


def test_names_that_we_cannot_resolve_are_no_obstacle() -> None:
    evidence = healthy()
    made = probe(evidence, "node-b", TIMEOUT)
    made.attempts.append(Attempt(type="Hostname", address="node-b", port=10250, failure="dns", message="no such host"))
    lose(evidence, "node-b")
    assert of(judge(evidence), "KM722").severity is W
    made.attempts.pop(0)
    assert found(judge(evidence), "KM7") == []


# ---- with what is known of metrics-server ----


def test_a_node_that_is_not_ready_is_why() -> None:
    evidence = healthy()
    for node in evidence.nodes.get():
        if node.metadata.name == "node-b":
            node.status.conditions = [condition("Ready", "Unknown", "NodeStatusUnknown")]
    probe(evidence, "node-b", REFUSED, DOWN)
    lose(evidence, "node-b")
    assert found(judge(evidence)) == [("KM701", E, None), ("KM721", E, "KM701"), ("KM801", E, "KM701")]


def test_all_kubelets_fail_and_metrics_server_is_not_ready() -> None:
    evidence = healthy()
    for name in NODES:
        probe(evidence, name, good(name), own(500, "runtime is down"))
    pod = evidence.service_pods.get()[0]
    pod.status.conditions = [condition("Ready", "False", "ContainersNotReady")]
    evidence.node_metrics, evidence.pod_metrics = failed("list nodes.metrics.k8s.io"), failed("list pods")
    verdict = judge(evidence)
    assert ("KM737", E, None) in found(verdict)
    assert ("KM506", E, "KM737") in found(verdict)
    assert pod.metadata.name == SERVER_POD


def test_metrics_k8s_io_does_not_answer_for_another_reason() -> None:
    """metrics-server is ready: so it has metrics, and what is seen from here is not known to matter."""
    evidence = healthy()
    evidence.node_metrics, evidence.pod_metrics = failed("list nodes.metrics.k8s.io"), failed("list pods")
    probe(evidence, "node-b", REFUSED, DOWN)
    probe(evidence, "node-c", tried("node-c", "timeout"))
    assert found(judge(evidence), "KM7") == [("KM721", W, None)]


def test_nothing_is_known_of_metrics_server() -> None:
    evidence = healthy()
    evidence.node_metrics, evidence.pod_metrics = failed("list nodes.metrics.k8s.io"), failed("list pods")
    evidence.service_pods = refused("list pods in kube-system")
    probe(evidence, "node-b", REFUSED, DOWN)
    probe(evidence, "node-c", good("node-c"), own(404))
    assert found(judge(evidence), "KM7") == [("KM721", W, None), ("KM736", W, None)]


def test_just_started() -> None:
    evidence = healthy()
    statuses = evidence.service_pods.get()[0].status.container_statuses
    assert statuses is not None and statuses[0].state.running is not None
    statuses[0].state.running.started_at = at(seconds=20)
    probe(evidence, "node-b", REFUSED, DOWN)
    lose(evidence, *NODES)
    assert found(judge(evidence), "KM7", "KM8") == [("KM721", W, None), ("KM812", I, None)]
    evidence.node_metrics = ok([node_metrics("node-a")])  # of others it has metrics already
    assert found(judge(evidence), "KM7", "KM8") == [("KM721", E, None)]


# ---- particular ones ----


def test_webhook_off() -> None:
    evidence = healthy()
    made = probe(evidence, "node-b", GOOD, own(401, "Unauthorized"))
    made.authentication = KubeletAuthentication(webhook=False, anonymous=False)
    lose(evidence, "node-b")
    assert [proof.value for proof in of(judge(evidence), "KM731").evidence] == [
        "HTTP 401: Unauthorized",
        "false",
        "false",
    ]
    assert found(judge(evidence), "KM73") == [("KM731", E, None)]


@pytest.mark.parametrize(("anonymous", "id_"), [(False, "KM731"), (None, "KM731"), (True, "KM732")])
def test_webhook_off_and_we_have_a_client_certificate(anonymous: bool | None, id_: str) -> None:
    evidence = healthy()
    evidence.kubelets[1].authentication = KubeletAuthentication(webhook=False, anonymous=anonymous)
    assert found(judge(evidence)) == []
    lose(evidence, "node-b")
    assert found(judge(evidence)) == [(id_, E, None), ("KM801", E, id_)]


def test_forbidden() -> None:
    evidence = healthy()
    evidence.connected.user = "dev o'brien"
    for name in NODES:
        probe(evidence, name, good(name), own(403, "Forbidden (user=dev, verb=get, resource=nodes)"), NO_PROXY)
    one = of(judge(evidence), "KM733")
    assert (one.severity, one.affected) == (I, list(NODES))
    assert one.remedy.endswith("--clusterrole=kubelet-metrics --user='dev o'\"'\"'brien'")
    evidence.connected.user = ""
    assert "--user" not in of(judge(evidence), "KM733").remedy


@pytest.mark.parametrize(
    ("seconds", "lost", "expected"),
    [
        (4.9, False, []),
        (5.0, False, [("KM734", W)]),
        (11.0, False, [("KM734", W)]),
        (11.0, True, [("KM734", E)]),
    ],
)
def test_slow(seconds: float, lost: bool, expected: list[tuple[str, Severity]]) -> None:
    evidence = healthy()
    evidence.kubelets[1].answers[0].seconds = seconds
    if lost:
        lose(evidence, "node-b")
    verdict = judge(evidence)
    assert [(id_, severity) for id_, severity, cause in found(verdict) if cause is None] == expected
    if expected:
        assert of(verdict, "KM734").evidence[0].value == f"took {seconds:.1f} s of 10 s"
    evidence.connected.seconds = 0.6  # everything is slow from here
    assert found(judge(evidence), "KM734") == []


def test_slow_for_a_short_timeout() -> None:
    evidence = healthy()
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None and containers[0].args is not None
    containers[0].args.append("--kubelet-request-timeout=2s")
    evidence.kubelets[1].answers[0].seconds = 3.0
    assert of(judge(evidence), "KM734").evidence[0].value == "took 3.0 s of 2 s"


def test_a_wrong_annotation() -> None:
    evidence = healthy()
    node = next(one for one in evidence.nodes.get() if one.metadata.name == "node-b")
    node.metadata.annotations = k8s.Annotations(metrics_path="/wrong")
    probe(evidence, "node-b", GOOD, Answer(path="/wrong", status=404))
    lose(evidence, "node-b")
    one = of(judge(evidence), "KM736")
    assert one.title == "The annotation that moves the kubelet's metrics names a wrong path"
    assert one.evidence[-1].value == "/wrong"
    assert one.remedy == "kubectl annotate node node-b metrics.k8s.io/resource-metrics-path-"


def test_health_is_another_question() -> None:
    evidence = healthy()
    evidence.kubelets[1].answers += [
        Answer(path="/healthz", status=500, message="no"),
        Answer(path="/configz", status=404),
        Answer(path="/configz", status=403, by_api=True, proxied=True, message="no"),
    ]
    assert found(judge(evidence)) == []


def test_two_faults_are_two() -> None:
    evidence = healthy()
    probe(evidence, "node-b", REFUSED, DOWN)
    probe(evidence, "node-c", good("node-c"), own(404))
    lose(evidence, "node-b", "node-c")
    verdict = judge(evidence)
    assert [(one.id, one.affected, one.symptom_of) for one in verdict.findings if one.severity is E] == [
        ("KM721", ["node-b"], None),
        ("KM801", ["node-b"], "KM721"),
        ("KM736", ["node-c"], None),
        ("KM801", ["node-c"], "KM736"),
    ]


def test_remedies_name_the_deployment_that_there_is() -> None:
    evidence = healthy()
    evidence.deployments.get()[0].metadata.name = "ms-metrics-server"
    evidence.kubelets[0].answers[0].seconds = 11.0
    probe(evidence, "node-b", TIMEOUT, HUSH)
    lose(evidence, "node-b")
    verdict = judge(evidence)
    for id_ in ("KM722", "KM734"):
        assert "-n kube-system deployment/ms-metrics-server" in of(verdict, id_).remedy
    probe(evidence, "node-b", TIMEOUT)
    assert "-n kube-system deployment/ms-metrics-server" in of(judge(evidence), "KM722").remedy


def test_other_remedies_do_so_too() -> None:
    evidence = healthy()
    evidence.deployments.get()[0].metadata.name = "ms-metrics-server"
    evidence.nodes.get()[1].status.addresses = []
    lose(evidence, "node-b")
    evidence.node_metrics.get()[0].timestamp = at(hours=1)
    verdict = judge(evidence)
    assert of(verdict, "KM702").remedy.startswith("kubectl -n kube-system edit deployment ms-metrics-server ")
    assert "kubectl logs -n kube-system deployment/ms-metrics-server" in of(verdict, "KM808").remedy


def test_the_right_depends_on_who_has_refused() -> None:
    evidence = healthy()
    evidence.connected.user = "dev"
    probe(evidence, "node-b", TIMEOUT, NO_PROXY)
    assert of(judge(evidence), "KM733").remedy.startswith(
        "kubectl create clusterrole kubelet-proxy --verb=get --resource=nodes/proxy && "
    )
    probe(evidence, "node-b", GOOD, own(403, "Forbidden (user=dev, verb=get, resource=nodes)"), NO_PROXY)
    assert "--resource=nodes/metrics,nodes/stats" in of(judge(evidence), "KM733").remedy
    evidence.connected.user = ""
    probe(evidence, "node-b", TIMEOUT, NO_PROXY)
    assert "nodes/proxy  # and a clusterrolebinding" in of(judge(evidence), "KM733").remedy


# ---- nothing to see ----

CONNECTIONS = {"KM721", "KM722", "KM730"}
RIGHTS = {"KM731", "KM732", "KM733"}
ANSWERS = {"KM734", "KM735", "KM736", "KM737", "KM803", "KM804", "KM810", "KM813"}
CERTIFICATES = {"KM723", "KM724", "KM725", "KM726", "KM729"}


@pytest.mark.parametrize(
    ("attempt", "answers", "unchecked", "message"),
    [
        (TIMEOUT, [], CONNECTIONS | RIGHTS | ANSWERS | CERTIFICATES, "no kubelet could be reached from here"),
        (REFUSED, [], CONNECTIONS | RIGHTS | ANSWERS | CERTIFICATES, "no kubelet could be reached from here"),
        (TIMEOUT, kubelet("node-b").answers, set(), ""),  # through the API server; metrics-server accepts them
        (GOOD, [own(403, "Forbidden (user=dev, verb=get, resource=nodes)")], ANSWERS, "they refuse this user"),
        (GOOD, kubelet("node-b").answers, set(), ""),
    ],
)
def test_what_could_not_be_seen_has_not_passed(
    attempt: Attempt, answers: list[Answer], unchecked: set[str], message: str
) -> None:
    """metrics-server has its metrics: there is nothing to warn of."""
    evidence = healthy()
    for name in NODES:
        probe(evidence, name, good(name) if attempt is GOOD else attempt, *answers)
    verdict = judge(evidence)
    assert {one.id for one in verdict.not_checked} == unchecked
    assert not unchecked & set(verdict.passed)
    assert {one.reason for one in verdict.not_checked} == ({message} if message else set())
    assert [one for one in verdict.findings if one.severity is not I] == []
    (stage,) = [one for one in verdict.stages if one.category.value == "kubelets"]
    answered = any(one.status == 200 for one in answers)
    assert (stage.outcome == "ok") is answered
    probe(evidence, "node-c", good("node-c"), *kubelet("node-c").answers)  # where one has answered it is judged
    assert judge(evidence).not_checked == []


def test_certificates_that_nobody_could_see() -> None:
    evidence = healthy()
    for name in NODES:
        probe(evidence, name, tried(name, "timeout"), *kubelet(name).answers)
    lose(evidence, "node-b")
    assert {(one.id, one.needs) for one in judge(evidence).not_checked} == {
        (id_, "the kubelets' certificates") for id_ in CERTIFICATES
    }


def test_no_kubelet_was_asked() -> None:
    evidence = healthy()
    evidence.kubelets, evidence.kubelets_chosen = [], "0 of 3"
    verdict = judge(evidence)
    assert {one.id for one in verdict.not_checked} == CONNECTIONS | RIGHTS | ANSWERS | CERTIFICATES
    assert {one.reason for one in verdict.not_checked} == {"no kubelet was asked"}
    (stage,) = [one for one in verdict.stages if one.category.value == "kubelets"]
    assert (stage.outcome, stage.seen) == ("unknown", "none was asked")
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None and containers[0].args is not None
    containers[0].args.append("--kubelet-insecure-tls")  # then certificates do not matter
    assert set(judge(evidence).passed) >= CERTIFICATES


def test_nobody_was_asked() -> None:
    evidence = healthy()
    evidence.kubelets = []
    assert found(judge(evidence)) == []
    evidence.kubelets = [KubeletProbe(), KubeletProbe(node="gone", attempts=[TIMEOUT], answers=[own(404), NO_PROXY])]
    evidence.nodes = refused("list nodes")
    assert found(judge(evidence)) == []
