"""A credential that comes back is found, however it is written."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubectl_metrics.connection.echoes import Echoes

TOKEN = 'QWxhZGRpbi/SEC"RET=+&<x>.abcdefghij_0123456789'

WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON within JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", r"\/"),
    "JSON of Go": lambda text: json.dumps(text)[1:-1].replace("&", r"\u0026").replace("<", r"\u003c"),
    "JSON of Gson": lambda text: json.dumps(text)[1:-1].replace("=", r"\u003d"),
    "JSON, all of it escaped": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "URL": lambda text: quote(text, safe=""),
    "URL, some of it": lambda text: quote(text, safe="/+="),
    "form": quote_plus,
    "URL, all of it escaped": lambda text: "".join(f"%{one:02X}" for one in text.encode()),
    "HTML": html.escape,
    "HTML of Go": lambda text: html.escape(text).replace("&quot;", "&#34;"),
    "HTML, all of it escaped": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of the header": lambda text: base64.b64encode(f"Bearer {text}".encode()).decode(),
    "cut off": lambda text: text[:20],
}


@pytest.mark.parametrize("how", WRITTEN)
def test_however_it_is_written(how: str) -> None:
    said = WRITTEN[how](TOKEN)
    clean = Echoes(f"Bearer {TOKEN}").out_of_text(f"bad credential <{said}> from you")
    assert re.fullmatch("bad credential <REDACTED=*> from you", clean)


@pytest.mark.parametrize("how", ["as it is", "JSON", "JSON within JSON", "URL", "form", "HTML", "base64"])
def test_in_bytes(how: str) -> None:
    secret = "pässwörd/🔑\"'"
    header = base64.b64encode(f"me:{secret}".encode()).decode()
    body = Echoes(f"Basic {header}").out_of(f"<{WRITTEN[how](secret)}> <{header}>".encode())
    assert re.fullmatch(b"<REDACTED=*> <REDACTED>", body)


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=6, max_size=40))
@example('\\\\"&<"')
def test_any_credential(secret: str) -> None:
    for how in ("as it is", "JSON", "JSON within JSON", "URL", "HTML", "JSON of PHP"):
        said = WRITTEN[how](secret)
        assert said not in Echoes(f"Bearer {secret}").out_of(f"<{said}>".encode()).decode("utf-8", "replace")


def test_several_credentials() -> None:
    proxy = "Basic " + base64.b64encode(b"user:pr0xy-pass").decode()
    clean = Echoes("Bearer first-token", None, proxy).out_of_text(f"first-token, {proxy}, user:pr0xy-pass")
    assert clean == "REDACTED, Basic REDACTED, user:REDACTED"


def test_what_is_short_would_be_told_by_what_is_missing() -> None:
    header = base64.b64encode(b"me:abc").decode()
    assert Echoes(f"Basic {header}").out_of_text(f"abc {header} abcabc") == "abc REDACTED abcabc"


@pytest.mark.parametrize("text", ["\\" * 60_000, "&#0" * 20_000, "%4" * 30_000, "Q" * 60_000, TOKEN[:15] * 4_000])
def test_a_text_made_to_be_slow(text: str) -> None:
    """It takes no longer than the test's own time limit, which a square of its length would."""
    assert Echoes(f"Bearer {TOKEN}").out_of_text(text) == text


def test_without_a_credential() -> None:
    assert Echoes(None).out_of(b"anything") == b"anything"
