"""The claims of a token, a JSON Web Token perhaps."""

from __future__ import annotations

import base64

from kubectl_metrics.connection.credentials import Credentials
from kubectl_metrics.connection.expiry import explain
from tests.fuzz.seeds import NOW

SEEDS = (b'{"exp":1}', b'{"exp":4102444800.5,"iat":1}', b'{"exp":-1e3}', b'{"sub":"x"}')


def read(data: bytes) -> bool:
    claims = base64.urlsafe_b64encode(data).decode().rstrip("=")
    for token in (f"a.{claims}.b", data.decode("latin-1")):
        words = explain(Credentials(authorization=f"Bearer {token}"), NOW)
        assert words is None or len(words) < 100
    return True
