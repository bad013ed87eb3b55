"""An HTTP response as it comes over the connection, down to the body.

After the input the server goes on for ever: whoever reads without a bound notices.
"""

from __future__ import annotations

import gzip
import io
from typing import Any, cast

from kubectl_metrics.connection import failures
from kubectl_metrics.connection.body import BodyReader
from kubectl_metrics.connection.dialing import Connection

LIMIT = 4096  # bytes of a body
ENOUGH = 8 << 20  # bytes that may be read for it: 100 header lines of 64 KiB, and one piece of the body
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_GZIP = gzip.compress(b"{}" * 9, mtime=0)
SEEDS = (
    _OK + b"Content-Length: 2\r\n\r\n{}",
    _OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: x\r\n\r\n",
    _OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_GZIP) + _GZIP,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
)


class Endless(io.RawIOBase):
    """``data``, and then empty lines, which end headers and trailers. (Endless ones end with the request's time.)"""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._served = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._data[: len(buffer)] or (b"\r\n" * 512)[: len(buffer)]
        self._served += len(piece)
        assert self._served < ENOUGH, "read without a bound"
        self._data = self._data[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


class Wire:
    """A socket from which an answer can be read, and nothing else."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str, *_: object) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(Endless(self._data))

    def close(self) -> None:
        """Nothing is open."""

    def sendall(self, data: bytes) -> None:
        """Nobody listens."""

    def settimeout(self, seconds: float | None) -> None:
        """Everything has come already."""


def read(data: bytes) -> bool:
    connection = Connection("h", 80, context=None, names=(), server_hostname=None, proxy=None)
    connection.sock = cast(Any, Wire(data))
    try:
        connection.ask("GET", "/", [], None)
        response = connection.getresponse()
        try:
            body = BodyReader(LIMIT).read(response)
        finally:
            response.close()
    except (*failures.EXPECTED, failures.TooLarge, failures.BadResponse) as error:
        failures.connection_failed("h:80", error)
        return False
    assert len(body) <= LIMIT
    return True
