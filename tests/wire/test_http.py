"""HTTP as bytes: what is sent, and what an answer is, however it is cut into pieces."""

from __future__ import annotations

import gzip
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.wire.http import BadResponse, Incomplete, ResponseReader, TooLarge, request

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ZIPPED = gzip.compress(b"zipped" * 10, mtime=0)
LIMIT = 1000  # bytes


def read(*pieces: bytes, limit: int = LIMIT, enough: int | None = None, end: bool = False) -> ResponseReader:
    reader = ResponseReader(limit, enough)
    for piece in pieces:
        reader.feed(piece)
    if end:
        reader.end()
    return reader


def sized(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", b""]) + body


# ---- requests --------------------------------------------------------------------------------------------------------


def test_a_request() -> None:
    assert (
        request("GET", "/a?b=c", [("Host", "h"), ("X", "\xe9")]) == b"GET /a?b=c HTTP/1.1\r\nHost: h\r\nX: \xe9\r\n\r\n"
    )
    assert request("POST", "/", [], b"{}") == b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    assert request("POST", "/", [], b"") == b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        ("GET", "/\r\nX: y", ("A", "b")),
        ("GET", "/", ("A", "b\nX: y")),
        ("GET", "/", ("A\r", "b")),
        ("G\0", "/", ("A", "")),
    ],
)
def test_a_request_is_one(method: str, target: str, header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="a control character in a request"):
        request(method, target, [header])


# ---- responses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "status", "reason", "body", "reusable"),
    [
        (sized(b"{}"), 200, "OK", b"{}", True),
        (sized(b""), 200, "OK", b"", True),
        (sized(b"no", status=b"404 Not Found"), 404, "Not Found", b"no", True),
        (sized(b"x", status=b"200"), 200, "", b"x", True),
        (sized(b"x", status=b"200 "), 200, "", b"x", True),
        (sized(b"x", status=b"200 \xe9"), 200, "é", b"x", True),
        (sized(b"x", b"Connection: close"), 200, "OK", b"x", False),
        (sized(b"x", b"Connection: a, Close"), 200, "OK", b"x", False),
        (sized(b"x") + b"y", 200, "OK", b"x", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "OK", b"x", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx", 200, "OK", b"x", True),
        (b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", 200, "OK", b"x", True),
        (OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 200, "OK", b"x", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, "No Content", b"", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, "Not Modified", b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + sized(b"x"), 200, "OK", b"x", True),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, "Switching Protocols", b"", False),
        (CHUNKED + b"0\r\n\r\n", 200, "OK", b"", True),
        (CHUNKED + b"3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n", 200, "OK", b"abc0123456789", True),
        (CHUNKED + b"3 \r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n", 200, "OK", b"abc", True),
        (CHUNKED + b"3\nabc\n0\n\n", 200, "OK", b"abc", True),
        (OK + b"Transfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200, "OK", b"x", True),
        (sized(ZIPPED, b"Content-Encoding: gzip"), 200, "OK", b"zipped" * 10, True),
        (sized(ZIPPED + ZIPPED, b"Content-Encoding: GZIP"), 200, "OK", b"zipped" * 20, True),
        (sized(b"", b"Content-Encoding: gzip"), 200, "OK", b"", True),
        (sized(b"x", b"Content-Encoding: identity"), 200, "OK", b"x", True),
    ],
)
def test_whole_responses(data: bytes, status: int, reason: str, body: bytes, reusable: bool) -> None:
    for pieces in ([data], [data[at : at + 1] for at in range(len(data))]):
        reader = read(*pieces)
        assert (reader.status, reader.reason, reader.body()) == (status, reason, body)
        assert reader.done and reader.begun
        assert reader.reusable == reusable
        reader.end()  # whatever happens to the connection now


@pytest.mark.parametrize("headers", [b"", b"Connection: close\r\n"])
def test_until_the_end_of_the_connection(headers: bytes) -> None:
    reader = read(OK + headers + b"\r\n" + b"ab", b"c")
    assert not reader.done
    reader.end()
    assert (reader.done, reader.body(), reader.reusable) == (True, b"abc", False)


@pytest.mark.parametrize(
    "headers", [
        b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 100000\r\n",
        b"Content-Length: x\r\n", b"Transfer-Encoding: identity\r\n", b"Content-Encoding: br\r\n",
    ],
)  # fmt: skip
def test_the_head_may_be_all_of_it(headers: bytes) -> None:
    reader = ResponseReader(LIMIT, head_only=True)
    reader.feed(b"HTTP/1.1 407 Proxy Authentication Required\r\n")
    assert not reader.done
    reader.feed(headers + b"\r\n")
    assert (reader.done, reader.status, reader.body()) == (True, 407, b"")


def test_headers() -> None:
    reader = read(
        OK + b"X-One:1\r\nx-two:  2 \t\r\nX-ONE: b\r\nFolded: a\r\n  b\r\n\tc\r\nEmpty:\r\nContent-Length: 0\r\n\r\n"
    )
    assert reader.headers == {
        "x-one": "1, b", "x-two": "2", "folded": "a b c", "empty": "", "content-length": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "malformed HTTP response"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "malformed HTTP response"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "malformed HTTP response"),
        (OK + b"no colon\r\n\r\n", "malformed HTTP response"),
        (OK + b": no name\r\n\r\n", "malformed HTTP response"),
        (OK + b"a b: c\r\n\r\n", "malformed HTTP response"),
        (OK + b" folded: first\r\n\r\n", "malformed HTTP response"),
        (OK + b"A: b\rTransfer-Encoding: chunked\r\n\r\n", "malformed HTTP response"),
        (OK + b"Transfer-Encoding: \x0bchunked\r\n\r\n", "malformed HTTP response"),
        (OK + b"A: b\r\n" * 101 + b"\r\n", "malformed HTTP response"),
        (OK + b"A: " + b"x" * 65536, "malformed HTTP response"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, "malformed HTTP response"),
        (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "the body has two lengths"),
        (OK + b"Content-Length: 1, 2\r\n\r\n", "the body has two lengths"),
        (OK + b"Content-Length:\r\n\r\n", "the length of the body is no number"),
        (OK + b"Content-Length: -1\r\n\r\n", "the length of the body is no number"),
        (OK + b"Content-Length: +1\r\n\r\n", "the length of the body is no number"),
        (OK + b"Content-Length: \xb2\r\n\r\n", "the length of the body is no number"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n", "the body has a transfer encoding that is not known"),
        (OK + b"Content-Encoding: br\r\n\r\n", "the body has a content encoding that was not asked for"),
        (CHUNKED + b"zz\r\n", "malformed chunked encoding"),
        (CHUNKED + b"-1\r\n", "malformed chunked encoding"),
        (CHUNKED + b"0x1\r\n", "malformed chunked encoding"),
        (CHUNKED + b"1_0\r\n", "malformed chunked encoding"),
        (CHUNKED + b"\r\n", "malformed chunked encoding"),
        (CHUNKED + b"1" * 17 + b"\r\n", "malformed chunked encoding"),
        (CHUNKED + b"1;" + b"x" * 4096, "malformed chunked encoding"),
        (CHUNKED + b"1\r\nab\r\n", "malformed chunked encoding"),
        (CHUNKED + b"1\r\na\rb", "malformed chunked encoding"),
        (CHUNKED + b"1\r\nabc", "malformed chunked encoding"),
        (CHUNKED + b"1\r\nab\n", "malformed chunked encoding"),
        (CHUNKED + b"0\r\n" + b"A: b\r\n" * 20_000, "malformed chunked encoding"),
        (sized(b"not gzip", b"Content-Encoding: gzip"), "gzip: invalid data"),
        (sized(ZIPPED + b"x", b"Content-Encoding: gzip"), "gzip: unexpected EOF"),
        (sized(ZIPPED[:-9], b"Content-Encoding: gzip"), "gzip: unexpected EOF"),
    ],
)
def test_what_no_server_may_say(data: bytes, words: str) -> None:
    with pytest.raises(BadResponse) as caught:
        read(data)
    assert str(caught.value) == words
    with pytest.raises(BadResponse):
        read(*(data[at : at + 1] for at in range(len(data))))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HT",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        OK + b"Content-Length: 3\r\n\r\nab",
        CHUNKED,
        CHUNKED + b"3",
        CHUNKED + b"3\r\nab",
        CHUNKED + b"3\r\nabc",
        CHUNKED + b"3\r\nabc\r\n0\r\n",
    ],
)
def test_a_connection_that_ends_too_early(data: bytes) -> None:
    with pytest.raises(Incomplete):
        read(data, end=True)


def test_an_end_in_gzip() -> None:
    with pytest.raises(BadResponse, match="gzip: unexpected EOF"):
        read(OK + b"Content-Encoding: gzip\r\n\r\n" + ZIPPED[:20], end=True)


def test_something_that_is_too_short_to_tell_is_not_http_either() -> None:
    with pytest.raises(BadResponse):
        read(b"\x15", end=True)


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 1001\r\n\r\n",  # before the first byte
        OK + b"Content-Length: 99999999999999999999999\r\n\r\n",
        OK + b"\r\n" + bytes(1001),
        CHUNKED + b"3e9\r\n" + bytes(1001),
        sized(gzip.compress(bytes(1001), mtime=0), b"Content-Encoding: gzip"),
        sized(gzip.compress(bytes(50_000), mtime=0) * 2, b"Content-Encoding: gzip"),
    ],
)
def test_too_large(data: bytes) -> None:
    with pytest.raises(TooLarge):
        read(data)


def test_exactly_the_limit() -> None:
    assert len(read(sized(bytes(1000))).body()) == 1000
    assert len(read(CHUNKED + b"3e8\r\n" + bytes(1000) + b"\r\n0\r\n\r\n").body()) == 1000
    zipped = gzip.compress(bytes(1000), mtime=0)
    assert len(read(sized(zipped, b"Content-Encoding: gzip")).body()) == 1000


@pytest.mark.parametrize(
    "data",
    [
        sized(b"x" * 2000, status=b"500 No"),
        b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 900,
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 900,
        sized(gzip.compress(b"x" * 100_000, mtime=0), b"Content-Encoding: gzip", status=b"500 No"),
    ],
)
def test_of_an_error_there_is_enough(data: bytes) -> None:
    reader = read(data, enough=10)
    assert (reader.body(), reader.done, reader.reusable) == (b"x" * 10, True, False)


def test_an_error_with_less_than_enough_is_whole() -> None:
    reader = read(sized(b"12345", status=b"500 No"), enough=10)
    assert (reader.body(), reader.done, reader.reusable) == (b"12345", True, True)
    assert len(read(sized(b"x" * 20), enough=10).body()) == 20  # which is none


class Pieces:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(data)


def test_a_sink_gets_the_body_while_it_comes() -> None:
    reader = ResponseReader(LIMIT, sink=Pieces)
    reader.feed(OK + b"Content-Length: 4\r\n\r\nab")
    assert isinstance(reader.sink, Pieces)
    assert reader.sink.pieces == [b"ab"]
    reader.feed(b"cd")
    assert (reader.sink.pieces, reader.body(), reader.size, reader.done) == ([b"ab", b"cd"], b"", 4, True)


def test_a_sink_gets_what_is_decompressed() -> None:
    reader = ResponseReader(LIMIT, sink=Pieces)
    reader.feed(sized(ZIPPED, b"Content-Encoding: gzip"))
    assert isinstance(reader.sink, Pieces)
    assert (b"".join(reader.sink.pieces), reader.size) == (b"zipped" * 10, 60)


def test_an_error_is_nothing_for_a_sink() -> None:
    reader = ResponseReader(LIMIT, 10, Pieces)
    reader.feed(sized(b"no", status=b"404 Not Found"))
    assert (reader.sink, reader.body(), reader.size) == (None, b"no", 2)


def test_how_much_has_come() -> None:
    assert ResponseReader(LIMIT).so_far() == "0 bytes"
    assert read(OK + b"Content-Length: 10\r\n\r\nabc").so_far() == "3 of 10 bytes"
    assert read(CHUNKED + b"5\r\nab").so_far() == "2 bytes"


chunks = st.lists(st.binary(min_size=1, max_size=50), max_size=6)


@given(chunks, st.booleans(), st.booleans(), st.lists(st.integers(0, 400), max_size=12))
def test_pieces_make_no_difference(bodies: list[bytes], zipped: bool, chunked: bool, cuts: list[int]) -> None:
    body = b"".join(bodies)
    sent = gzip.compress(body, mtime=0) if zipped else body
    encoding = [b"Content-Encoding: gzip"] if zipped else []
    if chunked:
        parts = [sent[at : at + 20] for at in range(0, len(sent), 20)]
        coded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        data = b"\r\n".join([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", *encoding, b"", b""]) + coded
    else:
        data = sized(sent, *encoding)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    reader = read(*(data[a:b] for a, b in itertools.pairwise(edges)))
    assert (reader.body(), reader.done, reader.reusable) == (body, True, True)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_anything_at_all(tail: bytes, cuts: list[int]) -> None:
    """What comes in pieces is judged as what comes at once."""
    for head in (b"", OK, CHUNKED, OK + b"Content-Encoding: gzip\r\n\r\n"):
        data = head + tail
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        outcomes = []
        for pieces in ([data], [data[a:b] for a, b in itertools.pairwise(edges)]):
            try:
                reader = read(*pieces, end=True)
                outcomes.append((reader.status, reader.body()))
            except (BadResponse, Incomplete, TooLarge) as error:
                outcomes.append((0, type(error).__name__.encode()))
        assert outcomes[0] == outcomes[1]
