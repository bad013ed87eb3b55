"""A bundle that ``diagnose --from`` reads: what comes out of it can be written, and read again as the same."""

from __future__ import annotations

from kubectl_metrics.diagnosis.bundles.bundle import decode, encode
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.errors import DecodeError
from tests.fuzz.seeds import BUNDLES

SEEDS = (
    encode(Evidence()),
    *((BUNDLES / f"{name}.json").read_bytes() for name in ("healthy", "two-at-once", "not-a-kubelet")),
)


def read(data: bytes) -> bool:
    try:
        evidence = decode(data)
    except DecodeError:
        return False
    once = encode(evidence)
    assert encode(decode(once)) == once
    return True
