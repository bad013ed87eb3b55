"""The API server itself, as it was reached from here."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.evidence import FAILED, NOT_ASKED, OUT_OF_TIME, Evidence, Read
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity

_SHOWN = 5
_HARDLY = 4  # times as many questions without an answer as with one
_SKEW = 60  # seconds that clocks may differ by: a minute is nothing to a certificate, and no NTP is that bad

# What does not come from the API server but from what is behind it: other checks judge that.
_BEHIND = frozenset({"discovery", "node_metrics", "pod_metrics", "readyz", "livez", "logs"})


@check(
    "KM101",
    Severity.ERROR,
    Category.API_SERVER,
    title="The API server could not answer all questions",
    why="Some reads ended with an error of the server, or without an answer: it is overloaded, restarts, or the "
    "connection broke. What they would have told is missing from this diagnosis.",
    remedy="kubectl get --raw '/readyz?verbose'  # what the API server says of itself; then run the diagnosis again",
    link="https://kubernetes.io/docs/reference/using-api/health-checks/",
    needs=(),
)
def reads_failed(facts: Facts) -> Iterator[Fault]:
    """A 503 for metrics.k8s.io itself is no trouble of the API server's. An error if it is more than was answered.

    What --timeout has cut off is nobody's fault, as long as something was seen.
    """
    failed = [read for read in _unanswered(facts.evidence) if read.failure != OUT_OF_TIME]
    late = [read for read in _unanswered(facts.evidence) if read.failure == OUT_OF_TIME]
    proofs = [_proof(read) for read in (failed or late)[:_SHOWN]]
    answered = sum(_is_answered(read) for _, read in _reads(facts.evidence))
    if not answered and proofs:
        yield Fault(evidence=proofs, title="The API server could not answer any question")
    elif answered < len(failed) or answered * _HARDLY < len(failed) + len(late):
        yield Fault(evidence=proofs, title="The API server could not answer most questions")
    elif failed:
        yield Fault(evidence=proofs, severity=Severity.WARNING)


def _unanswered(evidence: Evidence) -> Iterator[Read[object]]:
    """The reads that have failed; what is behind /apis/GROUP may be an error of whoever serves it."""
    for name, read in _reads(evidence):
        if name not in _BEHIND and read.state == FAILED:
            yield read


def _reads(evidence: Evidence) -> Iterator[tuple[str, Read[object]]]:
    """All reads, by name."""
    for name in evidence.__struct_fields__:
        read = getattr(evidence, name)
        if isinstance(read, Read):
            yield name, read


def _is_answered(read: Read[object]) -> bool:
    """Whether something was learned from it; an empty value without a status is what nobody had to ask for."""
    return read.state not in (FAILED, NOT_ASKED) and bool(read.status or read.value)


def _proof(read: Read[object]) -> Proof:
    outcome = f"HTTP {read.status}" if read.status else read.failure or "no answer"
    return Proof("API server", read.what or "a read", f"{outcome}: {read.message}" if read.message else outcome)


@check(
    "KM102",
    Severity.WARNING,
    Category.API_SERVER,
    title="This machine's clock and the API server's differ by more than a minute",
    why="One of the two is wrong, and it cannot be known from here which. With a wrong clock certificates and tokens "
    "seem expired or not yet valid, and ages and staleness are off.",
    remedy="timedatectl status  # here and on the control plane: 'System clock synchronized' should be yes",
    link="https://datatracker.ietf.org/doc/html/rfc9110#section-6.6.1",
    needs=(),
)
def clocks_differ(facts: Facts) -> Iterator[Fault]:
    """A Date header that went through a proxy may be that proxy's."""
    connected = facts.evidence.connected
    if facts.skew is None or not connected.direct:
        return
    seconds = facts.skew / 1000
    if abs(seconds) > _SKEW + max(connected.seconds, 0):
        direction = "ahead of" if seconds > 0 else "behind"
        yield Fault(
            evidence=[
                Proof("API server", "Date", connected.date),
                Proof("this machine", "clock", connected.asked),
                Proof("API server", "clock", f"{abs(seconds):.0f} s {direction} this machine's"),
            ]
        )
