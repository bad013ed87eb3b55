"""The manifest, with the hashes of the archives that there are."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from krew import manifest, platforms
from kubectl_metrics import __version__

TEMPLATE = manifest.TEMPLATE.read_text("utf-8")


def test_the_template_is_of_this_version_and_names_every_platform() -> None:
    document = yaml.safe_load(TEMPLATE)
    assert document["spec"]["version"] == f"v{__version__}" == f"v{manifest.version(TEMPLATE)}"
    found = {
        f"{one['selector']['matchLabels']['os']}_{one['selector']['matchLabels']['arch']}": one
        for one in document["spec"]["platforms"]
    }
    assert sorted(found) == ["darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64", "windows_amd64"]
    for name, one in found.items():
        ending, program = (".zip", ".exe") if "windows" in name else (".tar.gz", "")
        assert one["uri"].endswith(f"/v{__version__}/kubectl-metrics_v{__version__}_{name}{ending}")
        assert one["bin"] == f"kubectl-metrics{program}"
        assert re.fullmatch("[0-9a-f]{64}", one["sha256"])


def test_what_krew_s_guide_asks_for() -> None:
    """krew's docs/developer-guide: naming and best practices."""
    spec = yaml.safe_load(TEMPLATE)["spec"]
    assert len(spec["shortDescription"]) < 60
    assert "kubectl" not in spec["shortDescription"].lower()
    assert max(map(len, spec["description"].splitlines())) <= 90


def test_the_platform_of_this_machine_is_named() -> None:
    assert any(f"_{platforms.this()}." in name for name in manifest.archives(TEMPLATE))


@pytest.mark.parametrize("platform", ["linux_amd64", "windows_amd64"])
def test_platforms_without_an_archive_are_left_out(platform: str, tmp_path: Path) -> None:
    (name,) = [one for one in manifest.archives(TEMPLATE) if platform in one]
    (tmp_path / name).write_bytes(b"archive")
    filled = manifest.fill(TEMPLATE, tmp_path, every=False)
    (one,) = yaml.safe_load(filled)["spec"]["platforms"]
    assert one["sha256"] == hashlib.sha256(b"archive").hexdigest()
    assert one["uri"].endswith(name)
    assert "#" not in filled
    with pytest.raises(FileNotFoundError, match="there is no "):
        manifest.fill(TEMPLATE, tmp_path, every=True)


def test_all_platforms(tmp_path: Path) -> None:
    names = manifest.archives(TEMPLATE)
    for name in names:
        (tmp_path / name).write_text(name)
    filled = manifest.fill(TEMPLATE, tmp_path, every=True)
    hashes = [one["sha256"] for one in yaml.safe_load(filled)["spec"]["platforms"]]
    assert hashes == [hashlib.sha256(name.encode()).hexdigest() for name in names]


def test_no_archive_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has none of the archives"):
        manifest.fill(TEMPLATE, tmp_path, every=False)


def test_archives_of_another_version(tmp_path: Path) -> None:
    old = "kubectl-metrics_v0.0.9_linux_amd64.tar.gz"
    for name in (*manifest.archives(TEMPLATE), old, "metrics.yaml"):
        (tmp_path / name).touch()
    assert manifest.strangers(TEMPLATE, tmp_path) == [old]


def test_a_manifest_with_two_versions() -> None:
    with pytest.raises(ValueError, match="names 2 versions"):
        manifest.version("  version: v1\n  version: v2\n")
