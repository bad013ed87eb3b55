"""Whether everything that names the version agrees, and the repository is in a state that can be released."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from krew import manifest
from release import changelog, project
from release.project import ROOT, Failed

_SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_BRANCH = re.compile(r"main|release/.+")


def is_version(text: str) -> bool:
    """Whether a text is a version as this project has them: three numbers."""
    return _SEMANTIC.fullmatch(text) is not None


def refusals(version: str, root: Path = ROOT) -> list[str]:
    """Why a version cannot be released from this checkout; one line each, with what to do."""
    if not is_version(version):
        return [f"VERSION is {version!r}; it has to be like 1.2.3"]
    return [*_of_the_files(version, root), *_of_the_repository(version, root)]


def refusals_of_a_tag(tag: str, root: Path = ROOT) -> list[str]:
    """Why a tag such as ``v1.2.3`` is not what its commit says; one line each, with what to do."""
    if not tag.startswith("v") or not is_version(tag[1:]):
        return [f"the tag is {tag!r}; it has to be like v1.2.3"]
    return list(_of_the_files(tag.removeprefix("v"), root))


def _of_the_files(version: str, root: Path) -> Iterator[str]:
    prepare = f"'make release-prepare VERSION={version}' sets it"
    try:
        found = project.version(root)
    except Failed as failed:
        yield f"{failed}; write it"
    else:
        if found != version:
            yield f"{project.version_file(root).relative_to(root)}: __version__ is {found}, not {version}; {prepare}"
    for page in project.PAGES:
        for shown in sorted(set(project.mentions((root / page).read_text("utf-8"))) - {version}):
            yield f"{page}: it shows version {shown}, not {version}; {prepare}"
    text = (root / changelog.FILE).read_text("utf-8")
    yield from changelog.disagreements(text, version, project.home(root))
    try:
        found = manifest.version((root / "krew" / "metrics.yaml").read_text("utf-8"))
    except ValueError as error:
        yield f"krew/metrics.yaml: {error}; it has to be v{version}"
    else:
        if found != version:
            yield f"krew/metrics.yaml: the version is v{found}, not v{version}; {prepare}"


def _of_the_repository(version: str, root: Path) -> Iterator[str]:
    try:
        changed = project.git("status", "--porcelain", root=root)
        branch = project.git("rev-parse", "--abbrev-ref", "HEAD", root=root)
        tags = project.git("tag", "--list", "v*", root=root).split()
    except Failed as failed:
        yield str(failed)
        return
    if changed:
        files = changed.splitlines()
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield f"git: {files[0][3:]}{more} not committed; commit or remove what 'git status' lists"
    if not _BRANCH.fullmatch(branch):
        yield f"git: the branch is {branch}; releases are made from main or release/..., 'git switch main'"
    if f"v{version}" in tags:
        yield f"git: the tag v{version} exists already; a released version never changes, take the next one"
        return
    later = [tag for tag in tags if is_version(tag[1:]) and _order(tag[1:]) > _order(version)]
    if later and branch == "main":
        yield f"git: {max(later, key=lambda tag: _order(tag[1:]))} is later than {version}; main only goes forward"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def main(arguments: Sequence[str]) -> int:
    """``python -m release.agreement TAG``: what the release workflow asks first."""
    parser = argparse.ArgumentParser(prog="release.agreement", description="compares a tag with what its commit says")
    parser.add_argument("tag", help="for example v1.2.3")
    found = refusals_of_a_tag(parser.parse_args(arguments).tag)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
