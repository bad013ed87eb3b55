"""Requests that the server turns away for now."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from kubectl_metrics.connection import again
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import MetricsError
from tests.connection.servers import Request, Server, answering, reply

BUSY = "429 Too Many Requests"


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "1", 1.0),
        (429, "0", 0.0),
        (429, "30", 30.0),
        (429, "31", None),  # longer than anybody wants to sit there
        (429, None, None),
        (429, "", None),
        (429, "-1", None),
        (429, "1.5", None),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", None),  # client-go takes seconds only
        (429, "٣", None),
        (429, "9" * 400, None),
        (500, "1", 1.0),
        (503, "5", 5.0),
        (599, "5", 5.0),
        (600, "5", None),
        (200, "5", None),
        (301, "5", None),
        (404, "5", None),
    ],
)
def test_when(status: int, header: str | None, seconds: float | None) -> None:
    assert again.retry_after(status, header) == seconds


def busy(times: int, *headers: str, status: str = BUSY) -> Server:
    """A server that turns so many requests away before it answers."""
    left = iter(range(times))

    def respond(_: Request) -> bytes:
        return reply(b"busy", status=status, headers=headers) if next(left, None) is not None else reply(b"fine")

    return Server(answering(respond))


@pytest.mark.parametrize("status", [BUSY, "503 Service Unavailable"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_is_asked_again(status: str, method: str) -> None:
    told: list[str] = []
    with busy(3, "Retry-After: 0", status=status) as server:
        transport = Transport(server.url, context=None, trace=told.append)
        response = transport.get("/x") if method == "GET" else transport.post("/x", b"")
        transport.close()
    assert (response.status, response.body) == (200, b"fine")
    assert [(request.method, request.target) for request in server.requests] == [(method, "/x")] * 4
    assert [line.split(" in ")[0].split("/x ")[1] for line in told] == [f"{status}, once more"] * 3 + ["200 OK"]


def test_not_for_ever() -> None:
    with busy(100, "Retry-After: 0") as server:
        transport = Transport(server.url, context=None)
        assert transport.get("/").status == 429
        transport.close()
    assert len(server.requests) == 1 + again.TRIES


@pytest.mark.parametrize("headers", [(), ("Retry-After: soon",), ("Retry-After: 9",)])
def test_the_answer_stands_where_there_is_no_time_or_no_word_of_it(headers: tuple[str, ...]) -> None:
    with busy(100, *headers) as server:
        transport = Transport(server.url, context=None, timeout=8.0)
        assert (transport.get("/").status, len(server.requests)) == (429, 1)
        transport.close()


def test_all_requests_to_the_server_wait() -> None:
    came: dict[str, float] = {}
    turned_away = threading.Event()

    def respond(request: Request) -> bytes:
        first = request.target not in came
        came[request.target] = time.monotonic()
        return reply(status=BUSY, headers=("Retry-After: 1",)) if first and request.target == "/a" else reply()

    with Server(answering(respond)) as server:
        transport = Transport(server.url, context=None, trace=lambda _: turned_away.set())
        thread = threading.Thread(target=transport.get, args=("/a",))
        begun = time.monotonic()
        thread.start()
        assert turned_away.wait(20)
        assert transport.get("/b").status == 200
        thread.join(20)
        transport.close()
    assert [request.target for request in server.requests].count("/a") == 2
    assert min(came["/a"], came["/b"]) - begun >= 1.0


def test_a_failure_of_one_path_is_no_matter_of_the_others() -> None:
    """Through the API server's node proxy it may be that of a single kubelet."""
    turned_away = threading.Event()
    asked_again = threading.Event()

    def respond(request: Request) -> bytes:
        if request.target == "/b":
            return reply()
        if turned_away.is_set():
            asked_again.set()
            return reply()
        return reply(status="503 Service Unavailable", headers=("Retry-After: 20",))

    with Server(answering(respond)) as server:
        transport = Transport(server.url, context=None, trace=lambda _: turned_away.set())
        thread = threading.Thread(target=_quietly, args=(transport, "/a"))
        thread.start()
        assert turned_away.wait(20)
        assert transport.get("/b").status == 200
        assert not asked_again.is_set()
        transport.close()
        thread.join(20)


def _quietly(transport: Transport, path: str) -> None:
    with contextlib.suppress(MetricsError):
        transport.get(path)


def test_closing_ends_the_wait() -> None:
    turned_away = threading.Event()
    with busy(1, "Retry-After: 30") as server:
        transport = Transport(server.url, context=None, trace=lambda _: turned_away.set())
        errors: list[Exception] = []

        def ask() -> None:
            try:
                transport.get("/")
            except Exception as error:  # noqa: BLE001  # the test looks at it
                errors.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        assert turned_away.wait(20)
        transport.close()
        thread.join(20)
        assert not thread.is_alive()
    assert [str(error).partition(": ")[2].partition(": ")[2] for error in errors] == ["use of closed connection"]
