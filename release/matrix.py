"""The tests, with the wheel that would be released, on each Python and with the lowest, pinned and newest dependencies.

The sdist is built, the wheel from it; the sdist is unpacked, its package removed, and the tests that are left run
against the installed wheel. What lacks in either fails here.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Literal

from release import dist, project, pythons
from release.project import BUILD, PACKAGE, ROOT, Failed

Kind = Literal["lowest", "pinned", "newest"]
"""Which versions of the dependencies. Only the newest depend on the day: the others test what is in the repository."""

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
OLDEST_KUBERNETES = 29

_FOLDER = BUILD / "matrix"
_UV = ROOT / ".venv-release" / "bin" / "uv"
_EXTRAS = "dev,socks"
_SOCKS = '; extra == "socks"'
# These are about how the package is built and want the repository.
_OF_THE_CHECKOUT = ("tests/packaging", "tests/krew")
# What talks through the kubernetes package.
_OF_KUBERNETES = (
    "tests/connection/test_generated.py",
    "tests/connection/test_credentials.py",
    "tests/diagnosis/collect",
    "tests/commands/test_diagnose.py",
)
_KINDS: tuple[Kind, ...] = ("lowest", "pinned", "newest")
_SHOWN = ("click", "kubernetes", "msgspec", "pyyaml", "tabulate", "urllib3")


@dataclass(frozen=True)
class Environment:
    """One column of the matrix."""

    name: str
    python: str
    kind: Kind = "newest"
    kubernetes: int | None = None
    """The major version of that package; None for what ``kind`` says."""

    @property
    def group(self) -> str:
        """What its name begins with: the version of Python, or ``kubernetes``."""
        return self.name.partition("-")[0]

    @property
    def folder(self) -> Path:
        """What belongs to it: the virtual environment, its requirements, its log."""
        return _FOLDER / self.name

    @property
    def interpreter(self) -> Path:
        """Its Python."""
        return self.folder / "venv" / "bin" / "python"

    @property
    def tests(self) -> Sequence[str]:
        """pytest's arguments."""
        if self.kubernetes is not None:
            return _OF_KUBERNETES
        return tuple(f"--ignore={each}" for each in _OF_THE_CHECKOUT)


def environments(newest_kubernetes: int) -> list[Environment]:
    """The whole matrix."""
    every = [Environment(f"{python}-{kind}", python, kind) for python in PYTHONS for kind in _KINDS]
    majors = range(OLDEST_KUBERNETES, newest_kubernetes + 1)
    return every + [Environment(f"kubernetes-{major}", "3.11", kubernetes=major) for major in majors]


def chosen(wanted: str, all_: Sequence[Environment]) -> list[Environment]:
    """The environments that a list such as ``3.10-lowest,kubernetes`` names: one, or those of a group; all if empty.

    Raises:
        release.project.Failed: there is no such environment.
    """
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    groups = {name: [each for each in all_ if name in (each.name, each.group)] for name in names}
    unknown = [name for name, found in groups.items() if not found]
    if unknown:
        raise Failed(f"no environment {', '.join(unknown)}; there are {', '.join(each.name for each in all_)}")
    return list(dict.fromkeys(each for found in groups.values() for each in found)) or list(all_)


def pins(requirements: str) -> dict[str, str]:
    """Names and versions of what a requirements file pins, with or without hashes; the file's first pin of a name."""
    found: dict[str, str] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", requirements, re.MULTILINE):
        found.setdefault(name.lower(), version)
    return found


def without(requirements: str, names: Iterable[str]) -> str:
    """A requirements file without its hashes, and without the lines for these packages."""
    dropped = set(names)
    lines = (line.rstrip("\\ ") for line in requirements.splitlines() if not line.startswith((" ", "#")))
    return "".join(f"{line}\n" for line in lines if line.partition("==")[0].lower() not in dropped)


def newest_kubernetes() -> int:
    """The major version of the latest release of the kubernetes package.

    Raises:
        release.project.Failed: the package index does not say.
    """
    _FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = _FOLDER / "kubernetes.in"
    wanted.write_text(f"kubernetes>={OLDEST_KUBERNETES}\n", "utf-8")
    resolved = _uv("pip", "compile", "--no-deps", "--no-header", "--python-version", PYTHONS[0], str(wanted))
    return int(pins(resolved)["kubernetes"].partition(".")[0])


def needed(wheel: Path) -> list[str]:
    """What a wheel says that it needs at run time, with ``socks``, as lines of a requirements file."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        told = message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])
    return [line.removesuffix(_SOCKS) for line in told if "extra ==" not in line or line.endswith(_SOCKS)]


def held(kind: Kind, direct: Iterable[str], constraints: str) -> str:
    """Lines of ``constraints`` that hold when these lines of a wheel's direct dependencies are resolved."""
    if kind == "newest":
        return ""
    lowered = [re.split(r"[^a-z0-9._-]", line.lower(), maxsplit=1)[0] for line in direct] if kind == "lowest" else []
    return without(constraints, lowered)


def resolve(environment: Environment, wheel: Path) -> dict[str, str]:
    """The versions of everything that the wheel needs at run time there, and writes them beside it.

    Raises:
        release.project.Failed: nothing fits.
    """
    environment.folder.mkdir(parents=True, exist_ok=True)
    asked = environment.folder / "asked.txt"
    major = environment.kubernetes
    lines = needed(wheel) + ([] if major is None else [f"kubernetes=={major}.*"])
    asked.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    holding = environment.folder / "held.txt"
    holding.write_text(held(environment.kind, lines, _constraints()), "utf-8")
    resolved = _uv(
        *("pip", "compile", "--only-binary=:all:", "--no-header", "--no-annotate"),
        f"--python-version={environment.python}",
        f"--resolution={'lowest-direct' if environment.kind == 'lowest' else 'highest'}",
        *("--constraint", str(holding), str(asked)),
    )
    (environment.folder / "runtime.txt").write_text(resolved, "utf-8")
    return pins(resolved)


def install(environment: Environment, wheel: Path, runtime: Mapping[str, str]) -> None:
    """Makes the virtual environment anew, with the wheel, what it needs, and the tools that ``constraints.txt`` pins.

    Raises:
        release.project.Failed: there is no such Python, or something cannot be installed.
    """
    tools = environment.folder / "tools.txt"
    tools.write_text(without(_constraints(), runtime), "utf-8")
    venv = environment.folder / "venv"
    _uv("venv", "--clear", "--python", str(pythons.find(environment.python, _UV)), str(venv))
    _uv(
        *("pip", "install", "--python", str(venv), "--only-binary=:all:"),
        *("--constraint", str(environment.folder / "runtime.txt"), "--constraint", str(tools)),
        f"{project.NAME}[{_EXTRAS}] @ {wheel.as_uri()}",
    )


def run_tests(environment: Environment, tree: Path) -> tuple[bool, str]:
    """Runs the tests.

    Returns:
        Whether all is well, and pytest's last line.

    Raises:
        release.project.Failed: it is not the installed wheel that would be tested, or it cannot be imported.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    where = [str(environment.interpreter), "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"]
    found = subprocess.run(where, cwd=tree, env=inherited, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise Failed(found.stderr.strip())
    place = Path(found.stdout.strip())
    if "site-packages" not in place.parts or not place.is_relative_to(environment.folder):
        raise Failed(f"{environment.name}: {place} would be tested, not the wheel")
    log = environment.folder / "log.txt"
    command = [str(environment.interpreter), "-m", "pytest", "-q", "--numprocesses=3", *environment.tests]
    with log.open("wb") as file:
        done = subprocess.run(
            command, cwd=tree, env=inherited, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
        )
    lines = log.read_text("utf-8", "replace").splitlines() or ["pytest said nothing"]
    return done.returncode == 0, lines[-1].strip("= ")


def _constraints() -> str:
    return (ROOT / "constraints.txt").read_text("utf-8")


def _uv(*arguments: str) -> str:
    done = subprocess.run([_UV, "--quiet", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"uv {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout


def _tree(sdist: Path) -> Path:
    folder = _FOLDER / "tree"
    shutil.rmtree(folder, ignore_errors=True)
    tree = dist.unpack(sdist, folder)
    shutil.rmtree(tree / PACKAGE)
    return tree


def _end(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return "\n".join([*(f"    {line}" for line in lines[-60:]), f"    all of it is in {log}"])


def _run(wanted: Sequence[Environment]) -> Iterator[bool]:
    sdist, wheel = dist.build(_FOLDER / "dist")
    tree = _tree(sdist)
    for environment in wanted:
        try:
            runtime = resolve(environment, wheel)
            install(environment, wheel, runtime)
            well, said = run_tests(environment, tree)
        except Failed as failed:
            print(f"{environment.name:<14} FAILED  {failed}", flush=True)
            yield False
            continue
        versions = ", ".join(f"{name} {runtime[name]}" for name in _SHOWN)
        print(f"{environment.name:<14} {'ok' if well else 'FAILED':<7} {said}; {versions}", flush=True)
        if not well:
            print(_end(environment.folder / "log.txt"), flush=True)
        yield well


def main(arguments: Sequence[str]) -> int:
    """``python -m release.matrix [NAMES]``: status 1 if any of them failed."""
    parser = argparse.ArgumentParser(prog="release.matrix", description="runs the tests in many environments")
    parser.add_argument("names", nargs="?", default="", help="for example 3.10-lowest,kubernetes-29; all if empty")
    wanted = parser.parse_args(arguments).names
    try:
        results = list(_run(chosen(wanted, environments(newest_kubernetes()))))
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
