"""Any text of an evidence, without its secrets."""

from __future__ import annotations

import re

from kubectl_metrics.diagnosis.bundles.redact import certificates_only, redact_text

_BEGINNING = re.compile(r"BEGIN [A-Z0-9 ]{0,60}PRIVATE KEY-----")
SEEDS = (
    b"Authorization: Bearer abcdefghijk1, password=hunter2 https://user:secret@host/x token: 'abc' --token=abc",
    b"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nMIIE\n"
    b"-----END CERTIFICATE-----\n",
    b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.abc AKIAABCDEFGHIJKLMNOP ghp_abcdefghijk abcdef.0123456789abcdef",
    b"cookie: a=b; c=d root:pw@tcp(db)/x the password is hunter2",
)


def read(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    once = redact_text(text)
    assert redact_text(once) == once
    assert not _BEGINNING.search(once)
    assert certificates_only(certificates_only(text)) == certificates_only(text)
    return True
