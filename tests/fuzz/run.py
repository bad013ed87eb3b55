"""Fuzzes one target until it is stopped or something is found: ``python -m tests.fuzz.run TARGET [libFuzzer's flags]``.

The corpus grows in build/fuzz/TARGET, where the next run goes on; what is found is written beside it. Half of the
changes to an input are libFuzzer's, guided by coverage, half are those of ``mutate``, which know what JSON is: most
decoding happens in C, where there is no coverage to be guided by.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # in a virtual environment of its own

from tests.fuzz.mutate import mutated

BUILD = Path("build/fuzz")
LONGEST = 8_000  # bytes of an input, where its seeds are not longer
SECONDS, MEGABYTES = 20, 2048  # what one input may take


def main(arguments: list[str]) -> None:
    name, *flags = arguments
    with atheris.instrument_imports(include=["kubectl_metrics", "http", "yaml"]):
        from tests.fuzz.targets import target

        chosen = target(name)

    def one(data: bytes) -> None:
        chosen.read(data)

    def change(data: bytes, longest: int, seed: int) -> bytes:
        dice = random.Random(seed)
        if dice.random() < 0.5:
            return bytes(atheris.Mutate(data, longest))
        return mutated(data, dice, dice.choice((1, 1, 2, 4)))[:longest]

    corpus = BUILD / name
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(chosen.SEEDS):
        (corpus / f"seed-{index}").write_bytes(seed)
    longest = max(LONGEST, *(2 * len(seed) for seed in chosen.SEEDS))
    limits = [f"-max_len={longest}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}"]
    atheris.Setup(
        [sys.argv[0], *limits, f"-artifact_prefix={BUILD}/{name}-", *flags, str(corpus)], one, custom_mutator=change
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
