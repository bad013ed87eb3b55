"""Quantities, with exact fractions as the oracle."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from kubectl_metrics.wire import quantity

_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
SEEDS = tuple(b"0 1 250m 12345678n 64Ki 1e3 1E3 1.5Gi +2 -3 .5 5. 1E 9223372036854775807 1e-9 0.1n 1e18".split())


def read(data: bytes) -> bool:
    text = data.decode("latin-1")
    try:
        value = quantity.parse(text)
    except ValueError:
        assert _is_refused(quantity.nanocores, text) and _is_refused(quantity.to_bytes, text)
        return False
    exact = _exact(text)
    assert abs(value) >= abs(exact)  # away from zero
    assert abs(value) - abs(exact) < 1
    if value >= 0:
        cpu, memory = quantity.nanocores(text), quantity.to_bytes(text)
        assert cpu == value and (memory - 1) * quantity.NANO < value <= memory * quantity.NANO
        assert quantity.parse(quantity.format_nanocores(cpu)) == cpu
        assert quantity.to_bytes(quantity.format_bytes(memory)) == memory
    return True


def _is_refused(read: Callable[[str], int], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return True
    return False


def _exact(text: str) -> Fraction:
    """In nano units."""
    if text[-1:] == "i":
        return Fraction(text[:-2]) * (quantity.NANO << 10 * " KMGTPE".index(text[-2]))
    power = _POWERS.get(text[-1:])
    if power is None:
        return Fraction(text) * quantity.NANO
    scale: int = 10 ** (9 + power)
    return Fraction(text[:-1]) * scale
