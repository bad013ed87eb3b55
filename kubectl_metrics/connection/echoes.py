"""Servers that repeat in an error what they were sent: people see the error, and must not see the credential.

It is looked for as it was sent and in the forms in which a server would write it: as a string of JSON (of Go's, which
escapes markup, or with all but ASCII escaped), in a URL, in HTML, and in base64.
"""

from __future__ import annotations

import base64
import contextlib
import re

_SHORTEST = 6  # characters: fewer occur everywhere, and cutting them out would tell what they are
_INSTEAD = "REDACTED"


class Echoes:
    """Takes one credential out of whatever comes back."""

    def __init__(self, authorization: str | None) -> None:
        """``authorization`` is the header that is sent, if any."""
        self._authorization = authorization or ""
        self._pattern: re.Pattern[str] | None = None

    def out_of(self, body: bytes) -> bytes:
        """The body without it."""
        if not self._authorization:
            return body
        # As Latin-1 every body is text, and what was UTF-8 in it is found as such.
        return self.out_of_text(body.decode("latin-1")).encode("latin-1")

    def out_of_text(self, text: str) -> str:
        """The text without it; if it comes out of a body, as Latin-1."""
        if not self._authorization:
            return text
        if self._pattern is None:
            forms = {as_sent for secret in _secrets(self._authorization) for as_sent in _forms(secret)}
            longest_first = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)
        return self._pattern.sub(_INSTEAD, text)


def _secrets(authorization: str) -> list[str]:
    """The credential, and the password in it."""
    scheme, _, credential = authorization.partition(" ")
    secrets = [credential.strip()]
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            secrets.append(base64.b64decode(credential).decode("utf-8", "replace").partition(":")[2])
    return [secret for secret in secrets if len(secret) >= _SHORTEST]


def _forms(secret: str) -> set[str]:
    """How a server may write it, each as the Latin-1 of its UTF-8."""
    import html
    import json
    from urllib.parse import quote, quote_plus

    plain, escaped = json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]
    forms = {secret, plain, escaped, html.escape(secret), quote(secret, safe=""), quote_plus(secret)}
    forms |= {_markup(form) for form in (plain, escaped)}
    encoded = base64.b64encode(secret.encode("utf-8", "replace")).decode("ascii")
    forms |= {encoded, encoded.rstrip("=")}
    return {form.encode("utf-8", "replace").decode("latin-1") for form in forms}


def _markup(text: str) -> str:
    """With the three characters escaped that Go's encoding/json escapes for the sake of HTML."""
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
