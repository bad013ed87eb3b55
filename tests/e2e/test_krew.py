"""The plugin as krew installs it: the real krew, the real kubectl, the real cluster, and no Python."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from krew import manifest
from tests.e2e import krewing
from tests.e2e.kit import Cluster, wait_for
from tests.simcluster import Fault, SimCluster
from tests.simcluster.messages import Response
from tests.simcluster.server import Exchange

README = (krewing.ROOT / "README.md").read_text("utf-8")
_FOLDER = re.compile(r"https://github\.com/kubectl-metrics/kubectl-metrics/releases/(download/v[^/]+|latest/download)/")


@pytest.fixture(scope="module", autouse=True)
def _archive() -> None:
    """There is one, and the manifest with it."""
    krewing.archive()


@pytest.fixture(scope="module")
def home(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> krewing.Home:
    """Somebody who has installed the plugin."""
    home = krewing.Home(tmp_path_factory.mktemp("krew") / "installed", cluster)
    home.install()
    return home


@pytest.fixture(scope="module")
def downloads() -> Iterator[str]:
    """The URL of the folder with the archives."""
    handler = functools.partial(_Quiet, directory=str(krewing.archive().parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


def _caveats() -> list[str]:
    """The commands that the manifest tells people to run."""
    return re.findall(r"(?m)^      ((?:ln|rm) .*)$", krewing.MANIFEST.read_text("utf-8"))


def _shell(home: krewing.Home, command: str) -> None:
    subprocess.run(["/bin/sh", "-c", command], env={**home.environment, "PATH": "/usr/bin:/bin"}, check=True)


@pytest.mark.parametrize("path", [manifest.TEMPLATE, krewing.MANIFEST], ids=["template", "built"])
def test_krew_takes_the_manifest_for_valid(path: Path) -> None:
    done = subprocess.run([krewing.tool("validate-krew-manifest"), "-skip-install", "-manifest", path],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_krew_installs_what_the_manifest_names(cluster: Cluster, tmp_path: Path, downloads: str) -> None:
    home = krewing.Home(tmp_path / "home", cluster)
    served = tmp_path / "metrics.yaml"
    served.write_text(_FOLDER.sub(downloads, krewing.MANIFEST.read_text("utf-8")), "utf-8")
    done = subprocess.run([krewing.tool("validate-krew-manifest"), "-manifest", served], env=home.environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "spec.platforms installed fine" in done.stderr


def test_the_line_in_the_readme(cluster: Cluster, tmp_path: Path, downloads: str) -> None:
    """Of which only the server is another one here, and nobody looks for news of indexes."""
    (line,) = re.findall(r"(?m)^kubectl (krew install --manifest-url=\S+)$", README)
    home = krewing.Home(tmp_path / "home", cluster)
    home.index(krewing.MANIFEST.read_text("utf-8"))  # without any, krew would fetch its own all the same
    folder = krewing.archive().parent
    served = folder / line.rpartition("/")[2]
    served.write_text(_FOLDER.sub(downloads, krewing.MANIFEST.read_text("utf-8")), "utf-8")
    try:
        for _ in range(2):
            home.krew(*_FOLDER.sub(downloads, line).split()[1:], "--no-update-index")
            assert home.kubectl("metrics", "--version").status == 0
            # As docs/krew.md says: to upgrade, install it anew.
            assert "was installed via manifest" in home.krew("upgrade", "--no-update-index", "metrics").stderr
            home.krew("uninstall", "metrics")
            assert home.kubectl("metrics", "--version").status != 0
    finally:
        served.unlink()


def test_the_table_without_python(home: krewing.Home, cluster: Cluster) -> None:
    assert not any(shutil.which(name, path=home.path) for name in ("python", "python3", "sh"))
    theirs, ours = cluster.alike(lambda: cluster.kubectl("top", "node"), lambda: home.on_cluster("metrics", "nodes"))
    assert ours.answer() == theirs.answer()
    assert len(ours.table()) > 1


def test_kubectl_lists_it_without_a_warning(home: krewing.Home) -> None:
    listed = home.kubectl("plugin", "list")
    assert (listed.status, listed.stderr) == (0, "")
    assert f"{home.root}/bin/kubectl-metrics\n" in listed.stdout


def test_the_version_names_what_kubectl_runs(home: krewing.Home) -> None:
    assert f"({home.root}/bin/kubectl-metrics, Python 3." in home.kubectl("metrics", "--version").stdout


def test_completion_by_the_line_in_the_caveats(home: krewing.Home, cluster: Cluster) -> None:
    link, unlink = _caveats()
    names = cluster.must("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    lines: list[str] = []

    def completed() -> list[str]:
        """The names; none on a machine that is so busy that a shell would be kept waiting."""
        lines[:] = home.on_cluster("__complete", "metrics", "nodes", "").stdout.splitlines()
        return lines[:-1]

    _shell(home, link)
    try:
        wait_for("the names", completed)
        listed = home.kubectl("plugin", "list")
    finally:
        _shell(home, unlink)
    assert sorted(line.partition("\t")[0] for line in lines[:-1]) == sorted(names)
    assert re.fullmatch(r":\d+", lines[-1])
    assert (listed.status, listed.stderr) == (0, "")
    assert not (home.root / "bin" / "kubectl_complete-metrics").is_symlink()


def test_uninstalling_leaves_nothing(cluster: Cluster, tmp_path: Path) -> None:
    home = krewing.Home(tmp_path / "home", cluster)
    home.index(krewing.MANIFEST.read_text("utf-8"))
    before = home.files()
    home.install()
    assert home.files() > before
    home.krew("uninstall", "metrics")
    assert home.files() == before
    assert not (home.root / "store" / "metrics").exists()


def test_an_upgrade_while_the_old_version_runs(cluster: Cluster, tmp_path: Path, downloads: str) -> None:
    """krew deletes the old version's folder; what runs from there still has to import most of what it needs."""
    home = krewing.Home(tmp_path / "home", cluster)
    old = _FOLDER.sub(downloads, krewing.MANIFEST.read_text("utf-8"))
    version = manifest.version(old)
    home.index(old)
    home.krew("install", "--no-update-index", "local/metrics")
    link, _ = _caveats()
    _shell(home, link)

    may_answer = threading.Event()

    def hold(exchange: Exchange, response: Response) -> None:
        while not may_answer.is_set():
            exchange.wait(0.05)
        exchange.respond(response)

    arguments = ["metrics", "diagnose", "-o", "markdown", "--request-timeout", "2m"]  # krew may take its time
    with SimCluster() as simulated:
        kubeconfig = str(simulated.kubeconfig())
        simulated.fault("api", Fault("hold", "respond", hold))
        running = subprocess.Popen([home.kubectl_program, *arguments],
                                   env={**home.environment, "KUBECONFIG": kubeconfig},
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        try:
            while not simulated.asked("api"):
                assert running.poll() is None, running.communicate()
                threading.Event().wait(0.05)
            home.index(old.replace(f"version: v{version}", "version: v99.0.0"))
            home.krew("upgrade", "--no-update-index", "metrics")
            assert [path.name for path in (home.root / "store" / "metrics").iterdir()] == ["v99.0.0"]
            may_answer.set()
            out, err = running.communicate(timeout=120)
        finally:
            running.kill()
    assert "Traceback" not in err
    assert running.returncode in (0, 5), err
    assert out.startswith("**")
    # The link of the completion leads to krew's own link, which now leads to the new version.
    assert home.kubectl("__complete", "metrics", "").stdout.splitlines()[0].startswith("completion")
    assert home.kubectl("metrics", "--version").status == 0


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = krewing.archive()
    subprocess.run(["make", "krew", f"KREW_ARGS=--output '{tmp_path}/out' --work '{tmp_path}/some where else'"],
                   cwd=krewing.ROOT, check=True, capture_output=True)  # fmt: skip
    assert (tmp_path / "out" / first.name).read_bytes() == first.read_bytes()
    assert (tmp_path / "out" / "metrics.yaml").read_bytes() == krewing.MANIFEST.read_bytes()
