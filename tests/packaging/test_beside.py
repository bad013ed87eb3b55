"""make test and make e2e run two commands at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.kit import wait_for

ROOT = Path(__file__).parents[2]
# Says in a file that it has begun, and how it was ended.
_WAITS = """
import pathlib, sys, threading
told = pathlib.Path(sys.argv[1])
try:
    told.with_suffix(".begun").touch()
    threading.Event().wait()
except KeyboardInterrupt:
    told.write_text("interrupted")
    sys.exit(2)
"""


def says(words: str, status: int = 0) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({words!r}); sys.exit({status})"]


def started(first: Sequence[str], second: Sequence[str]) -> subprocess.Popen[str]:
    code = f"import sys; from tests.beside import beside; sys.exit(beside({first!r}, {second!r}))"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize(("first", "second", "status"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (3, 1, 3)])
def test_neither_may_fail(first: int, second: int, status: int) -> None:
    with started(says("one", first), says("another", second)) as process:
        assert process.communicate()[0] == "one\nanother\n"
    assert process.returncode == status


@pytest.mark.parametrize("whole_group", [True, False], ids=["a terminal", "somebody who ends it"])
def test_both_may_tidy_up(tmp_path: Path, *, whole_group: bool) -> None:
    told = [tmp_path / "one", tmp_path / "another"]
    with started(*([sys.executable, "-c", _WAITS, str(path)] for path in told)) as process:
        for path in told:
            wait_for("both", path.with_suffix(".begun").exists, 20)
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.terminate()
    assert process.returncode == 2
    assert [path.read_text() for path in told] == ["interrupted"] * 2
