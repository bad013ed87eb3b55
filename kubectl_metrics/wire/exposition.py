"""The kubelet's /metrics/resource: Prometheus text exposition, as far as a kubelet writes it.

One line a sample: ``name{label="value",...} number timestamp``, the timestamp in milliseconds and optional; ``#``
starts a comment. Only the series that metrics-server reads are kept (its pkg/scraper/client/resource/decode.go); a line
that is not a sample fails the whole answer, as it does there.

CPU counters are kept as whole core-nanoseconds, as metrics-server keeps them: ``uint64(value * 1e9)``.
"""

from __future__ import annotations

import math
import re

import msgspec

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire.time import MILLISECONDS

ContainerKey = tuple[str, str, str]  # namespace, pod, container

_NODE_CPU, _NODE_MEMORY, _NODE_SWAP = (
    "node_cpu_usage_seconds_total",
    "node_memory_working_set_bytes",
    "node_swap_usage_bytes",
)
_CPU, _MEMORY, _START, _SWAP = (
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_start_time_seconds",
    "container_swap_usage_bytes",
)
_NODE_SERIES = frozenset({_NODE_CPU, _NODE_MEMORY, _NODE_SWAP})
_CONTAINER_SERIES = frozenset({_CPU, _MEMORY, _START, _SWAP})

_SAMPLE = re.compile(
    r"([a-zA-Z_:][a-zA-Z0-9_:]*)"  # name
    r'(?:[ \t]*\{([^"{}]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"{}]*)*)\})?'  # labels
    r"[ \t]+(\S+)(?:[ \t]+(-?[0-9]{1,18}))?[ \t]*"  # value, timestamp
)
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_MAX = 2.0**63
_MAX_CPU = 2.0**64  # core-nanoseconds: metrics-server's uint64
_LONGEST = 64 * 1024  # characters of a line; a kubelet's have some hundred
_LINES = re.compile(r"[^\n]+")


class Point(msgspec.Struct):
    """What is known of a node or a container at one moment; None where the answer did not say."""

    timestamp: int | None = None  # milliseconds since 1970, of the CPU sample where there is one
    start: int | None = None  # nanoseconds since 1970
    cpu: int | None = None  # core-nanoseconds used since the start
    memory: int | None = None  # bytes, working set
    swap: int | None = None  # bytes


class Scrape(msgspec.Struct):
    """One answer of /metrics/resource."""

    node: Point
    containers: dict[ContainerKey, Point]
    failed: bool  # the kubelet itself says that it could not collect (resource_scrape_error 1)


def scrape(
    text: str, now: int, repeated: dict[ContainerKey, None] | None = None, *, containers_too: bool = True
) -> Scrape:
    """Reads an exposition; ``now`` (milliseconds since 1970) is the time of samples that carry none.

    Without ``containers_too`` the samples of containers are passed over: they are four fifths of the work.

    Raises DecodeError naming the line that is not a sample, is there twice, or has a value that nothing can have.
    Where there is a ``repeated``, what is there twice is noted in it (under three empty names if it is the node's),
    and the last of them counts, as for metrics-server.
    """
    node, failed = Point(), False
    containers: dict[ContainerKey, Point] = {}
    seen: set[tuple[str, ContainerKey]] = set()
    for place in _LINES.finditer(text):
        line = place.group()
        if line[0] == "#":
            continue
        if len(line) > _LONGEST:
            raise _bad(place, "a line that is too long:", line)
        match = _SAMPLE.fullmatch(line.rstrip("\r"))
        if match is None:
            if not line.strip():
                continue
            raise _bad(place, "expected a sample, found", line)
        name, labels, value_text, time_text = match.groups()
        if name in _CONTAINER_SERIES:
            if not containers_too:
                continue
            key = _container(labels or "", place)
            point = containers.get(key)
            if point is None:
                point = containers[key] = Point()
        elif name in _NODE_SERIES:
            key, point = ("", "", ""), node
        else:
            if name in ("resource_scrape_error", "scrape_error"):
                failed = failed or _value(value_text, place) != 0
            continue
        if (name, key) in seen:
            if repeated is None:
                raise _bad(place, "the same series twice:", line)
            repeated[key] = None
        seen.add((name, key))
        time = int(time_text) if time_text else now
        if time not in MILLISECONDS:
            raise _bad(place, "a time that is none:", line)
        value = _value(value_text, place)
        if name in (_NODE_CPU, _CPU) and value * 1e9 >= _MAX_CPU:
            raise _bad(place, "a value that nothing can have:", line)
        _set(point, name, value, time)
    return Scrape(node, containers, failed)


def _set(point: Point, name: str, value: float, time: int) -> None:
    if name in (_NODE_CPU, _CPU):
        point.cpu, point.timestamp = int(value * 1e9), time
    elif name in (_NODE_MEMORY, _MEMORY):
        point.memory = int(value)
        if point.timestamp is None or point.cpu is None:
            point.timestamp = time
    elif name == _START:
        point.start = int(value * 1e9)
    else:
        point.swap = int(value)


def _container(labels: str, place: re.Match[str]) -> ContainerKey:
    found: dict[str, str] = {}
    position = 0
    while position < len(labels):
        match = _LABEL.match(labels, position)
        if match is None:
            raise _bad(place, "cannot read the labels", labels)
        name, value = match.groups()
        if name in found:
            raise _bad(place, "the same label twice:", labels)
        found[name] = re.sub(r"\\.", lambda m: _ESCAPES.get(m.group(), m.group()), value) if "\\" in value else value
        position = match.end()
    try:
        return found["namespace"], found["pod"], found["container"]
    except KeyError as error:
        raise _bad(place, f"no label {error}:", labels) from None


def _value(text: str, place: re.Match[str]) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _bad(place, "not a number:", text) from None
    if not math.isfinite(value) or not 0 <= value < _MAX or "_" in text or not text.isascii():
        raise _bad(place, "a value that nothing can have:", text)
    return value


def _bad(place: re.Match[str], what: str, text: str) -> DecodeError:
    number = place.string.count("\n", 0, place.start()) + 1
    return DecodeError(f"/metrics/resource: line {number}: {what} {text[:60]!r}")
