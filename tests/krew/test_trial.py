"""An archive whose program does not do what it should is noticed where it is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from krew import archive, trial

# What the program has to say in each trial, by the first of its arguments and the form.
SOUND = """#!/bin/sh
case "$*" in
    --version) echo "kubectl-metrics 1.2.3 (/x, Python 3.12.1)" ;;
    *127.0.0.1:1) echo "127.0.0.1:1 was refused" >&2; exit 1 ;;
    *yaml) echo "- id: KM201"; exit 5 ;;
    *table) echo "ID SEVERITY"; exit 5 ;;
esac
"""


def packed(folder: Path, script: str) -> Path:
    (folder / "x").mkdir()
    (folder / "x" / "program").write_text(script)
    made = folder / "made.tar.gz"
    archive.pack(folder / "x", made, ["program"])
    return made


def test_a_sound_one(tmp_path: Path) -> None:
    trial.of(packed(tmp_path, SOUND), "program", "1.2.3")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1.2.3", "1.2.2", "program --version ended with 0\nkubectl-metrics 1.2.2"),
        ("exit 1", "exit 0", "ended with 0\n127.0.0.1:1 was refused"),
        ("- id: KM201", "Traceback", "ended with 5\nTraceback"),
        ("ID SEVERITY", "ModuleNotFoundError", "ended with 5\nModuleNotFoundError"),
    ],
)
def test_one_that_is_not(old: str, new: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^made.tar.gz: program ") as raised:
        trial.of(packed(tmp_path, SOUND.replace(old, new)), "program", "1.2.3")
    assert words in str(raised.value)
