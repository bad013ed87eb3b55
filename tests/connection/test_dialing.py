"""One connection among others in the same thread."""

from __future__ import annotations

import pytest

from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.dialing import Connection
from kubectl_metrics.connection.loop import run_all, sleep
from kubectl_metrics.connection.stream import Stream
from kubectl_metrics.wire.http import ResponseReader


class Flood(Stream):
    """One over which something has always come already."""

    def __init__(self) -> None:
        """There is no socket."""

    async def send(self, *_: object) -> None:
        pass

    async def receive(self, *_: object) -> bytes:
        return b"HTTP/1.1 103 Early Hints\r\n\r\n"


class Endless(ResponseReader):
    """A response that never gets anywhere."""

    def feed(self, data: bytes) -> None:
        pass


def test_who_sends_without_a_pause_keeps_nobody_waiting() -> None:
    ended: list[str] = []

    async def flooded() -> None:
        connection = Connection("127.0.0.1", 1, context=None, names=(), server_hostname=None, proxy=None)
        connection.stream = Flood()
        with pytest.raises(TimeoutError):
            await connection.ask(b"", Endless(1000), Deadline(1.0))
        ended.append("flooded")

    async def other() -> None:
        for _ in range(5):
            await sleep(0.0)
        ended.append("other")

    run_all([flooded(), other()])
    assert ended == ["other", "flooded"]
