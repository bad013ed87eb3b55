"""Work in the background, and a system that allows none."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kubectl_metrics.connection import threads
from kubectl_metrics.connection.lookup import lookup
from kubectl_metrics.connection.threads import Later
from kubectl_metrics.errors import MetricsError
from kubectl_metrics.sources.parallel import gather


@pytest.fixture
def none_left() -> Iterator[None]:
    """A stack larger than all the memory that can be addressed: the system refuses every new thread."""
    before = threading.stack_size(1 << 47)
    yield
    threading.stack_size(before)


def test_nothing_waits_for_it() -> None:
    here = threading.Event()
    seen: list[threading.Thread] = []

    def work() -> None:
        seen.append(threading.current_thread())
        here.set()

    threads.start(work, "named")
    assert here.wait(10)
    assert (seen[0].name, seen[0].daemon) == ("named", True)


def test_what_is_done_within_a_time() -> None:
    assert Later(lambda: "done").result(seconds=10.0) == "done"
    with pytest.raises(ValueError, match="why"):
        Later(lambda: int("why")).result(seconds=10.0)
    never = threading.Event()
    with pytest.raises(threads.TooLate):
        Later(never.wait).result(seconds=0.01)
    never.set()


@pytest.mark.usefixtures("none_left")
@pytest.mark.parametrize(
    "begin",
    [
        lambda: threads.start(int),
        lambda: Later(int).result(seconds=1.0),
        lambda: lookup("localhost", 1, 1.0),
        lambda: Later(int),
        lambda: gather([int], workers=1, most=1),
    ],
    ids=["start", "within", "lookup", "later", "gather"],
)
def test_no_threads_left(begin: object) -> None:
    assert callable(begin)
    with pytest.raises(MetricsError, match="allows no more threads"):
        begin()
