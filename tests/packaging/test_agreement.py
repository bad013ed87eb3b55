"""What keeps a version from being released, each in one line that says what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from release.agreement import refusals, refusals_of_a_tag
from tests.packaging.checkouts import HOME, Checkout

ROOT = Path(__file__).parents[2]
PACKAGE, LOG, KREW = "kubectl_metrics/__init__.py", "CHANGELOG.md", "krew/metrics.yaml"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_all_agrees(checkout: Checkout) -> None:
    assert refusals("0.2.0", checkout.root) == []


def test_a_release_branch_will_do(checkout: Checkout) -> None:
    checkout.git("tag", "v0.9.0")
    checkout.git("switch", "--quiet", "--create", "release/0.2")
    assert refusals("0.2.0", checkout.root) == []


@pytest.mark.parametrize("version", ["", "v0.2.0", "0.2", "0.2.0rc1", "0.02.0", "0.2.0 ", "latest", "0.2.0\n"])
def test_what_is_no_version(checkout: Checkout, version: str) -> None:
    assert refusals(version, checkout.root) == [f"VERSION is {version!r}; it has to be like 1.2.3"]


DISAGREEMENTS: dict[str, tuple[Callable[[Checkout], None], str]] = {
    "another version in the package": (
        lambda it: it.replace(PACKAGE, '"0.2.0"', '"0.1.0"'),
        f"{PACKAGE}: __version__ is 0.1.0, not 0.2.0; 'make release-prepare VERSION=0.2.0' sets it",
    ),
    "no version in the package": (
        lambda it: it.replace(PACKAGE, "__version__", "version"),
        f'{PACKAGE} has no line __version__ = "..."; write it',
    ),
    "another version in the README": (
        lambda it: it.replace("README.md", "kubectl-metrics 0.2.0", "kubectl-metrics 0.1.9"),
        "README.md: it shows version 0.1.9, not 0.2.0; 'make release-prepare VERSION=0.2.0' sets it",
    ),
    "another version's archive in a page": (
        lambda it: it.replace("docs/krew.md", "v0.2.0", "v0.3.0"),
        "docs/krew.md: it shows version 0.3.0, not 0.2.0; 'make release-prepare VERSION=0.2.0' sets it",
    ),
    "another version in krew's manifest": (
        lambda it: it.replace(KREW, "version: v0.2.0", "version: v0.1.0"),
        f"{KREW}: the version is v0.1.0, not v0.2.0; 'make release-prepare VERSION=0.2.0' sets it",
    ),
    "two versions in krew's manifest": (
        lambda it: it.replace(KREW, "spec:\n", "spec:\n  version: v0.2.0\n"),
        f"{KREW}: the manifest names 2 versions; it has to be v0.2.0",
    ),
    "no section": (
        lambda it: it.replace(LOG, "## [0.2.0] - 2026-03-01\n\n### Added\n\n- Something.\n\n", ""),
        f"{LOG}: the newest version is [0.1.0], not [0.2.0]; 'make release-prepare VERSION=0.2.0' adds it",
    ),
    "no date": (
        lambda it: it.replace(LOG, "[0.2.0] - 2026-03-01", "[0.2.0]"),
        f"{LOG}: [0.2.0] has no date like 2026-01-31 in its heading; write '## [0.2.0] - ' and the day",
    ),
    "a day that does not exist": (
        lambda it: it.replace(LOG, "2026-03-01", "2026-02-30"),
        f"{LOG}: [0.2.0] has no date like 2026-01-31 in its heading; write '## [0.2.0] - ' and the day",
    ),
    "nothing in the section": (
        lambda it: it.replace(LOG, "### Added\n\n- Something.\n", ""),
        f"{LOG}: [0.2.0] says nothing; put its changes under Added, Changed, Deprecated, Removed, Fixed, Security",
    ),
    "a heading of our own": (
        lambda it: it.replace(LOG, "### Added\n\n- Something.\n", "### Improved\n\n- Something.\n"),
        f"{LOG}: [0.2.0] has a heading 'Improved'; it can be Added, Changed, Deprecated, Removed, Fixed, Security",
    ),
    "no link": (
        lambda it: it.replace(LOG, f"[0.2.0]: {HOME}/compare/v0.1.0...v0.2.0\n", ""),
        f"{LOG}: the link of [0.2.0] is missing; write '[0.2.0]: {HOME}/compare/v0.1.0...v0.2.0'",
    ),
    "a link that compares with something else": (
        lambda it: it.replace(LOG, "compare/v0.1.0...v0.2.0", "compare/v0.0.9...v0.2.0"),
        f"{LOG}: the link of [0.2.0] is {HOME}/compare/v0.0.9...v0.2.0; "
        f"write '[0.2.0]: {HOME}/compare/v0.1.0...v0.2.0'",
    ),
    "something unreleased": (
        lambda it: it.replace(LOG, "## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- A fault.\n"),
        f"{LOG}: [Unreleased] still has entries; move them to [0.2.0], or take them out",
    ),
    "a heading that is no version": (
        lambda it: it.replace(LOG, "## [0.1.0] - 2026-02-01", "## The first one"),
        f"{LOG}: the heading 'The first one' is not like [1.2.3] - 2026-01-31",
    ),
}


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_what_does_not_agree(checkout: Checkout, name: str) -> None:
    spoil, said = DISAGREEMENTS[name]
    spoil(checkout)
    checkout.commit()
    assert refusals("0.2.0", checkout.root) == [said]
    assert refusals_of_a_tag("v0.2.0", checkout.root) == [said]


class TestRepository:
    def test_a_file_that_is_not_committed(self, checkout: Checkout) -> None:
        checkout.write("notes.txt", "")
        said = "git: notes.txt not committed; commit or remove what 'git status' lists"
        assert refusals("0.2.0", checkout.root) == [said]

    def test_files_that_are_not_committed(self, checkout: Checkout) -> None:
        checkout.replace(PACKAGE, "A package", "The package")
        checkout.write("notes.txt", "")
        said = f"git: {PACKAGE} and 1 more not committed; commit or remove what 'git status' lists"
        assert refusals("0.2.0", checkout.root) == [said]

    def test_another_branch(self, checkout: Checkout) -> None:
        checkout.git("switch", "--quiet", "--create", "idea")
        said = "git: the branch is idea; releases are made from main or release/..., 'git switch main'"
        assert refusals("0.2.0", checkout.root) == [said]

    def test_no_branch(self, checkout: Checkout) -> None:
        checkout.git("switch", "--quiet", "--detach")
        said = "git: the branch is HEAD; releases are made from main or release/..., 'git switch main'"
        assert refusals("0.2.0", checkout.root) == [said]

    def test_a_tag_that_exists(self, checkout: Checkout) -> None:
        checkout.git("tag", "v0.2.0")
        said = "git: the tag v0.2.0 exists already; a released version never changes, take the next one"
        assert refusals("0.2.0", checkout.root) == [said]

    def test_a_version_that_was_overtaken(self, checkout: Checkout) -> None:
        checkout.git("tag", "v0.9.0")
        checkout.git("tag", "v0.10.0")
        checkout.git("tag", "v1-is-no-version")
        assert refusals("0.2.0", checkout.root) == ["git: v0.10.0 is later than 0.2.0; main only goes forward"]

    def test_no_repository(self, checkout: Checkout) -> None:
        shutil.rmtree(checkout.root / ".git")
        (said,) = refusals("0.2.0", checkout.root)
        assert said.startswith("git status --porcelain: fatal: not a git repository")


@pytest.mark.parametrize("tag", ["0.2.0", "v0.2", "v0.2.0-rc.1", "release", "v0.2.0$(id)"])
def test_what_is_no_tag(checkout: Checkout, tag: str) -> None:
    assert refusals_of_a_tag(tag, checkout.root) == [f"the tag is {tag!r}; it has to be like v1.2.3"]


def test_the_command_says_everything_at_once(checkout: Checkout) -> None:
    for name in ("release", "krew"):
        shutil.copytree(ROOT / name, checkout.root / name, dirs_exist_ok=True, ignore=lambda *_: ["metrics.yaml"])
    checkout.replace(PACKAGE, '"0.2.0"', '"0.1.0"')
    checkout.replace(KREW, "version: v0.2.0", "version: v0.1.0")
    checkout.git("switch", "--quiet", "--create", "idea")
    done = subprocess.run(
        [sys.executable, "-m", "release", "0.2.0"], cwd=checkout.root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [PACKAGE, KREW, "git", "git"]
    assert not (checkout.root / "dist").exists()
