"""When a certificate is valid: the one thing about our own client certificate that explains a 401.

Python's ssl module parses the certificates of peers only. What is needed of X.509 (RFC 5280, 4.1) is little: a
certificate is a SEQUENCE that begins with tbsCertificate, and that one is version [0] (optional), serialNumber,
signature, issuer, validity, ...; validity is a SEQUENCE of two times.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timezone

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


def validity(pem: bytes) -> tuple[datetime, datetime]:
    """From when until when the first certificate of a PEM text is valid. Raises ValueError."""
    match = _PEM.search(pem)
    if match is None:
        raise ValueError("not a PEM certificate")
    try:
        der = base64.b64decode(match.group(1))
    except binascii.Error as error:
        raise ValueError(f"not a PEM certificate: {error}") from error
    certificate = _only(der, _SEQUENCE)
    fields = _elements(_only(certificate, _SEQUENCE))
    if fields and fields[0][0] == _VERSION:
        del fields[0]
    if len(fields) < 4 or fields[3][0] != _SEQUENCE:
        raise ValueError("a certificate without a validity")
    times = [_time(tag, content) for tag, content in _elements(fields[3][1])]
    if len(times) != 2:
        raise ValueError("a validity that is not two times")
    return times[0], times[1]


def _only(der: bytes, tag: int) -> bytes:
    """The content of the first element, which has to have this tag."""
    elements = _elements(der)
    if not elements or elements[0][0] != tag:
        raise ValueError("not an X.509 certificate")
    return elements[0][1]


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """The elements of a DER encoding: (tag, content)."""
    found = []
    position = 0
    while position + 2 <= len(der):
        tag, length = der[position], der[position + 1]
        position += 2
        if length & 0x80:  # the length of the length, then the length
            size = length & 0x7F
            length = int.from_bytes(der[position : position + size], "big")
            position += size
        if position + length > len(der):
            raise ValueError("a certificate that breaks off")
        found.append((tag, der[position : position + length]))
        position += length
    return found


def _time(tag: int, content: bytes) -> datetime:
    """UTCTime has two digits for the year, and means 1950 to 2049 (RFC 5280, 4.1.2.5.1)."""
    text = content.decode("ascii", "replace")
    if tag == _UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("a validity that is no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)
