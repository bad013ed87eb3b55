"""What several readers make of the same bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from kubectl_metrics.errors import DecodeError


def any_accepts(*readers: Callable[[], object]) -> bool:
    """Calls them all; whether one of them has not refused. DecodeError is how they refuse, and nothing else."""
    accepted = False
    for read in readers:
        with contextlib.suppress(DecodeError):
            read()
            accepted = True
    return accepted
