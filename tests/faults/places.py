"""Where a fault can be, what is run while it is there, and how each command has to end.

A place turns the effect of a fault into an ``Outcome`` for each of its commands: the status, the rows, the words on
stderr. That is the fallback policy of the README, once more, by somebody who has not read the code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tests.faults.table import ZERO, Row

METRICS, NODES_PATH = "/apis/metrics.k8s.io/v1beta1", "/api/v1/nodes"
NODES = {"node-a": 500, "node-b": 1000, "node-c": 250}
PODS = {"db-0": 20, "web-1": 35, "web-2": 40}
FAULTY = "node-b"

UNCOMPARED = "note: whether running pods are without metrics could not be seen: "
FALLBACK = "note: metrics.k8s.io is not available"
UNAVAILABLE = "error: Metrics API not available"
GAP_OF_NODE = f"warning: no usage of node {FAULTY}: "
GAP_OF_PODS = f"warning: no usage of 2 pods on {FAULTY} (shop/db-0, shop/web-2): "


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a command has to end."""

    status: int
    shown: dict[str, int | None] = {}  # rows in their order, millicores of each, None for <unknown>
    says: tuple[str, ...] = ()  # each of these is in what it says on stderr; where there are none, it says nothing
    lines: int = 1  # on stderr, at most
    body: bool = False  # whatever the server has sent is on stdout


Expect = Callable[[Row], Outcome]


class Command(msgspec.Struct, frozen=True):
    """Arguments, and how it has to end by the fault that is in force."""

    arguments: tuple[str, ...]
    expect: Expect


class Place(msgspec.Struct, frozen=True):
    """A target and a path for ``SimCluster.fault``, and the commands."""

    name: str
    target: str
    path: str
    commands: tuple[Command, ...]  # the first is the one for a row that is ``brief``
    more: tuple[Command, ...] = ()  # whatever else there is; for those who have minutes


def _fine(shown: dict[str, int], note: str = "") -> Outcome:
    return Outcome(status=0, shown=dict(shown), says=(note,) if note else ())


def _of(arguments: Sequence[str]) -> dict[str, int]:
    """The rows of a table with nothing missing."""
    return PODS if "pods" in arguments else NODES


# ---- metrics.k8s.io --------------------------------------------------------------------------------------------------


def _metrics(arguments: str, *, auto: bool) -> Command:
    given = tuple(arguments.split())
    raw = given[0] == "raw"

    def expect(row: Row) -> Outcome:
        if row.effect == "harmless":
            return _fine(_of(given))
        if row.effect in ("lost", "failing"):
            if auto:
                return _fine(_of(given), FALLBACK)
            if raw:
                return Outcome(status=1, says=(row.api,))
            return Outcome(status=3, says=(UNAVAILABLE, row.api), lines=2)
        if row.effect == "unreadable" and raw:
            return Outcome(status=0, body=True)
        return Outcome(status=1, says=(row.api,))

    return Command((*given, *(() if auto else ("--source", "api"))), expect)


METRICS_API = Place(
    "metrics",
    "api",
    METRICS,
    (
        _metrics("nodes", auto=True),
        _metrics("pods", auto=False),
    ),
    (
        _metrics(f"raw {METRICS}/nodes", auto=True),
        _metrics("nodes", auto=False),
        _metrics("pods", auto=True),
        _metrics(f"raw {METRICS}/nodes", auto=False),
        Command(("diagnose",), lambda row: Outcome(status=0 if row.effect == "harmless" else 5)),
    ),
)

# ---- nodes and pods --------------------------------------------------------------------------------------------------


def _objects(arguments: str, *, needed: bool = True) -> Command:
    """``needed``: without these objects there is no answer."""
    given = tuple(arguments.split())

    def expect(row: Row) -> Outcome:
        if row.effect == "harmless":
            return _fine(_of(given))
        if not needed:  # it is said, unless it is a right that is missing
            return _fine(_of(given), "" if row.name.startswith(("401", "403")) else UNCOMPARED)
        if row.effect == "unreadable" and given[:2] == ("raw", NODES_PATH):
            return Outcome(status=0, body=True)
        return Outcome(status=1, says=(row.api,))

    return Command(given, expect)


def _objects_diagnosis(row: Row) -> Outcome:
    """What cannot be read is not checked, and nobody's fault; a cluster that has no nodes is a finding."""
    none = row.name in ("other-kind", "success-that-is-none") or row.name.startswith("404")
    return Outcome(status=5 if none else 0)


OBJECTS = Place(
    "objects",
    "api",
    "/api/v1/n",  # nodes, and namespaces/NAME/pods
    (_objects("nodes"),),
    (
        _objects("pods --source api", needed=False),
        _objects("pods --source kubelet"),
        _objects(f"raw {NODES_PATH}"),
        _objects("nodes --source kubelet"),
        _objects(f"raw {METRICS}/nodes --source kubelet"),
        Command(("diagnose",), _objects_diagnosis),
    ),
)

# ---- the whole API server --------------------------------------------------------------------------------------------


def _server(arguments: str) -> Command:
    given = tuple(arguments.split())
    metrics = f"{METRICS}/nodes" in given or (given[0] != "raw" and "kubelet" not in given)

    def expect(row: Row) -> Outcome:
        if row.effect == "unreadable" and given[0] == "raw":
            return Outcome(status=0, body=True)
        if row.effect == "harmless":
            return _fine(_of(given))
        if row.effect == "failing" and metrics:
            return Outcome(status=3, says=(UNAVAILABLE, row.api), lines=2)
        if row.name.startswith("404") and given[-2:] == ("--source", "api"):  # no metrics API, as far as one can see
            return Outcome(status=3, says=(UNAVAILABLE, "is not served by this cluster"), lines=2)
        return Outcome(status=1, says=(row.api,))

    return Command(given, expect)


def _diagnosis(row: Row) -> Outcome:
    if row.effect == "lost" or row.name.startswith("401"):  # nothing was said that could be judged
        return Outcome(status=1)
    return Outcome(status=0 if row.effect == "harmless" else 5)


SERVER = Place(
    "server",
    "api",
    "/",
    (_server("nodes"),),
    (
        _server("pods --source kubelet"),
        Command(("diagnose",), _diagnosis),
        _server(f"raw {NODES_PATH}"),
        _server("nodes --source kubelet"),
        _server("nodes --source api"),
        _server("pods"),
        _server("pods --source api"),
        _server(f"raw {METRICS}/nodes"),
    ),
)


# ---- one kubelet, and all of them ------------------------------------------------------------------------------------


# Of which the simulated API server's node proxy makes right answers.
_MENDED = frozenset({"length-garbage", "length-negative", "two-lengths"})


def _kubelet(arguments: str) -> Command:
    given = tuple(arguments.split())
    pods, raw, scraped = "pods" in given, given[0] == "raw", "--window" in given
    proxied, auto = "proxy" in given, "auto" in given

    def expect(row: Row) -> Outcome:
        if row.effect == "harmless" or (proxied and (row.verified or row.name in _MENDED)):
            return _fine(_of(given))
        if row.verified and auto:
            return _fine(_of(given), "kubelets were asked through the API server (nodes/proxy)")
        # What comes through the API server is in its words: whose they are is all that matters here.
        mended = auto and row.name.endswith("-in-head")
        words = "" if proxied or mended else row.by_kubelet(scraped=scraped)
        if pods:
            if words == ZERO:  # of which the kubelet said nothing, in an answer that says nothing at all
                words = "its kubelet does not report it"
            return Outcome(status=0, shown={"web-1": 35}, says=(GAP_OF_PODS, words))
        shown: dict[str, int | None] = {"node-a": 500, "node-c": 250}
        return Outcome(status=0, shown=shown if raw else {**shown, FAULTY: None}, says=(GAP_OF_NODE, words))

    return Command((*given, "--source", "kubelet"), expect)


def _one(row: Row) -> Outcome:
    if row.effect in ("harmless", "unreadable"):
        return Outcome(status=0, body=True)
    if row.effect == "lost":
        return Outcome(status=1, says=(f"error: the kubelet of node {FAULTY} cannot be reached: ", row.by_kubelet()))
    return Outcome(status=1, says=(row.by_kubelet(),))


KUBELET = Place(
    "kubelet",
    FAULTY,
    "/",
    (_kubelet("nodes --kubelet-access direct"),),
    (
        Command(("raw", "--node", FAULTY, "/stats/summary", "--kubelet-access", "direct"), _one),
        _kubelet("nodes --kubelet-access direct --window 50ms"),
        _kubelet("nodes --kubelet-access proxy"),
        _kubelet("nodes --kubelet-access auto"),
        _kubelet("pods --kubelet-access direct"),
        _kubelet("pods --kubelet-access direct --window 50ms"),
        _kubelet("pods --kubelet-access proxy"),
        _kubelet("pods --kubelet-access auto"),
        _kubelet(f"raw {METRICS}/nodes --kubelet-access direct"),
        Command(("diagnose",), lambda _: Outcome(status=0)),  # metrics-server has them all
    ),
)


def _kubelets(arguments: str) -> Command:
    given = tuple(arguments.split())

    def expect(row: Row) -> Outcome:
        if row.effect == "harmless":
            return _fine(_of(given))
        words = row.by_kubelet(scraped="--window" in given)
        return Outcome(status=3, says=("error: no usage from the kubelets: node node-", words))

    return Command((*given, "--source", "kubelet"), expect)


KUBELETS = Place(
    "kubelets",
    "kubelets",
    "/",
    (_kubelets("nodes --kubelet-access direct"),),
    (
        _kubelets("nodes --kubelet-access direct --window 50ms"),
        _kubelets("pods --kubelet-access direct"),
        _kubelets(f"raw {METRICS}/nodes --kubelet-access direct"),
        Command(("diagnose",), lambda _: Outcome(status=0)),  # metrics-server has them all
    ),
)
