"""A masked evidence is judged like the original, and tells nobody's names."""

from __future__ import annotations

import base64
import ipaddress
import itertools
import random
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.bundles.bundle import decode, encode
from kubectl_metrics.diagnosis.bundles.mask import mask
from kubectl_metrics.diagnosis.bundles.mask.addresses import Addresses
from kubectl_metrics.diagnosis.bundles.mask.certificates import mask_base64, mask_pem
from kubectl_metrics.diagnosis.bundles.mask.fields import FIELDS, KEEP, TEXT, Learning, Replacing
from kubectl_metrics.diagnosis.bundles.mask.names import Names
from kubectl_metrics.diagnosis.bundles.mask.vocabulary import OPEN_LABELS
from kubectl_metrics.diagnosis.bundles.redact import redact
from kubectl_metrics.diagnosis.bundles.walk import rewrite
from kubectl_metrics.diagnosis.evidence import ABSENT, FAILED, OK, REFUSED, Evidence, Log, Read
from kubectl_metrics.diagnosis.findings import Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.probe import Attempt, Certificate
from kubectl_metrics.wire.certificate import parse_all
from tests.diagnosis.build import healthy, ok, pem

SECRET = b"k" * 32

# What the healthy cluster's names become at a customer's. All that stands on the right has to be gone afterwards.
RENAMED = {
    "node-a": "alpha7.fra.umbrella-net.com",
    "node-b": "umbrella-gpu-01",
    "node-c": "172.20.9.8",
    "kube-system": "umbrella-ops",
    "shop": "warehouse",
    "web": "checkout",
    "main": "payments",
    "registry.example": "images.umbrella-net.com:5000/hatchery",
    "kubernetes-admin": "alice.liddell@umbrella-net.com",
    "192.0.2.": "203.0.113.",
    "10.244.": "10.77.",
    "10.96.": "10.88.",
}
GONE = (
    "alpha7", "umbrella", "172.20.9.8", "warehouse", "checkout", "payments", "hatchery", "alice", "liddell",
    "203.0.113", "10.77", "10.88", "fra.", "gpu-01",
)  # fmt: skip


def renamed(text: str) -> str:
    for old, new in RENAMED.items():
        text = text.replace(old, new)
    return text


def customers() -> Evidence:
    """The healthy cluster under other names."""
    return rewrite(redact(healthy()), renamed)


def essence(verdict: Verdict) -> Any:
    """What has to be the same."""
    return (
        [(one.id, one.severity, one.symptom_of, len(one.affected), len(one.evidence)) for one in verdict.findings],
        verdict.passed,
        verdict.skipped,
        [one.id for one in verdict.not_checked],
    )


def test_the_names_are_gone_and_the_verdict_is_the_same() -> None:
    evidence = customers()
    data = encode(mask(evidence, SECRET)).decode()
    assert [name for name in GONE if name in encode(evidence).decode()] == list(GONE)
    assert [name for name in GONE if name in data] == []
    assert essence(judge(decode(data.encode()))) == essence(judge(evidence))


MESSAGES = [
    "tls: failed to verify: x509: certificate is valid for alpha7.fra.umbrella-net.com, not umbrella-gpu-01",
    'nodes.metrics.k8s.io is forbidden: User "alice.liddell@umbrella-net.com" cannot list resource "nodes"',
    'pods is forbidden: User "system:serviceaccount:warehouse:checkout" cannot list resource "pods" in API group '
    '"metrics.k8s.io" in the namespace "warehouse"',
    'service/metrics-server in "umbrella-ops" is not present',
    "dial tcp 203.0.113.11:10250: connect: connection refused",
    'Get "https://umbrella-gpu-01:10250/x": dial tcp: lookup umbrella-gpu-01 on 10.88.0.10:53: no such host',
    'Failed to pull image "images.umbrella-net.com:5000/hatchery/payments:v1": not found',
    "context deadline exceeded",
    "x509: certificate signed by unknown authority",
    "Unauthorized",
]
STRINGS = [
    "",
    "False",
    "Unknown",
    "umbrella-gpu-01",
    "alpha7.fra.umbrella-net.com",
    "warehouse",
    "203.0.113.12",
    *MESSAGES,
]


def places(value: Any, holds: str = TEXT) -> Iterator[tuple[Any, Any, Any, str]]:
    """All places within a value where something can be put: container, key, what is there, what the field holds."""
    pairs: list[tuple[Any, Any, str]] = []
    if isinstance(value, msgspec.Struct):
        fields = FIELDS.get(type(value), {})
        pairs = [(name, getattr(value, name), fields.get(name, TEXT)) for name in value.__struct_fields__]
    elif isinstance(value, list):
        pairs = [(position, inner, holds) for position, inner in enumerate(value)]
    elif isinstance(value, dict):
        pairs = [
            (key, inner, KEEP if OPEN_LABELS.fullmatch(key) or "-header" in key else holds)
            for key, inner in value.items()
        ]
    for key, inner, held in pairs:
        if not isinstance(value, Read):
            yield value, key, inner, held
        yield from places(inner, held)


def break_something(evidence: Evidence, chance: random.Random) -> None:
    """One thing in it becomes another, of the same type."""
    holder, key, old, holds = chance.choice(list(places(evidence)))
    new: Any = old
    if isinstance(old, Read):
        state = chance.choice([REFUSED, FAILED, ABSENT, OK])
        new = Read(
            what=old.what, state=state, status=chance.choice([401, 403, 404, 503]), message=chance.choice(MESSAGES),
            value=old.value if state == OK else None,
        )  # fmt: skip
    elif isinstance(old, bool):
        new = not old
    elif isinstance(old, int):
        new = chance.choice([0, 1, 443, 10255, old + 1])
    elif isinstance(old, float):
        new = chance.choice([0.0, old * 1000])
    elif isinstance(old, str):
        new = chance.choice(["", "False", "Unknown"] if holds == KEEP else STRINGS)
    elif isinstance(old, list):
        new = chance.choice([[], old[:1], old + old])
    elif isinstance(old, dict):
        new = {}
    if isinstance(holder, msgspec.Struct):
        setattr(holder, key, new)
    else:
        holder[key] = new


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 6))
def test_whatever_is_broken_the_verdict_is_the_same_and_the_names_are_gone(seed: int, number: int) -> None:
    chance = random.Random(seed)
    evidence = customers()
    for _ in range(number):
        break_something(evidence, chance)
    evidence = redact(evidence)
    masked = mask(evidence, SECRET)
    assert essence(judge(masked)) == essence(judge(evidence))
    data = encode(masked).decode()
    assert [name for name in GONE if name in data] == []


def test_names_in_all_the_other_places() -> None:
    """Fields of which the healthy cluster has nothing to show."""
    evidence = customers()
    evidence.logs = ok(
        [
            Log(
                pod="metrics-server-5888495b8d-vw65w",
                lines=[
                    'E1 scraper.go:147] "Failed to scrape" err="Get \\"https://203.0.113.11:10250\\"" node="alpha7"',
                    "user=alice-w logged in from bastion-7.umbrella-net.com, mail to bob@umbrella-mail.org",
                    "assumed arn:aws:iam::123456789012:role/umbrella-nodes on fd12:3456::9",
                    "kube-proxy-umbrella-gpu-01 and umbrella-gpu-01-cert were seen",
                ],
            )
        ]
    )
    deployment = evidence.deployments.get()[0]
    deployment.metadata.annotations = k8s.Annotations(
        helm_release="umbrella-metrics-server",
        argo_tracking="umbrella-infra:apps/Deployment:umbrella-ops/metrics-server",
    )
    deployment.metadata.managed_fields = [k8s.ManagedField(manager="helm"), k8s.ManagedField(manager="umbrella-op")]
    [container] = deployment.spec.template.spec.containers or []
    container.env = [k8s.EnvVar(name="HTTPS_PROXY", value="http://proxy.umbrella-net.com:3128")]
    container.args = ["--node-selector", "umbrella.com/pool in (fast, slow)", "--oidc-client-id=umbrella", "--x=1s"]
    node = evidence.nodes.get()[0]
    node.metadata.labels = {
        "umbrella.com/pool": "fast",
        "team": "payments-team",
        "topology.kubernetes.io/zone": "fra-1",
        "node-role.kubernetes.io/umbrella-worker": "",
        "kubernetes.io/os": "linux",
    }
    evidence.kubelets[0].attempts = [
        Attempt(
            type="Hostname",
            address="alpha7.fra.umbrella-net.com",
            certificate=Certificate(
                subject="CN=system:node:alpha7.fra.umbrella-net.com,O=system:nodes",
                issuer="CN=Umbrella Root CA\\, Inc.,O=Umbrella+OU=Red Queen,1.2.840.113549.1.9.1=#0c0161",
                dns_names=["*.fra.umbrella-net.com", "alpha7"],
            ),
        )
    ]
    evidence.aws_auth = ok(
        k8s.ConfigMap(
            data={
                "mapRoles": "- rolearn: arn:aws:iam::123456789012:role/umbrella-nodes\n"
                "  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:nodes\n"
            }
        )
    )
    evidence.cluster_role_bindings.get()[0].metadata.name = "umbrella-metrics-server:system:auth-delegator"
    evidence.csrs = ok([k8s.CSR(spec=k8s.CSRSpec(username="system:node:alpha7.fra.umbrella-net.com"))])
    masked = mask(evidence, SECRET)
    data = encode(masked).decode()
    gone = (*GONE, "alice-w", "bastion", "bob", "123456789012", "fd12:3456", "fast", "slow", "payments-team", "fra-1")
    assert [name for name in (*gone, "Umbrella", "Red", "Queen", "0c0161") if name in data] == []

    annotations = masked.deployments.get()[0].metadata.annotations
    assert annotations is not None
    assert re.fullmatch(r"\w+-x[a-z]{9}-metrics-server", annotations.helm_release)
    assert masked.deployments.get()[0].metadata.managed_fields == [
        k8s.ManagedField(manager="helm"), masked.deployments.get()[0].metadata.managed_fields[1],  # type: ignore[index]
    ]  # fmt: skip
    [container] = masked.deployments.get()[0].spec.template.spec.containers or []
    labels = masked.nodes.get()[0].metadata.labels or {}
    pool, *_ = labels
    assert container.args is not None
    assert container.args[1].startswith(f"{pool} in ({labels[pool]}, ")
    assert container.args[3] == "--x=1s"
    assert labels["kubernetes.io/os"] == "linux"
    certificate = masked.kubelets[0].attempts[0].certificate
    assert certificate is not None
    assert certificate.subject == f"CN=system:node:{masked.kubelets[0].attempts[0].address},O=system:nodes"
    assert certificate.dns_names[0][2:] == masked.kubelets[0].attempts[0].address.partition(".")[2]
    roles = (masked.aws_auth.get().data or {})["mapRoles"]
    assert "\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:nodes\n" in roles
    name = masked.cluster_role_bindings.get()[0].metadata.name
    assert name == f"{annotations.helm_release}:system:auth-delegator"


def test_what_kubernetes_and_metrics_server_are_called_stays() -> None:
    evidence = healthy()
    masked = mask(evidence, SECRET)
    for name in ("service", "authentication", "deployments", "cluster_roles", "cluster_role_bindings", "role_bindings"):
        before, after = getattr(evidence, name).value, getattr(masked, name).value
        if isinstance(before, list):
            assert [one.metadata.name for one in after] == [one.metadata.name for one in before]
        else:
            assert after.metadata.name == before.metadata.name
    assert masked.service.get().spec.selector == evidence.service.get().spec.selector
    assert masked.cluster_roles == evidence.cluster_roles
    [container] = masked.deployments.get()[0].spec.template.spec.containers or []
    assert (container.image, container.args) == (
        "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
        (evidence.deployments.get()[0].spec.template.spec.containers or [])[0].args,
    )
    assert masked.service_pods.get()[0].metadata.name == "metrics-server-5888495b8d-vw65w"
    assert masked.version == evidence.version


def test_the_same_key_gives_the_same_names_and_another_one_others() -> None:
    evidence = customers()
    assert mask(evidence, SECRET) == mask(evidence, SECRET)
    one, two = mask(evidence, SECRET), mask(evidence, b"other")
    assert one.nodes.get()[1].metadata.name != two.nodes.get()[1].metadata.name
    assert one.connected.server != two.connected.server


def test_a_node_is_called_a_node_wherever_it_is_met() -> None:
    masked = mask(customers(), SECRET)
    name = masked.nodes.get()[1].metadata.name
    assert re.fullmatch(r"node-x[a-z]{9}", name)
    assert masked.kube_proxies.get()[1].metadata.name == f"kube-proxy-{name}"
    assert masked.kubelets[1].node == name


def test_it_changes_nothing_in_what_it_was_given() -> None:
    evidence = customers()
    before = encode(evidence)
    mask(evidence, SECRET)
    assert encode(evidence) == before


def test_the_fields_are_those_of_the_objects() -> None:
    for kind, fields in FIELDS.items():
        known = {field.name for field in msgspec.structs.fields(kind)}
        assert set(fields) - known <= {"phase", "start_time", "type", "status", "reason"} | {
            "last_transition_time", "last_heartbeat_time",
        }, kind  # fmt: skip


# ---- names ----


def names(*known: str) -> Names:
    found = Names(SECRET)
    for name in known:
        found.learn(name, "name")
    return found


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("umbrella-metrics-server", r"name-x\w+-metrics-server"),
        ("metrics-server-5888495b8d-vw65w", "metrics-server-5888495b8d-vw65w"),
        ("metrics-server-v0.9.0", r"metrics-server-v0\.9\.0"),
        ("prometheus-metrics-server-exporter", r"prometheus-metrics-server-exporter"),
        ("kube-apiserver-umbrella", r"kube-apiserver-name-x\w+"),
        ("metrics-server-umbrella-coredns-umbrella", r"metrics-server-(name-x\w+)-coredns-\1"),
        ("metrics-server-" * 2000, "metrics-server-" * 2000),
        ("system:node:umbrella", r"system:node:name-x\w+"),
        ("v1beta1.metrics.k8s.io", r"v1beta1\.metrics\.k8s\.io"),
        ("v1.apps.umbrella.com", r"v1\.apps\.name-x\w+\.com"),
        ("2024", "2024"),
        ("张伟", r"name-x\w+"),
        ("Алиса Иванова", r"name-x\w+ name-x\w+"),
        ("jürgen.müller@umbrella.de", r"name-x\w+\.name-x\w+@name-x\w+\.name-x\w+"),
        ("umbrella.svc.cluster.local", r"name-x\w+\.svc\.cluster\.local"),
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com", r"\d{12}\.dkr\.ecr\.name-x\w+\.amazonaws\.com"),
        ("", ""),
    ],
)
def test_names(text: str, pattern: str) -> None:
    masked = names().name(text)
    assert re.fullmatch(pattern, masked)
    assert "umbrella" not in masked
    assert "123456789012" not in masked


def test_a_name_in_another_script_in_a_message() -> None:
    found = names("张伟")
    masked = found.text('pods is forbidden: User "张伟" cannot list resource "pods"; 张伟 is nobody')
    assert re.fullmatch(r'pods is forbidden: User "(\S+)" cannot list resource "pods"; \1 is nobody', masked)
    assert "张伟" not in masked


@pytest.mark.parametrize(
    ("system", "masked"),
    [
        ("Ubuntu 24.04.1 LTS", "Ubuntu 24\\.04\\.1 LTS"),
        ("Red Hat Enterprise Linux CoreOS 9.6", "Red Hat Enterprise Linux CoreOS 9\\.6"),
        ("Umbrella OS 3", r"(?!Umbrella)\S+ \S+ 3"),
    ],
)
def test_what_the_nodes_run_and_where_their_kubelets_have_their_files(system: str, masked: str) -> None:
    evidence = healthy()
    evidence.nodes.get()[0].status.node_info.os_image = system
    authentication = evidence.kubelets[0].authentication
    assert authentication is not None
    authentication.client_ca_file = "/etc/umbrella/pki/ca.crt"
    hidden = mask(evidence, b"k" * 32)
    assert re.fullmatch(masked, hidden.nodes.get()[0].status.node_info.os_image)
    found = hidden.kubelets[0].authentication
    assert found is not None
    assert re.fullmatch(r"/etc/path-x\w+/pki/ca.crt", found.client_ca_file)


@pytest.mark.parametrize(
    "text",
    [
        "E1123 21:48:21.072787 1 server.go:192] failed probe",
        "reading /etc/kubernetes/pki/ca.crt: no such file or directory",
        "error trying to reach service: x509: certificate signed by unknown authority",
        "v0.9.0 and 1.34.4 and 1.2.3.4.5 and 127.0.0.1:10250 and [::1]:443 and 0.0.0.0",
        "unable to fetch metrics from resource metrics API: the server is currently unable to handle the request",
        "configmaps/extension-apiserver-authentication in kube-system",
        "https://registry.k8s.io/v2/metrics-server/metrics-server/manifests/v0.9.0",
        "2026-11-23T21:48:07Z",
    ],
)
def test_ordinary_messages_stay(text: str) -> None:
    found = names("umbrella")
    found.learn_from(text)
    assert found.text(text) == text


def test_what_a_message_quotes_is_a_name_however_short() -> None:
    found = names()
    user = found.name("system:serviceaccount:ci:x")
    assert user.startswith("system:serviceaccount:name-x")
    text = 'pods is forbidden: User "system:serviceaccount:ci:x" cannot list resource "pods" in the namespace "db"'
    assert found.text(text) == (
        f'pods is forbidden: User "{user}" cannot list resource "pods" in the namespace "{found.name("db")}"'
    )


@pytest.mark.parametrize(
    ("image", "pattern"),
    [
        ("registry.k8s.io/a/metrics-server:v0.9.0", r"registry\.k8s\.io/a/metrics-server:v0\.9\.0"),
        (
            "hub.umbrella.com:5000/x1/metrics-server:v0.7.2-umbrella.3",
            r"\S+-x\w+\.\S+-x\w+\.com:5000/\S+/metrics-server:v0\.7\.2-\S+-x\w+\.3",
        ),
        ("k8s.gcr.io/metrics-server-amd64:v0.3.6", r"k8s\.gcr\.io/metrics-server-amd64:v0\.3\.6"),
        ("umbrella/app@sha256:" + "ab" * 32, r"\S+-x\w+/app@sha256:(?!abab)[0-9a-f]{64}"),
        (
            "602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/metrics-server:v0.8.0-eksbuild.2",
            r"\d{12}\.\S+/eks/metrics-server:v0\.8\.0-eksbuild\.2",
        ),
    ],
)  # fmt: skip
def test_images(image: str, pattern: str) -> None:
    found = names()
    container = k8s.Container(image=image)
    Learning(found).visit(container)
    masked = Replacing(found).visit(container).image
    assert re.fullmatch(pattern, masked), masked
    assert "umbrella" not in masked


# ---- addresses ----

v4 = st.integers(0, (1 << 32) - 1).map(ipaddress.IPv4Address)
v6 = st.integers(0, (1 << 128) - 1).map(ipaddress.IPv6Address)
addresses = st.one_of(
    v4, v6, st.sampled_from(["10.0.0.1", "10.0.0.2", "172.16.5.5", "192.168.1.1", "fd00::1"]).map(ipaddress.ip_address)
)


def common(one: Any, two: Any) -> int:
    """How many leading bits two addresses share."""
    return int(one.max_prefixlen) - (int(one) ^ int(two)).bit_length()


def masked_address(address: Any) -> Any:
    return ipaddress.ip_address(Addresses(SECRET).mask(str(address)) or "")


@given(addresses, addresses)
def test_addresses_share_as_many_bits_as_before(one: Any, two: Any) -> None:
    if one.version != two.version:
        return
    assert common(masked_address(one), masked_address(two)) == common(one, two)


@given(v4, st.integers(0, 32), v4)
def test_a_network_contains_the_same_addresses(base: Any, length: int, address: Any) -> None:
    network = ipaddress.ip_network((int(base) >> (32 - length) << (32 - length), length))
    masked = ipaddress.ip_network(Addresses(SECRET).mask(str(network)) or "")
    assert masked.prefixlen == length
    assert (masked_address(address) in masked) == (address in network)


@given(addresses)
def test_what_kind_of_address_it_is_stays(address: Any) -> None:
    masked = masked_address(address)
    for what in ("is_loopback", "is_link_local", "is_multicast", "is_unspecified", "version"):
        assert getattr(masked, what) == getattr(address, what)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fd00::/8"):
        network = ipaddress.ip_network(text)
        if network.version == address.version:
            assert (masked in network) == (address in network)
    if address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast:
        assert masked == address


def test_addresses_are_hidden() -> None:
    known = [f"10.0.{a}.{b}" for a, b in itertools.product(range(0, 256, 16), range(0, 256, 16))]
    same = [text for text in known if Addresses(SECRET).mask(text) == text]
    assert len(same) < 3
    assert Addresses(SECRET).mask("10.1.2.3") != Addresses(b"other").mask("10.1.2.3")


@pytest.mark.parametrize(
    "text", ["", "a", "1.2.3", "1.2.3.4.5", "1.2.3.256", "10.0.0.0/33", "::/x", "01.2.3.4", "1::2::3"]
)
def test_what_is_no_address(text: str) -> None:
    assert Addresses(SECRET).mask(text) is None


def test_ipv4_in_ipv6_is_the_same_ipv4() -> None:
    mapped = ipaddress.IPv6Address(masked_address(ipaddress.ip_address("::ffff:10.1.2.3")))
    assert mapped.ipv4_mapped == masked_address(ipaddress.ip_address("10.1.2.3"))


@pytest.mark.parametrize(
    "text", ["dial {}:443: refused", "[{}]", "from {}.", "({}),", "{}", "https://{}/x", "a={} b", "{}/24"]
)
def test_addresses_in_texts(text: str) -> None:
    found = names()
    for address in ("10.1.2.3", "2001:db8::17"):
        if ":" in address and ("{}:" in text or "{}/" in text):
            continue
        masked = found.text(text.format(address))
        assert address not in masked
        if "/24" not in text:
            assert masked == text.format(found.address(address))


# ---- certificates ----


def upper(text: str) -> str:
    return text.upper()


def digest(data: bytes) -> bytes:
    return names().digest(data)


def test_a_certificate_says_as_much_as_is_asked_of_it() -> None:
    original = pem("umbrella") + pem("other", days=-1)
    masked = mask_pem(original, upper, digest)
    before, after = parse_all(original.encode()), parse_all(masked.encode())
    assert [(one.not_before, one.not_after) for one in after] == [(one.not_before, one.not_after) for one in before]
    assert [(one.subject, one.issuer) for one in after] == [("CN=UMBRELLA", "CN=UMBRELLA"), ("CN=OTHER", "CN=OTHER")]
    assert after[0].self_signed
    assert b"umbrella" not in base64.b64decode("".join(masked.split("-----")[2].split()))
    assert mask_pem(original, upper, digest) == masked
    assert mask_base64(base64.b64encode(original.encode()).decode(), upper, digest) == (
        base64.b64encode(masked.encode()).decode()
    )


def test_others_can_read_it_too() -> None:
    [found] = x509.load_pem_x509_certificates(mask_pem(pem("umbrella"), upper, digest).encode())
    assert found.subject.rfc4514_string() == "CN=UMBRELLA"
    assert found.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "text",
    [
        "no certificate of umbrella",
        "-----BEGIN CERTIFICATE-----\numbrella\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\numbrella",
        pem("umbrella")[:200],
        pem("umbrella").replace("CERTIFICATE", "umbrella"),
    ],
)
def test_what_cannot_be_read_cannot_be_read_afterwards(text: str) -> None:
    masked = mask_pem(text, upper, digest)
    assert "no certificate of umbrella" not in masked
    with pytest.raises(ValueError, match=r"."):
        parse_all(masked.encode())


@pytest.mark.parametrize("text", ["umbrella", "umbrell", "dW1icmVsbGE="])
def test_a_bundle_that_is_none_tells_nothing(text: str) -> None:
    masked = mask_base64(text, upper, digest)
    assert "umbrell" not in masked
    assert mask_base64("", upper, digest) == ""


@given(st.binary(max_size=60))
def test_bytes_that_are_no_certificate(data: bytes) -> None:
    masked = mask_pem(
        f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(data).decode()}\n-----END CERTIFICATE-----\n", upper, digest
    )
    assert masked == "-----BEGIN CERTIFICATE-----\n(masked)\n-----END CERTIFICATE-----\n"


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_certificate_with_a_wrong_byte_is_masked_or_dropped(position: int, byte: int) -> None:
    der = bytearray(base64.b64decode("".join(pem("umbrella").split("-----")[2].split())))
    der[position % len(der)] = byte
    block = base64.b64encode(bytes(der)).decode()
    masked = mask_pem(f"-----BEGIN CERTIFICATE-----\n{block}\n-----END CERTIFICATE-----\n", lambda _: "x", digest)
    content = masked.split("-----")[2].strip()
    assert content == "(masked)" or b"umbrella" not in base64.b64decode(content)


def test_a_name_of_a_certificate_that_is_none() -> None:
    """Somebody has written a message into it."""
    found = names("umbrella")
    for text in ("dial umbrella: refused", "CN=a,umbrella", "umbrella,O=b"):
        masked = Replacing(found).visit(Certificate(subject=text)).subject
        assert "umbrella" not in masked


def test_an_image_by_its_digest_in_a_message() -> None:
    text = f"pulled sha256:{'ab' * 32} as umbrella"
    assert re.fullmatch(r"pulled sha256:(?!abab)[0-9a-f]{64} as name-x\w+", names("umbrella").text(text))


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (["-l", "tribe=umbrella,!tribe,kubernetes.io/os in (linux)"],
         r"-l (\S+-x\w+)=\S+-x\w+,!\1,kubernetes\.io/os in \(linux\)"),
        (["--node-selector=tribe!=umbrella"], r"--node-selector=\S+-x\w+!=\S+-x\w+"),
        (["/metrics-server", "--x", "--oidc-issuer-url", "https://umbrella/"],
         r"/metrics-server --x --oidc-issuer-url https://\S+-x\w+/"),
        (["--metric-resolution=15s", "--cert-dir=/tmp"], r"--metric-resolution=15s --cert-dir=/tmp"),
        (["--kubelet-preferred-address-types=InternalIP"], r"--kubelet-preferred-address-types=InternalIP"),
    ],
)  # fmt: skip
def test_command_lines(words: list[str], pattern: str) -> None:
    found = names()
    container = k8s.Container(args=words)
    Learning(found).visit(container)
    masked = " ".join(Replacing(found).visit(container).args or ())
    assert re.fullmatch(pattern, masked), masked
    assert "umbrella" not in masked
