"""Validity of certificates, with cryptography as the oracle."""

from __future__ import annotations

import base64
import contextlib
from datetime import datetime

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.wire.certificate import validity

PEM = trustme.CA(organization_name="x" * 60).cert_pem.bytes()


@pytest.mark.parametrize(
    "until", ["2049-12-31T23:59:59+00:00", "2050-01-01T00:00:00+00:00", "9999-12-31T00:00:00+00:00"]
)
def test_validity(until: str) -> None:
    leaf = trustme.CA().issue_cert("a", not_after=datetime.fromisoformat(until))
    pem = leaf.cert_chain_pems[0].bytes()
    oracle = x509.load_pem_x509_certificate(pem)
    assert validity(pem) == (oracle.not_valid_before_utc, oracle.not_valid_after_utc)


def test_the_first_of_several() -> None:
    assert validity(b"text\n" + PEM + trustme.CA().cert_pem.bytes()) == validity(PEM)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x02\x01\x01",
        b"\x30\x00",
        b"\x30\x02\x30\x00",
        b"\x30\x05\x30",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x0a\x30\x08\x02\x00\x02\x00\x02\x00\x02\x00",
        b"\x30\x0a\x30\x08\x02\x00\x02\x00\x02\x00\x30\x00",
        b"\x30\x0c\x30\x0a\x02\x00\x02\x00\x02\x00\x30\x02\x02\x00",
        b"\x30\x0d\x30\x0b\x02\x00\x02\x00\x02\x00\x30\x03\x17\x01x",
    ],
)
def test_what_is_no_certificate(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|validity|time data"):
        validity(b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(der) + b"\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("pem", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"])
def test_what_is_no_pem(pem: bytes) -> None:
    with pytest.raises(ValueError, match="not a PEM certificate"):
        validity(pem)


@given(st.data())
def test_damaged_certificates_are_read_or_refused(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(PEM) - 1))
    damaged = bytearray(PEM)
    damaged[position] = data.draw(st.sampled_from(b"AZaz09+/=\n-"))
    with contextlib.suppress(ValueError):
        begins, ends = validity(bytes(damaged))
        assert begins.tzinfo == ends.tzinfo
