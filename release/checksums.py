"""SHA256SUMS: one line for each file of a release, as ``sha256sum --check`` reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path

FILE = "SHA256SUMS"


def write(folder: Path) -> Path:
    """Writes the sums of all files of a folder into one more."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != FILE)
    lines = (f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    path = folder / FILE
    path.write_text("".join(lines), "utf-8")
    return path
