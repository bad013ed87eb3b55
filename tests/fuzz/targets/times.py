"""Points in time, durations, and the time limits of the command line."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import click

from kubectl_metrics.commands.options import Duration
from kubectl_metrics.connection.config import parse_timeout
from kubectl_metrics.errors import UsageError
from kubectl_metrics.wire.time import format_duration, format_timestamp, parse_duration, parse_timestamp

SEEDS = tuple(
    b"2026-11-23T19:05:56Z 2026-11-23t20:05:56.123456789+01:00 0001-01-01T00:00:00Z 9999-12-31T23:59:59.999Z"
    b" 15.02s 1m30s 0 1h 100ms 5us 2.5h 7ns".split()
)


def read(data: bytes) -> bool:
    text = data.decode("utf-8", "surrogateescape")
    accepted = False
    with contextlib.suppress(ValueError):
        moment = parse_timestamp(text)
        assert parse_timestamp(format_timestamp(moment)) == moment // 1000 * 1000
        accepted = True
    with contextlib.suppress(ValueError):
        seconds = parse_duration(text)
        assert seconds >= 0
        accepted = True
        if seconds < 1e9:
            milliseconds = round(Fraction(seconds) * 1000)
            assert round(parse_duration(format_duration(milliseconds)) * 1000) == milliseconds
    with contextlib.suppress(UsageError):
        assert parse_timeout(text) > 0
    with contextlib.suppress(click.BadParameter):
        assert Duration().convert(text, None, None) > 0
    return accepted
