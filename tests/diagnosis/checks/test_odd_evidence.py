"""Whatever a cluster or a bundle says, no check ends with an exception, and what comes out can be shown."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_metrics.diagnosis.catalogue import CHECKS
from kubectl_metrics.diagnosis.evidence import Evidence, Health, Log
from kubectl_metrics.diagnosis.facts.flags import ServerFlags
from kubectl_metrics.diagnosis.findings import Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.objects import Container, EnvVar, NetworkPolicy, NetworkPolicyRule
from tests.diagnosis.build import NODES, PLACE, SERVER_POD, absent, failed, healthy, node, ok, pod, without_metrics

_TEXTS = (
    "",
    " ",
    "\x00",
    "\ud800",
    "-1",
    "0",
    "9" * 400,
    "v1." + "9" * 5000,
    "--secure-port=" + "9" * 5000,
    "1e999",
    "nan",
    "a" * 5000,
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00 -0000",
    "Mon, 01 Jan +99999999999999 00:00:00 +0000",
    "[fd00::1%eth0]:10250",
    "999.999.999.999",
    "10.0.0.0/99",
    "::/0",
    "{",
    "[",
    "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
    "--secure-port",
    "--metric-resolution=-9999999h",
    "https://[:99999/",
    "dial tcp 10.0.0.1:99999: connection refused",
    "x509: ",
    "%s{0}$(x)`y`",
)
_NUMBERS = (0, -1, 1, 65536, 2**31, 2**53, -(2**62))
_WIDE = 40  # so many fields of an evidence are spoilt at most


def broken() -> Evidence:
    """So much is wrong that most checks have something to say."""
    evidence = healthy()
    text = (
        "failing or missing response from https://10.96.81.101:443/apis/metrics.k8s.io/v1beta1: "
        'Get "https://10.96.81.101:443/apis/metrics.k8s.io/v1beta1": dial tcp 10.96.81.101:443: i/o timeout'
    )
    without_metrics(evidence, message=text)
    evidence.readyz = failed("get services/proxy")
    evidence.livez = ok(Health(status=500, text="[-]metric-collection-timely failed"))
    evidence.network_policies = ok([NetworkPolicy()])
    evidence.network_policies.get()[0].metadata.namespace = PLACE
    evidence.network_policies.get()[0].spec.ingress = [NetworkPolicyRule()]
    evidence.tunnels = ok([pod(PLACE, "konnectivity-agent", NODES[0])])
    containers = evidence.control_plane.get()[0].spec.containers
    assert containers is not None
    containers[0].env = [EnvVar(name="HTTPS_PROXY", value="http://10.1.1.1"), EnvVar(name="NO_PROXY", value="10.1.1.1")]
    evidence.logs = ok([Log(pod=f"{PLACE}/{SERVER_POD}", container="metrics-server", lines=["E0302 x", "panic: y"])])
    for one in evidence.kubelets[:2]:
        one.attempts[0].failure = "certificate-untrusted"
        one.attempts[0].trusted = False
    return evidence


def half_broken() -> Evidence:
    """metrics.k8s.io answers, and not for everything."""
    evidence = healthy()
    del evidence.node_metrics.get()[1:]
    del evidence.pod_metrics.get()[1:]
    evidence.endpoint_slices.get()[0].ports = None
    evidence.authentication = absent("get configmaps in kube-system")
    evidence.nodes.get().append(node(NODES[0]))
    evidence.kubelets[1].answers[0].status = 403
    assert evidence.kubelets[2].answers[0].scrape is not None
    evidence.kubelets[2].answers[0].scrape.node_cpu = None
    return evidence


def spoil(tree: Any, chance: random.Random) -> Any:
    """A JSON tree in which a few things are something else, of the same type or null."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in pairs:
            places.append((value, key))
            walk(child)

    walk(tree)
    for parent, key in chance.sample(places, min(chance.randrange(1, _WIDE), len(places))):
        old = parent[key] if not isinstance(parent, list) or key < len(parent) else None
        if isinstance(old, bool):
            parent[key] = not old
        elif isinstance(old, str):
            parent[key] = chance.choice(_TEXTS)
        elif isinstance(old, int | float):
            parent[key] = chance.choice(_NUMBERS)
        elif isinstance(old, list):
            parent[key] = chance.choice([[], None, old[:1] * 3, old[::-1]])
        elif isinstance(old, dict) and isinstance(parent, dict):
            parent[key] = chance.choice([{}, None])
    return tree


def spoilt(evidence: Evidence, chance: random.Random) -> Evidence:
    """An evidence that is still one, with odd things in it."""
    text = msgspec.json.encode(evidence)
    for _ in range(50):
        tree = spoil(msgspec.json.decode(text), chance)
        try:
            return msgspec.convert(tree, Evidence, strict=True)
        except msgspec.ValidationError:
            continue
    return evidence


@pytest.mark.parametrize("make", [healthy, broken, half_broken])
@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_nothing_raises(make: Callable[[], Evidence], chance: random.Random) -> None:
    found: Verdict = judge(spoilt(make(), chance))
    reported = {one.id for one in found.findings}
    assert reported <= set(CHECKS)
    assert not reported & set(found.passed)
    for one in found.findings:
        assert one.evidence
        assert one.title
        assert len(one.title) <= 150  # a sentence of up to 75 characters, and two names that are cut off
        assert all(len(proof.value) <= 300 for proof in one.evidence)
        assert "\n" not in one.remedy.partition("#")[2]  # a comment that ends too early would be a command


@pytest.mark.parametrize("make", [healthy, broken, half_broken])
def test_they_have_something_to_say(make: Callable[[], Evidence]) -> None:
    found = judge(make())
    assert (found.findings != []) == (make is not healthy)


def test_numbers_with_more_digits_than_python_reads() -> None:
    evidence = healthy()
    digits = "9" * 5000
    evidence.version.get().git_version = f"v1.{digits}"
    flags = ServerFlags(Container(args=[f"--secure-port={digits}", f"--kubelet-port={digits}"]))
    assert (flags.secure_port, flags.kubelet_port) == (0, 0)
    assert judge(evidence).findings == []
