"""All faults at once, each on a kubelet of its own: every one is named for what it is, and the others are right."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence

import pytest

from tests.faults import table
from tests.faults.runs import Launcher
from tests.faults.table import ELSEWHERE, STRANGER, Row
from tests.faults.test_places import IMPATIENT, PATIENT, unsafe
from tests.simcluster import MI, MILLICORE, Container, Node, Pod, SimCluster

# The first of them waits until the tool is ready to be run; each run has CEILING.
pytestmark = pytest.mark.timeout(300)

ROWS = [*table.HANDSHAKE, *table.ANY]
HEALTHY = ["fine-1", "fine-2", STRANGER]
CPU, MEMORY_USED = 500 * MILLICORE, 100 * MI

# The reasons in documents, by the words in the message.
REASONS = {
    "gzip: ": "not-http",
    "connection refused": "connection-refused",
    "no connection within": "timeout",
    "TLS handshake timeout": "timeout",
    "i/o timeout: ": "no-answer",
    "EOF": "connection-lost",
    "reset by peer": "connection-lost",
    "certificate is valid for": "certificate-name",
    "certificate has expired": "certificate-expired",
    "signed by unknown authority": "certificate-untrusted",
    "tls: ": "tls",
    "malformed HTTP": "not-http",
    "malformed chunked": "not-http",
    "content encoding": "not-http",
    "two lengths": "not-http",
    "is no number": "not-http",
    "is larger than": "too-large",
    "missing": "zero",
}


def crowd(rows: Sequence[Row]) -> SimCluster:
    """A node and a pod for each fault, called like it, and some that have none."""
    names = [*(row.name for row in rows), *HEALTHY]
    return SimCluster(
        nodes=[Node(name, cpu=CPU, memory=MEMORY_USED) for name in names],
        pods=[Pod(name, "shop", name, [Container("app", CPU, MEMORY_USED)]) for name in names],
    )


@contextlib.contextmanager
def broken(rows: Sequence[Row]) -> Iterator[SimCluster]:
    with crowd(rows) as cluster:
        for row in rows:
            cluster.fault(row.name, row.make(cluster))
        yield cluster


def reason(row: Row, words: str) -> str:
    """The stable word for it."""
    if row.effect in ("refused", "failing"):
        code = row.name.removeprefix("redirect-")[:3]
        return {"401": "unauthorized", "403": "forbidden"}.get(code, f"http-{code}")
    if re.fullmatch(r"with \d{3}", words):
        return f"http-{words[-3:]}"
    if row.effect == "unreadable" and words != table.ZERO:
        return "bad-answer"
    return next(word for part, word in REASONS.items() if part in words)


WAYS = {
    "direct": ("--kubelet-access", "direct"),
    "window": ("--kubelet-access", "direct", "--window", "50ms"),
    "auto": ("--kubelet-access", "auto"),
    "proxy": ("--kubelet-access", "proxy"),
}


@pytest.mark.parametrize("way", WAYS)
def test_those_that_are_over_at_once(launch: Launcher, way: str) -> None:
    check(launch, [row for row in ROWS if not row.slow], PATIENT, [WAYS[way]])


def test_those_that_take_a_time_limit(launch: Launcher) -> None:
    check(launch, [row for row in ROWS if row.slow], IMPATIENT, list(WAYS.values()))


def check(launch: Launcher, rows: Sequence[Row], limit: str, ways: Sequence[Sequence[str]]) -> None:
    """Asks the crowd for the usage of its nodes and of its pods, in all these ways at the same time."""
    with broken(rows) as cluster:
        config = str(cluster.kubeconfig())
        common = ("-o", "json", "--source", "kubelet", "--kubeconfig", config, "-v", "--kubelet-request-timeout", limit)
        found: list[str] = []
        for run in launch(*((*kind, *way, *common) for way in ways for kind in (("nodes",), ("pods", "-A")))):
            problems = unsafe(run, [cluster.token("admin")])
            if run.status != 0:
                problems.append(f"the status is {run.status}: {run.said}")
            else:
                problems += wrong(json.loads(run.out), rows, run.arguments)
            found += [f"{' '.join(run.arguments[:5])}: {problem}" for problem in problems]
        assert not cluster.asked(STRANGER, ELSEWHERE)
    assert not found, "\n".join(found)


def wrong(document: dict[str, list[dict[str, object]]], rows: Sequence[Row], arguments: Sequence[str]) -> list[str]:
    """What the document says that is not so, and what it does not say."""
    problems = []
    scraped, verifying = "--window" in arguments, "direct" in arguments
    right = {row.name for row in rows if row.effect == "harmless" or (row.verified and not verifying)} | set(HEALTHY)
    items = {str(item["name"]) for item in document["items"]}
    gaps = {str(gap["name"]): gap for gap in document["gaps"]}
    everything = {row.name for row in rows} | set(HEALTHY)
    if items & gaps.keys() or items | gaps.keys() != everything or not right <= items:
        problems.append(f"not right: {right - items}; twice: {items & gaps.keys()}; not at all: {everything - items}")
    if "proxy" in arguments:
        return problems  # what comes through the API server is in its words, and some of it comes mended
    if items != right:
        problems.append(f"believed: {items - right}")
    for row in rows:
        if row.name in gaps and not ("auto" in arguments and row.name.endswith("-in-head")):  # the API server mends it
            words, gap = row.by_kubelet(scraped=scraped), gaps[row.name]
            if words == table.ZERO and gap["kind"] == "Pod":
                words, word = "its kubelet does not report it", "no-metrics"
            else:
                word = reason(row, words)
            message = str(gap["message"]).encode("unicode_escape").decode()  # it is JSON, and for no terminal
            if words not in message or gap["reason"] != word:
                problems.append(f"{row.name} is called {gap['reason']}: {gap['message']}")
    return problems
