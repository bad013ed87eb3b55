"""A bundle, its verdict in every form, and its masked twin's."""

from __future__ import annotations

from kubectl_metrics.diagnosis.bundles.bundle import decode
from kubectl_metrics.diagnosis.bundles.mask import mask
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.errors import DecodeError
from kubectl_metrics.output.verdict import render
from tests.fuzz.seeds import BUNDLES

SEEDS = tuple(
    (BUNDLES / f"{name}.json").read_bytes()
    for name in ("two-at-once", "eks", "addon-resizer-refuses-its-flags", "errors-in-the-log", "user-without-rights")
)


def read(data: bytes) -> bool:
    try:
        evidence = decode(data)
    except DecodeError:
        return False
    for one in (evidence, mask(evidence, b"k" * 32)):
        verdict = judge(one)
        for form in ("short", "wide", "table", "markdown", "json"):
            assert render(verdict, form)
    return True
