"""Puts everything that is built into one folder, with the sums of all of it."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from krew import manifest
from release import checksums
from release.project import DIST

MANIFEST = "krew-metrics.yaml"


def collect(folder: Path = DIST, *, every: bool = False) -> Path:
    """Copies krew's archives from ``krew/`` into the folder itself, writes their manifest, and the sums of all files.

    Args:
        folder: with the sdist, the wheel and the folder ``krew``.
        every: there has to be an archive for each platform of the manifest.

    Returns:
        The file with the sums.

    Raises:
        FileNotFoundError: an archive is missing.
    """
    template = manifest.TEMPLATE.read_text("utf-8")
    (folder / MANIFEST).write_text(manifest.fill(template, folder / "krew", every=every), "utf-8")
    for name in manifest.archives(template):
        if (folder / "krew" / name).is_file():
            shutil.copy(folder / "krew" / name, folder / name)
    return checksums.write(folder)


def main(arguments: Sequence[str]) -> int:
    """``python -m release.collect [FOLDER]``: of all platforms."""
    parser = argparse.ArgumentParser(prog="release.collect", description="puts a release into one folder")
    parser.add_argument("folder", nargs="?", type=Path, default=DIST)
    try:
        print(collect(parser.parse_args(arguments).folder, every=True))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
