"""A file system on which nothing fits any more, as the place of temporary files and of what is to be saved."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kit import Ran
from tests.security.test_private_keys import TOOL, WITHOUT_MEMORY_FILES
from tests.simcluster import SimCluster, demo, pipeline

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount something")

CONTENT = b"what was there before"


@pytest.fixture(params=["size=64k", "nr_inodes=3"], ids=["no room", "no more files"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder with the files ``old`` and ``filling``, into which nothing more fits."""
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", request.param, "none", folder], check=True)
    try:
        (folder / "old").write_bytes(CONTENT)
        with (folder / "filling").open("wb", buffering=0) as filling:
            while request.param.startswith("size") and _fits(filling.fileno()):
                pass
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def _fits(descriptor: int) -> bool:
    try:
        return os.write(descriptor, bytes(4096)) > 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def simulated() -> Iterator[SimCluster]:
    nodes = demo.nodes(2)
    with SimCluster(nodes, demo.pods(nodes, 2)) as cluster:
        pipeline.install(cluster)
        yield cluster


def run(code: str, config: Path, *arguments: str, **environment: str) -> Ran:
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--kubeconfig", str(config)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def left(folder: Path) -> dict[str, bytes]:
    """What is there but for the filling."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "filling"}


@pytest.mark.parametrize("code", [TOOL, WITHOUT_MEMORY_FILES], ids=["in memory", "in a file elsewhere"])
def test_a_client_certificate_finds_a_place(code: str, full: Path, simulated: SimCluster) -> None:
    ran = run(code, simulated.kubeconfig(cert=True), "nodes", TMPDIR=str(full))
    assert (ran.status, ran.stderr, len(ran.table())) == (0, "", 3)
    assert left(full) == {"old": CONTENT}


@pytest.mark.parametrize("name", ["new", "old"])
def test_a_verdict_that_cannot_be_saved_is_printed(name: str, full: Path, simulated: SimCluster) -> None:
    path = full / name
    ran = run(TOOL, simulated.kubeconfig(), "diagnose", "--save", str(path))
    assert ran.status == 1
    assert "checks passed" in ran.stdout
    assert ran.stderr == f"error: cannot write {path}: No space left on device\n"
    assert left(full) == {"old": CONTENT}
