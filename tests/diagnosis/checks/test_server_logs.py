"""What metrics-server itself says."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis.evidence import Evidence, Log
from kubectl_metrics.diagnosis.facts.logs import is_old
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Severity
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import NOW, healthy, of, ok, refused, roots
from tests.diagnosis.servers import NAME, beside, crashing, ended, failing, its_status

TIMEOUT = (
    "panic: unable to load configmap based request-header-client-ca-file: Get "
    '"https://10.96.0.1:443/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication": '
    "dial tcp 10.96.0.1:443: i/o timeout"
)


def logged(evidence: Evidence, *lines: str) -> Evidence:
    """With --logs."""
    evidence.logs = ok([Log(pod=NAME, container="metrics-server", lines=list(lines))], "get pods/log")
    return evidence


def line(text: str, *, hours: int = 10, level: str = "E", where: str = "scraper.go:149") -> str:
    """As klog writes it; NOW is at 10 o'clock."""
    return f"{level}{NOW.month:02}{NOW.day:02} {hours:02}:00:00.123456       1 {where}] {text}"


# ---- KM512 ----


@pytest.mark.parametrize(
    "words",
    [
        TIMEOUT,
        TIMEOUT.replace("i/o timeout", "connect: connection refused"),
        TIMEOUT.replace("i/o timeout", "connect: no route to host"),
        'Error: Get "https://10.96.0.1:443/api/v1/nodes": tls: failed to verify certificate: x509: certificate '
        "signed by unknown authority",
        line('"Failed to watch" err="failed to list *v1.Node: Get \\"https://10.96.0.1:443/api/v1/nodes?limit=500\\": '
             'dial tcp 10.96.0.1:443: i/o timeout"'),
    ],
)  # fmt: skip
def test_the_api_server_cannot_be_reached(words: str) -> None:
    verdict = judge(logged(crashing(), words))
    assert roots(verdict) == ["KM512"]
    assert of(verdict, "KM504").symptom_of == "KM512"
    assert of(verdict, "KM512").evidence[0].value == " ".join(words.split())
    assert "spec.nodeName=node-a" in of(verdict, "KM512").remedy


def test_from_the_termination_message() -> None:
    assert roots(judge(crashing(message=TIMEOUT))) == ["KM512"]


def test_it_runs_and_waits_for_the_api_server() -> None:
    verdict = judge(logged(failing(), TIMEOUT))
    assert roots(verdict) == ["KM512"]
    assert of(verdict, "KM506").symptom_of == "KM512"


API = '"Failed to watch" err="Get \\"https://10.96.0.1:443/api/v1/nodes?limit=500\\": dial tcp: i/o timeout"'


def test_lines_of_long_ago() -> None:
    """They do not hide what is wrong now."""
    assert roots(judge(logged(failing(), line(API, hours=9)))) == ["KM506"]
    assert roots(judge(logged(failing(), line(API)))) == ["KM512"]


@pytest.mark.parametrize(
    ("now", "old"),
    [
        ("2026-01-01T00:02:00Z", False),
        ("2027-01-01T00:02:00Z", False),
        ("2026-12-31T23:59:00Z", False),
        ("2026-01-02T00:02:00Z", True),
        ("2026-12-30T23:59:00Z", True),
        ("long ago", False),  # nobody knows
    ],
)
def test_klog_writes_no_year(now: str, old: bool) -> None:
    evidence = healthy()
    evidence.collected_at, evidence.connected.date = now, ""
    assert is_old(Facts(evidence), "E1231 23:58:00.123456       1 reflector.go:150] words") is old
    assert not is_old(Facts(evidence), "panic: words")


@pytest.mark.parametrize(("minutes", "found"), [(5.0, "KM512"), (60.0, "KM506")])
def test_words_of_a_run_long_ago(minutes: float, found: str) -> None:
    evidence = failing()
    ended(its_status(evidence), hours=minutes / 60)
    evidence.logs = ok([Log(pod=NAME, container="metrics-server", previous=True, lines=[TIMEOUT])], "get pods/log")
    assert roots(judge(evidence)) == [found]
    evidence.logs = healthy().logs
    end = its_status(evidence).last_state.terminated
    assert end is not None
    end.message = TIMEOUT
    assert roots(judge(evidence)) == [found]


def test_in_a_rollout() -> None:
    evidence = beside(crashing(message=TIMEOUT))
    verdict = judge(evidence)
    assert roots(verdict) == ["KM512"]
    assert (of(verdict, "KM512").severity, of(verdict, "KM512").affected) == (Severity.WARNING, [NAME])


@pytest.mark.parametrize(
    "words",
    [
        line(
            '"Failed to scrape node" err="Get \\"https://192.0.2.12:10250/metrics/resource\\": dial tcp: i/o timeout"'
        ),
        "panic: open /etc/ca.crt: no such file or directory",
    ],
)
def test_something_else(words: str) -> None:
    assert roots(judge(logged(crashing(), words))) == ["KM504"]


def test_what_is_over_is_over() -> None:
    assert "KM512" in judge(logged(healthy(), TIMEOUT)).passed


# ---- KM520 ----


def scrape(node: str, address: str) -> str:
    """A failed scrape."""
    reason = f'https://{address}:10250/metrics/resource\\": dial tcp {address}:10250: connect: connection refused'
    return line(f'"Failed to scrape node" err="Get \\"{reason}" node="{node}"')


def test_lines_that_differ_in_names_only_are_one() -> None:
    verdict = judge(
        logged(
            healthy(),
            scrape("node-a", "192.0.2.11"),
            scrape("node-b", "192.0.2.12"),
            scrape("node-b", "192.0.2.12"),
            scrape("node-of-old", "192.0.2.99"),
            line('"Something else" err="x"'),
        )
    )
    found = [one for one in verdict.findings if one.id == "KM520"]
    assert sorted(one.title for one in found) == [
        "metrics-server's log: Failed to scrape node",
        "metrics-server's log: Something else",
    ]
    first = next(one for one in found if "scrape" in one.title)
    assert first.severity is Severity.INFO
    assert first.affected == ["node-a", "node-b"]
    assert first.evidence[0].value.startswith('4 times: "Failed to scrape node"')
    assert first.evidence[0].object == f"Pod {NAME}"


@pytest.mark.parametrize(
    "words",
    [
        line('"Failed probe" probe="metric-storage-ready" err="no metrics to serve"', level="I"),
        line("a warning", level="W"),
        line("an hour ago", hours=9),
        "no header at all",
    ],
)
def test_lines_that_are_nothing(words: str) -> None:
    assert "KM520" in judge(logged(healthy(), words)).passed


def test_what_a_line_is_called() -> None:
    refused = 'err="subjectaccessreviews is forbidden: User \\"x\\" cannot create resource"'
    verdict = judge(
        logged(healthy(), line(f'"Unhandled Error" {refused}'), line(f'"A message" {refused}'), line("words"))
    )
    assert sorted(one.title.partition(": ")[2] for one in verdict.findings) == [
        "A message",
        "subjectaccessreviews is forbidden: Us...",
        "words",
    ]


def test_five_kinds_at_most() -> None:
    kinds = [line(f'"{letter * 9}" err="x"') for letter in "abcdefgh"]
    assert len([one for one in judge(logged(healthy(), *kinds, kinds[7])).findings if one.id == "KM520"]) == 5
    (first, *_) = [one for one in judge(logged(healthy(), *kinds, kinds[7])).findings if "times" in str(one.evidence)]
    assert first.title.endswith("hhhhhhhhh")


def test_logs_only_where_they_were_asked_for() -> None:
    verdict = judge(healthy())
    assert "KM520" not in [*verdict.passed, *(one.id for one in verdict.not_checked)]
    evidence = healthy()
    evidence.logs = refused("get pods/log in kube-system")
    assert "KM520" in [one.id for one in judge(evidence).not_checked]
