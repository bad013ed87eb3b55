"""Every reader of bytes from outside, with what fuzzing has found, and a little fuzzing of its own.

``make fuzz`` does more of it. What it finds goes into cases/TARGET, with a name that says what is in it.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import NAMES, target

CASES = sorted((Path(__file__).parent / "cases").glob("*/*"))
SLOW = {"diagnosis": 10, "bundle": 20, "kubeconfig": 40}  # inputs to try; of all others 100


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_accepted(name: str) -> None:
    chosen = target(name)
    assert chosen.SEEDS
    assert [seed for seed in chosen.SEEDS if not chosen.read(seed)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_what_was_found(case: Path) -> None:
    target(case.parent.name).read(case.read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_changed_seeds(name: str) -> None:
    chosen = target(name)

    # The same inputs in every run: looking for new ones is what "make fuzz" does.
    @settings(
        max_examples=SLOW.get(name, 100),
        suppress_health_check=[HealthCheck.too_slow],
        deadline=None,
        derandomize=True,
        database=None,
    )
    @given(st.sampled_from(chosen.SEEDS), st.integers(0, 2**32), st.integers(1, 4))
    def check(seed: bytes, number: int, times: int) -> None:
        chosen.read(mutated(seed, random.Random(number), times))

    check()
