"""How Kubernetes writes quantities, durations and times. Pure."""

from __future__ import annotations

import datetime

from tests.simcluster.clock import SECOND

_DECIMAL_SUFFIXES = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def cpu_quantity(nanocores: int) -> str:
    """Canonical form of a decimal quantity: the largest suffix that needs no fraction (``250m``, ``51497n``, ``0``)."""
    if nanocores == 0:
        return "0"
    step = 0
    while nanocores % 1000 == 0:
        nanocores, step = nanocores // 1000, step + 1
    return f"{nanocores}{_DECIMAL_SUFFIXES[step]}"


def memory_quantity(count: int) -> str:
    """Canonical form of a binary quantity: ``5748Ki``, ``100Mi``, ``1025``."""
    if count == 0:
        return "0"
    step = 0
    while count % 1024 == 0:
        count, step = count // 1024, step + 1
    return f"{count}{_BINARY_SUFFIXES[step]}"


def go_duration(nanoseconds: int) -> str:
    """A Go duration of at least one second, as it prints itself: ``15s``, ``15.003s``, ``1m0s``."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    decimals = f".{fraction:09d}".rstrip("0") if fraction else ""
    parts = [f"{hours}h"] if hours else []
    parts += [f"{minutes}m"] if hours or minutes else []
    return "".join([*parts, f"{seconds}{decimals}s"])


def rfc3339(nanoseconds: int) -> str:
    """A moment in whole seconds, as metav1.Time prints itself: ``2026-11-23T19:03:14Z``."""
    moment = datetime.datetime.fromtimestamp(nanoseconds // SECOND, tz=datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def go_float(value: float) -> str:
    """A float as Go's %g-like shortest form in an exposition: ``0.5``, ``6.074368e+06``, ``0``."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if 1e-4 <= abs(value) < 1e6:
        return repr(value)
    mantissa, _, exponent = f"{value:.16e}".partition("e")
    for digits in range(17):
        text = f"{value:.{digits}e}"
        if float(text) == value:
            mantissa, _, exponent = text.partition("e")
            break
    return f"{mantissa}e{exponent}"
