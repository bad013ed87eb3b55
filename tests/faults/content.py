"""Changes to right answers that make them wrong: functions for ``Fault.edit`` and ``Fault.edit_text``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[Any], object]

_SERIES = re.compile(r"^((?:node|container)_cpu_usage_seconds_total\S*) (\S+) (\d+)$", re.MULTILINE)
_STARTED = re.compile(r"^(container_start_time_seconds\S*) (\S+)$", re.MULTILINE)
_TIMED = re.compile(r" (\d{13})$", re.MULTILINE)


# ---- metrics.k8s.io --------------------------------------------------------------------------------------------------


def usages(document: Any) -> Iterator[dict[str, Any]]:
    """Every ``usage`` of a NodeMetricsList or PodMetricsList."""
    for item in document["items"]:
        for one in item.get("containers", [item]):
            yield one["usage"]


def usage(**values: Any) -> Change:
    """Other usage, everywhere."""

    def change(document: Any) -> None:
        for one in usages(document):
            one.update(values)

    return change


def items(**values: Any) -> Change:
    """Other fields in all items."""

    def change(document: Any) -> None:
        for item in document["items"]:
            item.update(values)

    return change


# ---- core/v1 ---------------------------------------------------------------------------------------------------------


def status(**values: Any) -> Change:
    """Other fields in the status of all items of a list."""

    def change(document: Any) -> None:
        for item in document["items"]:
            item["status"].update(values)

    return change


# ---- /stats/summary --------------------------------------------------------------------------------------------------


def stats(document: Any) -> Iterator[dict[str, Any]]:
    """The node's stats, and those of every container, in a summary."""
    yield document["node"]
    for pod in document["pods"]:
        yield from pod["containers"]


def measured(resource: str, **values: Any) -> Change:
    """Other values of ``cpu`` or ``memory``, everywhere in a summary."""

    def change(document: Any) -> None:
        for one in stats(document):
            one[resource].update(values)

    return change


def twice(document: Any) -> None:
    """Every container of a summary twice, and every pod too."""
    for pod in document["pods"]:
        pod["containers"] *= 2
    document["pods"] *= 2


# ---- /metrics/resource -----------------------------------------------------------------------------------------------


def cpu_value(value: str) -> Callable[[str], str]:
    """Another value of every CPU counter in an exposition."""
    return lambda text: _SERIES.sub(rf"\1 {value} \3", text)


def falling(text: str) -> str:
    """CPU counters that are the smaller the later one asks."""
    counter = 4e9 - time.time()
    return _SERIES.sub(rf"\1 {counter} \3", text)


def at(milliseconds: int) -> Callable[[str], str]:
    """The same timestamp for all samples of an exposition."""
    return lambda text: _TIMED.sub(f" {milliseconds}", text)


def shifted(seconds: int) -> Callable[[str], str]:
    """An exposition by a clock that is wrong: timestamps, and when containers were started."""

    def change(text: str) -> str:
        text = _TIMED.sub(lambda match: f" {int(match.group(1)) + 1000 * seconds}", text)
        return _STARTED.sub(lambda match: f"{match.group(1)} {float(match.group(2)) + seconds}", text)

    return change


def backwards(text: str) -> str:
    """Timestamps that are the earlier the later one asks."""
    return _TIMED.sub(lambda match: f" {4_000_000_000_000 - int(match.group(1))}", text)
