"""Streams by themselves; what they are for is in test_transport and test_proxy."""

from __future__ import annotations

import os
import select
import socket
import struct
import time

import pytest

from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.peer import any_context
from kubectl_metrics.connection.stream import Stream

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


@pytest.mark.parametrize("said", [b"", b"unasked"])
def test_a_connection_that_was_reset_before_tls_begins(said: bytes) -> None:
    """Python has given the descriptor to an object by then that nobody gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if said:
            theirs.sendall(said)
        theirs.close()
    ours.setblocking(False)
    poll = select.poll()
    poll.register(ours, 0)
    assert poll.poll(20_000)  # it knows of the reset, which nobody has been told
    number = ours.fileno()
    stream = Stream(ours)
    with pytest.raises(OSError, match="reset"):
        run(stream.start_tls(any_context(), None, time.monotonic() + 20))
    stream.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
