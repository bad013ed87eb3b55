"""Quantities: a table of what Kubernetes' own tests and documents say, the official Python client as an oracle."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from kubectl_metrics.wire import quantity

NANO = quantity.NANO


def oracle(text: str) -> Decimal:
    """The official Python client's reading."""
    value: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]  # kubernetes has no types
    return value


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("1", NANO),
        ("+1", NANO),
        ("-1", -NANO),
        ("250m", 250_000_000),
        ("12345678n", 12_345_678),
        ("7u", 7_000),
        ("1k", 1_000 * NANO),
        ("1M", 10**6 * NANO),
        ("1E", 10**18 * NANO),
        ("1e3", 1_000 * NANO),
        ("1E3", 1_000 * NANO),
        ("1e-3", NANO // 1_000),
        ("1e+2", 100 * NANO),
        ("64Ki", 64 * 1024 * NANO),
        ("1.5Gi", 3 * 2**29 * NANO),
        (".5", NANO // 2),
        ("5.", 5 * NANO),
        ("0.1n", 1),  # finer than nano: away from zero
        ("-0.1n", -1),
        ("1.0000000001", NANO + 1),
        ("9223372036854775807", (2**63 - 1) * NANO),
        ("0e99", 0),
    ],
)
def test_parse(text: str, nano: int) -> None:
    assert quantity.parse(text) == nano


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1 ",
        "m",
        ".",
        "-",
        "+",
        "1..2",
        "1,5",
        "0x10",
        "1K",
        "1mi",
        "1kk",
        "1Kim",
        "1e",
        "1e1e1",
        "1e100",
        "NaN",
        "inf",
        "1_000",
        "\u0661",
        "--1",
        "1n\n",
        "9223372036854775808",
        "10E",
        "1e30",
        "9" * 65,
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        quantity.parse(text)


_SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E-2", "e+1"]
_NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str), st.decimals(0, 1000, places=3, allow_nan=False, allow_infinity=False).map(str)
)


@given(_NUMBERS, st.sampled_from(_SUFFIXES))
def test_as_the_official_client(number: str, suffix: str) -> None:
    exact = oracle(number + suffix) * NANO
    assert quantity.parse(number + suffix) == exact.to_integral_value(rounding="ROUND_UP")


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    try:
        value = quantity.parse(text)
    except ValueError:
        return
    assert Decimal(value) == (oracle(text.rstrip(".") or "0") * NANO).to_integral_value(rounding="ROUND_UP")


@given(st.integers(0, 2**60))
def test_cpu_there_and_back(nano: int) -> None:
    assert quantity.nanocores(quantity.format_nanocores(nano)) == nano
    assert quantity.nanocores(f"{nano}n") == nano


@given(st.integers(0, 2**62))
def test_memory_there_and_back(size: int) -> None:
    assert quantity.to_bytes(quantity.format_bytes(size)) == size
    assert quantity.to_bytes(f"{size}") == size


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0"), (1, "1n"), (1_000, "1u"), (1_500_000_000, "1500m"), (2 * NANO, "2"), (2_000 * NANO, "2k")],
)
def test_format_nanocores(nano: int, text: str) -> None:
    assert quantity.format_nanocores(nano) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (512, "512"), (1000, "1k"), (1024, "1Ki"), (1025, "1025"), (1 << 20, "1Mi"), (3 << 61, "6Ei")],
)
def test_format_bytes(size: int, text: str) -> None:
    assert quantity.format_bytes(size) == text


@pytest.mark.parametrize(
    ("value", "size"), [("739436Ki", 739436 * 1024), ("1500m", 2), ("1n", 1), (12, 12), ("9999999999999999Ki", None)]
)
def test_to_bytes(value: str | int, size: int | None) -> None:
    if size is None:
        with pytest.raises(ValueError, match="larger"):
            quantity.to_bytes(value)
    else:
        assert quantity.to_bytes(value) == size


@pytest.mark.parametrize("value", ["-1", "-1n", -1])
def test_usage_is_never_negative(value: str | int) -> None:
    with pytest.raises(ValueError, match="negative"):
        quantity.nanocores(value)
    with pytest.raises(ValueError, match="negative"):
        quantity.to_bytes(value)


def test_digits_of_other_scripts_are_no_digits() -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity.nanocores("\u0661n")
    with pytest.raises(ValueError, match="not a quantity"):
        quantity.to_bytes("\u0661Ki")
    with pytest.raises(ValueError, match="not a quantity"):
        quantity.nanocores("\u00b2n")


def test_an_error_quotes_little() -> None:
    with pytest.raises(ValueError, match=r"\.\.\.") as caught:
        quantity.parse("x" * 1000)
    assert len(str(caught.value)) < 100
