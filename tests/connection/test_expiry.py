"""What explains a 401: a certificate or a token of ours whose time is over, or has not come."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone

import pytest
import trustme

from kubectl_metrics.connection.credentials import Credentials
from kubectl_metrics.connection.expiry import explain

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def certificate(until: datetime) -> Credentials:
    leaf = trustme.CA().issue_cert(common_name="me", not_after=until)
    return Credentials(certificate=(leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()))


def token(claims: object) -> Credentials:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Credentials(authorization=f"Bearer header.{body}.signature")


def test_a_certificate() -> None:
    ends = NOW + timedelta(days=1)
    assert explain(certificate(ends), NOW) is None
    late = explain(certificate(ends), NOW + timedelta(days=2))
    assert late == "the client certificate expired at 2026-11-24 12:00 UTC"
    early = explain(certificate(ends), datetime(1990, 1, 1, tzinfo=timezone.utc))
    assert early is not None
    assert early.startswith("the client certificate is not valid before ")


def test_a_token() -> None:
    moment = int(NOW.timestamp())
    assert explain(token({"exp": moment + 1}), NOW) is None
    assert explain(token({"exp": moment - 60}), NOW) == "the token expired at 2026-11-23 11:59 UTC"


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(),
        Credentials(authorization="Bearer opaque"),
        Credentials(authorization="Bearer a.b.c"),
        Credentials(authorization="Bearer a.\u00e9.c"),
        Credentials(authorization="Basic YTpi"),
        Credentials(certificate=(b"nothing", b"nothing")),
        token({}),
        token([]),
        token({"exp": "soon"}),
        token({"exp": 10**30}),
        token({"exp": float("nan")}),
        Credentials(authorization=f"Bearer a.{base64.b64encode(b'[' * 99_999).decode()}.c"),
    ],
)
def test_nothing_to_say(credentials: Credentials) -> None:
    assert explain(credentials, NOW) is None
