"""The first lines of the frozen program: where its modules come from, and which of its two programs it is.

Strategy: PyInstaller's bootloader starts Python, and then runs this file. All modules are in one file (``modules``,
written by ``krew.frozen.writing``), which is opened here and stays open: krew deletes the folder of an older version
while that may be running, and modules that are imported later have to be had all the same. It is faster, too: nothing
is searched for and nothing is unpacked (docs/krew.md has the figures). Extension modules are files of their own,
because the system's loader wants them so; on Linux they are opened now, too, and can be loaded although they are gone.

Only modules that are part of the interpreter may be imported here; not even ``__future__`` is there yet.
"""

import _frozen_importlib
import _frozen_importlib_external
import _thread
import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.readers import FileReader
    from types import CodeType, ModuleType
    from typing import Any

FOLDER = str(getattr(sys, "_MEIPASS", ""))  # where PyInstaller's bootloader has found its files
_ENOUGH_FILES = 256


class Modules:
    """The finder of all modules that are not built into the interpreter."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._file = os.open(os.path.join(folder, "modules"), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._lock = _thread.allocate_lock()
        size = int.from_bytes(os.read(self._file, 8), "big")
        contents = marshal.loads(os.read(self._file, size))
        self._start = 8 + size
        self._modules: dict[str, tuple[int, int, str, bool]] = contents["modules"]
        self._extensions: dict[str, str] = contents["extensions"]
        self.programs: dict[str, tuple[str, str]] = contents["programs"]
        self._held: dict[str, int] = {}
        self._hold()

    def _hold(self) -> None:
        # Elsewhere the loader does not take an open file.
        if sys.platform != "linux" or os.sysconf("SC_OPEN_MAX") < _ENOUGH_FILES:
            return
        for name, path in self._extensions.items():
            if name not in sys.modules:
                self._held[name] = os.open(os.path.join(self._folder, path), os.O_RDONLY)

    def _kept(self, name: str) -> str:
        """Where an extension module is that is no longer in the folder."""
        if name not in self._held:
            # A worker's exception would be nobody's; this ends the process from everywhere.
            os.write(2, b"error: this kubectl-metrics was removed or upgraded while it ran; run the command again\n")
            os._exit(1)
        return f"/proc/self/fd/{self._held[name]}"

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> _frozen_importlib.ModuleSpec | None:
        del path, target
        if name in self._modules:
            _, _, file, is_package = self._modules[name]
            origin = os.path.join(self._folder, file)
            ours: Any = _Loader(self, origin)  # without the load_module that typeshed wants and nobody calls
            spec = _frozen_importlib.ModuleSpec(name, ours, origin=origin, is_package=is_package)
            if is_package:
                spec.submodule_search_locations = [os.path.dirname(origin)]
        elif name in self._extensions:
            origin = os.path.join(self._folder, self._extensions[name])
            if not os.path.exists(origin):
                origin = self._kept(name)
            loader = _frozen_importlib_external.ExtensionFileLoader(name, origin)
            spec = _frozen_importlib.ModuleSpec(name, loader, origin=origin)
        else:
            return None
        spec.has_location = True
        return spec

    def code(self, name: str) -> "CodeType":
        start, size, _, _ = self._modules[name]
        with self._lock:
            os.lseek(self._file, self._start + start, os.SEEK_SET)
            content = os.read(self._file, size)
        code: CodeType = marshal.loads(content)
        return code


class _Loader:
    def __init__(self, modules: Modules, path: str) -> None:
        self._modules = modules
        self.path = path

    def create_module(self, spec: _frozen_importlib.ModuleSpec) -> None:
        """Nothing special: as Python does it."""

    def exec_module(self, module: "ModuleType") -> None:
        exec(self._modules.code(module.__name__), module.__dict__)

    def get_resource_reader(self, name: str) -> "FileReader":
        """Files beside a module: certifi's."""
        from importlib.readers import FileReader

        del name
        return FileReader(self)  # type: ignore[arg-type]  # it asks for the path alone


def _leave_no_trace() -> None:
    """Takes back what the bootloader has done to the environment: credential plugins are not to inherit it."""
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    elif os.environ.get("LD_LIBRARY_PATH", "").rstrip(os.sep) == FOLDER:
        del os.environ["LD_LIBRARY_PATH"]


def start() -> None:
    """Runs the program that the process is called after, and does not return."""
    modules = Modules(FOLDER)
    sys.meta_path.insert(0, modules)
    _leave_no_trace()
    called = os.path.basename(sys.argv[0]).removesuffix(".exe")
    if os.path.dirname(sys.argv[0]) == "":  # found on PATH: Python would have told the whole of it
        sys.argv[0] = sys.executable
    module, function = modules.programs.get(called) or modules.programs["kubectl-metrics"]
    getattr(__import__(module, fromlist=[function]), function)()


if FOLDER:
    start()
