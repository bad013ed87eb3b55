"""Lines for stderr, and progress."""

from __future__ import annotations

import io

import pytest

from kubectl_metrics.output.gaps import lines
from kubectl_metrics.output.progress import Progress
from kubectl_metrics.output.terminal import printable, say
from kubectl_metrics.usage.model import Gap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\u00fcn\u00efcode", "\u00fcn\u00efcode"),
        ("a\tb", r"a\tb"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202e", r"\u202e"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_say_survives_every_encoding() -> None:
    for encoding, shown in (("utf-8", "\u00fc"), ("ascii", r"\xfc")):
        raw = io.BytesIO()
        stream = io.TextIOWrapper(raw, encoding=encoding)
        say("one \u00fc\ntwo\r", stream)
        assert raw.getvalue().decode(encoding) == f"one {shown}\ntwo\\r\n"


class Terminal(io.StringIO):
    def __init__(self, terminal: bool = True) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Hand:
    """A clock that is turned by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_appears_after_a_second_and_goes_away() -> None:
    terminal, clock = Terminal(), Hand()
    progress = Progress(terminal, clock)
    progress("kubelets", 1, 40)
    clock.now = 0.9
    progress("kubelets", 2, 40)
    assert terminal.getvalue() == ""
    clock.now = 1.0
    progress("kubelets", 3, 40)
    assert terminal.getvalue() == "\rkubelets 3/40"
    clock.now = 1.05
    progress("kubelets", 4, 40)  # too soon for another change
    assert terminal.getvalue() == "\rkubelets 3/40"
    clock.now = 2.0
    progress("kubelets", 40, 40)
    progress.clear()
    assert terminal.getvalue() == "\rkubelets 3/40\rkubelets 40/40\r" + " " * 14 + "\r"
    progress.clear()
    assert terminal.getvalue().endswith("40/40\r" + " " * 14 + "\r")


def test_no_progress_where_there_is_no_terminal() -> None:
    stream, clock = Terminal(terminal=False), Hand()
    progress = Progress(stream, clock)
    clock.now = 100
    progress("kubelets", 1, 2)
    progress.clear()
    assert stream.getvalue() == ""


def gap(name: str, reason: str = "timeout", message: str = "i/o timeout", node: str = "", namespace: str = "") -> Gap:
    kind = "Pod" if namespace else "Node"
    return Gap(kind=kind, name=name, namespace=namespace, node=node or name, reason=reason, message=message)


def test_one_line_for_each_reason() -> None:
    gaps = [gap("a"), gap("b"), gap("c"), gap("d", message="other"), gap("e", reason="forbidden", message="no")]
    assert lines(gaps) == [
        "no usage of 4 nodes (a, b, c, ...): i/o timeout, and the like",
        "no usage of node e: no",
    ]
    assert lines([gap("a"), gap("b")]) == ["no usage of 2 nodes (a, b): i/o timeout"]


def test_only_nodes_that_metrics_server_leaves_out_are_for_diagnose() -> None:
    assert lines(
        [gap("p", "no-metrics", node="c", namespace="x"), gap("a"), gap("b", "no-metrics"), gap("d", "no-metrics", "x")]
    ) == [
        "no usage of pod x/p on c: i/o timeout",
        "no usage of node a: i/o timeout",
        "no usage of 2 nodes (b, d): i/o timeout, and the like; 'kubectl metrics diagnose' looks for the cause",
    ]


def test_pods_are_counted_by_node() -> None:
    gaps = [gap("p", node="a", namespace="x"), gap("q", node="a", namespace="x"), gap("r", node="b", namespace="y")]
    assert lines(gaps) == [
        "no usage of 2 pods on a (x/p, x/q): i/o timeout",
        "no usage of pod y/r on b: i/o timeout",
    ]


def test_no_gaps_no_lines() -> None:
    assert lines([]) == []
