"""Writes ``modules``, the file that ``start`` reads: the code of all modules, one after the other, not compressed.

It holds: the size of the table of contents in 8 bytes, the table, marshalled, and then one marshalled code object for
each module, whose file name is relative to the folder it would have been in.
"""

from __future__ import annotations

import marshal
import zipfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

# Generated, with more documentation than code.
_WITHOUT_DOCSTRINGS = "kubernetes"


def programs() -> dict[str, tuple[str, str]]:
    """The console scripts of the installed package: for each name the module and the function."""
    scripts = distribution("kubectl-metrics").entry_points.select(group="console_scripts")
    return {script.name: (script.module, script.attr) for script in scripts}


def write(
    target: Path,
    sources: Mapping[str, str],
    base_library: Path,
    extensions: Mapping[str, str],
    scripts: Mapping[str, tuple[str, str]],
) -> None:
    """Write the file.

    Args:
        target: the file.
        sources: modules by name, with the file that each is compiled from.
        base_library: PyInstaller's zip with the modules that Python needs to start. They are taken, too: some are
            imported late, and the zip may be gone by then.
        extensions: extension modules by name, with their paths below the folder of ``target``.
        scripts: what ``programs`` gives.
    """
    modules: dict[str, tuple[int, int, str, bool]] = {}
    content = bytearray()

    def add(name: str, code: bytes, is_package: bool) -> None:
        modules[name] = (len(content), len(code), _file(name, is_package), is_package)
        content.extend(code)

    with zipfile.ZipFile(base_library) as base:
        for entry in sorted(base.namelist()):
            path = PurePosixPath(entry).with_suffix("")
            is_package = path.name == "__init__"
            add(".".join((path.parent if is_package else path).parts), base.read(entry)[16:], is_package)
    for name, file in sorted(sources.items()):
        if name in modules or not file.endswith(".py"):
            continue
        is_package = Path(file).name == "__init__.py"
        level = 2 if name.partition(".")[0] == _WITHOUT_DOCSTRINGS else 0
        code = compile(Path(file).read_bytes(), _file(name, is_package), "exec", dont_inherit=True, optimize=level)
        add(name, marshal.dumps(code), is_package)
    table = marshal.dumps({"modules": modules, "extensions": dict(extensions), "programs": dict(scripts)})
    target.write_bytes(len(table).to_bytes(8, "big") + table + content)


def _file(name: str, is_package: bool) -> str:
    return name.replace(".", "/") + ("/__init__.py" if is_package else ".py")


def module(path: str) -> str:
    """The name of the extension module in a file, e.g. ``msgspec._core`` of ``msgspec/_core.cpython-313.so``."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    folders = () if "lib-dynload" in parts else parts[:-1]
    return ".".join([*folders, parts[-1].partition(".")[0]])
