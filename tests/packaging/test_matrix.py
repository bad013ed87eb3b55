"""Which environments the tests run in, and what is installed there."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from release import matrix, project, pythons
from release.project import Failed

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def names(wanted: str) -> list[str]:
    return [each.name for each in matrix.chosen(wanted, matrix.environments(31))]


def test_every_python_that_is_promised_is_tried() -> None:
    promised = [line.rpartition(" ")[2] for line in project.metadata()["classifiers"].splitlines()]
    assert [version for version in promised if version.startswith("3.")] == list(matrix.PYTHONS)


def test_the_whole_matrix() -> None:
    assert names("") == [
        *("3.10-lowest", "3.10-pinned", "3.10-newest", "3.11-lowest", "3.11-pinned", "3.11-newest"),
        *("3.12-lowest", "3.12-pinned", "3.12-newest", "3.13-lowest", "3.13-pinned", "3.13-newest"),
        *("kubernetes-29", "kubernetes-30", "kubernetes-31"),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("3.13-newest, 3.10-lowest,", ["3.13-newest", "3.10-lowest"]),
        ("kubernetes", ["kubernetes-29", "kubernetes-30", "kubernetes-31"]),
        ("3.12,3.12-lowest", ["3.12-lowest", "3.12-pinned", "3.12-newest"]),
    ],
)
def test_chosen(wanted: str, found: list[str]) -> None:
    assert names(wanted) == found


def test_what_is_not_in_the_matrix() -> None:
    with pytest.raises(Failed, match=r"no environment 3\.9, kubernetes-28; there are 3\.10-lowest, "):
        names("3.9,3.10,kubernetes-28")


def test_the_oldest_kubernetes_is_the_promised_one() -> None:
    needed = (project.ROOT / "setup.cfg").read_text("utf-8")
    assert f"\n    kubernetes>={matrix.OLDEST_KUBERNETES}\n" in needed


REQUIREMENTS = """\
# a comment
click==8.1.0 \\
    --hash=sha256:00 \\
    --hash=sha256:01
PyYAML==6.0.3 ; python_version >= "3.13" \\
    --hash=sha256:02
pyyaml==6.0.2 ; python_version < "3.13"
"""


def test_pins() -> None:
    assert matrix.pins(REQUIREMENTS) == {"click": "8.1.0", "pyyaml": "6.0.3"}


def test_tools_leave_the_runtime_dependencies_alone() -> None:
    assert matrix.without(REQUIREMENTS, ["pyyaml"]) == "click==8.1.0\n"
    assert matrix.without(REQUIREMENTS, []).splitlines()[1] == 'PyYAML==6.0.3 ; python_version >= "3.13"'


@pytest.mark.parametrize(("kind", "names"), [("lowest", {"click"}), ("pinned", {"click", "pyyaml"}), ("newest", set())])
def test_what_does_not_depend_on_the_day(kind: matrix.Kind, names: set[str]) -> None:
    direct = ['PyYAML>=6.0.2; python_version >= "3.13"', "PySocks>=1.7"]
    assert matrix.pins(matrix.held(kind, direct, REQUIREMENTS)).keys() == names


def test_what_a_wheel_needs(tmp_path: Path) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    told = [
        "click>=8.1",
        'PyYAML>=6.0.2; python_version >= "3.13"',
        'PySocks>=1.7; extra == "socks"',
        'x; extra == "dev"',
    ]
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", "".join(f"Requires-Dist: {line}\n" for line in told))
    assert matrix.needed(wheel) == ["click>=8.1", 'PyYAML>=6.0.2; python_version >= "3.13"', "PySocks>=1.7"]


class TestPythons:
    @pytest.fixture(autouse=True)
    def nothing_is_installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "path").mkdir()
        monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/usr/bin:/bin")
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))

    @staticmethod
    def script(path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)
        return path

    def pretending(self, path: Path, version: str) -> Path:
        """A program that answers as a Python of that version does."""
        return self.script(path, f"echo {version} {path}")

    def test_on_path(self, tmp_path: Path) -> None:
        python = self.pretending(tmp_path / "path" / "python3.99", "3.99")
        assert pythons.find("3.99", tmp_path / "uv") == python

    def test_one_that_works(self, tmp_path: Path) -> None:
        os.symlink(sys.executable, tmp_path / "path" / f"python{HERE}")
        assert pythons.find(HERE, tmp_path / "uv").is_file()

    def test_a_shim_that_is_switched_off(self, tmp_path: Path) -> None:
        self.script(tmp_path / "path" / "python3.99", "echo 'pyenv: python3.99: command not found' >&2; exit 127")
        self.pretending(tmp_path / "pyenv" / "versions" / "3.99.1" / "bin" / "python3.99", "3.99")
        found = pythons.find("3.99", tmp_path / "uv")
        assert found == tmp_path / "pyenv" / "versions" / "3.99.1" / "bin" / "python3.99"

    def test_one_that_is_another_version(self, tmp_path: Path) -> None:
        self.pretending(tmp_path / "path" / "python3.99", "3.98")
        uv = self.script(tmp_path / "uv", "exit 1")
        with pytest.raises(Failed):
            pythons.find("3.99", uv)

    def test_one_that_uv_has(self, tmp_path: Path) -> None:
        uv = self.script(tmp_path / "uv", '[ "$2" = find ] && echo /opt/python3.99')
        assert pythons.find("3.99", uv) == Path("/opt/python3.99")

    def test_one_that_uv_fetches(self, tmp_path: Path) -> None:
        fetched = tmp_path / "fetched"
        uv = self.script(
            tmp_path / "uv",
            f"case $2 in install) touch {fetched};; find) [ -e {fetched} ] && echo /opt/python3.99;; esac",
        )
        assert pythons.find("3.99", uv) == Path("/opt/python3.99")

    def test_one_that_is_nowhere(self, tmp_path: Path) -> None:
        uv = self.script(tmp_path / "uv", "echo 'warning: x' >&2; echo 'error: no network' >&2; exit 2")
        with pytest.raises(Failed) as caught:
            pythons.find("3.99", uv)
        assert str(caught.value) == (
            "no Python 3.99: not on PATH, not in pyenv, and uv cannot fetch it (error: no network); "
            "'pyenv install 3.99' is one way to have it"
        )


def test_archives_for_krew_have_the_pinned_versions() -> None:
    """What the bill of materials says is true of them as well."""
    pinned = matrix.pins((project.ROOT / "constraints.txt").read_text("utf-8"))
    frozen = matrix.pins((project.ROOT / "krew" / "requirements.txt").read_text("utf-8"))
    assert {"click", "kubernetes", "msgspec", "pyyaml", "urllib3"} <= frozen.keys()
    assert {name for name in pinned.keys() & frozen.keys() if pinned[name] != frozen[name]} == set()
