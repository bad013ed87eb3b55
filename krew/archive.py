"""Archives with the same bytes for the same content: sorted, with one date, one owner, and two modes.

krew unpacks regular files alone, from .tar.gz and .zip; links are an error to it.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

_NEVER = 315_532_800  # 1980-01-01, the first day that a zip can name


def pack(folder: Path, archive: Path, executables: Iterable[str]) -> None:
    """Write everything in ``folder`` into ``archive``.

    Args:
        folder: what becomes the archive's root.
        archive: is replaced; .zip or .tar.gz says what it is.
        executables: files in ``folder`` that may be executed; nothing else may.

    Raises:
        ValueError: ``folder`` holds something that krew does not unpack.
    """
    marked = {PurePosixPath(name) for name in executables}
    files: list[tuple[str, int, bytes]] = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_dir() and not path.is_symlink():
            continue
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"krew unpacks regular files only, and {path} is none")
        name = PurePosixPath(path.relative_to(folder).as_posix())
        files.append((str(name), 0o755 if name in marked else 0o644, path.read_bytes()))
    (_zip if archive.suffix == ".zip" else _tar)(archive, files)


def _tar(archive: Path, files: list[tuple[str, int, bytes]]) -> None:
    # GzipFile would write the file's name and the time; level 9 costs seconds, once.
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=_NEVER) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, mode, content in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), mode, _NEVER
            tar.addfile(entry, io.BytesIO(content))


def _zip(archive: Path, files: list[tuple[str, int, bytes]]) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, mode, content in files:
            entry = zipfile.ZipInfo(name)  # dated 1980-01-01
            entry.create_system = 3  # unix, where modes are
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, content)
