"""KM3xx: the way from the API server to metrics-server, and how the two trust each other.

The texts of the API server are as recorded from 1.34, or as its users have reported them.
"""

from __future__ import annotations

import base64

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import REFUSED, Evidence, Log, Read
from kubectl_metrics.diagnosis.facts.complaint import Kind, kind, target
from kubectl_metrics.diagnosis.findings import Severity
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import (
    NODES,
    SERVER_LABELS,
    absent,
    api_server_pod,
    at,
    condition,
    failed,
    healthy,
    kube_proxy_pod,
    of,
    ok,
    pem,
    pod,
    refused,
    roots,
    without_metrics,
)

CLUSTER_IP, POD_IP = "10.96.81.101", "10.244.0.4"
CHECK = "failing or missing response from https://{0}/apis/metrics.k8s.io/v1beta1: "
GET = 'Get "https://{0}/apis/metrics.k8s.io/v1beta1": '
STATUS = "bad status from https://{0}/apis/metrics.k8s.io/v1beta1: {1}"
REACH = "error trying to reach service: "
TIMEOUTS = [
    "context deadline exceeded",
    "dial tcp {0}: i/o timeout",
    "dial tcp {0}: connect: no route to host",
    "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
    "net/http: TLS handshake timeout",
]
WRONG_NAME = (
    "tls: failed to verify certificate: x509: certificate is valid for localhost, localhost, "
    "not metrics-server.kube-system.svc"
)
UNKNOWN_CA = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
ENCODED = {name: base64.b64encode(pem(name).encode()).decode() for name in ("old-ca", "new-ca")}


def unavailable(text: str, address: str = f"{POD_IP}:10250") -> Evidence:
    """The API server's own check fails like that."""
    evidence = healthy()
    without_metrics(evidence, message=(CHECK + text).format(address))
    return evidence


def unreachable(text: str = TIMEOUTS[0], address: str = f"{POD_IP}:10250") -> Evidence:
    """The API server's packets do not arrive; its Service proxy's do not either."""
    evidence = unavailable(GET + text, address)
    evidence.readyz = evidence.livez = failed("get services/proxy in kube-system", 503, "error trying to reach service")
    return evidence


def turned_away(text: str, status: int = 503) -> Evidence:
    """The condition is true, and requests end with a text."""
    evidence = healthy()
    evidence.node_metrics = failed("list nodes.metrics.k8s.io", status, text)
    evidence.pod_metrics = failed("list pods.metrics.k8s.io", status, text)
    return evidence


def values(evidence: Evidence, check_id: str) -> list[tuple[str, str]]:
    """Field and value of the evidence of a finding."""
    return [(one.field, one.value) for one in of(judge(evidence), check_id).evidence]


# ---- the texts ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service unavailable", Kind.NOTHING),
        ("", Kind.NOTHING),
        *((CHECK + GET + text, Kind.UNREACHABLE) for text in TIMEOUTS),
        ("timed out waiting for https://10.0.0.1:443/apis/metrics.k8s.io/v1beta1", Kind.UNREACHABLE),
        (GET + "dial tcp {0}: connect: connection refused", Kind.REFUSED),
        (CHECK + STATUS, Kind.STATUS),
        (REACH + WRONG_NAME, Kind.CERTIFICATE_NAME),
        (REACH + "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
         Kind.CERTIFICATE_NAME),
        (REACH + "x509: certificate relies on legacy Common Name field, use SANs instead", Kind.CERTIFICATE_NAME),
        (REACH + UNKNOWN_CA, Kind.CERTIFICATE_AUTHORITY),
        (REACH + "x509: certificate has expired or is not yet valid: current time 2026-03-02T10:00:00Z is after",
         Kind.CERTIFICATE_TIME),
        (CHECK + GET + "Forbidden", Kind.PROXY),
        (CHECK + GET + "Bad Gateway", Kind.PROXY),
        (CHECK + GET + "proxyconnect tcp: dial tcp 10.1.1.1:3128: i/o timeout", Kind.PROXY),
        (CHECK + GET + "No agent available", Kind.TUNNEL),
        (CHECK + GET + "proxy error from 127.0.0.1:6443 while dialing {0}, code 502: 502 Bad Gateway", Kind.TUNNEL),
        (CHECK + GET + "http: server gave HTTP response to HTTPS client", Kind.OTHER),
        (CHECK + GET + "EOF", Kind.OTHER),
    ],
)  # fmt: skip
def test_texts_are_told_apart(text: str, expected: Kind) -> None:
    assert kind(text.format("10.0.0.1:443", "503")) is expected


def test_the_address_that_was_dialled() -> None:
    assert target(CHECK.format("10.96.0.9:443")) == ("10.96.0.9", 443)
    assert target(CHECK.format("[fd00::9]:10250")) == ("fd00::9", 10250)
    assert target(REACH + "dial tcp 10.244.0.4:10250: i/o timeout") == (POD_IP, 10250)
    assert target("service unavailable") is None


# ---- KM301, KM302 ----


@pytest.mark.parametrize("text", TIMEOUTS)
def test_the_api_server_reaches_nothing(text: str) -> None:
    found = judge(unreachable(text))
    assert roots(found) == ["KM301"]
    assert of(found, "KM205").symptom_of == "KM301"
    one = of(found, "KM301")
    assert one.remedy.startswith("curl -k https://10.244.0.4:10250/livez  # on a control-plane node")
    assert one.evidence[-1].value == f"{POD_IP}, not the Service's ClusterIP, so an endpoint's"


def test_the_condition_is_still_true_while_requests_time_out() -> None:
    evidence = turned_away(REACH + "dial tcp 10.244.0.4:10250: i/o timeout")
    evidence.readyz = evidence.livez = failed("get services/proxy in kube-system", 503, "x")
    assert roots(judge(evidence)) == ["KM301"]


def test_without_an_endpoint_the_text_of_the_check_is_old() -> None:
    evidence = unreachable()
    endpoints = evidence.endpoint_slices.get()[0].endpoints
    assert endpoints is not None
    endpoints[0].conditions.ready = False
    found = judge(evidence)
    assert "KM301" in [one.id for one in found.skipped]


def test_an_address_from_a_bundle_is_no_command() -> None:
    evidence = unreachable()
    endpoints = evidence.endpoint_slices.get()[0].endpoints
    assert endpoints is not None
    endpoints[0].addresses = ["x;rm -rf /"]
    assert "rm -rf" not in of(judge(evidence), "KM301").remedy


def no_kube_proxy() -> Evidence:
    """The ClusterIP leads nowhere on node-a, the pod is reached."""
    evidence = unreachable(address=f"{CLUSTER_IP}:443")
    evidence.kube_proxies = ok([kube_proxy_pod(name) for name in NODES[1:]])
    return evidence


def test_no_kube_proxy_beside_the_api_server() -> None:
    found = judge(no_kube_proxy())
    assert roots(found) == ["KM302"]
    assert of(found, "KM301").symptom_of == "KM302"
    assert [one.object for one in of(found, "KM302").evidence if one.object.startswith("Node")] == ["Node node-a"]
    assert of(found, "KM302").title == "The API server cannot reach ClusterIPs: no kube-proxy beside it"


def test_the_pod_is_reached_and_its_service_is_not() -> None:
    evidence = unavailable(GET + TIMEOUTS[0], f"{CLUSTER_IP}:443")
    evidence.kube_proxies = evidence.control_plane = refused("list pods in kube-system")
    assert roots(judge(evidence)) == ["KM302"]
    assert ("status", "200: the pod itself is reached") in values(evidence, "KM302")
    assert of(judge(evidence), "KM302").title == "The API server cannot reach ClusterIPs"


def test_kube_proxy_is_seen_beside_each_api_server() -> None:
    evidence = unavailable(GET + TIMEOUTS[0], f"{CLUSTER_IP}:443")
    assert evidence.readyz.ok
    assert roots(judge(evidence)) == ["KM301"]


@pytest.mark.parametrize(("seconds", "found"), [(30, "KM301"), (90, "KM302")])
def test_a_server_that_has_just_become_ready_made_the_check_time_out(seconds: float, found: str) -> None:
    evidence = no_kube_proxy()
    conditions = [condition("Ready", since=at(seconds=seconds))]
    evidence.service_pods.get()[0].status.conditions = conditions
    assert roots(judge(evidence)) == [found]


@pytest.mark.parametrize("change", ["everywhere", "nowhere", "pod"])
def test_kube_proxy_is_not_to_blame(change: str) -> None:
    evidence = no_kube_proxy()
    if change == "everywhere":
        evidence.kube_proxies = healthy().kube_proxies
    elif change == "nowhere":  # something else does what kube-proxy does
        evidence.kube_proxies = ok([])
    else:
        evidence = unreachable()
        evidence.kube_proxies = ok([kube_proxy_pod(name) for name in NODES[1:]])
    assert roots(judge(evidence)) == ["KM301"]


def test_a_kube_proxy_that_is_not_ready_does_not_count() -> None:
    evidence = unreachable(address=f"{CLUSTER_IP}:443")
    evidence.kube_proxies.get()[0].status.conditions = [condition("Ready", "False")]
    assert roots(judge(evidence)) == ["KM302"]


# ---- KM303 ----


def policy(*rules: k8s.NetworkPolicyRule, **selector: str) -> k8s.NetworkPolicy:
    """A policy for ingress to metrics-server."""
    return k8s.NetworkPolicy(
        metadata=k8s.Metadata(name="deny", namespace="kube-system"),
        spec=k8s.NetworkPolicySpec(
            pod_selector=k8s.LabelSelector(match_labels=selector or None), policy_types=["Ingress"], ingress=list(rules)
        ),
    )


PODS = k8s.NetworkPolicyPeer(namespace_selector=k8s.LabelSelector())
BLOCK = k8s.NetworkPolicyPeer(ip_block=k8s.IPBlock(cidr="192.0.2.0/24"))


@pytest.mark.parametrize(
    "one",
    [
        policy(),
        policy(k8s.NetworkPolicyRule(ingress_from=[PODS])),
        policy(k8s.NetworkPolicyRule(ports=[k8s.NetworkPolicyPort(port=443)])),
        policy(k8s.NetworkPolicyRule(ports=[k8s.NetworkPolicyPort(port="metrics")], ingress_from=[BLOCK])),
        policy(**SERVER_LABELS),
    ],
)
def test_a_network_policy_keeps_the_api_server_out(one: k8s.NetworkPolicy) -> None:
    evidence = unreachable()
    evidence.network_policies = ok([one])
    found = judge(evidence)
    assert roots(found) == ["KM303"]
    assert of(found, "KM301").symptom_of == "KM303"
    assert of(found, "KM303").remedy.startswith("kubectl -n kube-system edit networkpolicy deny")
    said = "lets in only what is selected by labels, or on other ports" if one.spec.ingress else "lets nobody in"
    assert of(found, "KM303").evidence[-1].value == said


@pytest.mark.parametrize(
    "several",
    [
        [policy(k8s.NetworkPolicyRule())],
        [policy(k8s.NetworkPolicyRule(ingress_from=[PODS, BLOCK]))],
        [policy(k8s.NetworkPolicyRule(ports=[k8s.NetworkPolicyPort(port="https")]))],
        [policy(k8s.NetworkPolicyRule(ports=[k8s.NetworkPolicyPort(port=10000, end_port=11000)]))],
        [policy(), policy(k8s.NetworkPolicyRule(ports=[k8s.NetworkPolicyPort(port=10250)]))],
        [policy(app="web")],
    ],
)
def test_policies_that_let_the_api_server_in(several: list[k8s.NetworkPolicy]) -> None:
    evidence = unreachable()
    evidence.network_policies = ok(several)
    assert roots(judge(evidence)) == ["KM301"]


def test_a_policy_for_egress_keeps_nobody_out() -> None:
    evidence = unreachable()
    evidence.network_policies = ok([policy()])
    evidence.network_policies.get()[0].spec.policy_types = ["Egress"]
    assert "KM303" in judge(evidence).passed


def test_a_policy_is_not_about_pods_in_the_network_of_their_node() -> None:
    evidence = unreachable()
    evidence.network_policies = ok([policy()])
    evidence.service_pods.get()[0].spec.host_network = True
    assert roots(judge(evidence)) == ["KM301"]


@pytest.mark.parametrize("state", ["works", "tunnel", "reached"])
def test_a_policy_is_not_blamed_without_need(state: str) -> None:
    evidence = healthy() if state == "works" else unreachable()
    evidence.network_policies = ok([policy()])
    if state == "tunnel":
        evidence.tunnels = ok([pod("kube-system", "konnectivity-agent-1", "node-b")])
    elif state == "reached":
        evidence.readyz = healthy().readyz
    assert "KM303" in judge(evidence).passed


# ---- KM304, KM305 ----


def test_a_proxy_answers_for_metrics_server() -> None:
    evidence = unavailable(GET + "Forbidden")
    assert roots(judge(evidence)) == ["KM304"]


def proxied(*no_proxy: str) -> Evidence:
    """kube-apiserver has a proxy in its environment, and reaches nothing."""
    evidence = unreachable()
    server = api_server_pod()
    assert server.spec.containers is not None
    server.spec.containers[0].env = [
        k8s.EnvVar(name="HTTPS_PROXY", value="http://me:secret@10.1.1.1:3128"),
        *(k8s.EnvVar(name="no_proxy", value=text) for text in no_proxy),
    ]
    evidence.control_plane = ok([server])
    return evidence


def test_the_environment_of_the_api_server_has_a_proxy() -> None:
    evidence = proxied("10.96.0.0/12,.svc")
    found = judge(evidence)
    assert roots(found) == ["KM304"]
    assert of(found, "KM301").symptom_of == "KM304"
    assert values(evidence, "KM304")[1:] == [
        ("spec.containers[].env[HTTPS_PROXY]", "10.1.1.1:3128"),
        ("spec.containers[].env[NO_PROXY]", "10.96.0.0/12,.svc"),
    ]
    assert values(proxied(), "KM304")[-1][1] == "not set"


@pytest.mark.parametrize("no_proxy", ["localhost, 10.244.0.0/16", "10.244.0.4", "*"])
def test_the_proxy_is_not_for_metrics_server(no_proxy: str) -> None:
    assert roots(judge(proxied(no_proxy))) == ["KM301"]


def test_a_refusal_is_no_proxys() -> None:
    evidence = proxied()
    without_metrics(
        evidence, message=(CHECK + GET + "dial tcp {0}: connect: connection refused").format("10.244.0.4:10250")
    )
    assert roots(judge(evidence)) == ["KM407"]


def test_the_proxy_does_no_harm() -> None:
    evidence = proxied()
    evidence.api_services, evidence.node_metrics = healthy().api_services, healthy().node_metrics
    evidence.pod_metrics = healthy().pod_metrics
    assert "KM304" in judge(evidence).passed


@pytest.mark.parametrize(
    "text", ["No agent available", "proxy error from 127.0.0.1:6443 while dialing {0}, code 502: 502 Bad Gateway"]
)
def test_the_tunnel_is_down(text: str) -> None:
    assert roots(judge(unavailable(GET + text))) == ["KM305"]


def test_agents_that_are_down_are_named() -> None:
    evidence = unavailable(GET + "No agent available")
    evidence.tunnels = ok([pod("kube-system", f"konnectivity-agent-{name}", name) for name in NODES])
    evidence.tunnels.get()[1].status.conditions = None
    said = [(one.object, one.field) for one in of(judge(evidence), "KM305").evidence]
    assert said == [
        ("APIService v1beta1.metrics.k8s.io", "status.conditions[Available].message"),
        ("Pod kube-system/konnectivity-agent-node-b", "status.conditions[Ready]"),
    ]


def test_no_agent_of_the_tunnel_is_ready() -> None:
    evidence = unreachable()
    agents = [pod("kube-system", f"konnectivity-agent-{name}", name) for name in NODES]
    evidence.tunnels = ok(agents)
    assert roots(judge(evidence)) == ["KM301"]
    for one in agents:
        one.status.conditions = [condition("Ready", "False")]
    found = judge(evidence)
    assert roots(found) == ["KM305"]
    assert of(found, "KM301").symptom_of == "KM305"


# ---- KM306, KM307, KM312 ----


def verified(text: str, bundle: str | None = ENCODED["old-ca"], *more: str) -> Evidence:
    """The API server verifies metrics-server's certificate, and does not like it."""
    evidence = turned_away(REACH + text)
    evidence.api_services.get()[0].spec.insecure_skip_tls_verify = False
    evidence.api_services.get()[0].spec.ca_bundle = bundle
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None
    containers[0].args = [*(containers[0].args or ()), *more]
    return evidence


DO_NOT_VERIFY = (
    "kubectl patch apiservice v1beta1.metrics.k8s.io --type=merge -p "
    '\'{"spec":{"insecureSkipTLSVerify":true,"caBundle":null}}\''
)


@pytest.mark.parametrize("bundle", [None, ENCODED["old-ca"]])
def test_the_certificate_is_for_another_name(bundle: str | None) -> None:
    evidence = verified(WRONG_NAME, bundle)
    found = judge(evidence)
    assert roots(found) == ["KM307"]
    assert of(found, "KM206").symptom_of == "KM307"
    assert of(found, "KM307").remedy.startswith(DO_NOT_VERIFY)
    known = dict(values(evidence, "KM307"))
    assert known["HTTP 503"] == REACH + WRONG_NAME
    assert known["spec.insecureSkipTLSVerify"] == "false"
    assert known["spec.caBundle"] == ("CN=old-ca" if bundle else "none: only what the API server's machine trusts")


def test_a_certificate_that_was_issued_is_issued_again() -> None:
    evidence = verified(WRONG_NAME, ENCODED["old-ca"], "--tls-cert-file=/etc/tls/tls.crt")
    assert "metrics-server.kube-system.svc" in of(judge(evidence), "KM307").remedy


@pytest.mark.parametrize(("text", "check_id"), [(WRONG_NAME, "KM307"), (UNKNOWN_CA, "KM306")])
def test_who_may_read_little_sees_the_answer(text: str, check_id: str) -> None:
    evidence = verified(text)
    evidence.api_services = refused("list apiservices")
    evidence.deployments, evidence.service_pods = refused("list deployments"), refused("list pods in kube-system")
    found = judge(evidence)
    assert roots(found) == [check_id]
    assert [one.object for one in of(found, check_id).evidence] == [
        "GET nodes.metrics.k8s.io",
        "GET pods.metrics.k8s.io",
    ]


def test_the_pods_tell_whether_a_certificate_was_given() -> None:
    evidence = verified(UNKNOWN_CA)
    evidence.deployments = refused("list deployments")
    assert of(judge(evidence), "KM306").remedy.startswith(DO_NOT_VERIFY)
    containers = evidence.service_pods.get()[0].spec.containers
    assert containers is not None
    containers[0].args = ["--tls-cert-file=/etc/tls/tls.crt"]
    assert of(judge(evidence), "KM306").remedy.startswith("kubectl edit apiservice")


def test_the_certificate_is_of_an_unknown_ca() -> None:
    found = judge(verified(UNKNOWN_CA, ENCODED["old-ca"], "--tls-cert-file=/etc/tls/tls.crt"))
    assert roots(found) == ["KM306"]
    assert of(found, "KM306").remedy.startswith("kubectl edit apiservice v1beta1.metrics.k8s.io  # spec.caBundle")
    assert of(judge(verified(UNKNOWN_CA)), "KM306").remedy.startswith(f"{DO_NOT_VERIFY}  # switches verification off;")
    assert "as in metrics-server's manifest" in of(judge(verified(UNKNOWN_CA, None)), "KM306").remedy


def test_the_certificate_has_expired() -> None:
    evidence = verified(
        "x509: certificate has expired or is not yet valid: ...", ENCODED["old-ca"], "--tls-cert-file=x"
    )
    one = of(judge(evidence), "KM306")
    assert one.title == "metrics-server's serving certificate has expired or is not yet valid"
    assert one.remedy.startswith("kubectl -n kube-system rollout restart deployment/metrics-server")


def bundle(*parts: str) -> str:
    """caBundle with some certificates."""
    return base64.b64encode("".join(parts).encode()).decode()


def test_an_expired_ca_is_the_cause() -> None:
    evidence = verified(UNKNOWN_CA, bundle(pem("old", days=-1)))
    found = judge(evidence)
    assert roots(found) == ["KM312"]
    assert of(found, "KM306").symptom_of == "KM312"
    assert values(evidence, "KM312") == [
        ("spec.caBundle", "CN=old, valid from 2026-01-31T10:00:00Z until 2026-03-01T10:00:00Z")
    ]


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        ([pem("a", days=-1), pem("b", days=-2)], "The CA in the APIService's caBundle has expired"),
        ([pem("a", days=100, since=-1)], "The CA in the APIService's caBundle is not yet valid"),
        ([pem("a", days=13, since=400)], "The CA in the APIService's caBundle expires within two weeks"),
        (
            [pem("a", days=-1), pem("b", days=13, since=400)],
            "The CA in the APIService's caBundle expires within two weeks",
        ),
    ],
)
def test_the_bundle_is_a_warning_while_it_works(parts: list[str], title: str) -> None:
    evidence = healthy()
    evidence.api_services.get()[0].spec.ca_bundle = bundle(*parts)
    one = of(judge(evidence), "KM312")
    assert (one.severity, one.title) == (Severity.WARNING, title)


@pytest.mark.parametrize(
    "parts",
    [
        [pem("a")],
        [pem("a", days=15, since=400)],
        [pem("a", days=13)],
        [pem("a", days=-1), pem("b")],
        ["no certificate"],
    ],
)
def test_a_bundle_that_is_good_enough(parts: list[str]) -> None:
    evidence = healthy()
    evidence.api_services.get()[0].spec.ca_bundle = bundle(*parts)
    assert "KM312" in judge(evidence).passed


@pytest.mark.parametrize("encoded", [bundle("no certificate"), "not base64!", "a"])
def test_a_bundle_that_nobody_can_read(encoded: str) -> None:
    evidence = turned_away("unable to load root certificates: unable to parse bytes as PEM block", 500)
    evidence.api_services.get()[0].spec.ca_bundle = encoded
    found = judge(evidence)
    assert roots(found) == ["KM312"]
    assert of(found, "KM312").title == "The APIService's caBundle holds no certificate that can be read"


# ---- KM308 to KM311, KM313 ----


def data(evidence: Evidence) -> dict[str, str]:
    """The ConfigMap's."""
    found = evidence.authentication.get().data
    assert found is not None
    return found


def rejected() -> Evidence:
    """metrics-server answers 401."""
    return unavailable(STATUS.format("{0}", 401))


def anonymous() -> Evidence:
    """metrics-server answers 403 to the API server itself."""
    return unavailable(STATUS.format("{0}", 403))


def without_headers(evidence: Evidence) -> Evidence:
    """As recorded without --requestheader flags, or with an expired CA."""
    for key in [key for key in data(evidence) if key.startswith("requestheader")]:
        del data(evidence)[key]
    return evidence


def test_no_request_headers_are_published() -> None:
    evidence = without_headers(anonymous())
    evidence.control_plane = refused("list pods in kube-system")
    found = judge(evidence)
    assert roots(found) == ["KM313"]  # none is presented either
    assert of(found, "KM308").symptom_of == "KM313"
    assert [field for field, _ in values(evidence, "KM308")] == [
        "data[requestheader-client-ca-file]",
        "data[requestheader-username-headers]",
    ]


def test_the_configmap_is_not_there() -> None:
    evidence = healthy()
    without_metrics(evidence, "Strange")
    evidence.authentication = absent("get configmaps in kube-system")
    assert "KM308" in roots(judge(evidence))


def test_without_the_configmap_no_certificate_is_looked_at() -> None:
    evidence = anonymous()
    evidence.control_plane = ok([])
    assert roots(judge(evidence)) == ["KM313"]
    evidence.authentication = absent("get configmaps in kube-system")
    assert roots(judge(evidence)) == ["KM308"]


def test_an_empty_list_of_headers_is_none() -> None:
    evidence = healthy()
    without_metrics(evidence, "Strange")
    data(evidence)["requestheader-username-headers"] = "[]"
    assert values(evidence, "KM308") == [("data[requestheader-username-headers]", "[]")]


def test_metrics_server_may_have_its_own_flags() -> None:
    evidence = without_headers(unavailable("EOF"))
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None
    containers[0].args = ["--requestheader-client-ca-file=/ca.crt", "--requestheader-username-headers=X-Remote-User"]
    assert "KM308" in judge(evidence).passed


def test_what_works_is_not_to_be_missed() -> None:
    assert roots(judge(without_headers(healthy()))) == []


def test_the_front_proxys_certificate_is_rejected() -> None:
    found = judge(rejected())
    assert roots(found) == ["KM309"]
    assert of(found, "KM205").symptom_of == "KM309"
    assert [one.field for one in of(found, "KM309").evidence] == [
        "status.conditions[Available].message",
        "data[requestheader-allowed-names]",
        "data[requestheader-client-ca-file]",
    ]


def test_requests_are_answered_with_401() -> None:
    evidence = healthy()
    evidence.node_metrics = failed("list nodes.metrics.k8s.io", 401, "Unauthorized")
    evidence.pod_metrics = failed("list pods.metrics.k8s.io", 401, "Unauthorized")
    assert roots(judge(evidence)) == ["KM309"]


def logged(evidence: Evidence, *lines: str) -> Evidence:
    """With --logs."""
    evidence.logs = ok([Log(pod="kube-system/ms", container="metrics-server", lines=list(lines))])
    return evidence


NOT_ALLOWED = (
    'E0302 09:59:57.254886       1 authentication.go:75] "Unable to authenticate the request" err="[x509: subject with '
    'cn=front-proxy-client is not in the allowed list, verifying certificate SN=34 failed: x509: certificate signed by"'
)
NOT_SIGNED = (
    'E0302 09:59:58.254886       1 authentication.go:75] "Unable to authenticate the request" err="[x509: certificate '
    'signed by unknown authority, verifying certificate SN=34 failed: x509: certificate signed by unknown authority]"'
)


def test_the_log_says_which_it_is() -> None:
    found = judge(logged(rejected(), NOT_SIGNED, NOT_ALLOWED))
    assert roots(found) == ["KM311"]
    assert of(found, "KM309").symptom_of == "KM311"
    assert of(found, "KM311").title == "The front proxy's name is not in requestheader-allowed-names"
    assert roots(judge(logged(rejected(), NOT_ALLOWED, NOT_SIGNED))) == ["KM309"]  # the other one is over


def test_an_old_log_means_nothing_while_it_works() -> None:
    assert "KM311" in judge(logged(healthy(), NOT_ALLOWED)).passed


def test_no_front_proxy_has_such_a_name() -> None:
    evidence = rejected()
    data(evidence)["requestheader-allowed-names"] = '["somebody-else"]'
    found = judge(evidence)
    assert roots(found) == ["KM311"]
    assert of(found, "KM311").title == "The front proxy's name is probably not in requestheader-allowed-names"
    assert of(found, "KM311").evidence[-1].value == '["somebody-else"]'


@pytest.mark.parametrize("names", ["[]", '["somebody-else","aggregator"]', "garbage", '{"a": 1}', "[1]", "[" * 100_000])
def test_any_name_may_be_allowed(names: str) -> None:
    evidence = rejected()
    data(evidence)["requestheader-allowed-names"] = names
    assert roots(judge(evidence)) == ["KM309"]


def refused_as(user: str, ours: str = "kubernetes-admin") -> Evidence:
    """Somebody is refused."""
    evidence = healthy()
    evidence.connected.user = ours
    for name in ("nodes", "pods"):
        message = (
            f'{name}.metrics.k8s.io is forbidden: User "{user}" cannot list resource "{name}" in API group '
            '"metrics.k8s.io" at the cluster scope'
        )
        read: Read[object] = Read(what=f"list {name}.metrics.k8s.io", state=REFUSED, status=403, message=message)
        setattr(evidence, f"{name[:-1]}_metrics", read)
    return evidence


def test_another_user_is_refused_in_our_place() -> None:
    evidence = refused_as("aggregator")
    found = judge(evidence)
    assert "KM311" in roots(found)
    assert "(we are kubernetes-admin)" in of(found, "KM311").evidence[0].value
    assert "KM311" in roots(judge(refused_as("front-proxy-client", ours="")))


@pytest.mark.parametrize(("user", "ours"), [("kubernetes-admin", "kubernetes-admin"), ("jane", "")])
def test_we_are_refused_ourselves(user: str, ours: str) -> None:
    assert {"KM311", "KM313"} <= set(judge(refused_as(user, ours)).passed)


def test_metrics_server_takes_the_api_server_for_nobody() -> None:
    for evidence in (anonymous(), refused_as("system:anonymous")):
        evidence.control_plane = refused("list pods in kube-system")
        found = judge(evidence)
        assert "KM313" in roots(found)
        assert of(found, "KM313").title == "kube-apiserver presents no client certificate to metrics-server"


def test_kube_apiserver_lacks_flags() -> None:
    evidence = anonymous()
    servers = [api_server_pod("node-a"), api_server_pod("node-b")]
    for server in servers[1:]:
        assert server.spec.containers is not None
        words = server.spec.containers[0].command or []
        server.spec.containers[0].command = [word for word in words if "proxy-client" not in word]
    evidence.control_plane = ok(servers)
    assert roots(judge(evidence)) == ["KM313"]
    first = of(judge(evidence), "KM313").evidence[0]
    assert (first.object, first.value) == (
        "Pod kube-system/kube-apiserver-node-b",
        "without --proxy-client-cert-file, --proxy-client-key-file",
    )


def test_who_may_not_see_kube_apiserver_is_told_if_it_matters() -> None:
    evidence = healthy()
    evidence.control_plane = refused("list pods in kube-system")
    assert "KM313" in judge(evidence).passed
    without_metrics(evidence, "Strange")
    assert "KM313" in [one.id for one in judge(evidence).not_checked]


# ---- KM310 ----


def front_proxy(evidence: Evidence, *parts: str) -> Evidence:
    """With such CAs."""
    data(evidence)["requestheader-client-ca-file"] = "".join(parts)
    return evidence


def test_the_ca_of_the_front_proxy_has_expired() -> None:
    evidence = front_proxy(rejected(), pem("front", days=-1))
    found = judge(evidence)
    assert roots(found) == ["KM310"]
    assert of(found, "KM309").symptom_of == "KM310"
    assert "until 2026-03-01T10:00:00Z" in of(found, "KM310").evidence[0].value


def test_an_expired_ca_is_not_published() -> None:
    """As recorded from 1.34: kube-apiserver takes it out, and all requestheader keys with it."""
    found = judge(without_headers(rejected()))
    assert roots(found) == ["KM310"]
    assert "KM308" in found.passed
    assert of(found, "KM309").symptom_of == "KM310"


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        ([pem("a", days=29, since=3000)], "The CA of the front proxy expires within 30 days"),
        ([pem("a", days=-3)], "The CA of the front proxy has expired"),
        ([pem("a", days=99, since=-3)], "The CA of the front proxy is not yet valid"),
    ],
)
def test_the_ca_of_the_front_proxy_while_it_works(parts: list[str], title: str) -> None:
    one = of(judge(front_proxy(healthy(), *parts)), "KM310")
    assert (one.severity, one.title) == (Severity.WARNING, title)


def test_old_cas_stay_in_the_bundle() -> None:
    assert "KM310" in judge(front_proxy(healthy(), pem("a", days=-3), pem("b"))).passed
    assert "KM310" in judge(front_proxy(healthy(), "garbage")).passed


def test_what_is_renewed_every_month_is_not_about_to_expire() -> None:
    """As OpenShift does."""
    assert "KM310" in judge(front_proxy(healthy(), pem("a", days=7, since=23))).passed
    assert "KM310" not in judge(front_proxy(healthy(), pem("a", days=2, since=28))).passed


def test_a_ca_that_is_none() -> None:
    one = of(judge(front_proxy(rejected(), "garbage")), "KM310")
    assert one.title == "The CA of the front proxy is no certificate"


def test_nothing_expires_while_nobody_knows_the_time() -> None:
    evidence = front_proxy(rejected(), pem("a", days=-3))
    evidence.collected_at = "noon"
    assert "KM310" in judge(evidence).passed


def test_a_configmap_that_may_not_be_read() -> None:
    evidence = healthy()
    evidence.authentication = refused("get configmaps in kube-system")
    assert {"KM308", "KM310"} <= {one.id for one in judge(evidence).not_checked}


# ---- KM314 ----


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (STATUS.format("{0}", 404), "What listens behind the Service does not serve metrics.k8s.io"),
        (STATUS.format("{0}", 500), "metrics-server answers the API server's check with an error"),
        (GET + "http: server gave HTTP response to HTTPS client", "What listens behind the Service does not speak TLS"),
        (GET + "EOF", "The API server's check of metrics.k8s.io fails"),
    ],
)
def test_the_check_fails_otherwise(text: str, title: str) -> None:
    found = judge(unavailable(text))
    assert roots(found) == ["KM314"]
    assert of(found, "KM314").title == title
    assert of(found, "KM205").symptom_of == "KM314"
    assert of(found, "KM314").remedy.startswith("kubectl -n kube-system logs deployment/metrics-server")


# ---- two at once, and nothing at all ----


def test_two_faults_are_both_found() -> None:
    evidence = front_proxy(unreachable(), pem("front", days=-1))
    assert roots(judge(evidence)) == ["KM301", "KM310"]


@pytest.mark.parametrize("address", [f"{POD_IP}:10250", f"{CLUSTER_IP}:443"])
def test_a_condition_that_is_true_is_not_searched_for_reasons(address: str) -> None:
    evidence = healthy()
    text = (CHECK + GET + TIMEOUTS[0]).format(address)
    evidence.api_services.get()[0].status.conditions = [condition("Available", "True", "Passed", text)]
    assert roots(judge(evidence)) == []
