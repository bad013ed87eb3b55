"""Every fault at every place, with every command: a right answer or a named error, in time, and never a secret.

Here is one command for each place, and two where what is done without metrics.k8s.io is decided;
``tests/e2e/test_every_fault.py`` has the others.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence

import pytest

from tests.faults import table
from tests.faults.conftest import Farm
from tests.faults.places import KUBELET, KUBELETS, METRICS_API, OBJECTS, SERVER, Command, Outcome, Place
from tests.faults.runs import Launcher, Run
from tests.faults.table import ELSEWHERE, STRANGER, Row

# The first of them waits until the tool is ready to be run; each run has CEILING.
pytestmark = pytest.mark.timeout(300)

PATIENT, IMPATIENT = "20s", "3s"  # for all that answers at once, however slow the machine; for what never answers
SLACK = 9  # seconds for a machine that has much else to do
LIMITS = 3  # no fault passes more than three of them, one by one
TOTAL = "6s"  # of --timeout, beside limits that are PATIENT; half of it has to do for the kubelets
OVER = 6 + SLACK  # seconds
MEMORY = 300 << 10  # KiB: the tool itself, and three times what a kubelet may say

EVERYWHERE = [*table.HANDSHAKE, *table.ANY]
CASES: list[tuple[Place, list[Row]]] = [
    (METRICS_API, table.ANY),
    (OBJECTS, table.ANY),
    (SERVER, EVERYWHERE),
    (KUBELET, [*EVERYWHERE, *table.LARGE]),
    (KUBELETS, EVERYWHERE),
]


def batches() -> Iterable[object]:
    """Faults one by one; those that take a time limit to be over all at once, each in a cluster of its own."""
    for place, rows in CASES:
        slow = [row for row in rows if row.slow]
        yield pytest.param(place, slow, id=f"{place.name}-slow")
        for row in rows:
            if not row.slow:
                yield pytest.param(place, [row], id=f"{place.name}-{row.name}")


@pytest.mark.parametrize(("place", "rows"), list(batches()))
def test_every_command(farm: Farm, launch: Launcher, place: Place, rows: Sequence[Row]) -> None:
    check(farm, launch, place, rows, lambda row: place.commands[:1] if row.brief else place.commands)


@pytest.mark.parametrize("place", [METRICS_API, SERVER, KUBELET], ids=lambda place: place.name)
def test_a_limit_for_all_of_it(farm: Farm, launch: Launcher, place: Place) -> None:
    """With --timeout, which is shorter than what one request may take: else all ends as without it."""
    rows = [row for row in dict(CASES)[place] if row.slow and not row.brief]
    # But where metrics may have all of the time, none is left to see whether the server answers anything else.
    patient = [command for command in METRICS_API.commands if command.arguments[-2:] == ("--source", "api")]
    check(farm, launch, place, rows, lambda _: [one for one in place.commands if one not in patient], total=TOTAL)


def check(
    farm: Farm,
    launch: Launcher,
    place: Place,
    rows: Sequence[Row],
    commands: Callable[[Row], Sequence[Command]],
    *,
    total: str = "",
    patience: int = int(IMPATIENT[:-1]),
) -> None:
    """Not one test for each command: they run side by side, which is most of what makes this fast.

    ``patience`` is the limit, in seconds, of each request where the fault makes it wait; the servers beside the broken
    one have to answer within it, whatever else the machine does.
    """
    wanted: list[tuple[Row, Command]] = []
    lines: list[list[str]] = []
    with contextlib.ExitStack() as stack:
        for index, row in enumerate(rows):
            stack.enter_context(farm[index].fault(place.target, row.make(farm[index]), place.path))
            for command in commands(row):
                wanted.append((row, command))
                config = farm.config(index, credential(place, row, command))
                limit = f"{patience}s" if row.slow and not total else PATIENT
                lines.append([*command.arguments, "--kubeconfig", config, "-v", "--request-timeout", limit])
                lines[-1] += ["--kubelet-request-timeout", limit, *(("--timeout", total) if total else ())]
        runs = launch(*lines)
    found = [
        f"{row.name}: {' '.join(command.arguments)}: {problem}\n    status {run.status}, said {run.said}"
        for (row, command), run in zip(wanted, runs, strict=True)
        for problem in [
            *wrong(run, command.expect(row)),
            *late(run, row, OVER if total else LIMITS * patience + SLACK),
            *unsafe(run, farm.secrets),
        ]
    ]
    for index in range(len(rows)):
        if farm[index].asked(STRANGER, ELSEWHERE):
            found.append("a redirect was followed")
    assert not found, "\n".join(found)


def credential(place: Place, row: Row, command: Command) -> str:
    """Each kind where it can be: no server here knows passwords, so only where nobody looks at them.

    What is announced as too large has to be an answer: of an error no more is read than is needed.
    """
    if place is SERVER and row.effect in ("lost", "failing", "refused") and row.name != "announced-1g":
        return "password"
    return "certificate" if "pods" in command.arguments else "token"


def wrong(run: Run, outcome: Outcome) -> list[str]:
    """What is not as it has to be; in words."""
    problems = []
    if run.status != outcome.status:
        problems.append(f"the status should be {outcome.status}")
    said = "\n".join(run.said)
    problems += [f"does not say {words!r}" for words in outcome.says if words not in said]
    diagnosis = run.arguments[0] == "diagnose"
    if (outcome.says or not diagnosis) and len(run.said) > (outcome.lines if outcome.says else 0):
        problems.append("says too much")
    if diagnosis:
        if outcome.status in (0, 5) and len(run.out.splitlines()) < 3:
            problems.append("no diagnosis")
    elif not outcome.body and list(_shown(run).items()) != list(outcome.shown.items()):
        problems.append(f"shows {_shown(run)} instead of {outcome.shown}")
    return problems


def late(run: Run, row: Row, seconds: float) -> list[str]:
    """Whether it outlived its limits, where the fault makes it wait for them; for all other faults there is CEILING."""
    return [f"it took {run.seconds:.1f} s"] if row.slow and run.seconds > seconds else []


def _shown(run: Run) -> dict[str, int | None]:
    """Names and millicores, of a table or of a list by ``raw``; what is within a millicore of it counts as right.

    A rate over a short time is the difference of two large floating-point numbers.
    """
    if "raw" in run.arguments:
        document = json.loads(run.out or "{}")
        rows = [[item["metadata"]["name"], ""] for item in document.get("items", [])]
        return {name: _EXACT.get(name) for name, _ in rows}
    cells: dict[str, int | None] = {}
    for name, cpu, *_ in run.rows:
        exact = _EXACT.get(name)
        measured = int(cpu.removesuffix("m")) if cpu != "<unknown>" else None
        near = exact is not None and measured is not None and exact <= measured <= exact + 1
        cells[name] = exact if near else measured
    return cells


_EXACT = {"node-a": 500, "node-b": 1000, "node-c": 250, "db-0": 20, "web-1": 35, "web-2": 40}


def unsafe(run: Run, secrets: Iterable[str]) -> list[str]:
    """What no run may do, whatever happens to it."""
    problems = []
    if run.status < 0 or "Traceback" in run.text:
        problems.append("it crashed, or hung until it was killed:\n" + run.text[-2000:])
    if any(secret in run.text for secret in secrets):
        problems.append("it has told a secret")
    out = [] if "raw" in run.arguments else run.out.split("\n")
    if not all(line.isprintable() for line in (*run.said, *run.requests, *out)):
        problems.append("what it says is not printable")
    if run.peak > MEMORY:
        problems.append(f"it needed {run.peak} KiB of memory")
    return problems
