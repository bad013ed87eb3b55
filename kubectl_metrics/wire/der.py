"""DER (ITU-T X.690), as far as an X.509 certificate needs it: elements of tag, length and content.

Nothing here knows what an element means; whoever asks does, and says which tag it has to have.
"""

from __future__ import annotations

INTEGER, BITS, OCTETS, OID = 0x02, 0x03, 0x04, 0x06
SEQUENCE, SET, VERSION, EXTENSIONS = 0x30, 0x31, 0xA0, 0xA3
UTF8_STRING, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x17, 0x18

_ENCODINGS = {UTF8_STRING: "utf-8", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}  # of strings; all others are Latin-1


def elements(der: bytes) -> list[tuple[int, bytes]]:
    """The elements of an encoding, one behind the other: (tag, content). Raises ValueError if one breaks off."""
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


def content(der: bytes, tag: int) -> bytes:
    """The content of the first element. Raises ValueError unless it has this tag."""
    found = elements(der)
    if not found or found[0][0] != tag:
        raise ValueError("not an X.509 certificate")
    return found[0][1]


def encode(tag: int, value: bytes) -> bytes:
    """One element."""
    length = len(value)
    if length < 0x80:
        return bytes((tag, length)) + value
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + value


def text(tag: int, value: bytes) -> str:
    """The content of a string of whichever kind."""
    return value.decode(_ENCODINGS.get(tag, "latin-1"), "replace")
