"""What goes into the archives and what does not. Runs in the environment that is frozen."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys

# Imported where PyInstaller's search does not see it.
HIDDEN = [
    "kubernetes.client",
    "kubernetes.config",
]

# What its importers can do without, or need for what nobody calls here: user interfaces, debuggers, servers. The large
# codecs for Chinese, Japanese and Korean are no such thing: without that of its locale Python does not start.
_UNUSED = [
    "_aix_support",
    "_bz2",  # shutil and zipfile know archives that nobody here has; urllib3 does not need it
    "_lzma",
    "_pydatetime",  # in case the one in C were missing
    "_pydecimal",
    "_uuid",  # would bring libuuid along; uuid does without
    "argparse",  # modules that are programs as well have it for that
    "asyncio",
    "attr",
    "attrs",
    "bz2",
    "curses",
    "distutils",
    "doctest",
    "ensurepip",
    "ftplib",
    "http.server",
    "idlelib",
    "lib2to3",
    "lzma",
    "pdb",
    "pip",
    "pkg_resources",
    "pydantic.mypy",
    "pydantic.v1",
    "pydoc_data",
    "pyexpat",
    "readline",
    "setuptools",
    "socketserver",
    "sqlite3",
    "statistics",
    "tarfile",
    "tkinter",
    "tomllib",
    "turtle",
    "unittest",
    "urllib3.contrib.emscripten",
    "urllib3.contrib.pyopenssl",
    "venv",
    "webbrowser",
    "wheel",
    "xml",
    "xmlrpc",
]

# On every system with glibc, as the rules for manylinux wheels have it.
OF_THE_SYSTEM = ["libgcc_s.so.1"]


def unused() -> list[str]:
    """The names of modules that are left out."""
    names = list(_UNUSED)
    if sys.platform != "win32":
        names.append("ctypes")  # there it is for the console
    return names + _never_imported()


# Packages of which most modules are only imported when they are needed. The kubernetes package has a thousand that are
# generated; it wants multiprocessing for the threads that it would start for whoever asked it to.
_SPARSE = ["kubernetes.client.api", "kubernetes.client.models", "multiprocessing"]


def _never_imported() -> list[str]:
    """Of these, the modules that no class wants that ``diagnose`` asks for."""
    from kubectl_metrics.connection.generated import ObjectAPI

    api = ObjectAPI(None)  # type: ignore[arg-type]  # which it hands on when something is read
    for name, value in vars(ObjectAPI).items():
        if isinstance(value, functools.cached_property):
            getattr(api, name)
    found = []
    for name in _SPARSE:
        package = importlib.import_module(name)
        found += [module.name for module in pkgutil.iter_modules(package.__path__, f"{name}.")]
    return sorted(name for name in found if name not in sys.modules)
