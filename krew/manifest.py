"""The manifest: ``krew/metrics.yaml``, and what becomes of it beside the archives.

The template is a complete manifest but for the hashes, so it is worked on as text: what is not replaced stays as it is.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

TEMPLATE = Path(__file__).parent / "metrics.yaml"

_VERSION = re.compile(r"(?m)^  version: v(\S+)$")
_URI = re.compile(r"(?m)^      uri: (\S+)$")
_SHA256 = re.compile(r'(?m)^      sha256: "[0-9a-f]{64}"$')  # in quotes, or YAML may take it for a number
_COMMENT = re.compile(r"(?m)^ *#.*\n")
_PLATFORM = re.compile(r"(?m)^(?=    - selector:$)")


def version(text: str) -> str:
    """The version that a manifest is about, without its v.

    Raises:
        ValueError: it names none, or more than one.
    """
    found = _VERSION.findall(text)
    if len(found) != 1:
        raise ValueError(f"the manifest names {len(found)} versions")
    return str(found[0])


def archives(text: str) -> list[str]:
    """The names of the archives in a manifest, in its order."""
    return [uri.rpartition("/")[2] for uri in _URI.findall(text)]


def strangers(text: str, folder: Path) -> list[str]:
    """The names of archives in a folder that are not in the manifest: those of another version."""
    return sorted({path.name for path in folder.glob("kubectl-metrics_v*")} - set(archives(text)))


def fill(text: str, folder: Path, *, every: bool) -> str:
    """The manifest with the hashes of the archives in a folder, and without comments.

    Args:
        text: the template.
        folder: where the archives are.
        every: all platforms have to be there; else those without an archive are left out.

    Raises:
        FileNotFoundError: an archive is missing although ``every`` is wanted, or there is none at all.
    """
    head, *platforms = _PLATFORM.split(_COMMENT.sub("", text))
    filled = []
    for block in platforms:
        (name,) = archives(block)
        path = folder / name
        if not path.is_file():
            if every:
                raise FileNotFoundError(f"there is no {path}")
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        filled.append(_SHA256.sub(f'      sha256: "{digest}"', block))
    if not filled:
        raise FileNotFoundError(f"{folder} has none of the archives")
    return "".join([head, *filled])
