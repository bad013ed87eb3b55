"""Inputs for which a careless reader takes hours: with twice the size four times as long, or worse.

Whoever is careful needs a second at most, so that the limit of 30 seconds that all tests have tells them apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from kubectl_metrics.diagnosis.bundles.mask.fields import IMAGE, PEM, RDNS, Learning, Replacing
from kubectl_metrics.diagnosis.bundles.mask.names import Names
from kubectl_metrics.diagnosis.bundles.redact import redact_text
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.objects import ConfigMap
from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire import certificate, der, exposition, quantity, selectors
from kubectl_metrics.wire.time import parse_duration, parse_timestamp
from tests.diagnosis.build import healthy, ok

MANY = 500_000


def oid(content: bytes) -> bytes:
    """A certificate's subject, with an attribute of this type."""
    pair = der.encode(der.OID, content) + der.encode(der.UTF8_STRING, b"x")
    return der.encode(der.SEQUENCE, der.encode(der.SET, der.encode(der.SEQUENCE, pair)))


def named(subject: bytes) -> bytes:
    """A certificate with this subject."""
    times = der.encode(der.UTC_TIME, b"260101000000Z") * 2
    fields = b"".join(
        (
            der.encode(der.INTEGER, b"\x01"),
            der.encode(der.SEQUENCE, b""),
            der.encode(der.SEQUENCE, b""),
            der.encode(der.SEQUENCE, times),
            subject,
        )
    )
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, fields))


@pytest.mark.parametrize(
    "line",
    [
        "a" + " " * 30_000 + "1" + " " * 30_000 + "x",
        "a{" + '"' * 60_001 + "} 1",
        'a{b="' + "\\" * 60_001 + '"} 1',
        "node_cpu_usage_seconds_total " + "1" * 60_000 + "x",
        "a" * 60_000,
    ],
    ids=["spaces", "quotes", "escapes", "digits", "name"],
)
def test_exposition(line: str) -> None:
    for _ in range(20):
        with pytest.raises(DecodeError):
            exposition.scrape(line, 0)


def test_an_exposition_of_empty_lines() -> None:
    assert exposition.scrape("\n" * (20 * MANY), 0).containers == {}


def test_certificates_that_never_end() -> None:
    with pytest.raises(ValueError, match="not a PEM certificate"):
        certificate.parse_all(b"-----BEGIN CERTIFICATE-----\n" * MANY)


def test_an_object_identifier_without_an_end() -> None:
    with pytest.raises(ValueError, match="object identifier"):
        certificate.parse(named(oid(b"\xff" * (10 * MANY))))


@pytest.mark.parametrize("text", ["1" * MANY, "1" * MANY + "Ki", "0." + "0" * MANY, "1e" + "9" * 50, "1E-" + "9" * 50])
def test_quantities(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity.parse(text)


@pytest.mark.parametrize("text", ["a" + " " * MANY, "a in (" + "b," * MANY, "!" * MANY, "a=\\" * MANY, "a/" * MANY])
def test_selectors(text: str) -> None:
    with contextlib.suppress(ValueError):
        selectors.check_label_selector(text)
    with contextlib.suppress(ValueError):
        selectors.field_names(text)


@pytest.mark.parametrize(
    "text", ["1" * MANY, "1." * MANY, "1h" * MANY, "." * MANY, "2026-11-23T19:05:56." + "1" * MANY]
)
def test_times(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_duration(text)
    with contextlib.suppress(ValueError):
        parse_timestamp(text)


def test_roles() -> None:
    evidence = healthy()
    evidence.aws_auth = ok(ConfigMap(data={"mapRoles": "- rolearn: a\n" + "\n" * MANY}))
    judge(evidence)


def _mask(text: str) -> None:
    names = Names(b"k")
    for holds in ("name", RDNS, IMAGE, PEM):
        Learning(names).leaf(text, holds)
        Replacing(names).leaf(text, holds)
    Replacing(names).selector(text)


@pytest.mark.parametrize("read", [redact_text, _mask])
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A",
        "1",
        "a.",
        "1.",
        "-",
        "=",
        ":",
        "\\",
        " ",
        "CN=",
        "metrics-server-",
        "QUJD",
        "-----END ",
        "-----BEGIN ",
        "BEGIN ",
    ],
)
def test_text(read: Callable[[str], object], piece: str) -> None:
    read("token " + piece * (60_000 // len(piece)) + "\x01")
