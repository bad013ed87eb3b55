"""A PodMetricsList of which only the total of each pod is wanted, added up while it comes.

Strategy: of 150,000 pods the list has 60 MB. It is cut between two pods, and what a piece says is all that remains of
it: so the same memory is used over and over, while it is in the processor's cache. In a piece nothing is decoded but
what is added up. From where something is not as metrics-server writes it, and at the end, the rest is left to
``metrics_list.pod_list``, which takes its time, and has the words for what is wrong.

Fact: between two items stands ``},{"metadata":{``. That cannot be within a string, where a quotation mark has a
backslash before it; and cut at any other place where it stands, the piece has an open bracket, and is no JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import msgspec

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire import metrics_list, quantity
from kubectl_metrics.wire.decode import decoder
from kubectl_metrics.wire.metrics_list import Metadata, PodTotal

_PIECE = 256 * 1024  # bytes that are decoded at once, at least
_ITEMS = b'"items":['
_BETWEEN = b'},{"metadata":{'


class _Usage(msgspec.Struct, gc=False):
    cpu: str
    memory: str


class _Container(msgspec.Struct, gc=False):
    usage: _Usage


class _Pod(msgspec.Struct, gc=False):
    metadata: Metadata
    containers: list[_Container]


class _Empty(msgspec.Struct):
    """A list with no items in it."""

    items: list[None]


_pods, _empty = decoder(list[_Pod]), decoder(_Empty)


class TotalsReader:
    """The totals of a list, into which its body is written piece by piece."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._totals: list[PodTotal] = []
        self._head = b""  # all before the first item, once that is known
        self._rest = bytearray()  # what has not been added up; behind the head it begins with a bracket
        self._enough: float = _PIECE  # bytes of that, with which it is tried again
        self._namespaces: dict[str, str] = {}
        self._skipped = 0  # bytes that have been added up

    def write(self, data: bytes) -> None:
        """One more piece of the body."""
        self._rest += data
        if len(self._rest) >= self._enough:
            try:
                self._add_up()
            except (DecodeError, ValueError):
                self._enough = math.inf
            else:
                self._enough = max(_PIECE, 2 * len(self._rest))  # the less hurry where there was no place to cut

    def totals(self) -> list[PodTotal]:
        """Those of the whole list. Raises DecodeError."""
        try:
            pods = metrics_list.pod_list(self._head + self._rest[1:] if self._head else bytes(self._rest))
        except DecodeError as error:
            raise DecodeError(self._in_the_whole(error.message)) from error
        return self._totals + [metrics_list.total_of(pod) for pod in pods]

    def _add_up(self) -> None:
        """As many items as have come. Raises DecodeError or ValueError where there is one of an unusual kind."""
        if not self._head:
            begin = self._rest.index(_ITEMS) + len(_ITEMS)
            head = bytes(self._rest[:begin])
            _empty(head + b"]}", "")
            self._head = head
            self._rest[:begin] = b"["
        end = self._rest.rfind(_BETWEEN)
        if end < 0:
            return
        with memoryview(self._rest) as view:
            piece = b"".join((view[: end + 1], b"]"))
        self._totals += _totals_of(_pods(piece, ""), self._namespaces)
        del self._rest[1 : end + 2]
        self._skipped += end + 1

    def _in_the_whole(self, message: str) -> str:
        """What is said of the items that were left over, with their places in the whole list."""
        done, skipped = len(self._totals), self._skipped
        message = re.sub(r"items\[([0-9]+)", lambda found: f"items[{done + int(found[1])}", message)
        return re.sub(r"\(byte ([0-9]+)\)", lambda found: f"(byte {skipped + int(found[1])})", message)


def _totals_of(pods: Iterable[_Pod], namespaces: dict[str, str]) -> list[PodTotal]:
    """One loop for all of it: a list of 150,000 pods has half a million numbers. Raises ValueError for a wrong one.

    ``namespaces`` has each of them once, so that not every pod keeps its own.
    """
    totals: list[PodTotal] = []
    for pod in pods:
        cpu = memory = 0
        for container in pod.containers:
            usage = container.usage
            # "12345n" and "678Ki", nearly always. isdigit alone would let the digits of all scripts pass.
            text = usage.cpu
            digits = text.removesuffix("n")
            if digits is not text and digits.isdigit() and digits.isascii() and len(digits) < 18:
                cpu += int(digits)
            else:
                cpu += quantity.nanocores(text)
            text = usage.memory
            digits = text.removesuffix("Ki")
            if digits is not text and digits.isdigit() and digits.isascii() and len(digits) < 16:
                memory += int(digits) << 10
            else:
                memory += quantity.to_bytes(text)
        namespace = pod.metadata.namespace
        totals.append((namespaces.setdefault(namespace, namespace), pod.metadata.name, cpu, memory))
    return totals
