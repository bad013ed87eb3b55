"""The workflows on GitHub: what actionlint does not know of this project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import matrix

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(path.name for path in FOLDER.glob("*"))

_PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
_TARGETS = {
    target
    for line in (ROOT / "Makefile").read_text("utf-8").splitlines()
    for target in re.findall(r"^([a-z0-9-]+(?: [a-z0-9-]+)*):(?!=)", line)
}


def load(name: str) -> dict[str, Any]:
    found = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in FILES:
        yield from ((f"{name}: {job}", content) for job, content in load(name)["jobs"].items())


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        yield from ((name, step) for step in job.get("steps", ()))


def test_there_are_these() -> None:
    assert FILES == ["check.yml", "e2e.yml", "krew.yml", "release.yml", "test.yml"]


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned(name: str) -> None:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    used = [line.strip(" -") for line in lines if re.match(r"[ -]*uses:", line)]
    assert used
    assert [line for line in used if not _PINNED.match(line) and not line.startswith("uses: ./")] == []


def test_one_action_is_pinned_once() -> None:
    text = "".join((FOLDER / name).read_text("utf-8") for name in FILES)
    pins = set(re.findall(r"uses: ([\w./-]+)@(\S+) # (\S+)", text))
    assert len({action for action, _, _ in pins}) == len(pins)


def test_every_make_target_exists() -> None:
    asked = [
        target
        for _, step in steps()
        for words in re.findall(
            r"^(?:sudo .* )?make((?: --[a-z]+)*(?: [a-z0-9-]+)+)", step.get("run", ""), re.MULTILINE
        )
        for target in words.split()
        if not target.startswith("--")
    ]
    assert {"check", "workflows", "test", "matrix", "e2e", "dist", "krew", "release-check"} <= set(asked)
    assert set(asked) - _TARGETS == set()


def test_what_is_done_is_the_makefiles() -> None:
    others = [
        line
        for _, step in steps()
        for line in step.get("run", "").splitlines()
        if not re.match(r"(sudo --preserve-env env \S+ )?make ", line)
    ]
    # What a runner has to have, and what only GitHub can do.
    known = (
        ".venv/bin/kubectl-metrics",
        "kubectl",
        " ",
        "dnf install",
        "sudo apt-get update",
        "python -m pip install .",
        "mkdir packages",
        "mv everything/",
        "gh release",
    )
    assert [line for line in others if not line.startswith(known)] == []


def test_nobody_keeps_credentials() -> None:
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [step for step in checkouts if step.get("with", {}).get("persist-credentials") is not False] == []


@pytest.mark.parametrize("name", FILES)
def test_rights_are_the_least(name: str) -> None:
    workflow = load(name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    more = {
        job: {right for right, level in content["permissions"].items() if level == "write"}
        for job, content in workflow["jobs"].items()
        if "write" in content.get("permissions", {}).values()
    }
    wanted = {"assemble": {"id-token", "attestations"}, "pypi": {"id-token"}, "github": {"contents"}}
    assert more == (wanted if name == "release.yml" else {})


def test_no_secret_is_used() -> None:
    assert [name for name in FILES if "secrets" in (FOLDER / name).read_text("utf-8")] == []


def test_nothing_runs_for_ever() -> None:
    assert [name for name, job in jobs() if "uses" not in job and "timeout-minutes" not in job] == []
    assert [name for name in FILES if "concurrency" not in load(name)] == []


def test_nothing_of_an_event_gets_into_a_script() -> None:
    assert [step for _, step in steps() if "${{" in step.get("run", "")] == []


def test_the_matrix_is_the_makefiles() -> None:
    wanted = load("test.yml")["jobs"]["matrix"]["strategy"]["matrix"]["environments"]
    assert wanted == list(dict.fromkeys(each.group for each in matrix.environments(matrix.OLDEST_KUBERNETES)))


def test_every_week_there_is_an_audit_and_a_fuzzing() -> None:
    assert re.search(r'(?m)^  schedule:$[^-]*- cron: "\d+ \d+ \* \* \d"$', (FOLDER / "test.yml").read_text("utf-8"))
    weekly = [job for job in load("test.yml")["jobs"].values() if job.get("if") == "github.event_name == 'schedule'"]
    made = [step["run"] for job in weekly for step in job["steps"] if "run" in step]
    assert made == ["make audit", "make fuzz FUZZ_SECONDS=60", 'make test PYTEST_ARGS="-m hypothesis"']


def test_every_file_with_pinned_versions_is_audited() -> None:
    told = re.search(r"(?m)^PINNED := (.*)$", (ROOT / "Makefile").read_text("utf-8"))
    files = [path for folder in (".", "krew", "release", "benchmarks") for path in (ROOT / folder).glob("*.txt")]
    pinned = {str(path.relative_to(ROOT)) for path in files if "--hash=sha256:" in path.read_text("utf-8")}
    assert told
    assert set(told[1].split()) == pinned


def test_kind_has_the_kubectl_of_the_test_cluster() -> None:
    """With which the tables are compared."""
    program = (ROOT / "tests" / "e2e" / "cluster" / "cluster").read_text("utf-8")
    found = re.search(r"(?m)^KUBERNETES=([0-9.]+) ", program)
    assert found
    (kind,) = [step["with"] for _, step in steps() if step.get("uses", "").startswith("helm/kind-action@")]
    assert kind["kubectl_version"] == f"v{found.group(1)}"
    assert kind["node_image"].rpartition(":v")[2].split(".")[:2] == found.group(1).split(".")[:2]


def test_artifacts_are_called_alike_where_they_are_made_and_taken() -> None:
    made: set[str] = set()
    taken: set[str] = set()
    patterns: set[str] = set()
    for _, job in jobs():
        names = [one["name"] for one in job.get("strategy", {}).get("matrix", {}).get("include", []) if "name" in one]
        for step in job.get("steps", ()):
            told = step.get("with", {})
            if step.get("uses", "").startswith("actions/upload-artifact@"):
                made |= {told["name"].replace("${{ matrix.name }}", name) for name in names or [""]}
            elif step.get("uses", "").startswith("actions/download-artifact@"):
                (patterns if "pattern" in told else taken).add(told.get("pattern") or told["name"])
    assert made and taken and patterns
    assert taken <= made
    assert all(any(fnmatch(name, pattern) for name in made) for pattern in patterns)
    assert {name for name in made if not any(fnmatch(name, one) for one in patterns)} == taken


def test_what_is_published_was_tested() -> None:
    release = load("release.yml")["jobs"]
    assert {"check", "test", "e2e", "assemble"} <= set(release["pypi"]["needs"])
    assert release["github"]["needs"] == "pypi"
    assert release["pypi"]["environment"]["name"] == "pypi"
