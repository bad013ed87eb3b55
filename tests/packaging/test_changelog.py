"""CHANGELOG.md in the form of Keep a Changelog: read, and made ready for a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from release import agreement, changelog
from release.prepare import prepare
from release.project import Failed
from tests.packaging.checkouts import HOME, Checkout

ROOT = Path(__file__).parents[2]
FIRST = "# Changelog\n\nWhat changed.\n\n## [Unreleased]\n\n### Added\n\n- Everything, see [docs](docs/x.md).\n"


def test_sections_and_links() -> None:
    log = changelog.read(FIRST + f"\n## [0.1.0] - 2026-02-01\n\n### Fixed\n\n- A fault.\n\n[0.1.0]: {HOME}/x\n")
    assert log.sections == (
        changelog.Section("Unreleased", None, "### Added\n\n- Everything, see [docs](docs/x.md)."),
        changelog.Section("0.1.0", "2026-02-01", "### Fixed\n\n- A fault."),
    )
    assert log.links == {"0.1.0": f"{HOME}/x"}
    assert log.sections[1].categories == ["Fixed"]


def test_a_section_that_is_not_there() -> None:
    with pytest.raises(Failed, match=r"CHANGELOG.md has no section \[0.3.0\]"):
        changelog.read(FIRST).section("0.3.0")


def test_the_first_release() -> None:
    assert changelog.prepared(FIRST, "0.1.0", "2026-02-01", HOME) == (
        "# Changelog\n\nWhat changed.\n\n## [Unreleased]\n\n## [0.1.0] - 2026-02-01\n\n### Added\n\n"
        "- Everything, see [docs](docs/x.md).\n\n"
        f"[Unreleased]: {HOME}/compare/v0.1.0...HEAD\n[0.1.0]: {HOME}/releases/tag/v0.1.0\n"
    )


def test_the_next_release_agrees() -> None:
    first = changelog.prepared(FIRST, "0.1.0", "2026-02-01", HOME)
    more = first.replace("## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- A fault.\n")
    second = changelog.prepared(more, "0.1.1", "2026-02-02", HOME)
    assert [section.version for section in changelog.read(second).sections] == ["Unreleased", "0.1.1", "0.1.0"]
    assert changelog.read(second).links == {
        "Unreleased": f"{HOME}/compare/v0.1.1...HEAD",
        "0.1.1": f"{HOME}/compare/v0.1.0...v0.1.1",
        "0.1.0": f"{HOME}/releases/tag/v0.1.0",
    }
    assert list(changelog.disagreements(second, "0.1.1", HOME)) == []


def test_nothing_to_release() -> None:
    with pytest.raises(Failed, match=r"nothing is in \[Unreleased\]"):
        changelog.prepared("## [Unreleased]\n\n", "0.1.0", "2026-02-01", HOME)


def test_a_version_that_is_there_already() -> None:
    with pytest.raises(Failed, match=r"has a section \[0.1.0\] already"):
        changelog.prepared(changelog.prepared(FIRST, "0.1.0", "2026-02-01", HOME), "0.1.0", "2026-02-02", HOME)


def test_what_is_prepared_can_be_released(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.replace("CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- A fault.\n")
    prepare("0.3.0", "2026-04-01", tmp_path)
    checkout.commit()
    assert agreement.refusals("0.3.0", tmp_path) == []
    krew = (tmp_path / "krew" / "metrics.yaml").read_text("utf-8")
    assert krew.count("v0.3.0") == 3 and "0.2.0" not in krew


def test_this_changelog_can_be_read() -> None:
    log = changelog.read((ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert log.sections
    assert {category for section in log.sections for category in section.categories} <= set(changelog.CATEGORIES)
