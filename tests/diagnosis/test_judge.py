"""The engine: what is skipped, what is not checked, what is whose symptom, and in which order all that is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.catalogue import CHECKS, RETIRED
from kubectl_metrics.diagnosis.check import Check, check, means_any
from kubectl_metrics.diagnosis.evidence import OK, Evidence, Read
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Category, Fault, Finding, Proof, Severity, Skipped, Suppression, Verdict
from kubectl_metrics.diagnosis.judge import in_order, judge
from kubectl_metrics.diagnosis.probe import Answer
from tests.diagnosis.build import NODES, SERVER_POD, absent, failed, healthy, lose, of, refused

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
SERVER = f"kube-system/{SERVER_POD}"
ALL_NODES = list(NODES)


def finds(
    id_: str,
    *affected: str,
    severity: Severity = ERROR,
    passing: bool = False,
    because: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    proofs: Sequence[Proof] = (),
) -> Check:
    """A check that always finds its fault."""
    category = list(Category)[int(id_[2]) - 1]
    evidence = list(proofs) or [Proof(f"Node {name}", "x", "y") for name in affected] or [Proof("Thing a/b", "x", "y")]

    @check(
        id_,
        severity,
        category,
        title=id_,
        why="w",
        remedy="r",
        link="https://example.org",
        needs=needs,
        after=after,
        because=because,
    )
    def made(_: Facts) -> Iterator[Fault]:
        yield Fault(evidence=evidence, affected=list(affected), passing=passing)

    return made


def passes(id_: str, **given: Any) -> Check:
    """A check that never finds anything."""

    def nothing(_: Facts) -> Iterator[Fault]:
        yield from ()

    return msgspec.structs.replace(finds(id_, **given), judge=nothing)


def verdict(*checks: Check, evidence: Evidence | None = None, **given: Any) -> Verdict:
    """What a catalogue of these checks says."""
    return judge(evidence or healthy(), checks={one.id: one for one in checks}, **given)


def tree(found: Verdict) -> list[tuple[str, str | None, list[str]]]:
    """Id, cause and what it is about, in order."""
    return [(one.id, one.symptom_of, one.affected) for one in found.findings]


# ---- what is judged at all ----


def test_a_healthy_cluster_has_neither_errors_nor_warnings() -> None:
    found = judge(healthy())
    assert [one.id for one in found.findings if one.severity is not INFO] == []
    assert found.skipped == []
    assert found.not_checked == []


def test_a_check_whose_ground_is_gone_is_skipped() -> None:
    found = verdict(finds("KM201"), finds("KM401", after=("KM2",)), passes("KM501", after=("KM4",)))
    assert found.skipped == [Skipped("KM401", "KM201")]
    assert [one.id for one in found.findings] == ["KM201"]
    assert found.passed == ["KM501"]  # what was skipped has found nothing


def test_only_errors_take_the_ground_away() -> None:
    found = verdict(finds("KM201", severity=WARNING), finds("KM401", after=("KM2",)))
    assert {one.id for one in found.findings} == {"KM201", "KM401"}


def test_what_may_be_a_symptom_of_a_check_does_not_take_its_ground_away() -> None:
    found = verdict(finds("KM205", because=("KM4",)), finds("KM401", after=("KM2",)))
    assert tree(found) == [("KM401", None, []), ("KM205", "KM401", [])]


def test_the_ground_is_judged_first_whatever_its_number() -> None:
    found = verdict(finds("KM301", after=("KM302",)), finds("KM302"))
    assert found.skipped == [Skipped("KM301", "KM302")]


def test_grounds_in_a_circle_are_judged_all_the_same() -> None:
    found = verdict(finds("KM301", after=("KM302",)), finds("KM302", after=("KM301",)))
    assert len(found.findings) == 1
    assert len(found.skipped) == 1


def test_what_may_not_be_read_is_not_checked_and_no_fault() -> None:
    evidence = healthy()
    evidence.service = refused("get services in kube-system")
    found = verdict(finds("KM401", needs=("service",)), passes("KM402"), evidence=evidence)
    assert found.findings == []
    assert [(one.id, one.needs, one.reason) for one in found.not_checked] == [
        ("KM401", "get services in kube-system", "forbidden: get services in kube-system")
    ]
    assert found.passed == ["KM402"]


def test_a_check_that_comes_upon_something_unread_is_not_checked_either() -> None:
    evidence = healthy()
    evidence.nodes = refused("list nodes")

    @check("KM701", ERROR, Category.NODES, title="t", why="w", remedy="r", link="https://example.org", needs=())
    def looks(facts: Facts) -> Iterator[Fault]:
        yield Fault(evidence=[Proof("Node x", "y", str(len(facts.nodes)))])

    found = verdict(looks, evidence=evidence)
    assert found.findings == []
    assert [(one.id, one.needs) for one in found.not_checked] == [("KM701", "list nodes")]


def test_what_nobody_had_reason_to_read_is_passed_over_in_silence() -> None:
    evidence = healthy()
    evidence.aws_auth = Read()
    found = verdict(finds("KM902", needs=("aws_auth",)), evidence=evidence)
    assert (found.findings, found.not_checked, found.passed) == ([], [], [])


def test_a_fault_may_be_milder_and_more_exact_than_its_check() -> None:
    @check("KM101", ERROR, Category.API_SERVER, title="t", why="w", remedy="r", link="https://example.org", needs=())
    def milder(_: Facts) -> Iterator[Fault]:
        yield Fault(
            evidence=[Proof("a", "b", "c" * 1000)], severity=INFO, title="exact", remedy="do", affected=["y", "x", "y"]
        )

    (found,) = verdict(milder).findings
    assert (found.severity, found.title, found.remedy, found.affected) == (INFO, "exact", "do", ["x", "y"])
    assert found.evidence[0].value == "c" * 297 + "..."


# ---- causes and symptoms ----


def test_a_cause_comes_before_its_symptoms() -> None:
    found = verdict(
        finds("KM205", because=("KM4",)),
        finds("KM404", because=("KM5",)),
        finds("KM504"),
        finds("KM801", *ALL_NODES, because=("KM205",)),
    )
    assert tree(found) == [
        ("KM504", None, []),
        ("KM404", "KM504", []),
        ("KM205", "KM404", []),
        ("KM801", "KM205", ALL_NODES),
    ]


def test_a_symptom_hangs_on_the_root_if_it_may() -> None:
    found = verdict(finds("KM205", because=("KM4", "KM5")), finds("KM404", because=("KM5",)), finds("KM504"))
    assert of(found, "KM205").symptom_of == "KM504"


def test_two_independent_faults_both_stay_roots() -> None:
    found = verdict(finds("KM302"), finds("KM725", "node-b"), finds("KM205", because=("KM3", "KM7")))
    assert tree(found) == [("KM302", None, []), ("KM205", "KM302", []), ("KM725", None, ["node-b"])]


def test_a_cause_is_at_least_as_bad_as_its_symptom() -> None:
    found = verdict(finds("KM513", severity=WARNING), finds("KM505", because=("KM513",)))
    assert of(found, "KM505").symptom_of is None


def test_a_cause_for_some_nodes_leaves_the_others() -> None:
    found = verdict(finds("KM801", *ALL_NODES, because=("KM7",)), finds("KM725", "node-b"))
    assert tree(found) == [
        ("KM725", None, ["node-b"]),
        ("KM801", "KM725", ["node-b"]),
        ("KM801", None, ["node-a", "node-c"]),
    ]
    symptom, rest = (one for one in found.findings if one.id == "KM801")
    assert [one.object for one in symptom.evidence] == ["Node node-b"]
    assert [one.object for one in rest.evidence] == ["Node node-a", "Node node-c"]


def test_each_node_hangs_on_its_own_cause() -> None:
    found = verdict(
        finds("KM801", *ALL_NODES, because=("KM7",)), finds("KM701", "node-c"), finds("KM725", "node-a", "node-b")
    )
    assert {(one.symptom_of, tuple(one.affected)) for one in found.findings if one.id == "KM801"} == {
        ("KM725", ("node-a", "node-b")),
        ("KM701", ("node-c",)),
    }


def test_pods_hang_on_what_is_wrong_with_their_node() -> None:
    pods = [f"shop/web-{name}" for name in NODES]
    found = verdict(finds("KM725", "node-b"), finds("KM802", *pods, because=("KM7",)))
    assert tree(found)[1:] == [
        ("KM802", "KM725", ["shop/web-node-b"]),
        ("KM802", None, ["shop/web-node-a", "shop/web-node-c"]),
    ]


def test_evidence_about_others_is_no_evidence() -> None:
    first = [Proof("kubelet of node-a", "x", "y")]
    found = verdict(finds("KM725", "node-c"), finds("KM801", *ALL_NODES, because=("KM7",), proofs=first))
    assert [one.evidence for one in found.findings if one.id == "KM801"] == [
        [Proof("kubelet of node-c", "check KM801", "KM801")],
        first,
    ]


def test_the_evidence_is_that_of_the_first_few() -> None:
    nodes = [f"node-{number}" for number in range(9)]
    found = verdict(finds("KM725", "node-0", "node-2"), finds("KM801", *nodes, because=("KM7",)))
    assert [[proof.object for proof in one.evidence] for one in found.findings] == [
        ["Node node-0", "Node node-2"],
        ["Node node-0", "Node node-2"],
        ["Node node-1", "Node node-3", "Node node-4"],
    ]


@pytest.mark.parametrize(
    ("remedy", "rest"),
    [
        (lambda names: f"kubectl logs x | grep -F {names[0]}", "kubectl logs x | grep -F node-c"),
        (lambda names: f"kubectl describe node {' '.join(names[:2])}", "kubectl describe node node-c"),
        (lambda names: "" if "node-a" in names else "another", "another"),
        (lambda names: "first" if "node-a" in names else "", "r"),  # the check's own
        (None, "kubectl logs node-a"),  # names nobody that it is about
    ],
)
def test_the_remedy_names_those_that_it_is_for(remedy: Callable[[Sequence[str]], str] | None, rest: str) -> None:
    @check(
        "KM801",
        ERROR,
        Category.DATA,
        title="t",
        why="w",
        remedy="r",
        link="https://example.org",
        needs=(),
        because=("KM7",),
    )
    def missing(_: Facts) -> Iterator[Fault]:
        text = remedy(ALL_NODES) if remedy is not None else "kubectl logs node-a"
        yield Fault(evidence=[Proof("x", "y", "z")], affected=ALL_NODES, remedy=text, remedy_for=remedy)

    found = verdict(finds("KM725", "node-a", "node-b"), missing)
    assert {tuple(one.affected): one.remedy for one in found.findings}["node-c",] == rest


def test_a_node_whose_name_is_a_word() -> None:
    """Of the words of a remedy none is taken for its name."""
    encoded = msgspec.json.encode(healthy()).replace(b'"node-b"', b'"node"')
    evidence = msgspec.json.decode(encoded, type=Evidence)
    lose(evidence, "node", "node-c")
    evidence.nodes.get()[1].status.conditions = [k8s.Condition(type="Ready", status="Unknown")]
    for one in evidence.kubelets[1:]:
        one.attempts[0].failure, one.attempts[0].certificate = "timeout", None
        words = "error trying to reach service: dial tcp 192.0.2.12:10250: i/o timeout"
        one.answers = [Answer(path="/metrics/resource", proxied=True, by_api=True, status=503, message=words)]
    found = {(one.id, *one.affected): one.remedy for one in judge(evidence).findings}
    log = "kubectl logs -n kube-system deployment/metrics-server | grep "
    assert found["KM701", "node"] == "kubectl describe node node  # on the node: systemctl status kubelet"
    for name in ("node", "node-c"):
        assert found["KM722", name].startswith(f"{log}'Failed to scrape node'  # ")
        assert found["KM801", name] == f"{log}-Fw {name}"


def test_parts_with_the_same_cause_are_one() -> None:
    found = verdict(finds("KM725", *ALL_NODES), finds("KM802", *ALL_NODES, "shop/lost", because=("KM7",)))
    assert tree(found)[1:] == [("KM802", "KM725", [*ALL_NODES, "shop/lost"])]


def test_nodes_are_told_apart_without_knowing_the_pods() -> None:
    evidence = healthy()
    evidence.pods = refused("list pods")
    checks = finds("KM725", "node-b"), finds("KM801", "node-a", "node-b", because=("KM7",))
    assert tree(verdict(*checks, evidence=evidence))[1:] == [
        ("KM801", "KM725", ["node-b"]),
        ("KM801", None, ["node-a"]),
    ]


def test_a_finding_about_everything_is_no_symptom_of_one_node() -> None:
    found = verdict(finds("KM205", because=("KM7",)), finds("KM725", "node-b"))
    assert of(found, "KM205").symptom_of is None


def test_what_is_wrong_with_all_nodes_explains_everything() -> None:
    found = verdict(
        finds("KM205", because=("KM5", "KM7")),
        finds("KM506", SERVER, because=("KM7",)),
        finds("KM721", "node-c"),
        finds("KM725", "node-a", "node-b"),
    )
    assert of(found, "KM506").symptom_of == "KM725"
    assert of(found, "KM205").symptom_of == "KM725"


def severities(found: Verdict) -> list[tuple[str, Severity, list[str]]]:
    return [(one.id, one.severity, one.affected) for one in found.findings]


def test_what_will_be_over_by_itself_is_a_remark_and_so_are_its_symptoms() -> None:
    found = verdict(
        finds("KM205", because=("KM4", "KM5")),
        finds("KM404", because=("KM5",)),
        finds("KM506", passing=True),
        finds("KM904", "shop/web", severity=WARNING, because=("KM205",)),
        finds("KM905", severity=WARNING),
    )
    assert severities(found) == [
        ("KM905", WARNING, []),
        ("KM506", INFO, []),
        ("KM205", INFO, []),
        ("KM904", INFO, ["shop/web"]),
        ("KM404", INFO, []),
    ]


def test_what_will_not_be_over_by_itself_keeps_its_symptoms_as_they_are() -> None:
    found = verdict(finds("KM205", because=("KM5",)), finds("KM506", passing=True, because=("KM6",)), finds("KM605"))
    assert {one.severity for one in found.findings} == {ERROR}
    found = verdict(finds("KM404", because=("KM5",)), finds("KM504"), finds("KM506", passing=True))
    assert severities(found) == [("KM504", ERROR, []), ("KM404", ERROR, []), ("KM506", INFO, [])]


def test_of_several_nodes_those_are_a_remark_whose_cause_will_be_over() -> None:
    found = verdict(finds("KM701", "node-a", passing=True), finds("KM801", "node-a", "node-b", because=("KM701",)))
    assert severities(found) == [
        ("KM801", ERROR, ["node-b"]),
        ("KM701", INFO, ["node-a"]),
        ("KM801", INFO, ["node-a"]),
    ]


def test_what_is_suppressed_takes_its_passing_symptoms_with_it() -> None:
    checks = finds("KM205", because=("KM5",)), finds("KM506", passing=True)
    assert verdict(*checks, suppressed=silence("KM506")).findings == []


def test_the_kubelet_that_was_looked_at_in_depth() -> None:
    evidence = healthy()
    assert verdict(passes("KM101"), evidence=evidence).kubelet is None
    evidence.in_depth = "node-b"
    assert verdict(passes("KM101"), evidence=evidence).kubelet is evidence.kubelets[1]
    evidence.kubelets = []
    assert verdict(passes("KM101"), evidence=evidence).kubelet is None


def test_metrics_servers_own_readiness_does_not_hang_on_its_own_node() -> None:
    found = verdict(finds("KM506", SERVER, because=("KM7",)), finds("KM725", "node-a"))
    assert of(found, "KM506").symptom_of is None


def test_many_kubelets_that_were_asked_stand_for_all() -> None:
    evidence = healthy()
    template = evidence.nodes.get()[0]
    names = [f"node-{number}" for number in range(120)]
    evidence.nodes.get()[:] = [
        msgspec.structs.replace(template, metadata=msgspec.structs.replace(template.metadata, name=name))
        for name in names
    ]
    probe = evidence.kubelets[0]
    evidence.kubelets = [msgspec.structs.replace(probe, node=name) for name in names[:60]]
    checks = finds("KM205", because=("KM7",)), finds("KM725", *names[:60])
    assert of(verdict(*checks, evidence=evidence), "KM205").symptom_of == "KM725"
    evidence.kubelets = evidence.kubelets[:1]  # --node: one of many is not all
    checks = finds("KM205", because=("KM7",)), finds("KM725", names[0])
    assert of(verdict(*checks, evidence=evidence), "KM205").symptom_of is None


def test_what_is_wrong_with_all_of_metrics_servers_pods_explains_everything() -> None:
    found = verdict(
        finds("KM404", because=("KM5",)), finds("KM504", SERVER), finds("KM801", "node-a", because=("KM5",))
    )
    assert of(found, "KM404").symptom_of == "KM504"
    assert of(found, "KM801").symptom_of == "KM504"


def test_what_is_wrong_with_one_of_two_replicas_explains_nothing() -> None:
    evidence = healthy()
    from tests.diagnosis.build import server_pod

    evidence.service_pods.get().append(server_pod("metrics-server-2"))
    found = verdict(finds("KM404", because=("KM5",)), finds("KM503", SERVER), evidence=evidence)
    assert of(found, "KM404").symptom_of is None


def test_a_circle_of_causes_loses_nobody() -> None:
    found = verdict(finds("KM301", because=("KM302",)), finds("KM302", because=("KM301",)))
    assert sorted(one.id for one in found.findings) == ["KM301", "KM302"]
    assert [one.id for one in found.findings if one.symptom_of is None] != []


def test_what_is_milder_does_not_close_a_circle() -> None:
    found = verdict(
        finds("KM205", because=("KM5",)),
        finds("KM520", severity=INFO, because=("KM801",)),
        finds("KM801", "node-a", because=("KM205",)),
    )
    assert tree(found) == [("KM205", None, []), ("KM801", "KM205", ["node-a"]), ("KM520", None, [])]


def test_errors_come_before_warnings_and_the_pipeline_is_in_order() -> None:
    found = verdict(
        finds("KM903", severity=WARNING),
        finds("KM725", "node-a"),
        finds("KM302"),
        finds("KM102", severity=WARNING),
        finds("KM406", severity=INFO),
    )
    assert [one.id for one in found.findings] == ["KM302", "KM725", "KM102", "KM903", "KM406"]


# ---- what is asked for ----


def test_only_some_are_reported_and_all_are_judged() -> None:
    found = verdict(finds("KM201"), finds("KM404", after=("KM2",)), passes("KM402"), only=["KM404", "KM402"])
    assert found.findings == []
    assert found.skipped == [Skipped("KM404", "KM201")]
    assert found.passed == ["KM402"]


def test_the_cause_is_named_even_if_it_is_not_reported() -> None:
    found = verdict(finds("KM404"), finds("KM205", because=("KM4",)), only=["KM205"])
    assert tree(found) == [("KM205", "KM404", [])]


def silence(*texts: str) -> list[Suppression]:
    return [Suppression(text) for text in texts]


def test_what_is_suppressed_takes_its_symptoms_along() -> None:
    checks = (
        finds("KM205", because=("KM404",)),
        finds("KM404"),
        finds("KM801", "node-a", because=("KM205",)),
        finds("KM902"),
    )
    assert [one.id for one in verdict(*checks, suppressed=silence("KM404")).findings] == ["KM902"]


@pytest.mark.parametrize(
    ("rules", "only", "expected"),
    [
        (["KM404"], [], ["KM404"]),
        (["KM404", "KM404=x", "KM205"], [], ["KM205", "KM404"]),
        (["KM405", "KM902=x"], [], []),
        (["KM801=node-a"], [], ["KM801"]),
        (["KM404"], ["KM801"], ["KM404"]),
        (["KM404"], ["KM902"], []),
    ],
)
def test_it_is_told_what_was_suppressed(rules: list[str], only: list[str], expected: list[str]) -> None:
    checks = (
        finds("KM205", because=("KM404",)),
        finds("KM404"),
        finds("KM801", "node-a", because=("KM205",)),
        finds("KM902"),
        passes("KM405"),
    )
    assert verdict(*checks, suppressed=silence(*rules), only=only).suppressed == expected


def test_a_symptom_with_another_cause_stays() -> None:
    checks = finds("KM205", because=("KM4", "KM5")), finds("KM404"), finds("KM504")
    assert tree(verdict(*checks, suppressed=silence("KM404"))) == [("KM504", None, []), ("KM205", "KM504", [])]


def test_one_node_is_suppressed() -> None:
    checks = finds("KM725", "node-a", "node-b"), finds("KM801", *ALL_NODES, because=("KM7",))
    assert tree(verdict(*checks, suppressed=silence("KM725=node-b"))) == [
        ("KM725", None, ["node-a"]),
        ("KM801", "KM725", ["node-a"]),
        ("KM801", None, ["node-c"]),
    ]


def test_a_suppressed_node_takes_its_evidence_along() -> None:
    (found,) = verdict(finds("KM725", "node-a", "node-b"), suppressed=silence("KM725=node-b")).findings
    assert [one.object for one in found.evidence] == ["Node node-a"]


def test_a_suppressed_symptom_leaves_its_cause() -> None:
    checks = finds("KM725", "node-b"), finds("KM801", "node-a", "node-b", because=("KM7",))
    assert tree(verdict(*checks, suppressed=silence("KM801=node-b"))) == [
        ("KM725", None, ["node-b"]),
        ("KM801", None, ["node-a"]),
    ]


def test_a_finding_about_nothing_is_not_suppressed() -> None:
    @check("KM101", ERROR, Category.API_SERVER, title="t", why="w", remedy="r", link="https://example.org", needs=())
    def vague(_: Facts) -> Iterator[Fault]:
        yield Fault(evidence=[])

    assert [one.id for one in verdict(vague, suppressed=silence("KM101=x", "KM102")).findings] == ["KM101"]


def test_all_nodes_are_suppressed_one_by_one() -> None:
    found = verdict(finds("KM725", "node-a", "node-b"), suppressed=silence("KM725=node-b", "KM725=node-a"))
    assert found.findings == []


def test_what_is_about_no_node_is_suppressed_by_its_object() -> None:
    checks = (finds("KM404", proofs=[Proof("Service kube-system/metrics-server", "x", "y"), Proof("Pod a/b", "", "")]),)
    assert verdict(*checks, suppressed=silence("KM404=kube-system/metrics-server")).findings == []
    assert len(verdict(*checks, suppressed=silence("KM404=kube-system/other")).findings) == 1


def test_suppressing_one_id_leaves_the_others() -> None:
    assert [
        one.id for one in verdict(finds("KM404"), finds("KM405"), suppressed=silence("KM404=x", "KM405")).findings
    ] == ["KM404"]


def test_why_a_stage_was_not_looked_at() -> None:
    cases: list[tuple[Read[Any], str]] = [
        (refused("list nodes.metrics.k8s.io"), "not looked at: needs list nodes.metrics.k8s.io"),
        (absent("list nodes.metrics.k8s.io"), "not looked at: nodes.metrics.k8s.io is not served"),
        (failed("list nodes.metrics.k8s.io", 503), "not looked at: nodes.metrics.k8s.io: no answer"),
    ]
    for read, words in cases:
        evidence = healthy()
        evidence.node_metrics = read
        (data,) = [one for one in judge(evidence).stages if one.category is Category.DATA]
        assert data.seen == words
    evidence = healthy()
    evidence.api_services = Read(what="list apiservices", state=OK, value=[])
    (aggregation,) = [one for one in judge(evidence).stages if one.category is Category.AGGREGATION]
    assert aggregation.seen == "there is no APIService"


def test_stages_tell_the_worst_of_what_is_reported() -> None:
    found = verdict(finds("KM404"), finds("KM406", severity=WARNING), suppressed=silence("KM404"))
    outcomes = {one.category: one.outcome for one in found.stages}
    assert outcomes[Category.SERVICE] == "warning"
    assert outcomes[Category.NODES] == "ok"


# ---- the catalogue ----

_HUNDREDS = {
    Category.API_SERVER: "1",
    Category.REGISTRATION: "2",
    Category.AGGREGATION: "3",
    Category.SERVICE: "4",
    Category.METRICS_SERVER: "5",
    Category.RBAC: "6",
    Category.NODES: "7",
    Category.KUBELETS: "7",
    Category.DATA: "8",
    Category.CONSUMERS: "9",
}
_ALL = pytest.mark.parametrize("one", [pytest.param(one, id=one.id) for one in CHECKS.values()])


def modules() -> list[Check]:
    """All checks of all modules beside the catalogue, whether it knows them or not."""
    import importlib
    import pkgutil

    from kubectl_metrics.diagnosis import checks

    found = []
    for info in pkgutil.iter_modules(checks.__path__, checks.__name__ + "."):
        module = importlib.import_module(info.name)
        found += [value for value in vars(module).values() if isinstance(value, Check)]
    return found


def test_every_check_is_in_the_catalogue_once() -> None:
    ids = [one.id for one in modules()]
    assert sorted(ids) == sorted(set(ids)) == sorted(CHECKS)
    assert not RETIRED & set(ids)


@_ALL
def test_ids_tell_the_stage(one: Check) -> None:
    assert re.fullmatch(r"KM\d{3}", one.id)
    assert one.id[2] == _HUNDREDS[one.category]
    if one.id[2] == "7":
        assert (one.id < "KM720") == (one.category is Category.NODES)


@_ALL
def test_needs_are_reads(one: Check) -> None:
    evidence = Evidence()
    assert [need for need in one.needs if not isinstance(getattr(evidence, need, None), Read)] == []


@_ALL
def test_texts_are_there(one: Check) -> None:
    assert 10 < len(one.title) <= 75
    assert not one.title.endswith(".")
    assert len(one.why) > 20
    assert one.why.endswith(".")
    assert one.remedy
    assert "\n" not in one.remedy
    assert "<" not in one.remedy  # nothing to be filled in
    assert re.fullmatch(r"https://\S+", one.link)


@_ALL
def test_what_it_refers_to_exists(one: Check) -> None:
    for pattern in (*one.after, *one.because):
        assert any(means_any([pattern], id_) for id_ in CHECKS if id_ != one.id), pattern
    assert set(one.needs) <= set(Evidence.__struct_fields__)


def circle(edges: dict[str, list[str]]) -> list[str]:
    """A way in a circle; empty if there is none."""
    done: set[str] = set()

    def walk(id_: str, path: list[str]) -> list[str]:
        if id_ in path:
            return [*path[path.index(id_) :], id_]
        if id_ in done:
            return []
        for other in edges[id_]:
            if found := walk(other, [*path, id_]):
                return found
        done.add(id_)
        return []

    return next((found for id_ in edges if (found := walk(id_, []))), [])


def test_circles_are_found() -> None:
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert circle({"a": ["b", "c"], "b": ["c"], "c": []}) == []


def test_no_check_is_its_own_cause() -> None:
    """What only explains is no cause of what is worse, whoever names it."""
    edges = {
        one.id: [
            other.id
            for other in CHECKS.values()
            if other.id != one.id and other.severity.rank <= one.severity.rank and means_any(one.because, other.id)
        ]
        for one in CHECKS.values()
    }
    assert circle(edges) == []


def test_no_check_takes_its_own_ground_away() -> None:
    assert circle({one.id: grounds for one, grounds in in_order(tuple(CHECKS.values()))}) == []


def test_the_ground_of_all_checks_is_judged_before_them() -> None:
    judged: list[str] = []
    for one, grounds in in_order(tuple(CHECKS.values())):
        assert set(grounds) <= set(judged)
        judged.append(one.id)
    assert sorted(judged) == sorted(CHECKS)


def test_an_empty_evidence_gives_no_finding_that_is_an_error() -> None:
    found: list[Finding] = judge(Evidence()).findings
    assert [one.id for one in found if one.severity is ERROR] == []
