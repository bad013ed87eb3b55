"""pipx, and homes of users who have it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from release import matrix
from release.project import ROOT
from tests.e2e.kit import Cluster, Ran

_PIPX = ROOT / ".venv-release" / "bin" / "pipx"
# Of what pipx installs with, and of what that builds with: else the tests are about what the index has today.
_CONSTRAINTS = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "UV_CONSTRAINT", "UV_BUILD_CONSTRAINT")


class Home:
    """Somebody with kubectl and pipx, and an otherwise empty home."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.scripts = folder / ".local" / "bin"
        self._cluster = cluster
        tools = folder / "tools"
        tools.mkdir()
        self.kubectl_program = tools / "kubectl"
        self.kubectl_program.symlink_to(cluster.run("sh", "-c", "command -v kubectl").stdout.strip())
        (tools / "pipx").symlink_to(_PIPX)
        self._pinned = folder.parent / "constraints.txt"  # no space in it: these variables are lists
        self._pinned.write_text(matrix.without((ROOT / "constraints.txt").read_text("utf-8"), ()), "utf-8")
        self.environment = {"HOME": str(folder), "PATH": f"{self.scripts}:{tools}:/usr/bin:/bin"}

    @property
    def environment_of_pipx(self) -> dict[str, str]:
        """Settings of the package index, and whatever proxy it takes, are this machine's; the versions are pinned."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIPX_", "XDG_"))}
        return kept | self.environment | dict.fromkeys(_CONSTRAINTS, str(self._pinned))

    def pipx(self, *arguments: str) -> None:
        done = subprocess.run(
            [_PIPX, *arguments], env=self.environment_of_pipx, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def kubectl(self, *arguments: str) -> Ran:
        return self._cluster.run("kubectl", *arguments, env=self.environment)

    def files(self) -> set[str]:
        """All that is in the home but for folders."""
        return {
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_symlink() or path.is_file()
        }
