"""Small repositories that are ready to be released, for tests to spoil."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HOME = "https://example.org/kubectl-metrics"

_FILES = {
    "setup.cfg": f"[metadata]\nname = kubectl-metrics\nurl = {HOME}\n",
    "kubectl_metrics/__init__.py": '"""A package."""\n\n__version__ = "0.2.0"\n',
    "krew/metrics.yaml": "spec:\n  version: v0.2.0\n  uri: https://example.org/v0.2.0/kubectl-metrics_v0.2.0_linux.tar.gz\n",
    "README.md": "Prints kubectl-metrics 0.2.0, from version 0.1.0 on.\n",
    "docs/krew.md": "kubectl-metrics_v0.2.0_linux_amd64.tar.gz\n",
    ".github/ISSUE_TEMPLATE/bug.yml": "placeholder: kubectl-metrics 0.2.0 (/home/me)\n",
    "CHANGELOG.md": f"""# Changelog

## [Unreleased]

## [0.2.0] - 2026-03-01

### Added

- Something.

## [0.1.0] - 2026-02-01

### Added

- Everything.

[Unreleased]: {HOME}/compare/v0.2.0...HEAD
[0.2.0]: {HOME}/compare/v0.1.0...v0.2.0
[0.1.0]: {HOME}/releases/tag/v0.1.0
""",
}


class Checkout:
    """A repository on the branch main with one commit, and the tag v0.1.0."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in _FILES.items():
            self.write(name, text)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()
        self.git("tag", "v0.1.0")

    def git(self, *arguments: str) -> None:
        """Runs git, away from the settings of whoever runs the tests."""
        nobody = {"NAME": "nobody", "EMAIL": "nobody@example.org"}
        known = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in nobody.items()}
        environment = {**os.environ, **known, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(["git", *arguments], cwd=self.root, env=environment, check=True, capture_output=True)

    def write(self, name: str, text: str) -> None:
        """Writes a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replaces a text that has to be in a file."""
        text = (self.root / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def commit(self) -> None:
        """Commits everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "all of it")
