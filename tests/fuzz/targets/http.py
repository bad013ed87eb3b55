"""An HTTP response as it comes over the connection, down to the body.

The first byte says in what pieces it comes, and after the input the server goes on for ever: whoever reads without a
bound notices.
"""

from __future__ import annotations

import gzip

from kubectl_metrics.wire.http import BadResponse, Incomplete, ResponseReader, TooLarge

LIMIT = 4096  # bytes of a body
ENOUGH = 1 << 20  # bytes that may be read for it: two times 64 KiB of head and trailers, and the body
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_GZIP = gzip.compress(b"{}" * 9, mtime=0)
SEEDS = (
    b"\x00" + _OK + b"Content-Length: 2\r\n\r\n{}",
    b"\x01" + _OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nTrailer: x\r\n\r\n",
    b"\x07" + _OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_GZIP) + _GZIP,
    b"\x20HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
)
_ENDLESS = (b"\r\n" * 512, b"x" * 1024, b"HTTP/1.1 100 Continue\r\n\r\n" * 40, b"1\r\nx\r\n" * 200)


def read(data: bytes) -> bool:
    first, data = data[:1] or b"\0", data[1:]
    reader = ResponseReader(LIMIT, 64)
    try:
        size = first[0] % 64 or len(data) or 1
        for at in range(0, len(data), size):
            reader.feed(data[at : at + size])
        fed = 0
        while not reader.done and fed < ENOUGH:
            piece = _ENDLESS[first[0] // 64]
            fed += len(piece)
            reader.feed(piece)
        assert reader.done, "read without a bound"
    except (BadResponse, Incomplete, TooLarge):
        return False
    assert len(reader.body()) <= LIMIT
    return True
