"""The bill of materials: what comes with the package when it is installed, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kubectl_metrics import __version__
from release import dist, matrix, sbom
from release.project import NAME, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dist.build(tmp_path_factory.mktemp("dist"))[1]


@pytest.fixture(scope="module")
def bill(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return json.loads(sbom.write(wheel, tmp_path_factory.mktemp("sbom")).read_text("utf-8"))


def needed(requirements: list[str]) -> Iterator[str]:
    """The names of what is needed here for these requirements, by the metadata of what the tests run with."""
    for wanted in map(Requirement, requirements):
        if applies(wanted):
            yield canonicalize_name(wanted.name)
            yield from needed(requires(wanted.name) or [])


def applies(wanted: Requirement) -> bool:
    """Whether it is needed on this Python, without extras."""
    return wanted.marker is None or wanted.marker.evaluate({"extra": ""})


def pinned() -> dict[str, str]:
    """Versions by name, as constraints.txt has them for this Python."""
    lines = matrix.without((ROOT / "constraints.txt").read_text("utf-8"), ()).splitlines()
    wanted = filter(applies, map(Requirement, lines))
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in wanted}


def test_it_is_about_the_package(bill: Any) -> None:
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == (NAME, __version__)
    assert [one["license"]["id"] for one in about["licenses"]] == ["Apache-2.0"]


def test_it_names_what_is_needed_in_the_versions_that_are_pinned(bill: Any, wheel: Path) -> None:
    versions = pinned()
    expected = {name: versions[name] for name in needed(matrix.needed(wheel))}
    assert {"click", "kubernetes", "pysocks", "requests"} <= set(expected)
    assert {canonicalize_name(one["name"]): one["version"] for one in bill["components"]} == expected


def test_it_has_a_licence_of_each(bill: Any) -> None:
    assert [one["name"] for one in bill["components"] if not one.get("licenses")] == []


def test_it_says_what_needs_what(bill: Any, wheel: Path) -> None:
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    named = {one["bom-ref"]: canonicalize_name(one["name"]) for one in bill["components"]}
    direct = filter(applies, map(Requirement, matrix.needed(wheel)))
    found = {named[ref] for ref in needs[bill["metadata"]["component"]["bom-ref"]]}
    assert found == {canonicalize_name(one.name) for one in direct}
