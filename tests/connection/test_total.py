"""One time limit for all requests together."""

from __future__ import annotations

import socket
import threading

import pytest

from kubectl_metrics.connection.deadlines import Total, format_seconds
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.errors import ConnectionFailed, FailureKind
from tests.connection.servers import Peer, Server, always, full_listener, reply


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(10, "10s"), (9.996, "10s"), (0.3, "0.3s"), (0.299, "0.3s"), (0.04, "0.04s"), (90, "90s"), (12.5, "12.5s")],
)
def test_a_limit_is_told_as_it_was_set(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def failure(transport: Transport) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        transport.get("/")
    return caught.value


def test_it_cuts_a_request_off_and_lets_no_other_begin() -> None:
    came = threading.Event()

    def hang(peer: Peer) -> None:
        came.set()
        peer.hang()

    with Server(hang) as server:
        transport = Transport(server.url, context=None, total=Total(1.0))
        first, second = failure(transport), failure(transport)
        assert (first.kind, first.reason) == (
            FailureKind.OVER,
            "i/o timeout: no answer within the 1s of --timeout",
        )
        assert (second.kind, second.reason) == (FailureKind.OVER, "not asked: the 1s of --timeout are over")
        assert came.wait(20)
        assert server.connections == 1
        transport.close()


def test_it_is_the_same_for_several_servers() -> None:
    total = Total(2.0)  # time enough for the good one
    with Server(Peer.hang) as silent, Server(always(reply(b"x"))) as good:
        other = Transport(good.url, context=None, total=total)
        assert other.get("/").body == b"x"
        failure(Transport(silent.url, context=None, total=total))
        assert failure(other).kind is FailureKind.OVER
        other.close()


def test_while_connecting() -> None:
    with full_listener() as port:
        error = failure(Transport(f"http://127.0.0.1:{port}", context=None, total=Total(0.3)))
    assert (error.kind, error.reason) == (
        FailureKind.OVER,
        "i/o timeout: no connection within the 0.3s of --timeout",
    )


def test_the_requests_own_limit_counts_where_it_is_nearer() -> None:
    with Server(Peer.hang) as server:
        error = failure(Transport(server.url, context=None, timeout=1.0, total=Total(600)))
    assert (error.kind, error.reason) == (FailureKind.HUNG, "i/o timeout: no answer within 1s")


def test_rest_closes_what_is_idle_and_nothing_else() -> None:
    ended: list[bytes] = []

    def handle(peer: Peer) -> None:
        while peer.request() is not None:
            peer.send(reply(b"x"))
        ended.append(peer.sock.recv(1, socket.MSG_DONTWAIT))

    with Server(handle) as server:
        transport = Transport(server.url, context=None)
        for _ in range(2):
            assert transport.get("/").body == b"x"
        assert server.connections == 1
        transport.rest()
        assert transport.get("/").body == b"x"
        assert server.connections == 2
        transport.close()
    assert ended == [b"", b""]
