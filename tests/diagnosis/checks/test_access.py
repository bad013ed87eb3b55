"""KM1xx: the API server itself."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis.evidence import OK, OUT_OF_TIME, Evidence, Read
from kubectl_metrics.diagnosis.findings import Severity
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import absent, at, failed, healthy, of, refused, roots


def test_reads_that_failed_are_told() -> None:
    evidence = healthy()
    evidence.csrs = failed("list certificatesigningrequests", 500, "etcdserver: request timed out")
    evidence.hpas = failed("list horizontalpodautoscalers", 0, "read timed out", "no-answer")
    found = judge(evidence)
    assert roots(found) == ["KM101"]
    one = of(found, "KM101")
    assert one.severity is Severity.WARNING
    assert [(proof.field, proof.value) for proof in one.evidence] == [
        ("list certificatesigningrequests", "HTTP 500: etcdserver: request timed out"),
        ("list horizontalpodautoscalers", "no-answer: read timed out"),
    ]


def test_only_the_first_few_are_shown() -> None:
    evidence = healthy()
    names = ("csrs", "hpas", "namespaces", "control_plane", "kube_proxies", "tunnels", "events")
    for name in names:
        setattr(evidence, name, failed(f"list {name}", 500))
    assert len(of(judge(evidence), "KM101").evidence) == 5


@pytest.mark.parametrize(("version", "title"), [(False, "any question"), (True, "most questions")])
def test_an_api_server_that_answers_next_to_nothing_is_an_error(version: bool, title: str) -> None:
    evidence = Evidence(connected=healthy().connected)
    for name in ("version", "discovery", "api_services", "nodes", "pods", "node_metrics", "pod_metrics"):
        setattr(evidence, name, failed(name, 500))
    evidence.cluster_roles = Read(what="get clusterroles", state=OK, value=[])  # no bindings, nothing to ask for
    if version:
        evidence.version = healthy().version
    found = judge(evidence)
    assert roots(found) == ["KM101"]
    assert of(found, "KM101").severity is Severity.ERROR
    assert title in of(found, "KM101").title


@pytest.mark.parametrize(("answered", "root"), [(0, "KM101"), (1, "KM101"), (2, None)])
def test_when_time_was_over_before_anything_was_seen_all_is_not_well(answered: int, root: str | None) -> None:
    evidence = Evidence(connected=healthy().connected)
    names = ("version", "api_services", "nodes", "pods", "csrs", "hpas", "events")
    for name in names[:answered]:
        setattr(evidence, name, getattr(healthy(), name))
    for name in names[answered:]:
        setattr(evidence, name, failed(name, 0, "not asked: the 6s of --timeout are over", OUT_OF_TIME))
    found = judge(evidence)
    assert (roots(found)[:1] == ["KM101"]) == (root is not None)


@pytest.mark.parametrize("outcome", [refused("list hpas"), absent("list hpas")])
def test_an_answer_is_no_failure(outcome: object) -> None:
    evidence = healthy()
    evidence.hpas = outcome  # type: ignore[assignment]  # whatever it would hold
    assert "KM101" in judge(evidence).passed


@pytest.mark.parametrize("name", ["discovery", "node_metrics", "pod_metrics", "readyz", "livez", "logs"])
def test_what_is_behind_the_api_server_is_not_its_fault(name: str) -> None:
    evidence = healthy()
    setattr(evidence, name, failed("x"))
    assert "KM101" in judge(evidence).passed


@pytest.mark.parametrize(
    ("date", "direction"),
    [
        ("Mon, 02 Mar 2026 10:01:02 GMT", "62 s ahead of this machine's"),
        ("Mon, 02 Mar 2026 09:00:00 GMT", "3600 s behind this machine's"),
    ],
)
def test_clocks_differ(date: str, direction: str) -> None:
    evidence = healthy()
    evidence.connected.date = date
    one = of(judge(evidence), "KM102")
    assert one.severity is Severity.WARNING
    assert [proof.value for proof in one.evidence] == [date, at(), direction]


@pytest.mark.parametrize(
    "date", ["Mon, 02 Mar 2026 10:00:58 GMT", "Mon, 02 Mar 2026 09:59:02 GMT", "", "yesterday", "Mon, 99 Foo 2026"]
)
def test_clocks_agree_or_nobody_knows(date: str) -> None:
    evidence = healthy()
    evidence.connected.date = date
    assert "KM102" in judge(evidence).passed


def test_a_slow_answer_makes_the_clock_uncertain() -> None:
    evidence = healthy()
    evidence.connected.date = "Mon, 02 Mar 2026 10:01:10 GMT"
    evidence.connected.seconds = 12
    assert "KM102" in judge(evidence).passed


def test_the_date_may_be_a_proxys() -> None:
    evidence = healthy()
    evidence.connected.date = "Mon, 02 Mar 2026 11:00:00 GMT"
    evidence.connected.direct = False
    assert "KM102" in judge(evidence).passed
