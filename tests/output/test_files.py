"""Files that are whole or not there."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubectl_metrics.output import files

CONTENT = b"x" * 100_000
NOBODY = 65534


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """No file can become larger than so many bytes, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files.write("new", CONTENT)
    assert [one.name for one in tmp_path.iterdir()] == ["new"]
    assert ((tmp_path / "new").read_bytes(), mode(tmp_path / "new")) == (CONTENT, 0o600)


def test_a_file_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"something longer" * 10_000)
    path.chmod(0o640)
    files.write(str(path), CONTENT)
    assert (path.read_bytes(), mode(path)) == (CONTENT, 0o640)


@pytest.mark.parametrize("old", [None, b"what was there"])
def test_a_full_disk(tmp_path: Path, old: bytes | None) -> None:
    path = tmp_path / "bundle"
    if old is not None:
        path.write_bytes(old)
    with full_after(1000), pytest.raises(OSError, match="too large"):
        files.write(str(path), CONTENT)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [old][: old is not None]


def test_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(b"what was there")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write(str(path), CONTENT)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"what was there"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"what was there")
    link.symlink_to(path)
    files.write(str(link), CONTENT)
    assert link.is_symlink()
    assert path.read_bytes() == CONTENT


def test_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    files.write(str(path), CONTENT)
    reader.join()
    assert read == [CONTENT]
    assert [one.is_fifo() for one in tmp_path.iterdir()] == [True]


def test_a_device_that_is_full() -> None:
    with pytest.raises(OSError, match="No space left on device"):
        files.write("/dev/full", CONTENT)


@pytest.mark.parametrize(("path", "words"), [("none/bundle", "No such file"), (".", "Is a directory"), ("", "No such")])
def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=words):
        files.write(path, CONTENT)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of somebody who is not root, which root becomes for as long as the test takes."""
    path = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(path, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield path
    finally:
        if root:
            os.setresuid(0, 0, 0)
        path.chmod(0o700)
        shutil.rmtree(path)


def test_a_file_in_a_folder_that_is_not_ours(folder: Path) -> None:
    path = folder / "bundle"
    path.write_bytes(b"")
    folder.chmod(0o500)
    files.write(str(path), CONTENT)
    assert path.read_bytes() == CONTENT


def test_a_file_that_nobody_may_write_to(folder: Path) -> None:
    path = folder / "bundle"
    path.write_bytes(b"what was there")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        files.write(str(path), CONTENT)
    assert path.read_bytes() == b"what was there"
