"""Issue forms: GitHub drops one that it does not understand, and says so nowhere but on its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import project

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "ISSUE_TEMPLATE"
FORMS = ("bug.yml", "feature.yml")

# https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-issue-forms
_TOP = {"name", "description", "title", "labels", "projects", "assignees", "type", "body"}
_ATTRIBUTES = {
    "markdown": {"value"},
    "textarea": {"label", "description", "placeholder", "value", "render"},
    "input": {"label", "description", "placeholder", "value"},
    "dropdown": {"label", "description", "multiple", "options", "default"},
    "checkboxes": {"label", "description", "options"},
}


def load(name: str) -> dict[str, Any]:
    found = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", FORMS)
def test_it_is_a_form(name: str) -> None:
    form = load(name)
    assert {"name", "description", "body"} <= set(form) <= _TOP
    assert any(element["type"] != "markdown" for element in form["body"])
    for element in form["body"]:
        assert set(element) <= {"type", "id", "attributes", "validations"}
        attributes, wanted = element["attributes"], element["type"] == "markdown"
        assert set(attributes) <= _ATTRIBUTES[element["type"]]
        assert ("value" if wanted else "label") in attributes
        assert set(element.get("validations", {})) <= {"required"}
        assert all(isinstance(text, str) for key, text in attributes.items() if key != "options")


@pytest.mark.parametrize("name", FORMS)
def test_ids_and_labels_are_unique(name: str) -> None:
    fields = [element for element in load(name)["body"] if element["type"] != "markdown"]
    ids = [field["id"] for field in fields]
    labels = [field["attributes"]["label"] for field in fields]
    assert len(set(ids)) == len(ids) and len(set(labels)) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", each) for each in ids)


def test_a_bug_comes_with_its_bundle() -> None:
    required = {
        field["id"]: field["attributes"]
        for field in load("bug.yml")["body"]
        if field.get("validations", {}).get("required")
    }
    assert "kubectl metrics --version" in required["version"]["description"]
    assert "`-v`" in required["command"]["description"]
    assert "kubectl metrics diagnose --save bundle.json --mask" in required["bundle"]["description"]


def test_links_lead_to_this_project() -> None:
    for path in sorted(FOLDER.iterdir()):
        for url in re.findall(r"https://github\.com/[^\s)]+", path.read_text("utf-8")):
            assert url.startswith(f"{project.home()}/"), path.name
            file = url.removeprefix(f"{project.home()}/blob/main/")
            assert url.endswith("/security/advisories/new") or (ROOT / file).is_file(), url


def test_other_ways_are_complete() -> None:
    config = load("config.yml")
    assert set(config) == {"blank_issues_enabled", "contact_links"}
    assert all(set(link) == {"name", "url", "about"} for link in config["contact_links"])


def test_updates_are_looked_for_where_there_is_something() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    folders = {folder for each in updates if each["package-ecosystem"] == "gomod" for folder in each["directories"]}
    assert folders == {
        f"/{path.parent.relative_to(ROOT)}" for path in map(ROOT.joinpath, project.files()) if path.name == "go.mod"
    }
