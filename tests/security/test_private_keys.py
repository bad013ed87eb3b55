"""Private keys never stay on disk: not while a command runs, and not when it is killed in the middle of a handshake."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.credentials import Credential, make
from tests.security.listener import Listener
from tests.simcluster.kubeconfig import kubeconfig
from tests.simcluster.pki import Pki

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs inotify and /proc")

TOOL = "from kubectl_metrics.__main__ import run; run()"
# As on a system on which a file cannot be had without a name in a folder.
WITHOUT_MEMORY_FILES = f"import os; del os.memfd_create; {TOOL}"
CREATED, DELETED = 0x100, 0x200  # of inotify(7)
_RECORD = struct.Struct("iIII")


class Watch:
    """What is created and deleted in a folder."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        assert self._descriptor >= 0
        assert libc.inotify_add_watch(self._descriptor, os.fsencode(folder), CREATED | DELETED) >= 0

    def events(self) -> list[int]:
        """CREATED and DELETED since the last call, in the order in which they happened."""
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return []
        found, offset = [], 0
        while offset < len(data):
            _, mask, _, length = _RECORD.unpack_from(data, offset)
            found.append(mask)
            offset += _RECORD.size + length
        return found

    def close(self) -> None:
        os.close(self._descriptor)


class Place:
    """A folder for temporary files with nothing in it, and a home folder."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "temporary"
        self.home = folder / "home"
        self.temporary.mkdir()
        self.home.mkdir()
        self.watch = Watch(self.temporary)

    def start(self, code: str, kubeconfig: Path) -> subprocess.Popen[bytes]:
        """The tool, as a process with these folders."""
        environment = {**os.environ, "TMPDIR": str(self.temporary), "HOME": str(self.home)}
        command = [sys.executable, "-c", code, "raw", "/version", "--kubeconfig", str(kubeconfig)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)

    def files(self) -> list[Path]:
        return [path for folder in (self.temporary, self.home) for path in folder.rglob("*")]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    one = Place(tmp_path)
    yield one
    one.watch.close()


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


@pytest.fixture(params=["certificate", "exec-certificate"])
def credential(request: pytest.FixtureRequest, pki: Pki, tmp_path: Path) -> Credential:
    return make(request.param, pki, tmp_path)


def written(folder: Path, pki: Pki, server: Listener, credential: Credential) -> Path:
    document = json.loads(kubeconfig(f"https://{server.address}", pki.cluster.pem, "alice", None, None, {}))
    document["users"][0]["user"] = credential.user
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    return path


def open_files(process: subprocess.Popen[bytes]) -> list[str]:
    """What a process has open, by name; not what it closes while one looks, such as a module that it imports."""
    names = []
    for path in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.append(os.readlink(path))
    return names


def came_and_went(events: list[int]) -> bool:
    """Whether there were files, each gone before the next one came."""
    return bool(events) and events == [CREATED, DELETED] * (len(events) // 2)


def test_no_file_is_made_at_all(pki: Pki, place: Place, credential: Credential, tmp_path: Path) -> None:
    with Listener(pki, "verified") as server:
        place.start(TOOL, written(tmp_path, pki, server, credential)).communicate(timeout=20)
    assert server.certificates == [credential.certificate]  # so the key was used
    assert place.watch.events() == []
    assert place.files() == []


def test_where_a_file_has_to_be_made_it_is_gone_before_anybody_is_asked(
    pki: Pki, place: Place, credential: Credential, tmp_path: Path
) -> None:
    with Listener(pki, "verified") as server:
        place.start(WITHOUT_MEMORY_FILES, written(tmp_path, pki, server, credential)).communicate(timeout=20)
    assert server.certificates == [credential.certificate]
    events = place.watch.events()
    assert came_and_went(events)
    assert place.files() == []


@pytest.mark.parametrize("code", [TOOL, WITHOUT_MEMORY_FILES], ids=["memory", "file"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_in_the_middle_of_the_handshake(
    pki: Pki, place: Place, credential: Credential, tmp_path: Path, code: str, how: signal.Signals
) -> None:
    with Listener(pki, "silent") as server:
        process = place.start(code, written(tmp_path, pki, server, credential))
        try:
            assert server.heard_something.wait(20), "the client's first words never came"
            during, opened = place.files(), open_files(process)
        finally:
            process.send_signal(how)
            process.communicate(timeout=20)
    assert during == []
    assert [name for name in opened if str(place.temporary) in name or "client-certificate" in name] == []
    assert place.files() == []
    assert process.returncode in (-how, 130)
    events = place.watch.events()
    assert events == [] if code == TOOL else came_and_went(events)
