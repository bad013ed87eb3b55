"""Facts about this checkout, each from the one place where it is written down."""

from __future__ import annotations

import configparser
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = "kubectl-metrics"
PACKAGE = "kubectl_metrics"
BUILD = ROOT / "build"
DIST = ROOT / "dist"

# "kubectl-metrics 1.2.3", as installers and --version say it, and names of archives.
_SHOWN = re.compile(r"\bkubectl-metrics(?: |_v)(\d+\.\d+\.\d+)")
_VERSION = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)


class Failed(Exception):
    """What keeps a step from being done, in words for whoever started it."""


def version(root: Path = ROOT) -> str:
    """``kubectl_metrics.__version__``, read and not imported.

    Raises:
        Failed: there is none.
    """
    path = version_file(root)
    found = _VERSION.search(path.read_text("utf-8"))
    if found is None:
        raise Failed(f'{path.relative_to(root)} has no line __version__ = "..."')
    return found.group(1)


# Pages that show the current version.
PAGES = ("README.md", "docs/krew.md", ".github/ISSUE_TEMPLATE/bug.yml")


def mentions(page: str) -> list[str]:
    """The versions of the program that a page shows."""
    return _SHOWN.findall(page)


def mentioning(page: str, version: str) -> str:
    """The page with another version of the program."""
    return _SHOWN.sub(lambda found: found.group()[: -len(found.group(1))] + version, page)


def version_file(root: Path = ROOT) -> Path:
    """Where the version is written."""
    return root / PACKAGE / "__init__.py"


def home(root: Path = ROOT) -> str:
    """The address of the project, without a slash at the end."""
    return metadata(root)["url"].rstrip("/")


def metadata(root: Path = ROOT) -> Mapping[str, str]:
    """The section ``metadata`` of setup.cfg."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(root / "setup.cfg", "utf-8")
    return config["metadata"]


def git(*arguments: str, root: Path = ROOT) -> str:
    """What git says, without the line's end.

    Raises:
        Failed: git refuses, or there is none.
    """
    # In a container the checkout may be another user's. Whoever runs this runs that checkout's code already.
    command = ["git", "-c", f"safe.directory={root}", *arguments]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"git: {error.strerror}") from error
    if done.returncode != 0:
        raise Failed(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def files(root: Path = ROOT) -> list[str]:
    """The files that are the repository's, or would be with the next commit; sorted.

    Raises:
        Failed: this is no checkout.
    """
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", root=root).split("\0")
    return sorted(name for name in set(listed) if name and (root / name).is_file())


def epoch(root: Path = ROOT) -> int:
    """The time that goes into archives, in seconds since 1970: the last commit's.

    Raises:
        Failed: this is no checkout.
    """
    return int(git("log", "-1", "--format=%ct", root=root))
