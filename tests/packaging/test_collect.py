"""A release's folder: archives, manifest, sums."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from krew import manifest
from release.checksums import write
from release.collect import collect

ARCHIVES = manifest.archives(manifest.TEMPLATE.read_text("utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "krew").mkdir()
    for name in ARCHIVES:
        (tmp_path / "krew" / name).write_text(name, "utf-8")
    (tmp_path / "krew" / "metrics.yaml").write_text("of one platform", "utf-8")
    (tmp_path / "kubectl_metrics-1.tar.gz").write_text("the sdist", "utf-8")
    return tmp_path


def test_everything_has_its_sum(folder: Path) -> None:
    sums = collect(folder, every=True)
    done = subprocess.run(["sha256sum", "--check", sums.name], cwd=folder, capture_output=True, text=True, check=True)
    wanted = sorted(["krew-metrics.yaml", "kubectl_metrics-1.tar.gz", *ARCHIVES])
    assert done.stdout == "".join(f"{name}: OK\n" for name in wanted)


def test_the_manifest_has_all_platforms(folder: Path) -> None:
    collect(folder, every=True)
    text = (folder / "krew-metrics.yaml").read_text("utf-8")
    assert manifest.archives(text) == ARCHIVES
    assert "0" * 64 not in text


def test_a_platform_that_is_missing(folder: Path) -> None:
    (folder / "krew" / ARCHIVES[0]).unlink()
    with pytest.raises(FileNotFoundError, match=ARCHIVES[0]):
        collect(folder, every=True)
    collect(folder)
    assert manifest.archives((folder / "krew-metrics.yaml").read_text("utf-8")) == ARCHIVES[1:]


def test_sums_of_sums_are_not_taken(folder: Path) -> None:
    first = write(folder).read_bytes()
    assert write(folder).read_bytes() == first
    assert b"SHA256SUMS" not in first
