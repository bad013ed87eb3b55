"""CPU rates from two scrapes of /metrics/resource, with metrics-server's arithmetic.

Facts (metrics-server pkg/storage):

* rate = increase of the counter / time between the samples' own timestamps; the clock on the wall plays no part.
* A counter or a start time that goes back is refused.
* A container that is at least 10 s old and younger than the resolution needs one scrape only: at its start the counter
  was zero. A container that was restarted between the scrapes (start not before the first sample) has no rate.
* A sample whose CPU counter or memory is zero is incomplete; a pod is shown with all its containers or not at all.
"""

from __future__ import annotations

from kubectl_metrics.wire.exposition import Point
from kubectl_metrics.wire.quantity import Bytes, Nanocores

_MILLISECOND, _SECOND = 10**6, 10**9  # in nanoseconds
FRESH = 10 * _SECOND  # a rate over less of a container's life is not accurate


class NoRate(Exception):
    """There is no rate; ``reason`` is a word for scripts, ``str`` the sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def is_complete(point: Point) -> bool:
    """Whether a sample has all that metrics-server wants of it: a time, and CPU and memory that are not zero."""
    return bool(point.timestamp and point.cpu and point.memory)


def rate(first: Point | None, second: Point, resolution: int) -> tuple[Nanocores, Bytes, int]:
    """CPU in nanocores, memory in bytes, and the window in milliseconds.

    ``first`` is the earlier sample, None if there was none; ``resolution`` (milliseconds) is the time between the
    scrapes. Raises NoRate.
    """
    if not is_complete(second):
        raise NoRate("zero", "its CPU counter or memory is zero or missing")
    assert second.timestamp is not None and second.cpu is not None and second.memory is not None
    now = second.timestamp * _MILLISECOND
    earlier = None if first is None or first.timestamp is None else first.timestamp * _MILLISECOND
    if second.start is not None and FRESH <= now - second.start < resolution * _MILLISECOND:
        before, since = 0, second.start
    elif first is None or first.cpu is None or earlier is None:
        raise NoRate("too-young", "it has been measured only once")
    elif second.start is not None and second.start >= earlier:
        raise NoRate("restarted", "it was restarted between the two scrapes")
    elif now <= earlier:
        raise NoRate("stale", "it was not measured again between the two scrapes")
    elif first.start is not None and second.start is not None and second.start < first.start:
        raise NoRate("counter-reset", "unexpected decrease in startTime of node/container")
    elif second.cpu < first.cpu:
        raise NoRate("counter-reset", "unexpected decrease in cumulative CPU usage value")
    else:
        before, since = first.cpu, earlier
    window = now - since
    return Nanocores((second.cpu - before) / (window / _SECOND)), Bytes(second.memory), window // _MILLISECOND
