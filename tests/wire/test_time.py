"""Times and durations as Kubernetes writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.wire.time import MILLISECONDS, format_duration, format_timestamp, parse_duration, parse_timestamp


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-23T19:05:56Z", 1795460756000),
        ("2026-11-23T20:05:56.123456789+01:00", 1795460756123),
        ("1969-12-31T23:59:59.5Z", -500),
    ],
)
def test_parse_timestamp(text: str, milliseconds: int) -> None:
    assert parse_timestamp(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23T19:05:56",
        "2026-13-23T19:05:56Z",
        "2026-11-23T25:05:56Z",
        "x" * 99,
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",  # in UTC it would be the year 0
        "9999-12-31T23:59:59-23:59",  # or the year 10000
    ],
)
def test_no_timestamp(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time|must be in|out of range|Invalid isoformat"):
        parse_timestamp(text)


@given(st.sampled_from((MILLISECONDS[0], MILLISECONDS[-1])) | st.integers(MILLISECONDS[0], MILLISECONDS[-1]))
def test_timestamps_there_and_back(milliseconds: int) -> None:
    assert parse_timestamp(format_timestamp(milliseconds)) == milliseconds // 1000 * 1000


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (7, "7ms"),
        (15020, "15.02s"),
        (15000, "15s"),
        (60500, "1m0.5s"),
        (3600000, "1h0m0s"),
        (90061001, "25h1m1.001s"),
    ],
)
def test_format_duration(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text
    assert parse_duration(text) == pytest.approx(milliseconds / 1000)


@given(st.integers(0, 10**10))
def test_durations_there_and_back(milliseconds: int) -> None:
    assert round(parse_duration(format_duration(milliseconds)) * 1000) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "s", "5x", "-5s", "5s ", "1h-1m", "1e3s", "\u0665s"])
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_zero_needs_no_unit() -> None:
    assert parse_duration("0") == 0
