"""Deadlines by themselves; what they do to requests is in test_transport_failures."""

from __future__ import annotations

import socket
import ssl
import threading

from kubectl_metrics.connection.deadlines import Deadline, Watchdog, shut_down


def is_open(other: socket.socket) -> bool:
    """Whether the peer of ``other`` has not been shut down."""
    other.settimeout(0.0)
    try:
        return other.recv(1) != b""
    except BlockingIOError:
        return True


def test_strike_shuts_the_socket_down() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline(60.0)
        deadline.attach(ours)
        assert is_open(theirs)
        deadline.strike()
        assert not is_open(theirs)
        assert deadline.passed and deadline.over()


def test_a_socket_that_comes_too_late_is_shut_down_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline(60.0)
        deadline.strike()
        deadline.attach(ours)
        assert not is_open(theirs)


def test_a_finished_deadline_leaves_the_socket_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline(60.0)
        deadline.attach(ours)
        deadline.finish()
        deadline.strike()
        assert is_open(theirs)


def test_a_detached_socket_is_left_alone_by_what_is_still_running() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        deadline = Deadline(60.0)
        deadline.attach(ours)
        deadline.detach()
        deadline.strike()
        assert is_open(theirs)
        assert deadline.passed


def test_left_never_means_do_not_block() -> None:
    assert Deadline(0.0).left() > 0
    assert Deadline(0.0).over()
    assert not Deadline(60.0).over()


def test_finished_deadlines_are_not_kept() -> None:
    watchdog = Watchdog()
    waiting = [watchdog.start(600.0) for _ in range(3)]
    for _ in range(5000):
        watchdog.start(600.0).finish()
    assert len(watchdog._heap) <= 300
    assert {id(deadline) for deadline in waiting} <= {id(entry[2]) for entry in watchdog._heap}


def test_the_nearest_deadline_is_struck_first() -> None:
    watchdog = Watchdog()
    far = watchdog.start(600.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        near = watchdog.start(0.05)
        near.attach(ours)
        theirs.settimeout(20.0)
        assert theirs.recv(1) == b""
    assert near.passed and not far.passed


def test_shutting_down_keeps_the_state_of_tls() -> None:
    """SSLSocket.shutdown would take it away from a thread that is reading."""
    ours, theirs = socket.socketpair()
    with theirs:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(
            ours, server_hostname="x", do_handshake_on_connect=False
        )
        with tls:
            shut_down(tls)
            assert tls.pending() == 0  # raises on a socket without TLS state
    shut_down(tls)  # closed by now: nothing happens


def test_the_thread_does_not_hold_up_the_end_of_the_program() -> None:
    Watchdog().start(600.0)
    assert all(t.daemon for t in threading.enumerate() if t.name == "request-deadlines")
