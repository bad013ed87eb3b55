"""THIRD-PARTY-NOTICES.txt: the licence of everything whose bytes are in the folder.

Runs in the environment that is frozen. Licences of distributions are those that their wheels carry. Libraries of the
system that are taken along have theirs in ``licenses/``; one that is not known there ends the build.
"""

from __future__ import annotations

import json
import platform
import re
import ssl
import sys
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

FILE = "THIRD-PARTY-NOTICES.txt"

_OWN = "kubectl-metrics"
_LICENCES = Path(__file__).parent / "licenses"
_LICENCE_FILE = re.compile(r"(?i)^(licen[cs]e|copying|notice|authors)([.-].*)?$")
_LINE = "=" * 78

# A library's name; whose it is; its licence, None where Python's own covers it.
_LIBRARIES: list[tuple[str, str, str | None]] = [
    (r"libpython[0-9.]+(so|dylib).*|python3[0-9]*\.dll|Python", "Python", None),
    (r"lib(ssl|crypto)[-.].*", ssl.OPENSSL_VERSION, "openssl.txt"),
    (r"libz\..*|zlib1\.dll", "zlib", "zlib.txt"),
    (r"libexpat\..*", "Expat", "expat.txt"),
    (r"libffi[-.].*", "libffi", "libffi.txt"),
    (r"libmpdec\..*", "libmpdec", "libmpdec.txt"),  # distributions' Pythons have it apart
    (r"(?i)(vcruntime|msvcp)[0-9_]+\.dll|ucrtbase\.dll|api-ms-win-.*\.dll", "Visual C++ runtime", "microsoft.txt"),
]


def write(target: Path, modules: Iterable[str], libraries: Iterable[str]) -> None:
    """Write the file.

    Args:
        target: the file.
        modules: the names of all modules in the folder.
        libraries: the paths of its libraries, without extension modules.

    Raises:
        ValueError: something in the folder has no licence that is known, or nobody mends it any more.
    """
    parts = [
        f"{_OWN} is under the Apache License, Version 2.0, see the file LICENSE.\n"
        "With it comes what follows, each part under its own licence.\n",
        _part(f"Python {platform.python_version()}", _of_python()),
        _part("the start-up program of PyInstaller", _of("pyinstaller")),
    ]
    for name, file in sorted(named(libraries)):
        parts.append(_part(name, (_LICENCES / file).read_text("utf-8")))
    for name in sorted(_distributions(modules)):
        parts.append(_part(f"{name} {distribution(name).version}", _of(name)))
    target.write_text("\n".join(parts), "utf-8", newline="\n")


def _part(title: str, text: str) -> str:
    return f"{_LINE}\n{title}\n{_LINE}\n\n{text.strip()}\n"


def _of_python() -> str:
    folders = [Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix)]
    for folder in folders:
        if (folder / "LICENSE.txt").is_file():
            return (folder / "LICENSE.txt").read_text("utf-8")
    raise ValueError(f"no LICENSE.txt of Python in {' or '.join(map(str, folders))}")


def named(libraries: Iterable[str]) -> set[tuple[str, str]]:
    """What the libraries are, and the files with their licences.

    Raises:
        ValueError: one has no licence that is known, or nobody mends it any more.
    """
    found = set()
    for path in libraries:
        file = path.replace("\\", "/").rpartition("/")[2]
        for pattern, name, licence in _LIBRARIES:
            if re.fullmatch(pattern, file):
                if name == ssl.OPENSSL_VERSION and ssl.OPENSSL_VERSION_INFO < (3,):
                    raise ValueError(f"{name} gets no fixes any more: take a Python that has OpenSSL 3")
                if licence is not None:
                    found.add((name, licence))
                break
        else:
            raise ValueError(f"{path} would be in the archive, and its licence is not known to krew/notices.py")
    return found


def _distributions(modules: Iterable[str]) -> set[str]:
    providers = {  # importlib.metadata's packages_distributions, which in 3.10 knows half of them
        str(file).replace("\\", "/").partition("/")[0].partition(".")[0]: found.metadata["Name"]
        for found in distributions()
        for file in found.files or []
    }
    found: set[str] = set()
    for top in {module.partition(".")[0] for module in modules}:
        if top in providers:
            found.add(providers[top])
        elif top not in sys.stdlib_module_names and top != "_frozen_importlib" and not top.startswith("_sysconfigdata"):
            raise ValueError(f"the module {top} would be in the archive, and nobody knows whose it is")
    return {name for name in found if name != _OWN}


def _of(name: str) -> str:
    found = distribution(name)
    files = sorted(found.files or [], key=str)
    texts = [
        file.read_text("utf-8").strip()
        for file in files
        if ".dist-info" in str(file) and _LICENCE_FILE.match(file.name)
    ]
    if not texts:
        raise ValueError(f"{name} would be in the archive, and carries no licence")
    return "\n\n".join([*texts, *_inside(found)])


def _inside(found: Distribution) -> list[str]:
    """What a wheel says it was linked with."""
    texts = []
    for file in found.files or []:
        if "/sboms/" not in str(file) or file.suffix != ".json":
            continue
        bill = json.loads(file.read_text("utf-8"))
        lines = []
        for component in bill.get("components", []):
            licences = [entry.get("expression") or entry.get("license", {}).get("id", "")
                        for entry in component.get("licenses", [])]  # fmt: skip
            by = component.get("author", "")
            lines.append(
                f"{component['name']} {component['version']}: {', '.join(licences)}" + (f" ({by})" if by else "")
            )
        texts.append("It is linked with:\n\n" + "\n".join(sorted(lines)))
    return texts
