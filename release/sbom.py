"""What a release is made of, as CycloneDX JSON: the package with its runtime dependencies at the pinned versions."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from release import matrix, project
from release.project import DIST, NAME, ROOT, Failed

_TOOLS = ROOT / ".venv-release" / "bin"
_SCHEMA = "1.6"


def write(wheel: Path, into: Path) -> Path:
    """Installs the wheel beside nothing but what it needs, and describes that.

    Args:
        wheel: the wheel of this version.
        into: the folder of the file.

    Returns:
        The file, which is valid by its schema.

    Raises:
        release.project.Failed: something cannot be installed, or the description is not valid.
    """
    path = into / f"{NAME}-{project.version()}.cdx.json"
    with tempfile.TemporaryDirectory() as folder:
        pins, venv, root = Path(folder, "pins.txt"), Path(folder, "venv"), Path(folder, "pyproject.toml")
        pins.write_text(matrix.without((ROOT / "constraints.txt").read_text("utf-8"), ()), "utf-8")
        root.write_text(_root(matrix.needed(wheel)), "utf-8")
        _run("uv", "--quiet", "venv", "--python", sys.executable, str(venv))
        _run(
            *("uv", "--quiet", "pip", "install", "--python", str(venv), "--constraint", str(pins)),
            f"{NAME}[socks] @ {wheel.absolute().as_uri()}",
        )
        _run(
            *("cyclonedx-py", "environment", "--validate", "--output-reproducible", "--gather-license-texts"),
            *("--spec-version", _SCHEMA, "--output-format", "JSON", "--mc-type", "application"),
            *("--pyproject", str(root), "--output-file", str(path), str(venv / "bin" / "python")),
        )
    return path


def _root(needed: Sequence[str]) -> str:
    """The package itself, for a tool that reads pyproject.toml alone."""
    told = project.metadata()
    fields = {
        "name": NAME,
        "version": project.version(),
        "description": told["description"],
        "license": told["license_expression"],
    }
    urls = {"Homepage": project.home(), "Issues": f"{project.home()}/issues"}
    lines = ["[project]", *_toml(fields), f"dependencies = {json.dumps(needed)}", "[project.urls]", *_toml(urls)]
    return "\n".join(lines) + "\n"


def _toml(fields: dict[str, str]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in fields.items()]  # JSON's strings are TOML's


def _run(tool: str, *arguments: str) -> None:
    done = subprocess.run([_TOOLS / tool, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{tool}: {done.stderr.strip()}")


def main(arguments: Sequence[str]) -> int:
    """``python -m release.sbom [FOLDER]``: of the wheel in that folder."""
    parser = argparse.ArgumentParser(prog="release.sbom", description="describes what a wheel needs, as CycloneDX")
    parser.add_argument("folder", nargs="?", type=Path, default=DIST)
    folder = parser.parse_args(arguments).folder
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        print(f"{folder} has {len(wheels)} wheels instead of one; 'make dist' builds it", file=sys.stderr)
        return 1
    try:
        print(write(wheels[0], folder))
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
