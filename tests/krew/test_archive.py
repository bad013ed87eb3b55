"""The bytes of an archive depend on what is in it, and on nothing else."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from krew import archive


def folder(path: Path, names: list[str], mode: int) -> Path:
    for name in names:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        file.chmod(mode)
        os.utime(file, (mode, mode))
    return path


@pytest.mark.parametrize("ending", ["tar.gz", "zip"])
def test_the_same_bytes(ending: str, tmp_path: Path) -> None:
    names = ["b/c", "program", "a", "b/a"]
    first, second = tmp_path / f"1.{ending}", tmp_path / f"another-name.{ending}"
    archive.pack(folder(tmp_path / "x", names, 0o600), first, ["program"])
    archive.pack(folder(tmp_path / "y", names[::-1], 0o777), second, ["program"])
    assert first.read_bytes() == second.read_bytes()


def test_what_is_in_a_tar(tmp_path: Path) -> None:
    made = tmp_path / "made.tar.gz"
    archive.pack(folder(tmp_path / "x", ["lib/a", "program"], 0o600), made, ["program"])
    with tarfile.open(made) as tar:
        entries = [(one.name, one.mode, one.uid, one.isreg(), tar.extractfile(one)) for one in tar]
        assert [entry[:4] for entry in entries] == [("lib/a", 0o644, 0, True), ("program", 0o755, 0, True)]
        assert [entry[4].read() for entry in entries if entry[4]] == [b"lib/a", b"program"]


def test_what_is_in_a_zip(tmp_path: Path) -> None:
    made = tmp_path / "made.zip"
    archive.pack(folder(tmp_path / "x", ["lib/a", "program.exe"], 0o600), made, ["program.exe"])
    with zipfile.ZipFile(made) as packed:
        modes = {one.filename: one.external_attr >> 16 & 0o777 for one in packed.infolist()}
        assert modes == {"lib/a": 0o644, "program.exe": 0o755}
        assert packed.read("lib/a") == b"lib/a"


def test_krew_unpacks_no_links(tmp_path: Path) -> None:
    made = folder(tmp_path / "x", ["a"], 0o600)
    (made / "b").symlink_to("a")
    with pytest.raises(ValueError, match="regular files only"):
        archive.pack(made, tmp_path / "made.tar.gz", [])
