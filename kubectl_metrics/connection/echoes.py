"""Servers that repeat what they were sent: people see the error, and must not see the credential.

It is looked for as it was sent and in the forms in which somebody would write it: in base64, and with any of its
characters escaped as in JSON (also JSON within JSON), in a URL, or in HTML; also where only its beginning is there.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import re

_SHORTEST = 6  # characters: fewer occur everywhere, and cutting them out would tell what they are
_HEAD = 16  # characters by which it is recognized; what follows is taken along as far as it goes
_INSTEAD = "REDACTED"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


class Echoes:
    """Takes credentials out of whatever comes back."""

    def __init__(self, *headers: str | None) -> None:
        """``headers`` are the values of Authorization and the like that are sent."""
        self._headers = tuple(header for header in headers if header)

    def out_of(self, body: bytes) -> bytes:
        """The body without them."""
        if not self._headers:
            return body
        # As Latin-1 every body is text, and what was UTF-8 in it is found as such.
        return self.out_of_text(body.decode("latin-1")).encode("latin-1")

    def out_of_text(self, text: str) -> str:
        """The text without them; if it comes out of a body, as Latin-1."""
        if not self._headers or len(text) < _SHORTEST:  # such as "OK", for which nothing need be prepared
            return text
        heads, tails = _patterns(self._headers)
        parts: list[str] = []
        end = 0
        while found := heads.search(text, end):
            parts += (text[end : found.start()], _INSTEAD)
            end = found.end()
            for character in tails[(found.lastindex or 1) - 1]:
                more = character.match(text, end)
                if more is None:
                    break
                end = more.end()
        return "".join([*parts, text[end:]])


@functools.lru_cache(maxsize=16)  # thousands of kubelets are sent the same
def _patterns(headers: tuple[str, ...]) -> tuple[re.Pattern[str], list[list[re.Pattern[str]]]]:
    """The heads of all credentials in the headers, a group for each, and of each what comes behind its head."""
    secrets = {secret for header in headers for secret in _secrets(header)}
    longest_first = sorted(secrets, key=len, reverse=True)
    characters = {one: _written(one) for secret in secrets for one in secret}
    compiled = {one: re.compile(form, re.IGNORECASE) for one, form in characters.items()}
    tails = [[compiled[one] for one in secret[_HEAD:]] for secret in longest_first]
    heads = ["".join(characters[one] for one in secret[:_HEAD]) for secret in longest_first]
    return re.compile("|".join(f"({head})" for head in heads) or r"(?!)", re.IGNORECASE), tails


def _secrets(header: str) -> list[str]:
    """The credential in a header, the password in it, and both in base64."""
    scheme, _, credential = header.partition(" ")
    secrets = [credential.strip()]
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            secrets.append(base64.b64decode(credential).decode("utf-8", "replace").partition(":")[2])
    encoded = [base64.b64encode(text.encode("utf-8", "replace")).decode("ascii") for text in (*secrets, header)]
    return [
        secret for secret in (*secrets, *encoded, *(text.rstrip("=") for text in encoded)) if len(secret) >= _SHORTEST
    ]


def _written(character: str) -> str:
    """A regular expression for all the ways in which a character may be written, the longest first."""
    encoded = character.encode("utf-8", "replace")
    units = character.encode("utf-16-be", "surrogatepass")
    forms = [
        "".join(rf"\\{{1,4}}u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)),
        "".join(f"%{byte:02x}" for byte in encoded),
        f"&#0{{0,6}}{ord(character)};",
        f"&#x0{{0,6}}{ord(character):x};",
    ]
    if character in _ENTITIES:
        forms.append(_ENTITIES[character])
    plain = {character, encoded.decode("latin-1")}
    forms += [rf"\\{{0,4}}{re.escape(one)}" if not one.isalnum() else re.escape(one) for one in sorted(plain)]
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"
