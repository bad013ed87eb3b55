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

from kubectl_metrics.wire import der
from kubectl_metrics.wire.certificate import tbs_fields

_PEM = re.compile(r"-----BEGIN ([^-]*)-----(.*?)(?:-----END [^-]*-----|\Z)", re.DOTALL)
_NOTHING = "(masked)"

_DIRECTORY = b"\x55\x04"  # 2.5.4: the attributes with names for people in them
_ED25519 = b"\x2b\x65\x70"
_V3 = bytes((der.INTEGER, 1, 2))

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
        masked = _certificate(base64.b64decode(content), name, digest)
    except (binascii.Error, ValueError):
        return _NOTHING
    encoded = base64.b64encode(masked).decode()
    return "\n".join(encoded[start : start + 64] for start in range(0, len(encoded), 64))


def _certificate(original: bytes, name: Text, digest: Digest) -> bytes:
    """RFC 5280, 4.1. Raises ValueError for what is no certificate."""
    fields = tbs_fields(original)
    if len(fields) < 6 or fields[5][0] != der.SEQUENCE:
        raise ValueError("a certificate without a key")
    issuer, validity, subject, key = (content for _, content in fields[2:6])
    algorithm = der.encode(der.SEQUENCE, der.encode(der.OID, _ED25519))
    to_be_signed = b"".join(
        (
            der.encode(der.VERSION, _V3),
            der.encode(der.INTEGER, b"\x01" + digest(original)[:15]),
            algorithm,
            der.encode(der.SEQUENCE, _names(issuer, name)),
            der.encode(der.SEQUENCE, _times(validity)),
            der.encode(der.SEQUENCE, _names(subject, name)),
            der.encode(der.SEQUENCE, algorithm + der.encode(der.BITS, b"\0" + digest(key)[:32])),
        )
    )
    return der.encode(
        der.SEQUENCE, der.encode(der.SEQUENCE, to_be_signed) + algorithm + der.encode(der.BITS, bytes(65))
    )


def _times(validity: bytes) -> bytes:
    """notBefore and notAfter, and nothing that could hide behind them."""
    times = der.elements(validity)
    if len(times) != 2 or any(len(content) > 19 or not content.isascii() for _, content in times):
        raise ValueError("not a validity")
    return b"".join(der.encode(tag, content) for tag, content in times)


def _names(content: bytes, name: Text) -> bytes:
    """RDNSequence: a SEQUENCE of SETs of pairs of type and value."""
    masked = []
    for set_tag, relative in der.elements(content):
        pairs = []
        for tag, attribute in der.elements(relative):
            parts = der.elements(attribute)
            if set_tag != der.SET or tag != der.SEQUENCE or len(parts) != 2 or parts[0][0] != der.OID:
                raise ValueError("not a name")
            (_, oid), (kind, value) = parts
            text = ""  # of an attribute that nobody knows, such as an e-mail address, nothing stays
            if oid.startswith(_DIRECTORY) and len(oid) == 3:
                text = name(der.text(kind, value))
            pairs.append(
                der.encode(der.SEQUENCE, der.encode(der.OID, oid) + der.encode(der.UTF8_STRING, text.encode()))
            )
        masked.append(der.encode(der.SET, b"".join(pairs)))
    return b"".join(masked)
