"""What an X.509 certificate says of itself: whose it is, by whom, for which names, from when until when.

Python's ssl module parses the certificates of peers only, and only those that it has verified. What is needed of X.509
(RFC 5280, 4.1) is little: a certificate is a SEQUENCE that begins with tbsCertificate, and that one is version [0]
(optional), serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, ..., extensions [3] (optional).
Nothing is verified here, and nothing that is read is to be trusted.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime, timezone

import msgspec

from kubectl_metrics.wire import der

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_LONGEST_OID = 64  # bytes
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"  # 2.5.29.17

# 2.5.4.n: the attributes that Go knows, in the order in which it prints them (crypto/x509/pkix, Name.String).
_ATTRIBUTES = {
    5: "SERIALNUMBER",
    3: "CN",
    11: "OU",
    10: "O",
    17: "POSTALCODE",
    9: "STREET",
    7: "L",
    8: "ST",
    6: "C",
}


class Certificate(msgspec.Struct, frozen=True):
    """One certificate."""

    subject: str  # as Go prints a pkix.Name: "CN=system:node:a,O=system:nodes"
    issuer: str
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    not_before: datetime
    not_after: datetime

    @property
    def self_signed(self) -> bool:
        """Whether it names itself as its issuer."""
        return self.issuer == self.subject


def parse(encoded: bytes) -> Certificate:
    """A certificate in DER. Raises ValueError."""
    fields = tbs_fields(encoded)
    names: list[tuple[int, bytes]] = []
    for tag, content in fields[6:]:
        if tag == der.EXTENSIONS:
            names = [
                name
                for extension in der.elements(der.content(content, der.SEQUENCE))
                for name in _alternatives(extension)
            ]
    not_before, not_after = _times(fields)
    return Certificate(
        subject=_name(fields[4]),
        issuer=_name(fields[2]),
        dns_names=tuple(content.decode("ascii", "replace") for tag, content in names if tag == _DNS_NAME),
        ip_addresses=tuple(_ip(content) for tag, content in names if tag == _IP_ADDRESS),
        not_before=not_before,
        not_after=not_after,
    )


def blocks(pem: bytes) -> list[bytes]:
    """The certificates of a PEM text in base64, however its lines were broken."""
    return [b"".join(block.split()) for block in _PEM.findall(pem)]


def parse_all(pem: bytes) -> list[Certificate]:
    """The certificates of a PEM text; those that cannot be read are passed over, as Go does with a bundle of CAs.

    Raises ValueError if there is none that can be read.
    """
    found = []
    failure = ValueError("not a PEM certificate")
    for block in blocks(pem):
        try:
            found.append(parse(_decode(block)))
        except ValueError as error:
            failure = error
    if not found:
        raise failure
    return found


def validity(pem: bytes) -> tuple[datetime, datetime]:
    """From when until when the first certificate of a PEM text is valid. Raises ValueError."""
    found = blocks(pem)
    if not found:
        raise ValueError("not a PEM certificate")
    return _times(tbs_fields(_decode(found[0])))


def _decode(block: bytes) -> bytes:
    try:
        return base64.b64decode(block)
    except binascii.Error as error:
        raise ValueError(f"not a PEM certificate: {error}") from error


def tbs_fields(encoded: bytes) -> list[tuple[int, bytes]]:
    """serialNumber, signature, issuer, validity, subject and what follows in a certificate. Raises ValueError."""
    fields = der.elements(der.content(der.content(encoded, der.SEQUENCE), der.SEQUENCE))
    if fields and fields[0][0] == der.VERSION:
        del fields[0]
    if len(fields) < 5 or any(tag != der.SEQUENCE for tag, _ in fields[2:5]):
        raise ValueError("a certificate without issuer, validity and subject")
    return fields


def _times(fields: list[tuple[int, bytes]]) -> tuple[datetime, datetime]:
    times = [_time(tag, content) for tag, content in der.elements(fields[3][1])]
    if len(times) != 2:
        raise ValueError("a validity that is not two times")
    return times[0], times[1]


def _time(tag: int, content: bytes) -> datetime:
    """UTCTime has two digits for the year, and means 1950 to 2049 (RFC 5280, 4.1.2.5.1)."""
    text = content.decode("ascii", "replace")
    if tag == der.UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    elif tag != der.GENERALIZED_TIME:
        raise ValueError("a validity that is no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _alternatives(extension: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    """The names in an Extension (extnID, critical, extnValue) if it is subjectAltName."""
    tag, content = extension
    parts = der.elements(content) if tag == der.SEQUENCE else []
    if len(parts) < 2 or parts[0] != (der.OID, _SUBJECT_ALT_NAME):
        return []
    if parts[-1][0] != der.OCTETS:
        raise ValueError("a certificate whose subjectAltName has no value")
    return der.elements(der.content(parts[-1][1], der.SEQUENCE))


def _ip(packed: bytes) -> str:
    """An IP address; ValueError if it has neither 4 nor 16 bytes. ::ffff:192.0.2.1 is 192.0.2.1, as for Go."""
    address = ipaddress.ip_address(packed)
    return str(getattr(address, "ipv4_mapped", None) or address)


def _name(field: tuple[int, bytes]) -> str:
    known: dict[int, list[str]] = {}
    others: list[str] = []
    for oid, tag, value in _attributes(field[1]):
        if len(oid) == 3 and oid.startswith(b"\x55\x04") and oid[2] in _ATTRIBUTES:
            known.setdefault(oid[2], []).append(_escape(der.text(tag, value)))
        else:
            others.append(f"{_dotted(oid)}=#{der.encode(tag, value).hex()}")
    parts = []
    for number, label in _ATTRIBUTES.items():
        values = known.get(number, [])
        if number in (3, 5):  # of several common names and serial numbers the last one counts
            values = values[-1:]
        if values:
            parts.append("+".join(f"{label}={value}" for value in values))
    return ",".join(parts + others[::-1])


def _attributes(names: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Type, tag and value of all attributes: RDNSequence, RelativeDistinguishedName, AttributeTypeAndValue."""
    for set_tag, relative in der.elements(names):
        for tag, attribute in der.elements(relative):
            parts = der.elements(attribute)
            if set_tag != der.SET or tag != der.SEQUENCE or len(parts) != 2 or parts[0][0] != der.OID:
                raise ValueError("a certificate with a name that is none")
            yield parts[0][1], *parts[1]


def _dotted(oid: bytes) -> str:
    arcs: list[int] = []
    value = 0
    for byte in oid[:_LONGEST_OID]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    if not arcs or value or len(oid) > _LONGEST_OID:
        raise ValueError("a certificate with an object identifier that is none")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _escape(value: str) -> str:
    """As RFC 2253 has it: blanks at the ends, a # in front, and what means something between the names."""
    text = re.sub(r'[,+"\\<>;]', r"\\\g<0>", value)
    if text.startswith(("#", " ")):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and len(value) > 1 else text
