"""Why a server may have said 401: a credential of ours that says itself that its time is over."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_metrics.connection.credentials import Credentials


def explain(credentials: Credentials, now: datetime) -> str | None:
    """A sentence about the client certificate or token (a JWT) if it is not valid ``now``, else None."""
    from kubectl_metrics.wire.certificate import validity

    if credentials.certificate is not None:
        try:
            begins, ends = validity(credentials.certificate[0])
        except ValueError:
            return None
        if now > ends:
            return f"the client certificate expired at {ends:%Y-%m-%d %H:%M} UTC"
        if now < begins:
            return f"the client certificate is not valid before {begins:%Y-%m-%d %H:%M} UTC"
    scheme, _, token = (credentials.authorization or "").partition(" ")
    ends_at = _token_expiry(token) if scheme == "Bearer" else None
    if ends_at is not None and now > ends_at:
        return f"the token expired at {ends_at:%Y-%m-%d %H:%M} UTC"
    return None


def _token_expiry(token: str) -> datetime | None:
    """The ``exp`` claim of a JSON Web Token (RFC 7519, 4.1.4); None for tokens of other kinds."""
    import base64
    import binascii
    import json

    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], timezone.utc)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None
