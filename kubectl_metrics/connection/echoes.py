"""Servers that repeat in an error what they were sent: people see the error, and must not see the credential."""

from __future__ import annotations

import base64
import contextlib

_SHORTEST = 6  # characters: fewer occur everywhere, and cutting them out would tell what they are
_INSTEAD = "REDACTED"


class Echoes:
    """Takes one credential out of whatever comes back."""

    def __init__(self, authorization: str | None) -> None:
        """``authorization`` is the header that is sent, if any."""
        scheme, _, credential = (authorization or "").partition(" ")
        secrets = [credential.strip()]
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                secrets.append(base64.b64decode(credential).decode("utf-8", "replace").partition(":")[2])
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST]

    def out_of(self, body: bytes) -> bytes:
        """The body without it."""
        for secret in self._secrets:
            body = body.replace(secret.encode("utf-8", "replace"), _INSTEAD.encode())
        return body

    def out_of_text(self, text: str) -> str:
        """The text without it."""
        for secret in self._secrets:
            text = text.replace(secret, _INSTEAD)
        return text
