"""The body of one response, read within a size.

Strategy: read pieces of bounded size and count them, decompress with a bound on what comes out. The pieces are written
into one buffer that grows in place and becomes the body without a copy: 60 MB exist once. (A list of pieces that is
joined at the end takes twice that, and what a thread frees in pieces, the C library keeps.)

Facts
- The length a server announces is checked before anything is read; http.client does not mind if less comes.
- A megabyte of gzip can be a gigabyte: it is decompressed piece by piece, and counted.
"""

from __future__ import annotations

import http.client
import io
import zlib
from typing import TYPE_CHECKING

from kubectl_metrics.connection.failures import BadResponse, TooLarge

if TYPE_CHECKING:
    from http.client import HTTPResponse

_CHUNK = 256 * 1024  # bytes read at once


class BodyReader:
    """Reads one body, within a size."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._expected: int | None = None  # bytes, where the server said so
        self._received = 0  # bytes, as they came
        self.whole = True  # whether all of it was read

    def read(self, response: HTTPResponse, enough: int | None = None) -> bytes:
        """The body, decompressed.

        Args:
            response: whose body it is.
            enough: bytes, after which the rest does not matter: it is not read, and the connection is of no more use.

        Raises:
            TooLarge, BadResponse, zlib.error, or what a connection raises.
        """
        encoding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise BadResponse("the body has a content encoding that was not asked for")
        unpack = _Gunzip(self._limit).feed if encoding == "gzip" else None
        lengths = ",".join(response.headers.get_all("Content-Length") or ())  # as one header or as several
        if len({length.strip() for length in lengths.split(",")}) > 1:
            raise BadResponse("the body has two lengths")
        self._expected = response.length
        if "Content-Length" in response.headers and self._expected is None and not response.chunked:
            raise BadResponse("the length of the body is no number")
        if self._expected is not None and self._expected > self._limit and enough is None:
            raise self._too_large()
        body = io.BytesIO()
        # A piece of gzip can be a thousand times as large when it is decompressed.
        piece = _CHUNK if enough is None else min(_CHUNK, enough // 64)
        while True:
            # One read more than needed: it is what tells http.client that the response is over.
            chunk = response.read(piece)
            if not chunk:
                break
            self._received += len(chunk)
            if self._received > self._limit:
                raise self._too_large()
            body.write(chunk if unpack is None else unpack(chunk))
            if enough is not None and body.tell() >= enough:
                self.whole = False
                return body.getvalue()[:enough]
        if self._received < (self._expected or 0):
            raise http.client.IncompleteRead(b"", (self._expected or 0) - self._received)
        if not self._received and self._expected is None and response.headers.get("Transfer-Encoding") is None:
            # No length, and not one byte until the end of the connection: it ended in the middle of the head, which
            # http.client does not notice. Whoever really means an empty body says so.
            raise http.client.IncompleteRead(b"")
        if unpack is not None and self._received:
            unpack(b"")
        return body.getvalue()

    def so_far(self) -> str:
        """How much has come, in words."""
        of = "" if self._expected is None else f" of {self._expected}"
        return f"{self._received}{of} bytes"

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._limit} bytes")


class _Gunzip:
    """Decompresses gzip piece by piece, and never to more than the limit."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._decoder = zlib.decompressobj(31)

    def feed(self, data: bytes) -> bytes:
        """What ``data`` decompresses to; no data is the end, where the stream has to be complete."""
        if not data and not self._decoder.eof:
            raise BadResponse("gzip: unexpected EOF")
        parts = []
        while data:
            if self._decoder.eof:  # one more member of the same stream
                self._decoder = zlib.decompressobj(31)
            part = self._decoder.decompress(data, self._left + 1)
            self._left -= len(part)
            if self._left < 0:
                raise TooLarge("the decompressed body is larger than the limit")
            parts.append(part)
            data = self._decoder.unused_data
        return b"".join(parts)
