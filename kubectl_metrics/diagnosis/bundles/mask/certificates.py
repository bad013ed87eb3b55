"""Certificates replaced by others that say as much as a diagnosis asks of them.

A certificate cannot be changed: it is signed. So a new one is written, unsigned, with the validity of the old one, its
subject and issuer masked, and no extension. Its serial number is made from the old certificate, so that two are equal
if and only if they were. That suffices for everything that is judged; who wants to verify a signature needs the
original.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

_PEM = re.compile(r"-----BEGIN ([^-]*)-----(.*?)(?:-----END [^-]*-----|\Z)", re.DOTALL)
_NOTHING = "(masked)"

_INTEGER, _BITS, _OCTETS, _NULL, _OID, _UTF8, _SEQUENCE, _SET, _VERSION = 2, 3, 4, 5, 6, 0x0C, 0x30, 0x31, 0xA0
_ENCODINGS = {0x0C: "utf-8", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}  # of strings; all others are Latin-1
_DIRECTORY = b"\x55\x04"  # 2.5.4: the attributes with names for people in them
_ED25519 = b"\x2b\x65\x70"
_V3 = bytes((_INTEGER, 1, 2))

Text = Callable[[str], str]
Digest = Callable[[bytes], bytes]


def mask_pem(text: str, name: Text, digest: Digest) -> str:
    """A PEM text in which each certificate is replaced; what is none, or cannot be read, loses its content.

    Args:
        text: the text.
        name: masks the value of an attribute of a subject or an issuer.
        digest: a keyed hash of at least 32 bytes.
    """
    blocks = []
    for match in _PEM.finditer(text):
        blocks.append(f"-----BEGIN {match.group(1)}-----\n{_block(match.group(2), name, digest)}\n")
        if match.group().endswith("-----"):
            blocks.append(f"-----END {match.group(1)}-----\n")
    if blocks:
        return "".join(blocks)
    return _NOTHING if text.strip() else text


def mask_base64(text: str, name: Text, digest: Digest) -> str:
    """PEM in base64, as an APIService has it."""
    if not text:
        return text
    try:
        pem = base64.b64decode(text).decode("latin-1")
    except (binascii.Error, ValueError):
        return _NOTHING
    return base64.b64encode(mask_pem(pem, name, digest).encode()).decode()


def _block(content: str, name: Text, digest: Digest) -> str:
    try:
        der = _certificate(base64.b64decode(content), name, digest)
    except (binascii.Error, ValueError):
        return _NOTHING
    encoded = base64.b64encode(der).decode()
    return "\n".join(encoded[start : start + 64] for start in range(0, len(encoded), 64))


def _certificate(der: bytes, name: Text, digest: Digest) -> bytes:
    """RFC 5280, 4.1. Raises ValueError for what is no certificate."""
    fields = _elements(_content(_content(der, _SEQUENCE), _SEQUENCE))
    if fields and fields[0][0] == _VERSION:
        del fields[0]
    if len(fields) < 6 or any(tag != _SEQUENCE for tag, _ in fields[2:6]):
        raise ValueError("not a certificate")
    issuer, validity, subject, key = (content for _, content in fields[2:6])
    algorithm = _element(_SEQUENCE, _element(_OID, _ED25519))
    to_be_signed = b"".join(
        (
            _element(_VERSION, _V3),
            _element(_INTEGER, b"\x01" + digest(der)[:15]),
            algorithm,
            _element(_SEQUENCE, _names(issuer, name)),
            _element(_SEQUENCE, _times(validity)),
            _element(_SEQUENCE, _names(subject, name)),
            _element(_SEQUENCE, algorithm + _element(_BITS, b"\0" + digest(key)[:32])),
        )
    )
    return _element(_SEQUENCE, _element(_SEQUENCE, to_be_signed) + algorithm + _element(_BITS, bytes(65)))


def _times(validity: bytes) -> bytes:
    """notBefore and notAfter, and nothing that could hide behind them."""
    times = _elements(validity)
    if len(times) != 2 or any(len(content) > 19 or not content.isascii() for _, content in times):
        raise ValueError("not a validity")
    return b"".join(_element(tag, content) for tag, content in times)


def _names(content: bytes, name: Text) -> bytes:
    """RDNSequence: a SEQUENCE of SETs of pairs of type and value."""
    masked = []
    for set_tag, relative in _elements(content):
        pairs = []
        for tag, attribute in _elements(relative):
            parts = _elements(attribute)
            if set_tag != _SET or tag != _SEQUENCE or len(parts) != 2 or parts[0][0] != _OID:
                raise ValueError("not a name")
            (_, oid), (kind, value) = parts
            text = ""  # of an attribute that nobody knows, such as an e-mail address, nothing stays
            if oid.startswith(_DIRECTORY) and len(oid) == 3:
                text = name(value.decode(_ENCODINGS.get(kind, "latin-1"), "replace"))
            pairs.append(_element(_SEQUENCE, _element(_OID, oid) + _element(_UTF8, text.encode())))
        masked.append(_element(_SET, b"".join(pairs)))
    return b"".join(masked)


def _content(der: bytes, tag: int) -> bytes:
    elements = _elements(der)
    if not elements or elements[0][0] != tag:
        raise ValueError("not a certificate")
    return elements[0][1]


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """The elements of a DER encoding. Raises ValueError for one that breaks off."""
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
            raise ValueError("it breaks off")
        found.append((tag, der[position : position + length]))
        position += length
    return found


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
