"""What metrics-server has said over time, and what that is for any span of it: pure."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Iterable, Sequence

Key = tuple[str, str, str]  # kind, namespace, name
_ENOUGH = 0.95  # of a span has to be covered


@dataclasses.dataclass(frozen=True)
class Sample:
    """One measurement: the mean CPU of a span, and the memory at its end. Times are seconds since 1970."""

    end: float
    window: float  # seconds
    cpu: float  # nanocores
    memory: float  # bytes


class Series:
    """The measurements of one object by metrics-server, each of which begins where the one before it ends."""

    def __init__(self) -> None:
        self._samples: dict[float, Sample] = {}

    def add(self, sample: Sample) -> None:
        """Another one, or one that is known already."""
        self._samples.setdefault(sample.end, sample)

    def cpu(self, begin: float, end: float) -> float | None:
        """The mean of a span, nanocores; None where too little of it was measured."""
        weights: list[tuple[float, float]] = []
        for sample in self._samples.values():
            overlap = min(end, sample.end) - max(begin, sample.end - sample.window)
            if overlap > 0:
                weights.append((overlap, sample.cpu))
        covered = sum(weight for weight, _ in weights)
        if covered < _ENOUGH * (end - begin):
            return None
        return sum(weight * value for weight, value in weights) / covered

    def memory(self, at: float) -> float | None:
        """At a moment, bytes: between two measurements, in proportion; None before the first and after the last."""
        ordered = sorted(self._samples.values(), key=lambda sample: sample.end)
        for before, after in itertools.pairwise(ordered):
            if before.end <= at <= after.end:
                share = (at - before.end) / (after.end - before.end)
                return before.memory + share * (after.memory - before.memory)
        return None


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two numbers for one thing."""

    key: Key
    ours: float
    theirs: float


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far ours are from theirs, in parts of theirs."""

    pairs: int
    bias: float  # of the sums: what is left when errors in both directions cancel
    median: float  # of the single differences, with 5 and 95 %
    low: float
    high: float

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Agreement:
        """Raises ValueError where there are not two of them."""
        differences = [pair.ours / pair.theirs - 1 for pair in pairs]
        parts = statistics.quantiles(differences, n=20, method="inclusive")
        bias = sum(pair.ours for pair in pairs) / sum(pair.theirs for pair in pairs) - 1
        return cls(len(pairs), bias, statistics.median(differences), parts[0], parts[-1])


def above(pairs: Iterable[Pair], floor: float) -> list[Pair]:
    """Those whose mean of both numbers is at least ``floor``: neither side decides alone who takes part."""
    return [pair for pair in pairs if pair.theirs > 0 and (pair.ours + pair.theirs) / 2 >= floor]
