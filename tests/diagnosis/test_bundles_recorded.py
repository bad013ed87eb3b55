"""The bundles in tests/data/bundles: each shows one fault, or a cluster of a kind in which nothing is wrong."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from kubectl_metrics.diagnosis.bundles.bundle import decode, encode
from kubectl_metrics.diagnosis.bundles.mask import mask
from kubectl_metrics.diagnosis.catalogue import CHECKS
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.output.style import Style
from kubectl_metrics.output.verdict import render
from kubectl_metrics.output.verdict.short import remedy_lines
from tests.e2e.faults import FAULTS

FOLDER = Path(__file__).parent.parent / "data" / "bundles"
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
KEY = b"k" * 32
COLUMNS = 80


class Expected(NamedTuple):
    """The first finding, and what else is found and follows from nothing."""

    id: str
    severity: Severity
    also: tuple[str, ...] = ()


# None: neither an error nor a warning.
EXPECTED: dict[str, Expected | None] = {
    "healthy": Expected("KM807", INFO),  # a pod that is meant to crash
    "api-server-overloaded": Expected("KM101", WARNING),
    "clock-of-this-machine": Expected("KM102", WARNING),
    "nothing-installed": Expected("KM201", ERROR),
    "v1-only": Expected("KM209", WARNING),
    "old-alpha-version": Expected("KM209", ERROR),
    "v1-beside-without-service": Expected("KM205", WARNING),
    "available-but-fails": Expected("KM206", ERROR),
    "namespaces-stuck": Expected("KM401", ERROR),
    "namespace-stuck-from-before": Expected("KM207", INFO),
    "heapster": Expected("KM201", ERROR, ("KM208",)),
    "prometheus-adapter-took-over": Expected("KM204", WARNING),
    "prometheus-adapter-alone": Expected("KM204", INFO),
    "no-kube-proxy-on-control-plane": Expected("KM302", ERROR),
    "firewall-private-control-plane": Expected("KM301", ERROR),
    "api-server-with-http-proxy": Expected("KM304", ERROR),
    "http-proxy-of-a-hidden-control-plane": Expected("KM304", ERROR),
    "konnectivity-agents-down": Expected("KM305", ERROR),
    "k3s-tunnel-502": Expected("KM305", ERROR),
    "serving-certificate-expired": Expected("KM306", ERROR),
    "no-authentication-configmap": Expected("KM308", ERROR),
    "front-proxy-as-ordinary-user": Expected("KM311", ERROR),
    "something-else-behind-the-service": Expected("KM314", ERROR),
    "external-name": Expected("KM406", ERROR),
    "endpoints-kept-by-hand": Expected("KM404", ERROR, ("KM406",)),
    "crash-without-a-reason": Expected("KM504", ERROR),
    "liveness-probe-kills": Expected("KM507", ERROR),
    "api-server-out-of-reach": Expected("KM512", ERROR),
    "too-small-for-its-nodes": Expected("KM513", WARNING),
    "addon-resizer-refuses-its-flags": Expected("KM514", ERROR),
    "addon-resizer-changes-nothing": Expected("KM514", WARNING),
    "frozen-registry": Expected("KM516", ERROR),
    "wrong-architecture": Expected("KM518", ERROR),
    "two-metrics-servers": Expected("KM517", WARNING),
    "restarts": Expected("KM519", WARNING),
    "errors-in-the-log": Expected("KM520", INFO),
    "metrics-server-0.3": Expected("KM510", ERROR),
    "service-account-missing": Expected("KM605", ERROR),
    "node-down": Expected("KM701", ERROR),
    "virtualbox-nat": Expected("KM703", ERROR),
    "several-internal-addresses": Expected("KM801", ERROR, ("KM704",)),
    "dual-stack": Expected("KM722", ERROR, ("KM705",)),
    "pod-range-overlaps": Expected("KM722", ERROR, ("KM707",)),
    "windows-node": Expected("KM801", ERROR, ("KM708",)),
    "virtual-kubelet": Expected("KM709", INFO),
    "fargate": Expected("KM709", INFO),
    "egress-policy": Expected("KM711", ERROR),
    "csr-approved-not-signed": Expected("KM728", ERROR),
    "csr-denied": Expected("KM728", ERROR),
    "kubelet-certificate-runs-out": Expected("KM729", WARNING),
    "not-tls-on-the-port": Expected("KM730", ERROR),
    "may-not-ask-kubelets": Expected("KM733", INFO),
    "slow-kubelet": Expected("KM734", ERROR),
    "not-a-kubelet": Expected("KM735", ERROR),
    "annotation-of-another-path": Expected("KM736", ERROR),
    "old-kubelet": Expected("KM736", ERROR),
    "kubelet-fails": Expected("KM737", ERROR),
    "cgroups-mismatch": Expected("KM803", ERROR),
    "no-container-series": Expected("KM804", ERROR),
    "container-counts-as-zero": Expected("KM805", WARNING),
    "pod-left-out": Expected("KM802", WARNING),
    "node-left-out": Expected("KM801", ERROR),
    "served-and-empty": Expected("KM812", ERROR),
    "stale": Expected("KM808", ERROR),
    "clock-of-a-node": Expected("KM809", WARNING),
    "counted-twice": Expected("KM810", WARNING),
    "more-than-allocatable": Expected("KM811", INFO),
    "resource-scrape-error": Expected("KM813", ERROR),
    "user-without-rights": Expected("KM901", ERROR),
    "reader-of-almost-nothing": Expected("KM901", ERROR),
    "aws-auth-without-username": Expected("KM902", ERROR),
    "autoscaler-without-api": Expected("KM904", WARNING),
    "autoscaler-with-unready-pods": Expected("KM905", INFO),
    "two-at-once": Expected("KM302", ERROR, ("KM701",)),
    "gke": None,
    "eks": None,
    "aks": None,
    "k3s": None,
    "kind": None,
    "kubeadm-ha": None,
}
BROKEN = {name: expected for name, expected in EXPECTED.items() if expected is not None}
HEALTHY = sorted(name for name, expected in EXPECTED.items() if expected is None)


@cache
def content(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def evidence_of(name: str) -> Evidence:
    """Decoded anew: what is done with it does no harm to other tests."""
    return decode(content(name), name)


def roots(verdict: Verdict) -> list[tuple[str, Severity]]:
    return [(one.id, one.severity) for one in verdict.findings if one.symptom_of is None]


@pytest.mark.parametrize(("name", "expected"), BROKEN.items(), ids=list(BROKEN))
def test_the_cause_comes_first_and_the_rest_follows_from_it(name: str, expected: Expected) -> None:
    verdict = judge(evidence_of(name))
    first, *others = roots(verdict)
    assert verdict.findings[0].symptom_of is None
    assert first == (expected.id, expected.severity)
    assert {id_ for id_, severity in others if severity is not INFO or expected.severity is INFO} <= {*expected.also}
    assert {*expected.also} <= {id_ for id_, _ in others}
    assert verdict.findings[0].evidence
    assert verdict.findings[0].remedy


@pytest.mark.parametrize("name", HEALTHY)
def test_a_cluster_in_which_nothing_is_wrong(name: str) -> None:
    verdict = judge(evidence_of(name))
    assert [one for one in verdict.findings if one.severity is not INFO] == []
    assert not verdict.not_checked
    assert not verdict.skipped


@pytest.mark.parametrize("name", EXPECTED)
def test_saved_again_it_is_the_same(name: str) -> None:
    evidence = evidence_of(name)
    again = decode(encode(evidence))
    assert encode(again) == encode(evidence)
    assert judge(again) == judge(evidence)


@pytest.mark.parametrize("name", EXPECTED)
def test_masked_it_is_judged_likewise(name: str) -> None:
    def essence(evidence: Evidence) -> object:
        verdict = judge(evidence)
        findings = [(one.id, one.severity, one.symptom_of, len(one.affected)) for one in verdict.findings]
        return findings, verdict.passed, verdict.skipped, [one.id for one in verdict.not_checked]

    masked = decode(encode(mask(evidence_of(name), KEY)))
    assert essence(masked) == essence(evidence_of(name))


@pytest.mark.parametrize("name", EXPECTED)
def test_the_report_fits_a_terminal(name: str) -> None:
    verdict = judge(evidence_of(name))
    pasteable = {line for one in verdict.findings for line, command in remedy_lines(one.remedy) if command}
    links = {f"see {one.link}" for one in verdict.findings}
    wide = [line for line in render(verdict, style=Style(width=COLUMNS)).splitlines() if len(line) > COLUMNS]
    assert {line.strip() for line in wide} <= pasteable | links


# ---- the collection ----


def test_every_bundle_is_described_and_expected() -> None:
    row = re.compile(r"^\| `([\w.-]+)\.json` \| [^|]{10,} \| (?:(KM\d+) (\w+)|-) \| [^|]{5,} \|$", re.MULTILINE)
    described = {name: (id_, severity) for name, id_, severity in row.findall((FOLDER / "README.md").read_text())}
    expected = {name: (one.id, one.severity.value) if one else ("", "") for name, one in EXPECTED.items()}
    assert described == expected
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EXPECTED)
    assert {path.name for path in FOLDER.iterdir()} == {*(f"{name}.json" for name in EXPECTED), "README.md"}


@pytest.mark.parametrize("name", EXPECTED)
def test_no_machine_of_ours_is_named(name: str) -> None:
    # Of paths there are those in containers, and the kubeconfig's and the home are never among them.
    assert not re.findall(rb"/(?:home|root|Users|work|var/tmp)/[^\s\"]*", content(name))


def test_every_check_is_shown_by_a_bundle_or_a_fault() -> None:
    """As a cause, not only as a symptom: whoever adds a check adds what it finds, here or in tests/e2e/faults.py."""
    shown = {fault.expected for fault in FAULTS.values()}
    for expected in BROKEN.values():
        shown |= {expected.id, *expected.also}
    assert shown == set(CHECKS)
