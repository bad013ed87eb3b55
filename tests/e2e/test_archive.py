"""What is in krew's archive, and what is not."""

from __future__ import annotations

import marshal
import re
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath

import pytest

from krew import contents, environment, notices
from tests.e2e import krewing

_LINE = "=" * 78
_TITLE = re.compile(rf"(?m)^{_LINE}\n([^\n]+)\n{_LINE}\n")
_PIN = re.compile(r"(?m)^([a-z0-9-]+)==([^ ;\\]+)")

# Distributions that are not called after their module.
_MODULES = {"pysocks": "socks", "python-dateutil": "dateutil", "pyyaml": "yaml", "websocket-client": "websocket"}

# Libraries by what their names begin with, and what they are of.
_LIBRARIES = {
    "libcrypto": "OpenSSL",
    "libexpat": "Expat",
    "libffi": "libffi",
    "libmpdec": "libmpdec",
    "libpython": "Python",
    "libssl": "OpenSSL",
    "libz": "zlib",
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    with tarfile.open(krewing.archive()) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None, f"{member.name} is no file"
            found[member.name] = file.read()
        return found


@pytest.fixture(scope="module")
def modules(files: Mapping[str, bytes]) -> set[str]:
    """The names of all modules: of the table that krew/frozen/start.py reads, and extensions."""
    packed = files["lib/modules"]
    table = marshal.loads(packed[8 : 8 + int.from_bytes(packed[:8], "big")])
    return {*table["modules"], *table["extensions"]}


@pytest.fixture(scope="module")
def parts(files: Mapping[str, bytes]) -> dict[str, str]:
    """The notices: licences by the title of their part."""
    _, *pieces = _TITLE.split(files[notices.FILE].decode())
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_our_licence(files: Mapping[str, bytes]) -> None:
    assert files["LICENSE"] == (environment.ROOT / "LICENSE").read_bytes()


def test_the_notices_name_each_distribution_with_its_version(modules: set[str], parts: Mapping[str, str]) -> None:
    pinned = set(_PIN.findall(environment.REQUIREMENTS.read_text("utf-8")))
    there = {name for name, _ in pinned if _MODULES.get(name, name.replace("-", "_")) in modules}
    named = {(canonical(name), version) for name, _, version in (title.rpartition(" ") for title in parts)}
    assert len(there) > 10
    assert {name for name, _ in named & pinned} == there


def test_the_notices_name_each_library(files: Mapping[str, bytes], parts: Mapping[str, str]) -> None:
    libraries = {path.name for path in map(PurePosixPath, files) if path.parent == PurePosixPath("lib")}
    owners = {_LIBRARIES[name.partition(".")[0].rstrip("0123456789-")] for name in libraries if ".so" in name}
    assert {"Python", "OpenSSL"} <= owners
    assert owners <= {title.partition(" ")[0] for title in parts}


def test_every_notice_has_a_licence(parts: Mapping[str, str]) -> None:
    assert [title for title, text in parts.items() if not re.search("(?i)copyright|licen[cs]e", text)] == []


def test_nothing_is_there_that_is_to_be_left_out(modules: set[str]) -> None:
    unused = set(contents.unused())
    found = {name for name in modules if any(name == one or name.startswith(f"{one}.") for one in unused)}
    assert found == set()


@pytest.mark.parametrize(
    "names",
    [
        ("tkinter", "curses", "readline", "webbrowser"),
        ("asyncio", "http.server", "socketserver", "xmlrpc"),
        ("unittest", "doctest", "pdb"),
        ("pip", "setuptools", "ensurepip", "venv", "PyInstaller"),
        ("sqlite3", "bz2", "lzma", "tarfile", "xml"),
        ("ctypes", "multiprocessing.managers", "kubernetes.aio", "kubernetes.client.models.v1_lease"),
        ("aiohttp", "packaging", "tests"),
    ],
    ids=["screens", "servers", "tests", "installers", "files", "other ways", "other distributions"],
)
def test_no_command_has_a_use_for(names: tuple[str, ...], modules: set[str]) -> None:
    assert modules & set(names) == set()


def test_the_codecs_of_every_locale_are_there(modules: set[str]) -> None:
    """Without that of the person's locale, Python does not start."""
    assert {f"_codecs_{region}" for region in ("cn", "hk", "jp", "kr", "tw")} <= modules


def test_it_is_not_large(files: Mapping[str, bytes]) -> None:
    assert sum(map(len, files.values())) < 50_000_000
    assert krewing.archive().stat().st_size < 17_000_000
