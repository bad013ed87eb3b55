"""HTTP/1.1 (RFC 9112): the bytes of a request, and a response out of bytes that come piece by piece.

Strategy: nothing here knows of sockets. Whoever has a connection feeds a ``ResponseReader`` with what comes over it,
and tells it of the end; so one reader serves who waits for one server and who waits for thousands. The body is written
into one buffer that grows in place and becomes the result without a copy: 60 MB exist once.

Facts
- As in Go (net/http): a line may end without a carriage return, names are tokens, values have no control characters
  (a lone carriage return is the end of a line to others), the size of a chunk is hexadecimal digits and nothing else,
  and what comes after a chunk has to be the end of a line.
- An interim response (100, 102, 103) is not the answer (RFC 9110 15.2).
- Two lengths that differ are an attack or a defect (RFC 9112 6.3).
- A megabyte of gzip can be a gigabyte: it is decompressed piece by piece, and counted.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Protocol

_MAX_HEAD = 64 * 1024  # bytes of status line and headers, interim responses included; also of trailers
_MAX_HEADERS = 100
_MAX_SIZE_LINE = 4096  # bytes of the line that has the size of a chunk
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (.*))?", re.DOTALL)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MALFORMED = "malformed HTTP response"


class BadResponse(Exception):
    """Something that HTTP does not allow, or that was not asked for."""


class TooLarge(Exception):
    """The body is larger than asked for."""


class Incomplete(Exception):
    """The connection has ended before the response."""


def request(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes | None = None) -> bytes:
    """A request as it is sent.

    Args:
        method: such as GET.
        target: path and query, percent-encoded.
        headers: all of them but the length; values are Latin-1.
        body: None for none.

    Raises:
        ValueError: it would be more than one request.
    """
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if any(_UNSENDABLE.search(line) for line in lines):
        raise ValueError("a control character in a request")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class Sink(Protocol):
    """Something into which a body is written, piece by piece."""

    def write(self, data: bytes, /) -> object:
        """One more piece."""


class ResponseReader:
    """One response, within a size."""

    def __init__(
        self,
        limit: int,
        enough: int | None = None,
        sink: Callable[[], Sink] | None = None,
        *,
        head_only: bool = False,
    ) -> None:
        """Nothing has come yet.

        Args:
            limit: bytes of the body, compressed and decompressed.
            enough: bytes of the body of a response that is an error or a redirect (300 and above), after which the rest
                does not matter: it is not read, and the connection is of no more use.
            sink: makes what gets the body instead of ``body``, where the response is neither.
            head_only: it ends with its head, as one to CONNECT does (RFC 9110 9.3.6).
        """
        self.status = 0  # until the head is there
        self.reason = ""
        self.headers: dict[str, str] = {}  # names in lower case; several of a name are joined with ", " (RFC 9110 5.2)
        self.sink: Sink | None = None  # that has got the body
        self.size = 0  # bytes of the body so far, decompressed
        self.begun = False  # whether anything has come
        self.done = False  # whether there is nothing more to come
        self.reusable = False  # whether the connection can be asked again, once it is done
        self._limit = limit
        self._enough = enough
        self._expected: int | None = None  # bytes of the body, where the server said so
        self._received = 0  # bytes of the body, as they came
        self._left = 0  # bytes of the body, or of this chunk of it, that are still to come
        self._heads = 0  # bytes of heads or of trailers
        self._data = b""  # that has come and is not read yet ...
        self._at = 0  # ... from here on
        self._body = io.BytesIO()
        self._write: Callable[[bytes], object] = self._body.write
        self._make_sink = sink
        self._head_only = head_only
        self._gzip = False
        self._decoder = zlib.decompressobj(31)
        # Not a bound method: that would be a cycle, and keep the body for as long as nobody collects garbage.
        self._step: Callable[[ResponseReader], bool] = ResponseReader._head

    def feed(self, data: bytes) -> None:
        """What has come over the connection. Raises BadResponse, TooLarge."""
        self.begun = self.begun or bool(data)
        self._data = self._data + data if self._data else data
        self._at = 0
        while self._at < len(self._data) and not self.done and self._step(self):
            pass
        self._data = self._data[self._at :]
        if self.done and self._data:  # more than one answer, and there was one question
            self.reusable = False

    def end(self) -> None:
        """The connection has ended. Raises Incomplete where that is too early, BadResponse in the middle of gzip."""
        if self.done:
            return
        if self._step != ResponseReader._until_the_end:
            raise Incomplete
        self._finish()
        self.reusable = False

    def body(self) -> bytes:
        """The body, decompressed; nothing where a sink has it."""
        return self._body.getvalue()

    def so_far(self) -> str:
        """How much of the body has come, in words."""
        of = "" if self._expected is None else f" of {self._expected}"
        return f"{self._received}{of} bytes"

    # Each step reads what it can, and tells whether that was enough for it.

    def _head(self) -> bool:
        data, at = self._data, self._at
        if not b"HTTP/".startswith(data[at : at + 5]):
            raise BadResponse(_MALFORMED)
        end = _END_OF_HEAD.search(data, at)
        length = (len(data) if end is None else end.end()) - at
        if self._heads + length > _MAX_HEAD:
            raise BadResponse(_MALFORMED)
        if end is None:
            return False
        self._heads += length
        self._at = end.end()
        minor, status, reason, headers = _parse_head(data[at : end.start()])
        if 100 <= status < 200 and status != 101:
            return True
        self.status, self.reason, self.headers = status, reason, headers
        connection = [token.strip() for token in headers.get("connection", "").lower().split(",")]
        self.reusable = "close" not in connection and (minor == 1 or "keep-alive" in connection)
        self._begin_body()
        return True

    def _begin_body(self) -> None:
        if self._head_only:  # whatever it says of a body: a proxy's answer to CONNECT has none (RFC 9110, 9.3.6)
            self._finish()
            return
        headers = self.headers
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise BadResponse("the body has a content encoding that was not asked for")
        self._gzip = encoding == "gzip"
        lengths = {length.strip() for length in headers.get("content-length", "").split(",")}
        if len(lengths) > 1:
            raise BadResponse("the body has two lengths")
        length = lengths.pop()
        if self.status < 300:
            self._enough = None
            if self._make_sink is not None:
                self.sink = self._make_sink()
                self._write = self.sink.write
        if self.status == 101:  # it speaks another protocol from here on
            self.reusable = False
        if self.status in (101, 204, 304):
            self._finish()
        elif "transfer-encoding" in headers:
            if headers["transfer-encoding"].strip().lower() != "chunked":
                raise BadResponse("the body has a transfer encoding that is not known")
            self._step, self._heads = ResponseReader._size, 0
        elif "content-length" in headers:
            if not length.isascii() or not length.isdigit():
                raise BadResponse("the length of the body is no number")
            if len(length) > 18:  # an exabyte
                raise self._too_large()
            self._expected = self._left = int(length)
            if self._expected > self._limit and self._enough is None:
                raise self._too_large()
            self._step = ResponseReader._sized
            if not self._left:
                self._finish()
        else:
            self._step = ResponseReader._until_the_end

    def _sized(self) -> bool:
        self._take(self._piece())
        if not self._left:
            self._finish()
        return True

    def _until_the_end(self) -> bool:
        self._left = len(self._data)
        self._take(self._piece())
        return True

    def _size(self) -> bool:
        line = self._line(_MAX_SIZE_LINE)
        if line is None:
            return False
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise BadResponse("malformed chunked encoding")
        self._left = int(size[1], 16)
        self._step = ResponseReader._chunk if self._left else ResponseReader._trailer
        return True

    def _chunk(self) -> bool:
        self._take(self._piece())
        if not self._left:
            self._step = ResponseReader._chunk_end
        return True

    def _chunk_end(self) -> bool:
        line = self._line(1)
        if line:
            raise BadResponse("malformed chunked encoding")
        if line is None:
            return False
        self._step = ResponseReader._size
        return True

    def _trailer(self) -> bool:
        at = self._at
        line = self._line(_MAX_HEAD - self._heads)
        self._heads += self._at - at
        if line == b"":
            self._finish()
        return line is not None

    def _piece(self) -> bytes:
        """What has come of the body, or of this chunk of it."""
        data, at = self._data, self._at
        if not at and len(data) <= self._left:
            piece = data
        else:
            piece = data[at : at + self._left]
        self._at += len(piece)
        self._left -= len(piece)
        return piece

    def _line(self, most: int) -> bytes | None:
        """The next line; None as long as it is not whole."""
        at = self._at
        end = self._data.find(b"\n", at)
        if (len(self._data) if end < 0 else end) - at > most:
            raise BadResponse("malformed chunked encoding")
        if end < 0:
            return None
        self._at = end + 1
        return self._data[at:end].removesuffix(b"\r")

    def _take(self, piece: bytes) -> None:
        """One more piece of the body."""
        self._received += len(piece)
        most = self._limit + 1 if self._enough is None else self._enough
        room = most - self.size
        if self._gzip:
            piece = self._unpack(piece, room)
        elif len(piece) > room:
            piece = piece[:room]
        self.size += len(piece)
        self._write(piece)
        if self._enough is not None and self.size >= self._enough:
            self.done, self.reusable = True, False
        elif self._received > self._limit:
            raise self._too_large()
        elif self.size > self._limit:
            raise TooLarge("the decompressed body is larger than the limit")

    def _unpack(self, data: bytes, room: int) -> bytes:
        """What ``data`` decompresses to, up to ``room`` bytes."""
        parts = []
        while data and room:
            if self._decoder.eof:  # one more member of the same stream
                self._decoder = zlib.decompressobj(31)
            try:
                part = self._decoder.decompress(data, room)
            except zlib.error:
                raise BadResponse("gzip: invalid data") from None
            room -= len(part)
            parts.append(part)
            data = self._decoder.unused_data
        return b"".join(parts)

    def _finish(self) -> None:
        if self.done:  # enough of it
            return
        if self._gzip and self._received and not self._decoder.eof:
            raise BadResponse("gzip: unexpected EOF")
        self.done = True

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is larger than {self._limit} bytes")


def _parse_head(head: bytes) -> tuple[int, int, str, dict[str, str]]:
    """Minor version, status, reason and headers. Raises BadResponse."""
    first, *lines = [line.removesuffix(b"\r") for line in head.split(b"\n")]
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None or len(lines) > _MAX_HEADERS:
        raise BadResponse(_MALFORMED)
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        if not _VALUE.fullmatch(line):
            raise BadResponse(_MALFORMED)
        if line[:1] in (b" ", b"\t") and name:  # the line before goes on (RFC 9112 5.2)
            headers[name] += " " + line.strip(b" \t").decode("latin-1")
            continue
        key, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(key):
            raise BadResponse(_MALFORMED)
        name = key.decode("ascii").lower()
        text = value.strip(b" \t").decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return int(status_line[1]), int(status_line[2]), (status_line[3] or b"").decode("latin-1"), headers
