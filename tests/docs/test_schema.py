"""The schema in docs/ describes what is printed, and would notice if it did not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Category, Finding, NotChecked, Proof, Severity, Skipped, Verdict
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.probe import KubeletProbe
from kubectl_metrics.output.verdict import render
from tests.diagnosis.build import absent, healthy, refused

_SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "diagnosis.schema.json").read_text("utf-8"))
_VALIDATOR = jsonschema.Draft202012Validator(_SCHEMA, format_checker=jsonschema.FormatChecker())


def document(verdict: Verdict) -> Any:
    return json.loads(render(verdict, "json"))


def whole() -> Verdict:
    """A verdict with something of everything."""
    verdict = judge(healthy())
    for severity, parent in ((Severity.ERROR, None), (Severity.WARNING, "KM401"), (Severity.INFO, None)):
        verdict.findings.append(
            Finding(
                id="KM401" if parent is None else "KM801",
                severity=severity,
                category=Category.SERVICE,
                title="It is wrong",
                evidence=[Proof("Service a/b", "spec", "x")],
                affected=["node-a"],
                remedy="kubectl x",
                link="https://example.org/",
                symptom_of=parent,
            )
        )
    verdict.skipped.append(Skipped("KM402", "KM401"))
    verdict.not_checked.append(NotChecked("KM310", "get configmaps", "forbidden"))
    verdict.kubelet = KubeletProbe(node="node-a")
    return verdict


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(_SCHEMA)
    assert _SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def missing() -> Evidence:
    evidence = healthy()
    evidence.service = absent("get services")
    return evidence


def nothing() -> Evidence:
    evidence = healthy()
    for name in evidence.__struct_fields__:
        if hasattr(getattr(evidence, name), "state"):
            setattr(evidence, name, refused(f"read {name}"))
    return evidence


@pytest.mark.parametrize("make", [Evidence, healthy, missing, nothing])
def test_what_is_printed_is_valid(make: Callable[[], Evidence]) -> None:
    verdict = judge(make())
    _VALIDATOR.validate(document(verdict))
    assert verdict.findings or make is not missing
    assert verdict.not_checked or make is not nothing


def test_a_verdict_with_everything_is_valid() -> None:
    _VALIDATOR.validate(document(whole()))


def test_every_field_that_is_printed_is_in_the_schema() -> None:
    def compare(value: Any, schema: dict[str, Any], path: str) -> list[str]:
        if "$ref" in schema:
            schema = _SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
        if isinstance(value, dict) and not path.endswith(".kubelet"):
            known = schema.get("properties", {})
            unknown = [f"{path}.{name}" for name in value if name not in known]
            return unknown + [
                found for name in known for found in compare(value.get(name), known[name], f"{path}.{name}")
            ]
        if isinstance(value, list):
            return [found for one in value for found in compare(one, schema["items"], path)]
        return []

    assert compare(document(whole()), _SCHEMA, "") == []


def test_the_categories_are_all_there() -> None:
    assert _SCHEMA["$defs"]["category"]["enum"] == [one.value for one in Category]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("findings"),
        lambda d: d.update(apiVersion="v2"),
        lambda d: d.update(kind="Evidence"),
        lambda d: d.update(collectedAt=1),
        lambda d: d["summary"].pop("errors"),
        lambda d: d["findings"][0].update(severity="bad"),
        lambda d: d["findings"][0].update(category="else"),
        lambda d: d["findings"][0].update(affected="node-a"),
        lambda d: d["findings"][0].update(symptomOf="because"),
        lambda d: d["findings"][0]["evidence"][0].update(value=7),
        lambda d: d["findings"][0].pop("link"),
        lambda d: d["passed"].append(401),
        lambda d: d["stages"][0].update(outcome="fine"),
        lambda d: d["notChecked"][0].pop("needs"),
        lambda d: d["skipped"][0].update(because=None),
        lambda d: d["kubelet"].pop("node"),
    ],
)
def test_what_is_wrong_is_not_valid(spoil: Callable[[Any], object]) -> None:
    found = document(whole())
    spoil(found)
    assert not _VALIDATOR.is_valid(found)
