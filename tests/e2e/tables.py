"""Reading and comparing the tables that kubectl top and we print."""

from __future__ import annotations

from tests.e2e.kit import Ran

CPU, MEMORY = "CPU(cores)", "MEMORY(bytes)"


def amounts(ran: Ran) -> dict[tuple[str, ...], tuple[int, int]]:
    """Millicores and Mi by the cells that name a row; rows of <unknown> and of sums are left out."""
    header, *rows = ran.table()
    cpu, memory = header.index(CPU), header.index(MEMORY)
    return {
        tuple(row[:cpu]): (int(row[cpu].removesuffix("m")), int(row[memory].removesuffix("Mi")))
        for row in rows
        if len(row) == len(header) and row[cpu] != "<unknown>"
    }


def names(ran: Ran) -> list[tuple[str, ...]]:
    """The cells that name each row, in order."""
    header, *rows = ran.table()
    return [tuple(row[: header.index(CPU)]) for row in rows]


def unlike(
    found: dict[tuple[str, ...], tuple[int, int]],
    expected: dict[tuple[str, ...], tuple[int, int]],
    *,
    millicores: int = 15,
    mebibytes: int = 1,
) -> list[str]:
    """What differs by more than 20 % or ``millicores`` in CPU, or by more than 5 % or ``mebibytes`` in memory."""
    differences = [f"{row} is on one side only" for row in found.keys() ^ expected.keys()]
    for row in found.keys() & expected.keys():
        cpu, memory = found[row]
        other_cpu, other_memory = expected[row]
        if abs(cpu - other_cpu) > max(millicores, 0.2 * other_cpu):
            differences.append(f"{row}: {cpu}m instead of {other_cpu}m")
        if abs(memory - other_memory) > max(mebibytes, 0.05 * other_memory):
            differences.append(f"{row}: {memory}Mi instead of {other_memory}Mi")
    return differences
