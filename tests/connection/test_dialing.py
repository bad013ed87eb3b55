"""One connection among others in the same thread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.dialing import Connection
from kubectl_metrics.connection.loop import run, run_all, sleep
from kubectl_metrics.connection.stream import Stream
from kubectl_metrics.wire.http import ResponseReader


class Flood(Stream):
    """One over which something has always come already, until ``over`` says that it is enough."""

    def __init__(self, over: Callable[[], bool]) -> None:
        """There is no socket."""
        self._over = over

    async def send(self, *_: object) -> None:
        pass

    async def receive(self, *_: object) -> bytes:
        if self._over():
            raise ConnectionResetError
        return b"HTTP/1.1 103 Early Hints\r\n\r\n"


def connected(stream: Stream) -> Connection:
    connection = Connection("127.0.0.1", 1, context=None, names=(), server_hostname=None, proxy=None)
    connection.stream = stream
    return connection


class Endless(ResponseReader):
    """A response that never gets anywhere."""

    def feed(self, data: bytes) -> None:
        pass


def test_who_sends_without_a_pause_keeps_nobody_waiting() -> None:
    ended: list[str] = []

    async def flooded() -> None:
        with pytest.raises(ConnectionResetError):  # and no TimeoutError, after which it would not have to wait
            await connected(Flood(lambda: bool(ended))).ask(b"", Endless(1000), Deadline(20.0))
        ended.append("flooded")

    async def other() -> None:
        for _ in range(5):
            await sleep(0.0)
        ended.append("other")

    run_all([flooded(), other()])
    assert ended == ["other", "flooded"]


def test_who_sends_without_a_pause_is_not_listened_to_for_ever() -> None:
    with pytest.raises(TimeoutError):
        run(connected(Flood(lambda: False)).ask(b"", Endless(1000), Deadline(0.05)))
