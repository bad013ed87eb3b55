"""The sdist and the wheel: from the repository's files alone, and the same bytes from the same commit.

The wheel is built from the sdist, so that one proves the other.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from release import project
from release.project import DIST, ROOT

_BACKEND = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s]+\))")


def build(into: Path = DIST, root: Path = ROOT) -> tuple[Path, Path]:
    """Writes the sdist and the wheel, in the place of those that are there.

    Returns:
        Both files.

    Raises:
        release.project.Failed: this is no checkout, or setuptools refuses.
    """
    time = project.epoch(root)
    into.mkdir(parents=True, exist_ok=True)
    for older in [*into.glob(f"{project.PACKAGE}-*.tar.gz"), *into.glob(f"{project.PACKAGE}-*.whl")]:
        older.unlink()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _export(root, tree)
        made = _run("build_sdist", tree, Path(folder) / "sdist", time)
        sdist = into / made.name
        _repack(made, sdist, root, time)
        unpacked = unpack(sdist, Path(folder) / "unpacked")
        made = _run("build_wheel", unpacked, Path(folder) / "wheel", time)
        return sdist, Path(shutil.move(made, into / made.name))


def unpack(sdist: Path, into: Path) -> Path:
    """Unpacks an sdist; returns its one folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(into, filter="data")
    (folder,) = into.iterdir()
    return folder


def readme(text: str, home: str, version: str) -> str:
    """The README for a package index, where ``docs/x.md`` leads nowhere: its links are whole, and to that version."""
    return _LINK.sub(rf"\g<1>{home}/blob/v{version}/\g<2>", text)


def _export(root: Path, tree: Path) -> None:
    for name in project.files(root):
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target)
    page = tree / "README.md"
    page.write_text(readme(page.read_text("utf-8"), project.home(root), project.version(root)), "utf-8")


def _run(hook: str, tree: Path, into: Path, time: int) -> Path:
    into.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _BACKEND, hook, str(into)],
        cwd=tree,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(time)},
        umask=0o022,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise project.Failed(f"{hook} failed:\n{done.stdout}{done.stderr}")
    (made,) = into.iterdir()
    return made


def _repack(made: Path, sdist: Path, root: Path, time: int) -> None:
    # setuptools keeps the times and owners of this machine, and rewrites setup.cfg without its comments.
    folder = made.name.removesuffix(".tar.gz")
    with (
        tarfile.open(made) as source,
        sdist.open("wb") as file,
        gzip.GzipFile("", "wb", mtime=time, fileobj=file) as packed,
        tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT) as archive,
    ):
        for member in sorted(source.getmembers(), key=lambda each: each.name):
            if not member.isfile():
                continue
            content = source.extractfile(member)
            assert content is not None  # it is a file
            data = content.read()
            if member.name == f"{folder}/setup.cfg":
                data = (root / "setup.cfg").read_bytes()
            clean = tarfile.TarInfo(member.name)
            clean.size, clean.mtime = len(data), time
            clean.mode = 0o755 if member.mode & 0o100 else 0o644
            archive.addfile(clean, io.BytesIO(data))


def main(arguments: Sequence[str]) -> int:
    """``python -m release.dist [FOLDER]``."""
    parser = argparse.ArgumentParser(prog="release.dist", description="builds the sdist and the wheel")
    parser.add_argument("folder", nargs="?", type=Path, default=DIST)
    try:
        for path in build(parser.parse_args(arguments).folder.absolute()):
            print(path)
    except project.Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
