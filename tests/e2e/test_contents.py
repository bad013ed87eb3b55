"""The sdist and the wheel: what is in them, what they say of themselves, and the same bytes from the same commit."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import kubectl_metrics
from release import dist, project
from release.validate import contents
from tests.packaging.checkouts import HOME, Checkout

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return dist.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def metadata(built: tuple[Path, Path]) -> Message:
    with zipfile.ZipFile(built[1]) as archive:
        return message_from_bytes(archive.read(f"kubectl_metrics-{project.version()}.dist-info/METADATA"))


def inside(sdist: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2]: member for member in archive.getmembers()}


def test_what_belongs_there_and_nothing_else(built: tuple[Path, Path]) -> None:
    assert list(contents(*built, project.files())) == []


def test_the_wheel_has_the_package_alone(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as archive:
        names = archive.namelist()
    info = f"kubectl_metrics-{project.version()}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"kubectl_metrics", info}
    assert {"kubectl_metrics/py.typed", f"{info}/licenses/LICENSE"} <= set(names)


def test_the_sdist_has_what_tests_need(built: tuple[Path, Path]) -> None:
    wanted = {
        "tests/conftest.py",
        "docs/checks.md",
        "Makefile",
        "constraints.txt",
        "setup.cfg",
        "CHANGELOG.md",
        "LICENSE",
    }
    names = set(inside(built[0]))
    assert wanted <= names
    assert not [name for name in names if name.startswith((".", "build/", "dist/"))]


def test_files_are_the_repositorys(built: tuple[Path, Path]) -> None:
    generated = {name for name in inside(built[0]) if name.startswith(("PKG-INFO", "kubectl_metrics.egg-info/"))}
    different = set()
    with tarfile.open(built[0]) as archive:
        for name, member in inside(built[0]).items():
            content = archive.extractfile(member)
            if content and name not in generated and content.read() != (ROOT / name).read_bytes():
                different.add(name)
    assert different == {"README.md"}  # its links are whole


def test_nobody_and_no_time_of_day(built: tuple[Path, Path]) -> None:
    members = inside(built[0]).values()
    assert {(member.uid, member.gid, member.uname, member.gname, member.mtime) for member in members} == {
        (0, 0, "", "", project.epoch())
    }
    assert {member.mode for member in members} == {0o644, 0o755}


def test_what_it_says_of_itself(metadata: Message) -> None:
    assert "kubectl top" in metadata["Summary"]
    assert {"kubernetes", "kubectl", "metrics-server"} <= set(metadata["Keywords"].split(","))
    classifiers = metadata.get_all("Classifier", [])
    assert {text.partition(" :: ")[0] for text in classifiers} == {
        "Development Status",
        "Environment",
        "Intended Audience",
        "Operating System",
        "Programming Language",
        "Topic",
        "Typing",
    }
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "kubectl metrics diagnose" in str(metadata.get_payload())


def test_an_older_build_makes_way(tmp_path: Path) -> None:
    checkout = TestSameBytes.checkout(tmp_path / "one")
    dist.build(tmp_path / "out", checkout.root)
    checkout.replace("kubectl_metrics/__init__.py", "0.2.0", "0.3.0")
    checkout.commit()
    both = dist.build(tmp_path / "out", checkout.root)
    assert sorted((tmp_path / "out").iterdir()) == sorted(both)


class TestSameBytes:
    @staticmethod
    def checkout(folder: Path) -> Checkout:
        folder.mkdir()
        made = Checkout(folder)
        shutil.copy(ROOT / "setup.cfg", folder)
        for name in ("pyproject.toml", "LICENSE", "MANIFEST.in"):
            shutil.copy(ROOT / name, folder)
        made.write("README.md", "See [docs](docs/x.md).\n")
        made.write("kubectl_metrics/completing.py", "")
        made.write("kubectl_metrics/py.typed", "")
        made.write("tests/test_it.py", "")
        made.commit()
        return made

    def test_in_two_places(self, tmp_path: Path) -> None:
        self.checkout(tmp_path / "one")
        shutil.copytree(tmp_path / "one", tmp_path / "two")
        for path in (tmp_path / "two").rglob("*.py"):
            os.utime(path, (1, 1))
        sums = []
        for folder, mask in (("one", 0o022), ("two", 0o077)):
            before = os.umask(mask)
            try:
                files = dist.build(tmp_path / "out" / folder, tmp_path / folder)
            finally:
                os.umask(before)
            sums.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
        assert sums[0] == sums[1]

    def test_what_lies_about_stays_outside(self, tmp_path: Path) -> None:
        checkout = self.checkout(tmp_path / "one")
        checkout.write(".gitignore", "*.log\n")
        clean = list(contents(*dist.build(tmp_path / "out", checkout.root), project.files(checkout.root)))
        for name in ("tests/run.log", "kubectl_metrics/left.log", "kubectl_metrics.egg-info/SOURCES.txt", "build/x.py"):
            checkout.write(name, "")
        checkout.write(".gitignore", "*.log\n*.egg-info\nbuild\n")
        both = dist.build(tmp_path / "out", checkout.root)
        assert (clean, list(contents(*both, project.files(checkout.root)))) == ([], [])

    def test_what_lacks_or_is_too_much_is_named(self, tmp_path: Path) -> None:
        checkout = self.checkout(tmp_path / "one")
        both = dist.build(tmp_path / "out", checkout.root)
        checkout.write("kubectl_metrics/new.py", "")
        (checkout.root / "tests" / "test_it.py").unlink()
        sdist, wheel = (path.name for path in both)
        assert list(contents(*both, project.files(checkout.root))) == [
            f"{sdist} has tests/test_it.py, which does not belong there",
            f"{sdist} lacks kubectl_metrics/new.py",
            f"{wheel} lacks kubectl_metrics/new.py",
        ]


class TestMetadata:
    def test_the_version_is_in_one_place(self, metadata: Message) -> None:
        assert metadata["Version"] == kubectl_metrics.__version__ == project.version()

    def test_addresses_are_the_projects(self, metadata: Message) -> None:
        urls = dict(url.split(", ", 1) for url in metadata.get_all("Project-URL", []))
        assert metadata["Home-page"] == project.home()
        assert urls.keys() == {"Documentation", "Source", "Changelog", "Issues"}
        assert {url for url in urls.values() if not f"{url}/".startswith(f"{project.home()}/")} == set()

    def test_the_licence(self, metadata: Message) -> None:
        assert (metadata["License-Expression"], metadata["License-File"]) == ("Apache-2.0", "LICENSE")
        assert "License ::" not in str(metadata.get_all("Classifier"))

    def test_who_and_what(self, metadata: Message) -> None:
        assert metadata["Author"] == metadata["Maintainer"] == "The kubectl metrics authors"
        assert metadata["Requires-Python"] == ">=3.10"
        assert set(metadata.get_all("Provides-Extra", [])) == {"dev", "socks"}

    def test_the_page_has_no_link_that_leads_nowhere(self, metadata: Message) -> None:
        text = metadata.get_payload()
        assert isinstance(text, str)
        links = {part.partition(")")[0] for part in text.split("](")[1:]}
        assert links
        assert {link for link in links if not (urlsplit(link).scheme or link.startswith("#"))} == set()

    def test_links_of_the_page_exist_here(self) -> None:
        text = (ROOT / "README.md").read_text("utf-8")
        links = {part.partition(")")[0].partition("#")[0] for part in text.split("](")[1:]}
        assert [link for link in links if link and not urlsplit(link).scheme and not (ROOT / link).exists()] == []

    def test_console_scripts(self, built: tuple[Path, Path]) -> None:
        with zipfile.ZipFile(built[1]) as archive:
            text = archive.read(f"kubectl_metrics-{project.version()}.dist-info/entry_points.txt").decode()
        config = ConfigParser(delimiters=("=",))
        config.optionxform = str  # type: ignore[method-assign,assignment]  # as configparser documents it
        config.read_string(text)
        assert set(config["console_scripts"]) == {"kubectl-metrics", "kubectl_complete-metrics"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](docs/a.md)", f"[a]({HOME}/blob/v1.2.3/docs/a.md)"),
        (
            "[a](docs/a.md#part) and [b](LICENSE)",
            f"[a]({HOME}/blob/v1.2.3/docs/a.md#part) and [b]({HOME}/blob/v1.2.3/LICENSE)",
        ),
        ("[a](#part)", "[a](#part)"),
        ("[a](https://example.org/x)", "[a](https://example.org/x)"),
        ("[a](mailto:a@example.org)", "[a](mailto:a@example.org)"),
        ("`f(x)` [1] (docs/a.md)", "`f(x)` [1] (docs/a.md)"),
    ],
)
def test_links_for_an_index(text: str, expected: str) -> None:
    assert dist.readme(text, HOME, "1.2.3") == expected


def test_outside_of_a_repository_it_says_so(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "release", tmp_path / "release")
    done = subprocess.run(
        [sys.executable, "-m", "release.dist", "out"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "fatal: not a git repository" in done.stderr and "Traceback" not in done.stderr
