"""One module for each reader of bytes from outside. Each has

``SEEDS``
    inputs that it accepts, for the fuzzers to begin with;
``read(data)``
    gives ``data`` to the reader and to what uses the result, and returns whether it was accepted. Only the errors that
    the reader documents are caught: any other exception is what is being looked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Protocol, cast

NAMES = tuple(module.name for module in pkgutil.iter_modules(__path__))


class Target(Protocol):
    """What each of the modules is."""

    SEEDS: Sequence[bytes]

    def read(self, data: bytes, /) -> bool:
        """Whether ``data`` was accepted."""


def target(name: str) -> Target:
    """The module of one of ``NAMES``."""
    return cast(Target, importlib.import_module(f"{__name__}.{name}"))
