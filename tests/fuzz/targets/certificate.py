"""Certificates in DER and in PEM, and their masked twins."""

from __future__ import annotations

import base64
import contextlib
import hashlib

from kubectl_metrics.connection.credentials import Credentials
from kubectl_metrics.connection.expiry import explain
from kubectl_metrics.diagnosis.bundles.mask.certificates import mask_base64, mask_pem
from kubectl_metrics.wire.certificate import parse, parse_all, validity
from tests.fuzz.seeds import CERTIFICATE, NOW

_DER = base64.b64decode(b"".join(CERTIFICATE.splitlines()[1:-1]))
SEEDS = (_DER, CERTIFICATE, CERTIFICATE + b"\ntext\n" + CERTIFICATE)


def read(data: bytes) -> bool:
    accepted = False
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(data) + b"\n-----END CERTIFICATE-----\n"
    with contextlib.suppress(ValueError):
        found = parse(data)
        accepted = True
        assert parse_all(pem) == [found]
        assert validity(pem) == (found.not_before, found.not_after)
    with contextlib.suppress(ValueError):
        accepted = bool(parse_all(data))
    with contextlib.suppress(ValueError):
        validity(data)
    for text in (data.decode("latin-1"), pem.decode()):
        masked = mask_pem(text, _shout, _digest)
        with contextlib.suppress(ValueError):
            parse_all(masked.encode())
        mask_base64(text, _shout, _digest)
    explain(Credentials(certificate=(data, b"")), NOW)
    return accepted


def _shout(name: str) -> str:
    return name.upper()


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
