"""The report of a diagnosis: what people read, what programs read, and that nothing in it can do harm."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.diagnosis.findings import (
    Category,
    Finding,
    NotChecked,
    Proof,
    Severity,
    Skipped,
    Stage,
    Verdict,
)
from kubectl_metrics.diagnosis.probe import Answer, KubeletProbe
from kubectl_metrics.output.prose import cut, enumeration, width, wrap
from kubectl_metrics.output.style import PLAIN, Style, of
from kubectl_metrics.output.verdict import FORMS, render

LINK = "https://example.org/known-issues#one"
PATCH = (
    "kubectl -n kube-system patch deployment metrics-server --type=json "
    '-p \'[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--metric-resolution=15s"}]\''
)


def finding(
    id_: str,
    severity: Severity = Severity.ERROR,
    category: Category = Category.SERVICE,
    title: str = "The Service that the APIService names does not exist",
    evidence: Iterable[tuple[str, str, str]] = (),
    affected: Iterable[str] = (),
    remedy: str = "",
    symptom_of: str | None = None,
    passing: bool = False,
) -> Finding:
    return Finding(
        id=id_,
        severity=severity,
        category=category,
        title=title,
        evidence=[Proof(*one) for one in evidence],
        affected=list(affected),
        remedy=remedy,
        link=LINK,
        symptom_of=symptom_of,
        passing=passing,
    )


def verdict(*findings: Finding, **fields: Any) -> Verdict:
    worst = {one.category: one.severity.value for one in reversed(findings)}
    given: dict[str, Any] = {
        "server": "10.0.0.1:6443",
        "collected_at": "2026-03-02T10:00:00Z",
        "stages": [
            Stage(category=one, outcome=worst.get(one, "ok"), seen=f"what was seen of {one.value}") for one in Category
        ],
        "findings": list(findings),
        "passed": ["KM101", "KM102"],
        "skipped": [],
        "not_checked": [],
        "nodes": 40,
    }
    return Verdict(**(given | fields))


def short(*findings: Finding, style: Style = PLAIN, **fields: Any) -> str:
    return render(verdict(*findings, **fields), "short", style)


# ---- short ----


def test_a_healthy_cluster_is_an_all_clear_of_one_screen() -> None:
    text = short(passed=[f"KM{number}" for number in range(101, 173)])
    lines = text.splitlines()
    assert lines[0] == "All is well: nothing wrong was found"
    assert lines[-1] == "72 checks passed"
    assert len(lines) <= 14
    assert sum(line.startswith("✓ ") for line in lines) == len(Category)


def test_the_cause_comes_first_with_its_evidence_its_remedy_and_its_symptoms() -> None:
    text = short(
        finding(
            "KM401",
            evidence=[
                ("APIService v1beta1.metrics.k8s.io", "spec.service", "kube-system/metrics-server"),
                ("APIService v1beta1.metrics.k8s.io", "status.conditions[Available].message", "is not present"),
            ],
            remedy="kubectl edit apiservice v1beta1.metrics.k8s.io  # spec.service: where the Service is now",
        ),
        finding("KM205", title="metrics.k8s.io is not available", symptom_of="KM401"),
        finding(
            "KM904",
            Severity.WARNING,
            Category.CONSUMERS,
            "HorizontalPodAutoscalers get no metrics",
            affected=["shop/cart", "shop/web"],
            evidence=[("HorizontalPodAutoscaler shop/cart", "status", "x")],
            symptom_of="KM205",
        ),
    )
    assert text.splitlines()[:19] == [
        "metrics.k8s.io is not available: the Service that the APIService names does not",
        "exist",
        "",
        "× error KM401  The Service that the APIService names does not exist",  # noqa: RUF001
        "  APIService v1beta1.metrics.k8s.io",
        "    spec.service: kube-system/metrics-server",
        "    status.conditions[Available].message: is not present",
        "  do:",
        "    # spec.service: where the Service is now",
        "    kubectl edit apiservice v1beta1.metrics.k8s.io",
        f"  see {LINK}",
        "  and therefore:",
        "    × KM205 metrics.k8s.io is not available",  # noqa: RUF001
        "    ‼ KM904 HorizontalPodAutoscalers get no metrics (2 HPAs)",
        "",
        "✓ api-server     what was seen of api-server",
        "✓ registration   what was seen of registration",
        "✓ aggregation    what was seen of aggregation",
        "× service        what was seen of service",  # noqa: RUF001
    ]
    assert text.splitlines()[-1] == "more about it: kubectl metrics diagnose --explain KM401"


def test_a_symptom_without_its_cause_is_told_as_a_finding() -> None:
    """--only leaves the cause out."""
    text = short(finding("KM205", title="metrics.k8s.io is not available", symptom_of="KM401"))
    assert "× error KM205  metrics.k8s.io is not available\n  because of KM401, which is not shown\n" in text  # noqa: RUF001
    assert "not shown" not in short(finding("KM401"), finding("KM205", symptom_of="KM401"))
    assert "because of KM401, which is not shown" in short(
        finding("KM205", Severity.INFO, title="t", symptom_of="KM401")
    )
    text = render(verdict(finding("KM205", symptom_of="KM401")), "markdown")
    assert "\n\nBecause of KM401, which is not shown\n\n" in text


@pytest.mark.parametrize("form", ["short", "table", "markdown"])
def test_what_is_suppressed_is_no_all_clear(form: str) -> None:
    text = render(verdict(suppressed=["KM404", "KM721"]), form)
    assert text.splitlines()[0].strip("*") == "Nothing else was found; suppressed: KM404, KM721"
    missing = [NotChecked("KM310", "get configmaps in kube-system", "")]
    text = render(verdict(suppressed=["KM721"], not_checked=missing), form, Style(width=200))
    assert text.splitlines()[0].strip("*") == ("Nothing else was found; suppressed: KM721; 1 check could not be made")


def test_a_circle_of_causes_loses_nobody() -> None:
    text = short(finding("KM401", symptom_of="KM402"), finding("KM402", symptom_of="KM401"))
    assert "error KM401" in text
    assert "error KM402" in text


def test_two_findings_of_one_check_are_both_told() -> None:
    one, two = finding("KM701", affected=["node-a"]), finding("KM701", affected=["node-b"])
    text = short(one, two, finding("KM801", symptom_of="KM701", title="No metrics"))
    assert text.count("error KM701") == 2
    assert text.count("KM801") == 1


@pytest.mark.parametrize(
    ("affected", "evidence", "nodes", "told"),
    [
        (["node-a"], ("Node node-a", "f", "v"), 40, "1 of 40 nodes: node-a"),
        (["node-a"], ("kubelet of node-a", "f", "v"), 1, "1 of 1 node: node-a"),
        (["node-a", "node-b"], ("Node node-a", "f", "v"), None, "2 nodes: node-a and node-b"),
        (["a", "b", "c", "d"], ("Node a", "f", "v"), 9, "4 of 9 nodes: a, b, c and d"),
        (["a", "b", "c", "d", "e"], ("Node a", "f", "v"), 9, "5 of 9 nodes: a, b, c and 2 more"),
        (["shop/cart"], ("Pod shop/cart", "f", "v"), 9, "1 pod: shop/cart"),
        (["x"], ("NetworkPolicy x", "f", "v"), 9, "1 NetworkPolicy: x"),
        (["x", "y"], ("NetworkPolicy x", "f", "v"), 9, "2 NetworkPolicies: x and y"),
        (["x/y"], ("something else", "f", "v"), 9, "1 object: x/y"),
    ],
)
def test_who_is_affected(affected: list[str], evidence: tuple[str, str, str], nodes: int | None, told: str) -> None:
    text = short(finding("KM701", affected=affected, evidence=[evidence]), nodes=nodes)
    assert f"\n  {told}\n" in text


@pytest.mark.parametrize(
    ("findings", "sentence"),
    [
        ([finding("KM201", category=Category.REGISTRATION, title="Nothing is there")], "metrics.k8s.io is not"),
        ([finding("KM701", category=Category.NODES, affected=["a"])], "Usage is missing or wrong: the Service"),
        ([finding("KM401"), finding("KM501")], "exist; and 1 more error"),
        (
            [finding("KM401"), finding("KM501"), finding("KM502"), finding("KM513", Severity.WARNING)],
            "exist; and 2 more errors and 1 warning",
        ),
        ([finding("KM513", Severity.WARNING, title="APIService is odd")], "No error, but a warning: APIService is"),
        ([finding("KM806", Severity.INFO)], "All is well: nothing wrong was found"),
        (
            [finding("KM506", Severity.INFO, title="The pod is new", passing=True)],
            "Nothing wrong was found so far: the pod is new",
        ),
    ],
)
def test_the_first_sentence(findings: list[Finding], sentence: str) -> None:
    text = short(*findings, style=Style(width=1000))
    assert sentence in text.splitlines()[0]


def test_what_could_not_be_read_is_no_all_clear() -> None:
    missing = [
        NotChecked("KM308", "get configmaps in kube-system", 'configmaps is forbidden: User "x" cannot get'),
        NotChecked("KM310", "get configmaps in kube-system", 'configmaps is forbidden: User "x" cannot get'),
        NotChecked("KM901", "list hpas", "timeout"),
    ]
    lines = short(not_checked=missing).splitlines()
    assert lines[0] == "Nothing wrong was found; 3 checks could not be made"
    assert lines[-3:] == [
        "not checked: needs get configmaps in kube-system (KM308, KM310)",
        "             needs list hpas (KM901): timeout",
        "2 checks passed; 3 could not be made",
    ]
    assert short(not_checked=missing, passed=[]).startswith("Nothing could be checked\n")
    many = [NotChecked(f"KM{number}", f"list x{number}", "") for number in range(101, 131)]
    assert "and 25 more reads" in short(not_checked=many)


def test_skipped_checks_are_counted_by_what_took_their_ground() -> None:
    text = short(finding("KM401"), skipped=[Skipped(f"KM{number}", "KM401") for number in range(402, 408)])
    assert "2 checks passed; skipped: 6 because of KM401\n" in text


@pytest.mark.parametrize(
    ("remedy", "lines"),
    [
        (PATCH, [f"    {PATCH}"]),
        (
            "kubectl get nodes  # and look " + "long " * 20,
            [
                "    # and look" + " long" * 13,
                "    #" + " long" * 7,
                "    kubectl get nodes",
            ],
        ),
        (
            "Let the kubelets ask for certificates: " + "word " * 12,
            ["    Let the kubelets ask for certificates:" + " word" * 7, "   " + " word" * 5],
        ),
        ("kubectl a\nkubectl b", ["    kubectl a", "    kubectl b"]),
        ("kubectl a  # or another\nkubectl b", ["    kubectl a", "    # or another", "    kubectl b"]),
        ("kubectl get a  # then look", ["    kubectl get a", "    # then look"]),
        ("kubectl get a  # oranges", ["    # oranges", "    kubectl get a"]),
        ("as root: systemctl restart kubelet", ["    as root: systemctl restart kubelet"]),
    ],
)  # fmt: skip
def test_a_command_is_never_broken(remedy: str, lines: list[str]) -> None:
    text = short(finding("KM401", remedy=remedy)).splitlines()
    start = text.index("  do:") + 1
    assert [line.rstrip() for line in text[start : start + len(lines)]] == lines
    assert text[start + len(lines)].startswith("  see ")


def test_it_is_readable_at_80_columns() -> None:
    long = "x509: certificate is valid for " + ", ".join(f"name-{number}.example.org" for number in range(40))
    report = verdict(
        finding("KM723", title="A title " * 9, evidence=[("kubelet of node-a", "message", long)], affected=["n" * 70]),
        finding("KM801", title="Another title " * 9, symptom_of="KM723"),
        finding("KM806", Severity.INFO, title="An info " * 20),
        stages=[Stage(category=Category.KUBELETS, outcome="error", seen="seen " * 60 + "h" * 90)],
        not_checked=[NotChecked(f"KM{number}", "list it", "why " * 40) for number in range(101, 131)],
        skipped=[Skipped("KM402", f"KM{number}") for number in range(101, 131)],
    )
    for columns in (80, 60, 120):
        for form in ("short", "table"):
            text = render(report, form, Style(width=columns))
            assert [line for line in text.splitlines() if len(line) > columns] == []
    assert "name-0.example.org, name-1" in " ".join(render(report).split())
    assert "name-39" not in render(report)  # cut


EVIL = "\x1b[31mred\x1b]0;title\x07 \u202e\u200b\r\nsecond\x9b2J\tend"


@pytest.mark.parametrize("form", FORMS)
def test_escape_sequences_of_other_people_do_not_get_through(form: str) -> None:
    report = verdict(
        finding("KM401", title=EVIL, evidence=[(EVIL, EVIL, EVIL)], affected=[EVIL], remedy=f"kubectl {EVIL}"),
        finding("KM402", title=EVIL, affected=[EVIL], symptom_of="KM401"),
        finding("KM806", Severity.INFO, title=EVIL, affected=[EVIL]),
        server=EVIL,
        collected_at=EVIL,
        stages=[Stage(category=Category.NODES, outcome="ok", seen=EVIL)],
        not_checked=[NotChecked("KM1", EVIL, EVIL)],
    )  # fmt: skip
    text = render(report, form)
    assert "red" in text
    assert text.replace("\n", "").isprintable()


def test_colours_are_all_that_is_not_printable_on_a_terminal() -> None:
    plain = short(finding("KM401"), finding("KM806", Severity.INFO))
    coloured = short(finding("KM401"), finding("KM806", Severity.INFO), style=Style(colour=True))
    assert re.sub(r"\x1b\[[0-9;]+m", "", coloured) == plain != coloured
    assert coloured.count("\x1b[0m") == len(re.findall(r"\x1b\[[1-9][0-9;]*m", coloured))


@pytest.mark.parametrize("form", ["short", "table"])
def test_without_utf8_everything_is_ascii(form: str) -> None:
    report = verdict(finding("KM401", title="Größe"), finding("KM513", Severity.WARNING))
    text = render(report, form, Style(unicode=False))
    assert text.isascii()
    assert "Gr\\xf6\\xdfe" in text


@given(st.text(max_size=200), st.integers(min_value=6, max_value=90))
def test_wrapping_loses_nothing(text: str, columns: int) -> None:
    words = " ".join(text.split())
    lines = wrap(words, columns)
    assert "".join("".join(lines).split()) == "".join(words.split())
    assert all(width(line) <= max(columns, 2) for line in lines)
    assert width(cut(words, columns)) <= columns


def test_wide_characters_take_two_columns() -> None:
    assert wrap("日本語 日本語", 6) == ["日本語", "日本語"]
    assert width("e\u0301") == 1


def test_enumeration() -> None:
    assert [enumeration(list(names)) for names in ("", "a", "ab", "abcd", "abcde")] == [
        "", "a", "a and b", "a, b, c and d", "a, b, c and 2 more",
    ]  # fmt: skip


def test_long_lists_are_cut_and_say_so() -> None:
    many = [(f"Node n{number}", "status", "x") for number in range(12)]
    symptoms = [finding(f"KM8{number:02}", title="Follows", symptom_of="KM401") for number in range(11)]
    text = short(finding("KM401", evidence=many, remedy="\nkubectl a\n\n"), *symptoms)
    assert "  Node n8\n" in text
    assert "  Node n9\n" not in text
    assert "\n  ... and 3 more; -o json has them all\n  do:\n    kubectl a\n" in text
    assert "KM807 Follows\n    ... and 3 more\n" in text


@pytest.mark.parametrize("form", ["short", "markdown"])
def test_a_kubelet_in_depth(form: str) -> None:
    text = render(verdict(kubelet=KubeletProbe(node="node-a", answers=[Answer(path="/x", status=200)])), form)
    assert "kubelet of " in text
    assert re.search(r"/x\W.*200 in 0 ms", text)


# ---- the terminal ----


class Stream(io.StringIO):
    def __init__(self, *, terminal: bool, encoding: str | None = "utf-8") -> None:
        super().__init__()
        self._terminal, self._encoding = terminal, encoding

    def isatty(self) -> bool:
        return self._terminal

    @property
    def encoding(self) -> str | None:  # type: ignore[override]
        return self._encoding


@pytest.mark.parametrize(
    ("stream", "environ", "colour", "unicode"),
    [
        (Stream(terminal=True), {}, True, True),
        (Stream(terminal=True), {"NO_COLOR": "1"}, False, True),
        (Stream(terminal=True), {"NO_COLOR": ""}, True, True),
        (Stream(terminal=True), {"TERM": "dumb"}, False, True),
        (Stream(terminal=False), {}, False, True),
        (Stream(terminal=False, encoding="UTF8"), {}, False, True),
        (Stream(terminal=True, encoding="latin-1"), {}, True, False),
        (Stream(terminal=True, encoding="ansi_x3.4-1968"), {}, True, False),
        (Stream(terminal=True, encoding="no such thing"), {}, True, False),
        (Stream(terminal=True, encoding=None), {}, True, False),
        (None, {}, False, True),
    ],
)
def test_what_a_stream_can_show(stream: Any, environ: dict[str, str], colour: bool, unicode: bool) -> None:
    style = of(stream, environ)
    assert (style.colour, style.unicode) == (colour, unicode)


@pytest.mark.parametrize(("columns", "expected"), [("100", 100), ("10", 40), ("500", 120)])
def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch, columns: str, expected: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert of(Stream(terminal=True), {}).width == expected
    assert of(Stream(terminal=False), {}).width == 80


# ---- table ----


def test_the_table_has_a_row_for_each_finding() -> None:
    report = verdict(
        finding("KM401", evidence=[("APIService v1beta1.metrics.k8s.io", "f", "v")]),
        finding("KM801", Severity.WARNING, Category.DATA, "No metrics", affected=["a", "b"], symptom_of="KM401"),
    )
    lines = render(report, "table").splitlines()
    assert lines[0].split() == ["ID", "SEVERITY", "OBJECT", "TITLE", "BECAUSE"]
    assert lines[2].startswith("KM401  error       APIService")
    assert next(line for line in lines if line.startswith("KM801")).split() == [
        "KM801", "warning", "2:", "a", "and", "b", "No", "metrics", "KM401",
    ]  # fmt: skip


def test_a_table_of_nothing_is_a_sentence() -> None:
    assert render(verdict(), "table") == "All is well: nothing wrong was found\n\n2 checks passed\n"


# ---- markdown ----


def test_markdown() -> None:
    text = render(
        verdict(
            finding(
                "KM401",
                evidence=[("Service a/b", "spec.ports[].port", "a|b `c` @you #1")],
                affected=["n_1", "n_2"],
                remedy=PATCH,
            ),
            finding("KM801", Severity.WARNING, title="See <b>@all</b> *now*", symptom_of="KM401"),
            not_checked=[NotChecked("KM310", "get configmaps in kube-system", "")],
        ),
        "markdown",
    )
    lines = text.splitlines()
    assert lines[0].startswith("**metrics.k8s.io is not available: the Service that the APIService names does not")
    assert "### × KM401 (error): The Service that the APIService names does not exist" in lines  # noqa: RUF001
    assert "2 objects: `n_1` and `n_2`" in lines
    assert any(
        re.search(r"\| `Service a/b` *\| `spec.ports\[\].port` *\| ``a\\\|b `c` @you #1`` *\|", x) for x in lines
    )
    position = lines.index("```sh")
    assert lines[position + 1 : position + 3] == [PATCH, "```"]
    assert "- KM801 (warning): See `<b>@all</b>` `*now*`" in lines
    assert "- needs get configmaps in kube-system (KM310)" in lines
    assert f"<{LINK}>" in lines


def test_a_remedy_cannot_leave_its_fence() -> None:
    text = render(verdict(finding("KM401", remedy="kubectl x ``` y")), "markdown")
    assert "\n````sh\nkubectl x ``` y\n````\n" in text


# ---- documents ----


def test_the_document() -> None:
    report = verdict(
        finding("KM401", evidence=[("Service a/b", "f", "v")], affected=["x"], remedy="kubectl x"),
        finding("KM801", Severity.WARNING, symptom_of="KM401"),
        finding("KM806", Severity.INFO),
        stages=[Stage(category=Category.NODES, outcome="ok", seen="3 of 3 ready")],
        skipped=[Skipped("KM402", "KM401")],
        not_checked=[NotChecked("KM310", "get configmaps", "forbidden")],
        suppressed=["KM721"],
    )
    document = json.loads(render(report, "json"))
    assert list(document) == [
        "apiVersion", "kind", "server", "collectedAt", "nodes", "summary", "stages", "kubelet", "findings", "passed",
        "skipped", "notChecked", "suppressed",
    ]  # fmt: skip
    assert (document["apiVersion"], document["kind"]) == ("kubectl-metrics/v1", "Diagnosis")
    assert document["summary"] == {"errors": 1, "warnings": 1, "infos": 1}
    assert document["findings"][0] == {
        "id": "KM401",
        "severity": "error",
        "category": "service",
        "title": "The Service that the APIService names does not exist",
        "evidence": [{"object": "Service a/b", "field": "f", "value": "v"}],
        "affected": ["x"],
        "remedy": "kubectl x",
        "link": LINK,
        "symptomOf": None,
    }
    assert document["findings"][1]["symptomOf"] == "KM401"
    assert document["stages"] == [{"category": "nodes", "outcome": "ok", "seen": "3 of 3 ready"}]
    assert document["skipped"] == [{"id": "KM402", "because": "KM401"}]
    assert document["notChecked"] == [{"id": "KM310", "needs": "get configmaps", "reason": "forbidden"}]
    assert document["suppressed"] == ["KM721"]
    assert yaml.safe_load(render(report, "yaml")) == document


def test_the_time_in_a_bundle_has_no_meaning_in_markdown_either() -> None:
    text = render(verdict(collected_at="2026-03-02T10:00:00Z ![x](https://evil.example/p.png) @everyone"), "markdown")
    assert "`![x](https://evil.example/p.png)`" in text
    assert "`@everyone`" in text
