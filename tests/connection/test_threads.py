"""Work in the background, and a system that allows none."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kubectl_metrics.connection import threads
from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.lookup import lookup
from kubectl_metrics.connection.loop import run
from kubectl_metrics.connection.places import gather, in_thread
from kubectl_metrics.connection.threads import Later
from kubectl_metrics.errors import MetricsError


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


def test_later() -> None:
    may_end = threading.Event()
    later = Later(lambda: may_end.wait(20))
    may_end.set()
    assert later.result() is True


def test_later_raises_what_the_call_raised() -> None:
    def fail() -> int:
        raise MetricsError("no")

    with pytest.raises(MetricsError, match="no"):
        Later(fail).result()


def test_a_thread_that_dies_before_its_work_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python's do where there is no memory left."""
    monkeypatch.setattr(threading.Thread, "run", lambda _: None)
    with pytest.raises(MemoryError):
        gather(in_thread, [lambda: 1, lambda: 2], workers=2)
    with pytest.raises(MemoryError):
        Later(lambda: 1).result()


@pytest.mark.usefixtures("none_left")
def test_calls_that_block_are_made_without_threads_where_there_are_none() -> None:
    assert gather(in_thread, [lambda: 1, lambda: 2], workers=2) == [1, 2]


@pytest.mark.usefixtures("none_left")
@pytest.mark.parametrize(
    "begin",
    [
        lambda: threads.start(int),
        lambda: Later(int).result(seconds=1.0),
        lambda: run(lookup("localhost", 1, Deadline(1.0))),
        lambda: Later(int),
    ],
    ids=["start", "within", "lookup", "later"],
)
def test_no_threads_left(begin: object) -> None:
    assert callable(begin)
    with pytest.raises(MetricsError, match="allows no more threads"):
        begin()
