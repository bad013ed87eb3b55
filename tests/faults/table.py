"""The table of faults that any server can have, whatever it is asked for.

Each row has a name, a way to make the fault, its *effect*, and the words by which each source has to name it. What a
command does about an effect is the places' matter (``places``), so a row says everything about a fault once.
"""

from __future__ import annotations

import gzip
import re
import ssl
import sys
import warnings
from collections.abc import Callable
from typing import Literal

import msgspec

from tests.simcluster import Fault, SimCluster

Effect = Literal["lost", "failing", "refused", "unreadable", "harmless"]
"""No HTTP response; a status from 500 on; any other that is no success; a body that is not what was asked for; none."""

STRANGER, ELSEWHERE = "node-c", "/elsewhere"
"""Where redirects lead; nobody may ever go there."""

Make = Callable[[SimCluster], Fault]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, and the words that name it where the API server or a kubelet has it."""

    name: str
    make: Make
    effect: Effect
    api: str = ""
    kubelet: str = ""  # in the answer to /stats/summary; by default as ``api``
    scrape: str = ""  # in the answer to /metrics/resource; by default as ``kubelet``
    slow: bool = False  # it takes as long as the client has patience
    brief: bool = False  # one command of each place will do: a variant of another row, or expensive
    verified: bool = False  # only who verifies certificates notices: the API server's node proxy does not

    def by_kubelet(self, *, scraped: bool = False) -> str:
        """The words for it in a kubelet's answer."""
        return (scraped and self.scrape) or self.kubelet or self.api


# Rows for which one command of each place will do: what makes them different from others, only the transport sees; or
# they are expensive.
_BRIEF = frozenset({
    "handshake-closed", "handshake-alert", "certificate-self-signed", "continue-endless", "trailers-endless",
    "closed", "closed-in-head", "status-line-garbage", "http-9", "line-endless", "chunks-cut", "chunk-huge",
    "chunk-negative", "encoding-unknown", "gzip-cut", "gzip-bomb-1g", "chunked-1g", "byte-order-mark", "null",
    "many-digits", "success-that-is-none", "204", "length-negative", "drip-fast", "date-wrong",
    "content-type-wrong", "403-page", "404-bare", "503-bare", "999-bare", "404-garbage",
})  # fmt: skip


def row(
    name: str, effect: Effect, fault: Fault | Make, api: str = "", kubelet: str = "", scrape: str = "", **flags: bool
) -> Row:
    """A row whose fault needs no cluster to be made, or one that does."""
    make: Make = (lambda _, ready=fault: ready) if isinstance(fault, Fault) else fault  # type: ignore[misc]
    return Row(
        name=name, effect=effect, make=make, api=api, kubelet=kubelet, scrape=scrape, brief=name in _BRIEF, **flags
    )


# ---- how some of them are made ---------------------------------------------------------------------------------------


def _certificate(kind: str) -> Make:
    """A serving certificate of one of the kinds in ``pki``, for whichever server has the fault."""

    def make(cluster: SimCluster) -> Fault:
        return Fault.tls(lambda name, address: cluster.pki.server_context(cluster.pki.serving(kind, name, address)))

    return make


def _old_tls(cluster: SimCluster) -> Fault:
    def make(name: str, address: str) -> ssl.SSLContext:
        context = cluster.pki.server_context(cluster.pki.serving("cluster-ca", name, address))
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # which is what this is about
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        return context

    return Fault.tls(make)


def _response(*headers: str, body: bytes) -> Fault:
    """These headers and this body, then the end."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", *headers, "", ""]
    return Fault.raw("\r\n".join(lines).encode() + body)


def _accents(text: str) -> str:
    """A letter that is not ASCII in every text."""
    return re.sub(r'":"|# HELP ', lambda match: match.group() + "\u00f6", text)


def _half(body: bytes) -> bytes:
    """The first half of a document; of an exposition as much as ends in the middle of a sample."""
    sample = body.find(b"\nnode_cpu_usage_seconds_total ")
    return body[: sample + 9] if sample >= 0 else body[: len(body) // 2]


def _chunked(body: bytes) -> Fault:
    return _response("Transfer-Encoding: chunked", body=body)


# ---- no response -----------------------------------------------------------------------------------------------------

_NOT_TLS = "tls: first record does not look like a TLS handshake"
HANDSHAKE = [
    row("refuse", "lost", Fault.refuse(), "was refused - did you specify the right host", "connection refused"),
    row("unreachable", "lost", Fault.unreachable(), "i/o timeout: no connection within", slow=True),
    row("handshake-hangs", "lost", Fault.hang_handshake(), "TLS handshake timeout", slow=True),
    row("handshake-drips", "lost", Fault.drip_handshake(0.2), "TLS handshake timeout", slow=True),
    row("handshake-reset", "lost", Fault.reset_handshake(), "connection reset by peer"),
    row("handshake-closed", "lost", Fault.raw_handshake(b""), "EOF: the server closed the connection"),
    row("handshake-garbage", "lost", Fault.raw_handshake(b"SSH-2.0-OpenSSH_9.2\r\n"), _NOT_TLS),
    row("handshake-alert", "lost", Fault.raw_handshake(b"\x15\x03\x03\x00\x02\x02\x50"), "remote error: tls: internal"),
    row("plain-http", "lost", Fault.plain_http(), _NOT_TLS),
    row("tls-1-0", "lost", _old_tls, "remote error: tls: protocol version"),
    row("certificate-of-another", "lost", _certificate("wrong-name"), "x509: certificate is valid for", verified=True),
    row("certificate-expired", "lost", _certificate("expired"), "x509: certificate has expired", verified=True),
    row("certificate-self-signed", "lost", _certificate("self-signed"), "signed by unknown authority", verified=True),
    row("certificate-of-unknown-ca", "lost", _certificate("other-ca"), "signed by unknown authority", verified=True),
]

_GONE, _PART_ONE, _PART_TWO = "EOF: ", "i/o timeout: no answer within", "i/o timeout: only "
_CHUNKS = "malformed chunked encoding"
# Python's ssl takes a reset connection for a closed one before 3.13.
_RESET = "connection reset by peer" if sys.version_info >= (3, 13) else _GONE
_MALFORMED = "malformed HTTP response"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_CUT_GZIP = gzip.compress(b"{}" * 1000)[:20]
_LAST_CHUNK = _CHUNKED + b"2\r\n{}\r\n0\r\n"
LOST = [
    row("beneath-tls", "lost", Fault.beneath_tls(b"garbage on the wire"), _NOT_TLS),
    row("hang", "lost", Fault.hang(), _PART_ONE, slow=True),
    row("hang-in-head", "lost", Fault.hang("head"), _PART_ONE, slow=True),
    row("hang-after-head", "lost", Fault.hang("headers"), _PART_TWO, slow=True),
    row("hang-in-body", "lost", Fault.hang("body"), _PART_TWO, slow=True),
    row("drip-head", "lost", Fault.drip("headers", 0.2), _PART_ONE, slow=True),
    row("drip-body", "lost", Fault.drip("body", 0.2), _PART_TWO, slow=True),
    row("continue-endless", "lost", Fault.endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), _PART_ONE, slow=True),
    row("trailers-endless", "lost", Fault.endless(_LAST_CHUNK, b"X: y\r\n", 0.01), _PART_TWO, slow=True),
    row("reset", "lost", Fault.reset(), _RESET),
    row("reset-in-head", "lost", Fault.reset("head"), _RESET),
    row("reset-after-head", "lost", Fault.reset("headers"), "EOF: closed the connection after 0 of"),
    row("reset-in-body", "lost", Fault.reset("body"), "EOF: closed the connection after"),
    row("closed", "lost", Fault.raw(b""), _GONE),
    row("closed-in-head", "lost", Fault.raw(b"HTTP/1.1 200 OK\r\nContent-Type: appl"), _GONE),
    row("truncated", "lost", Fault.truncated(5), "EOF: closed the connection after"),
    row("not-http", "lost", Fault.raw(b"\x00\x01\x02 garbage\r\n\r\n"), _MALFORMED),
    row("status-line-garbage", "lost", Fault.raw(b"HTTP/1.1 twohundred OK\r\n\r\n"), _MALFORMED),
    row("http-9", "lost", Fault.raw(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"), _MALFORMED),
    row("head-endless", "lost", Fault.endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 1000 + b"\r\n"), _MALFORMED),
    row("line-endless", "lost", Fault.endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536), _MALFORMED),
    row("length-garbage", "lost", Fault.headers({"Content-Length": "many"}), "the length of the body is no number"),
    row("length-negative", "lost", Fault.headers({"Content-Length": "-1"}), "the length of the body is no number"),
    row("two-lengths", "lost", Fault.headers({"Content-Length": "3, 4"}), "the body has two lengths"),
    row("chunks-garbage", "lost", _chunked(b"zz\r\n{}\r\n0\r\n\r\n"), _CHUNKS),
    row("chunks-cut", "lost", _chunked(b"ff\r\n{}"), _GONE),
    row("chunk-huge", "lost", _chunked(b"7fffffffffffffff\r\n{}"), _GONE),
    row("chunk-negative", "lost", _chunked(b"-5\r\n{}"), _CHUNKS),
    row("chunk-of-minus-one", "lost", Fault.endless(_CHUNKED + b"-1\r\n", b" " * 65536), _CHUNKS),
    row("encoding-unknown", "lost", Fault.headers({"Content-Encoding": "br"}), "content encoding that was not asked"),
    row("gzip-garbage", "lost", Fault.headers({"Content-Encoding": "gzip"}), "gzip: invalid data"),
    row("gzip-cut", "lost", Fault.body(_CUT_GZIP, headers={"Content-Encoding": "gzip"}), "gzip: unexpected EOF"),
    row("announced-1g", "lost", Fault.oversized(1 << 30), "the body is larger than"),
]  # fmt: skip

# More than a kubelet may say. (The API server may say 512 MiB: the tests of that are with those that need a cluster.)
LARGE = [
    row("gzip-bomb-1g", "lost", Fault.gzip_bomb(1024), "the decompressed body is larger than"),
    row("chunked-1g", "lost", Fault.oversized(1 << 30, announced=False), "the body is larger than"),
]

# ---- not what was asked for ------------------------------------------------------------------------------------------

_NOT_JSON, ZERO, _NOT_TEXT = "the answer is not JSON", "its CPU counter or memory is zero or missing", "not text: "
_NO_SAMPLE = "line 1: expected a sample, found"
UNREADABLE = [
    row("empty", "unreadable", Fault.body(b""), "the answer is empty", scrape=ZERO),
    row("length-short", "unreadable", Fault.headers({"Content-Length": "20"}), _NOT_JSON, scrape=ZERO),
    row("half", "unreadable", Fault.edit_bytes(_half), _NOT_JSON, scrape="expected a sample, found 'node_cpu'"),
    row("web-page", "unreadable", Fault.body(b"<!DOCTYPE html>", "text/html"), "with a web page", scrape=_NO_SAMPLE),
    row("garbage", "unreadable", Fault.body(b"\xff\xfe\x00"), _NOT_JSON, scrape=_NOT_TEXT),
    row("utf-16", "unreadable", Fault.edit_text(str, "utf-16"), _NOT_JSON, scrape=_NOT_TEXT),
    row("byte-order-mark", "unreadable", Fault.edit_text(str, "utf-8-sig"), _NOT_JSON, scrape=_NO_SAMPLE),
    row("latin-1", "unreadable", Fault.edit_text(_accents, "latin-1"), "is not UTF-8", scrape=_NOT_TEXT),
    row("null", "unreadable", Fault.body(b"null"), "Expected `object`, got `null`", scrape=_NO_SAMPLE),
    row("deep-list", "unreadable", Fault.body(b'{"x":' + b"[" * 100_000), "nested too deeply", scrape="line 1: "),
    row("many-digits", "unreadable", Fault.body(b'{"kind":' + b"9" * 100_000), "out of range", _NOT_JSON, "line 1: "),
    row("other-kind", "unreadable", Fault.body(b'{"kind":"Service","metadata":{"name":"x"}}'), "kind 'Service' instead",
        "missing required field `node`", _NO_SAMPLE),
    row("success-that-is-none", "unreadable", Fault.body(b'{"kind":"Status","status":"Failure","message":"no"}'),
        "kind 'Status' instead", "missing required field `node`", _NO_SAMPLE),
    row("204", "unreadable", Fault.body(b"", status=204), "the answer is empty", scrape="with 204"),
]  # fmt: skip

# ---- other statuses --------------------------------------------------------------------------------------------------

_MESSAGES = {
    400: "rejected our request",
    401: "You must be logged in to the server",
    403: "the request was forbidden",
    404: "could not find the requested resource",
    429: "has received too many requests",
    500: "an error on the server",
    502: "an error on the server",
    503: "currently unable to handle the request",
    504: "unable to return a response in the time allotted",
    599: "an error on the server",
    999: "an error on the server",
}
_PROVIDE = "asked for the client to provide credentials"


def _status(code: int, how: str) -> Row:
    effect: Effect = "failing" if code >= 500 else "refused"
    message = _MESSAGES.get(code, f"{code} and wants to redirect")
    if how == "status":
        own = f"no {code} today"
        return row(f"{code}", effect, Fault.status(code, message=own), message if code == 401 else own,
                   _PROVIDE if code == 401 else own)  # fmt: skip
    kubelet = "does not accept these credentials" if code == 401 else f"with {code}" if code < 500 else message
    if how == "page":
        return row(f"{code}-page", effect, Fault.status(code, html=True), message, kubelet)
    if how == "bare":
        return row(f"{code}-bare", effect, Fault.body(b"", "text/plain", code), message, kubelet)
    body = b'{"kind":"Status","message":5}'
    return row(f"{code}-garbage", effect, Fault.body(body, status=code), '"message":5' if code != 404 else message)


def _redirect(code: int) -> Row:
    """To another server, whose certificate is as good."""

    def make(cluster: SimCluster) -> Fault:
        return Fault.redirect(f"{cluster.kubelet_url(STRANGER)}{ELSEWHERE}", code)

    return row(f"redirect-{code}", "refused", make, "wants to redirect", f"with {code}")


STATUS = [
    *(_status(code, "status") for code in (400, 401, 403, 404, 429, 500, 503, 504)),
    *(_status(code, "page") for code in (401, 403, 502)),
    *(_status(code, "bare") for code in (401, 404, 429, 500, 503, 999)),
    *(_status(code, "garbage") for code in (403, 404, 500)),
    *(_redirect(code) for code in (302, 307)),
    row("500-hostile", "failing", Fault.status(500, message="no \x1b[2J\r\u202eway"), r"no \x1b[2J \u202eway"),
]

# ---- nothing that matters --------------------------------------------------------------------------------------------

HARMLESS = [
    row("charset-wrong", "harmless", Fault.headers({}, "application/json; charset=utf-16")),
    row("content-type-wrong", "harmless", Fault.headers({}, "image/png")),
    row("drip-fast", "harmless", Fault.drip("headers", 0)),
    row("date-wrong", "harmless", Fault.headers({"Date": "Thu, 01 Jan 1970 00:00:00 GMT"})),
]

ANY = [*LOST, *UNREADABLE, *STATUS, *HARMLESS]
