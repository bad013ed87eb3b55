"""Points in time and durations as Kubernetes writes them: RFC 3339, and Go's "1m15.02s"."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# The milliseconds since 1970 that have a date: the years 1 to 9999.
MILLISECONDS = range(-62_135_596_800_000, 253_402_300_800_000)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_timestamp(text: str) -> int:
    """An RFC 3339 time in milliseconds since 1970. Raises ValueError."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a time")
    date, clock, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{date}T{clock}{'+00:00' if zone in 'Zz' else zone}")
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1) + int(((fraction or "") + "000")[:3])
    if milliseconds not in MILLISECONDS:  # its zone takes it out of the calendar
        raise ValueError(f"{text[:40]!r} is not a time")
    return milliseconds


def format_timestamp(milliseconds: int) -> str:
    """RFC 3339 in UTC, whole seconds, as metav1.Time is written; ``milliseconds`` is one of ``MILLISECONDS``."""
    moment = _EPOCH + timedelta(seconds=milliseconds // 1000)
    return f"{moment.replace(tzinfo=None).isoformat()}Z"  # strftime writes the year 800 with three digits


def parse_duration(text: str) -> float:
    """A Go duration ("15.02s", "1m30s") in seconds. Raises ValueError on anything else, and on a negative one."""
    if text == "0":
        return 0.0
    position, seconds = 0, 0.0
    while match := _DURATION_PART.match(text, position):
        seconds += float(match.group(1)) * _UNITS[match.group(2)]
        position = match.end()
    if not text or position != len(text):
        raise ValueError(f"{text[:40]!r} is not a duration")
    return seconds


def format_duration(milliseconds: int) -> str:
    """A Go duration, as metav1.Duration is written: "15.02s", "1m0.5s", "0s"."""
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds = f"{rest // 1000}.{rest % 1000:03}".rstrip("0").rstrip(".")
    if milliseconds and milliseconds < 1000:
        return f"{milliseconds}ms"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}s"
