"""Whether an sdist and a wheel are what a package index takes, and contain what they should and nothing else."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from pathlib import Path

from release import project
from release.project import DIST, PACKAGE, ROOT

_TOOLS = ROOT / ".venv-release" / "bin"

# Of the repository, what an sdist has no use for.
_NOT_IN_SDIST = (".github/", ".ci/", ".gitignore", ".gitattributes")
_GENERATED = ("PKG-INFO", f"{PACKAGE}.egg-info/")
_KNOWN = "import sys; from trove_classifiers import classifiers; print(*(set(sys.argv[1:]) - classifiers), sep='\\n')"


def contents(sdist: Path, wheel: Path, files: Sequence[str]) -> Iterator[str]:
    """What is too much or missing in either, in words.

    Args:
        sdist: the archive.
        wheel: the archive.
        files: the repository's files.
    """
    with tarfile.open(sdist) as archive:
        found = {member.name.partition("/")[2] for member in archive.getmembers()}
    generated = {name for name in found if name.startswith(_GENERATED)}
    yield from _differences(sdist, found - generated, {name for name in files if not name.startswith(_NOT_IN_SDIST)})
    with zipfile.ZipFile(wheel) as zipped:
        found = set(zipped.namelist())
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    kept = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}
    package = {name for name in files if name.startswith(f"{PACKAGE}/")}
    yield from _differences(wheel, found, package | {info + name for name in kept})


def _differences(archive: Path, found: set[str], wanted: set[str]) -> Iterator[str]:
    for name in sorted(found - wanted):
        yield f"{archive.name} has {name}, which does not belong there"
    for name in sorted(wanted - found):
        yield f"{archive.name} lacks {name}"


def for_an_index(sdist: Path, wheel: Path) -> Iterator[str]:
    """What a package index would refuse or not show, in words."""
    done = subprocess.run(
        [_TOOLS / "twine", "--no-color", "check", "--strict", sdist, wheel], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        yield f"twine check --strict: {done.stdout.strip()}{done.stderr.strip()}"
    with zipfile.ZipFile(wheel) as zipped:
        (name,) = (each for each in zipped.namelist() if each.endswith(".dist-info/METADATA"))
        told = message_from_bytes(zipped.read(name)).get_all("Classifier", [])
    done = subprocess.run([_TOOLS / "python", "-c", _KNOWN, *told], capture_output=True, text=True, check=True)
    for unknown in done.stdout.split("\n"):
        if unknown:
            yield f"{wheel.name}: there is no classifier {unknown!r}"


def main(arguments: Sequence[str]) -> int:
    """``python -m release.validate [FOLDER]``: of the sdist and the wheel of this version in that folder."""
    parser = argparse.ArgumentParser(prog="release.validate", description="looks into an sdist and a wheel")
    parser.add_argument("folder", nargs="?", type=Path, default=DIST)
    folder = parser.parse_args(arguments).folder
    stem = f"{PACKAGE}-{project.version()}"
    sdist, wheel = folder / f"{stem}.tar.gz", folder / f"{stem}-py3-none-any.whl"
    problems = [*contents(sdist, wheel, project.files()), *for_an_index(sdist, wheel)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
