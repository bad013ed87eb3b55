"""Writes a new version wherever it is written down; what is left to do is to look at it and to commit it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from release import agreement, changelog, project
from release.project import ROOT, Failed


def prepare(version: str, day: str, root: Path = ROOT) -> list[Path]:
    """Sets the version in the package, in the changelog, in krew's manifest, and in what pages show of it.

    Args:
        version: such as ``1.2.3``.
        day: the day of the release, such as ``2026-01-31``.
        root: the checkout.

    Returns:
        The files that were written.

    Raises:
        release.project.Failed: the changelog has nothing for it. Nothing was written.
    """
    before = project.version(root)
    code, log, krew = project.version_file(root), root / changelog.FILE, root / "krew" / "metrics.yaml"
    texts = {
        log: changelog.prepared(log.read_text("utf-8"), version, day, project.home(root)),
        code: code.read_text("utf-8").replace(f'"{before}"', f'"{version}"'),
        krew: krew.read_text("utf-8").replace(f"v{before}", f"v{version}"),
    }
    for page in (root / name for name in project.PAGES):
        texts[page] = project.mentioning(page.read_text("utf-8"), version)
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return sorted(texts)


def main(arguments: Sequence[str]) -> int:
    """``python -m release.prepare VERSION``."""
    parser = argparse.ArgumentParser(prog="release.prepare", description="sets the version everywhere")
    parser.add_argument("version")
    version = parser.parse_args(arguments).version
    if not agreement.is_version(version):
        print(f"VERSION is {version!r}; it has to be like 1.2.3", file=sys.stderr)
        return 1
    try:
        written = prepare(version, f"{datetime.now(timezone.utc):%Y-%m-%d}")
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    print(f"{', '.join(str(path.relative_to(ROOT)) for path in written)} say {version}; look at them and commit them")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
