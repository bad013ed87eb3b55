"""The checks as a list, one explained, and as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from kubectl_metrics.diagnosis.catalogue import CHECKS
from kubectl_metrics.diagnosis.check import Check
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Category, Fault, Severity
from kubectl_metrics.errors import UsageError
from kubectl_metrics.output.catalogue import BEGIN, END, check_id, checks_page, explanation, listing
from kubectl_metrics.output.style import Style
from kubectl_metrics.output.verdict.short import remedy_lines


def nothing(_: Facts) -> Iterator[Fault]:
    return iter(())


def check(id_: str, title: str = "Something is wrong", **fields: object) -> Check:
    given: dict[str, object] = {
        "id": id_,
        "severity": Severity.ERROR,
        "category": Category.SERVICE,
        "title": title,
        "why": "It is wrong because of --some_flag.",
        "remedy": "kubectl get it  # and look",
        "link": "https://example.org/",
        "needs": ("api_services", "service"),
        "after": ("KM2", "KM401"),
        "because": (),
        "judge": nothing,
    }
    return Check(**(given | fields))  # type: ignore[arg-type]


FEW = {
    one.id: one
    for one in (
        check("KM201", category=Category.REGISTRATION, title="A <b> | c"),
        check("KM401", remedy="Wait.", after=(), needs=()),
        check("KM402", because=("KM401",)),
    )
}


def test_the_list_has_a_line_for_each_check() -> None:
    lines = listing("short", FEW).splitlines()
    assert lines[0].split() == ["ID", "SEVERITY", "STAGE", "TITLE"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["KM201", "error", "registration"],
        ["KM401", "error", "service"],
        ["KM402", "error", "service"],
    ]
    assert lines[1].endswith("A <b> | c")


def test_the_list_as_a_document() -> None:
    document = json.loads(listing("json", FEW))
    assert (document["apiVersion"], document["kind"]) == ("kubectl-metrics/v1", "CheckList")
    assert document["items"][2] == {
        "id": "KM402",
        "severity": "error",
        "category": "service",
        "title": "Something is wrong",
        "why": "It is wrong because of --some_flag.",
        "remedy": "kubectl get it  # and look",
        "link": "https://example.org/",
        "needs": ["apiServices", "service"],
        "after": ["KM2", "KM401"],
        "because": ["KM401"],
    }
    assert yaml.safe_load(listing("yaml", FEW)) == document


def test_the_list_in_markdown_keeps_its_columns() -> None:
    lines = listing("markdown", FEW).splitlines()
    assert [line.replace("\\|", "").count("|") for line in lines] == [5] * 5
    assert "A `<b>` `\\|` c" in lines[2]


def test_an_explanation() -> None:
    assert explanation("km402", checks=FEW).splitlines() == [
        "KM402  Something is wrong",
        "",
        "It is wrong because of --some_flag.",
        "",
        "do:",
        "  # and look",
        "  kubectl get it",
        "",
        "see https://example.org/",
        "",
        "severity:      error",
        "stage:         service",
        "needs:         apiServices, service",
        "skipped after: KM2..., KM401",
        "follows from:  KM401",
    ]
    assert json.loads(explanation("KM402", "json", checks=FEW))["id"] == "KM402"
    assert explanation("KM402", "markdown", checks=FEW).startswith('<a id="km402"></a>\n\n### KM402: ')


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("KM403", "did you mean KM402 or KM401 or KM201?"),
        ("km 401", "did you mean KM401"),
        ("zzz", "--list-checks lists them"),
        ("", "--list-checks lists them"),
        ("x" * 1000, "--list-checks lists them"),
    ],
)
def test_an_id_that_does_not_exist(asked: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_id(asked, FEW)
    assert hint in (caught.value.hint or "")
    assert len(caught.value.message) < 80


def test_the_page_keeps_what_is_written_by_hand() -> None:
    page = checks_page(f"before\n{BEGIN}\nold\n{END}\nafter\n", FEW)
    assert page.startswith(f"before\n{BEGIN}\n\n## Registration")
    assert page.endswith(f"\n\n{END}\nafter\n")
    assert "old" not in page
    assert "\n## Service and endpoints\n" in page
    assert '\n<a id="km402"></a>\n' in page
    assert "\nTo do: Wait.\n" in page
    assert "- skipped after: KM2..., KM401" in page
    assert checks_page(page, FEW) == page
    with pytest.raises(ValueError, match="has lost"):
        checks_page("nothing", FEW)


_WITH_COMMANDS = [id_ for id_, one in CHECKS.items() if any(command for _, command in remedy_lines(one.remedy))]


@pytest.mark.parametrize("id_", _WITH_COMMANDS)
def test_a_narrow_terminal_leaves_commands_whole_and_comments_comments(id_: str) -> None:
    text = explanation(id_, style=Style(width=40))
    drawn = text.partition("\ndo:\n")[2].partition("\n\nsee ")[0].splitlines()
    commands = [f"  {line}" for line, command in remedy_lines(CHECKS[id_].remedy) if command]
    assert [line for line in drawn if not line.startswith("  # ")] == commands


@pytest.mark.parametrize("id_", CHECKS)
def test_every_check_can_be_explained(id_: str) -> None:
    text = explanation(id_)
    assert text.startswith(f"{id_}  ")
    assert text.replace("\n", "").isprintable()
    assert CHECKS[id_].link in text
