"""What a command may cost, of what is the same on every machine: pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

MEMORY = 1.25  # so much more than was recorded is still allowed: versions of Python differ
BYTES = 1.02  # TLS records are cut differently from run to run


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a command has cost, or what it did when its budget was recorded.

    ``modules`` are the project's own by their full names, and other people's packages, Python's library left out; None
    where nobody looked, because the same command has been looked at elsewhere.
    ``requests`` are counted by what was asked, ``bytes`` are those that the servers sent. ``memory`` is in MiB.
    """

    modules: list[str] | None
    requests: dict[str, int]
    connections: int
    bytes: int
    memory: int


def exceeded(budget: Cost, cost: Cost) -> Iterator[str]:
    """A line for each thing of which there was more than the budget allows."""
    for module in sorted(set(cost.modules or ()) - set(budget.modules or ())):
        yield f"imports {module}"
    for request, count in sorted(cost.requests.items()):
        if count > budget.requests.get(request, 0):
            yield f"asks {request} {count} times, not {budget.requests.get(request, 0)}"
    if cost.connections > budget.connections:
        yield f"opens {cost.connections} connections, not {budget.connections}"
    if cost.bytes > budget.bytes * BYTES:
        yield f"receives {cost.bytes:,} bytes, not {budget.bytes:,}"
    if cost.memory > budget.memory * MEMORY:
        yield f"needs {cost.memory} MiB, not {budget.memory}"


def saved(budget: Cost, cost: Cost) -> bool:
    """Whether a command costs less than its budget, which could then be recorded anew.

    Requests and connections are not looked at: of those that are made at once, not all are made in every run.
    """
    return (
        not set(budget.modules or ()) <= set(cost.modules or ())
        or cost.bytes * BYTES < budget.bytes
        or cost.memory * MEMORY < budget.memory
    )
