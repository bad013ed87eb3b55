"""``python -m krew``: the archive of this platform, and the manifest of the archives that there are."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Sequence
from pathlib import Path

from krew import archive, environment, freezing, manifest, platforms, trial

_BUILD = environment.ROOT / "build" / "krew"
_OUTPUT = environment.ROOT / "dist" / "krew"


def main(argv: Sequence[str] | None = None) -> None:
    """Ends the process with 1 and a line on stderr where something is missing or fails."""
    parser = argparse.ArgumentParser(prog="python -m krew", description=__doc__)
    parser.add_argument("--output", type=Path, default=_OUTPUT, help="where archives and manifest go (dist/krew)")
    parser.add_argument("--work", type=Path, default=_BUILD, help="a folder for what is made on the way (build/krew)")
    parser.add_argument("--manifest-only", action="store_true", help="of the archives that are there already")
    parser.add_argument("--all", action="store_true", help="the archives of all platforms have to be there")
    options = parser.parse_args(argv)
    output: Path = options.output
    template = manifest.TEMPLATE.read_text("utf-8")
    try:
        if not options.manifest_only:
            _build(options.work.resolve(), output, template)
        text = manifest.fill(template, output, every=options.all)
    except subprocess.CalledProcessError as error:
        parser.exit(1, f"error: {' '.join(map(str, error.cmd[:3]))}... has failed\n")
    except (OSError, ValueError) as error:
        parser.exit(1, f"error: {error}\n")
    (output / "metrics.yaml").write_text(text, "utf-8")
    print(*(output / name for name in (*manifest.archives(text), "metrics.yaml")), sep="\n")


def _named(template: str, platform: str) -> str:
    return next(name for name in manifest.archives(template) if f"_{platform}." in name)


def _build(work: Path, output: Path, template: str) -> None:
    python = environment.create(work / "environment")
    folder = freezing.freeze(python, work / "frozen")
    output.mkdir(parents=True, exist_ok=True)
    for name in manifest.strangers(template, output):
        (output / name).unlink()
    made = output / _named(template, platforms.this())
    archive.pack(folder, made, [freezing.EXECUTABLE])
    trial.of(made, freezing.EXECUTABLE, manifest.version(template))


if __name__ == "__main__":
    main()
