"""CHANGELOG.md, which is in the form of https://keepachangelog.com/en/1.1.0/."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from release.project import ROOT, Failed

FILE = "CHANGELOG.md"
UNRELEASED = "Unreleased"
CATEGORIES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")

_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
_VERSION = re.compile(r"\[([^\]]+)\](?: - (\S+))?")
_LINK = re.compile(r"^\[([^\]]+)\]: (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """What changed in one version."""

    version: str
    date: str | None
    notes: str
    """Its Markdown, without the heading."""

    @property
    def categories(self) -> list[str]:
        """Its headings, from *Added* to *Security* or whatever they are called."""
        return re.findall(r"^### (.*)$", self.notes, re.MULTILINE)


@dataclass(frozen=True)
class Changelog:
    """The sections as they stand in the file, and where their headings link to."""

    sections: tuple[Section, ...]
    links: dict[str, str]

    def section(self, version: str) -> Section:
        """What changed in a version.

        Raises:
            release.project.Failed: the file does not tell.
        """
        for section in self.sections:
            if section.version == version:
                return section
        raise Failed(f"{FILE} has no section [{version}]")


def read(text: str) -> Changelog:
    """Parses the file.

    Raises:
        release.project.Failed: a heading of the second level is no version.
    """
    links = dict(_LINK.findall(text))
    _, *parts = _HEADING.split(_LINK.sub("", text))
    sections = []
    for heading, notes in zip(parts[::2], parts[1::2], strict=True):
        found = _VERSION.fullmatch(heading.strip())
        if found is None:
            raise Failed(f"{FILE}: the heading {heading!r} is not like [1.2.3] - 2026-01-31")
        sections.append(Section(found.group(1), found.group(2), notes.strip()))
    return Changelog(tuple(sections), links)


def disagreements(text: str, version: str, home: str) -> Iterator[str]:
    """What keeps a version from being released with this file, each with what to do about it."""
    try:
        log = read(text)
    except Failed as failed:
        yield str(failed)
        return
    released = [section for section in log.sections if section.version != UNRELEASED]
    yield from _leftovers(log, version)
    if not released or released[0].version != version:
        newest = f"[{released[0].version}]" if released else "nothing"
        remedy = f"'make release-prepare VERSION={version}' adds it"
        yield f"{FILE}: the newest version is {newest}, not [{version}]; {remedy}"
        return
    section = released[0]
    if not _is_date(section.date):
        yield f"{FILE}: [{version}] has no date like 2026-01-31 in its heading; write '## [{version}] - ' and the day"
    if not section.categories:
        yield f"{FILE}: [{version}] says nothing; put its changes under {', '.join(CATEGORIES)}"
    for category in section.categories:
        if category not in CATEGORIES:
            yield f"{FILE}: [{version}] has a heading '{category}'; it can be {', '.join(CATEGORIES)}"
    before = released[1].version if len(released) > 1 else None
    wanted = link(version, before, home)
    if log.links.get(version) != wanted:
        yield f"{FILE}: the link of [{version}] is {log.links.get(version, 'missing')}; write '[{version}]: {wanted}'"


def _leftovers(log: Changelog, version: str) -> Iterator[str]:
    for section in log.sections:
        if section.version == UNRELEASED and section.notes:
            yield f"{FILE}: [{UNRELEASED}] still has entries; move them to [{version}], or take them out"


def _is_date(text: str | None) -> bool:
    try:
        return text is not None and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def link(version: str, before: str | None, home: str) -> str:
    """Where the heading of a version leads to: its difference to the one before, or itself if it is the first."""
    return f"{home}/releases/tag/v{version}" if before is None else f"{home}/compare/v{before}...v{version}"


def prepared(text: str, version: str, day: str, home: str) -> str:
    """The file with *Unreleased* become a version.

    Args:
        text: the file.
        version: the version that is to be released.
        day: such as ``2026-01-31``.
        home: the project's address.

    Raises:
        release.project.Failed: there is nothing unreleased, or that version is there already.
    """
    log = read(text)
    if any(section.version == version for section in log.sections):
        raise Failed(f"{FILE} has a section [{version}] already")
    if not log.section(UNRELEASED).notes:
        raise Failed(f"{FILE}: nothing is in [{UNRELEASED}]")
    before = next((section.version for section in log.sections if section.version != UNRELEASED), None)
    body = (
        _LINK.sub("", text)
        .rstrip("\n")
        .replace(f"## [{UNRELEASED}]", f"## [{UNRELEASED}]\n\n## [{version}] - {day}", 1)
    )
    links = {
        UNRELEASED: f"{home}/compare/v{version}...HEAD",
        version: link(version, before, home),
        **{name: address for name, address in log.links.items() if name != UNRELEASED},
    }
    return body + "\n\n" + "".join(f"[{name}]: {address}\n" for name, address in links.items())


def main(arguments: Sequence[str]) -> int:
    """``python -m release.changelog VERSION``: what changed in it, for the release's page."""
    parser = argparse.ArgumentParser(prog="release.changelog", description="prints what changed in a version")
    parser.add_argument("version")
    try:
        print(read((ROOT / FILE).read_text("utf-8")).section(parser.parse_args(arguments).version).notes)
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
