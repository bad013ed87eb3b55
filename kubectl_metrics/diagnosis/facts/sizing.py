"""How much metrics-server asks for, and how much it should, by the number of nodes.

Two rules
- That of metrics-server's README: 100m and 200Mi are enough for 100 nodes, and each further node takes 1m and 2Mi more.
- That of addon-resizer (pod_nanny), a container that sets another one's requests and limits:
  base + extra * nodes. "linear" takes the nodes as they are; "exponential" the next of the sizes
  minClusterSize * 1.5^k, each rounded down, so that they change rarely. What deviates by no more than ``threshold``
  percent is left alone.

CPU is in nanocores and memory in bytes everywhere; None means that there is no value: nothing requested, not managed.

Facts: kubernetes/autoscaler addon-resizer/nanny (1.8): estimator.go, nanny_lib.go, main/pod_nanny.go. minClusterSize
counts for the exponential estimator only. An expected value of 0 is never met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from kubectl_metrics.wire.quantity import NANO, Bytes, Nanocores, format_bytes, format_nanocores, nanocores, to_bytes

MILLICORE = NANO // 1000  # nanocores
MEBIBYTE = 1 << 20  # bytes

README_NODES = 100  # nodes that metrics-server's own requests are made for
README_CPU = Nanocores(100 * MILLICORE)
README_MEMORY = Bytes(200 * MEBIBYTE)
README_CPU_PER_NODE = Nanocores(MILLICORE)
README_MEMORY_PER_NODE = Bytes(2 * MEBIBYTE)

SCALE_FACTOR = 1.5  # of the exponential estimator
_EPSILON = 0.01  # added before it rounds down
_LARGEST = 10_000_000  # nodes; nobody has more, and an estimate must end


class Size(msgspec.Struct, frozen=True):
    """CPU in nanocores, memory in bytes."""

    cpu: int | None = None
    memory: int | None = None

    def __str__(self) -> str:
        parts = []
        if self.cpu is not None:
            parts.append(f"cpu={format_nanocores(self.cpu)}")
        if self.memory is not None:
            parts.append(f"memory={format_bytes(self.memory)}")
        return ",".join(parts)


def read_size(resources: Mapping[str, str | int | float] | None) -> Size:
    """The cpu and memory of requests or limits. What is no quantity counts as not there."""
    found = resources or {}
    return Size(cpu=_quantity(found.get("cpu"), nanocores), memory=_quantity(found.get("memory"), to_bytes))


def recommended(nodes: int) -> Size:
    """What metrics-server should request for a cluster of this size, by its README."""
    more = max(0, nodes - README_NODES)
    return Size(
        cpu=README_CPU + more * README_CPU_PER_NODE,
        memory=README_MEMORY + more * README_MEMORY_PER_NODE,
    )


class Nanny(msgspec.Struct, frozen=True, kw_only=True):
    """addon-resizer's rule."""

    cpu: int | None = None  # base, nanocores; None: it does not manage cpu
    cpu_per_node: int = 0
    memory: int | None = None  # base, bytes
    memory_per_node: int = 0
    threshold: int = 0  # percent
    estimator: str = "linear"
    min_cluster_size: int = 16
    deployment: str = ""
    container: str = "pod-nanny"

    def counted(self, nodes: int) -> int:
        """The number of nodes that it reckons with."""
        if self.estimator != "exponential":
            return nodes
        size = self.min_cluster_size
        while size < min(nodes, _LARGEST):
            size = int(size * SCALE_FACTOR + _EPSILON)
        return size

    def expected(self, nodes: int) -> Size:
        """The requests that it sets in a cluster of so many nodes."""
        counted = self.counted(nodes)
        return Size(
            cpu=None if self.cpu is None else self.cpu + counted * self.cpu_per_node,
            memory=None if self.memory is None else self.memory + counted * self.memory_per_node,
        )

    def too_small(self, actual: int | None, expected: int | None) -> bool:
        """Whether it would raise a value: the quotient, cut to two digits, is below 1 - threshold."""
        if expected is None:
            return False
        if actual is None:
            return True
        return expected > 0 and actual * 100 // expected < 100 - self.threshold

    def too_large(self, actual: int | None, expected: int | None) -> bool:
        """Whether it would lower a value."""
        if expected is None or actual is None:
            return False
        return expected > 0 and actual * 100 // expected > 100 + self.threshold


def read_nanny(flags: Mapping[str, str]) -> tuple[Nanny, list[str]]:
    """The rule that pod_nanny's flags state, and what pod_nanny does not accept in them.

    An argument that is wrong counts as not given.
    """
    wrong: list[str] = []

    def whole(name: str, default: int, least: int, most: int) -> int:
        text = flags.get(name, str(default))
        if len(text) < 20 and text.isascii() and text.isdecimal() and least <= int(text) <= most:
            return int(text)
        wrong.append(f"--{name}={text[:40]}: it takes a whole number from {least} to {most}")
        return default

    def amount(name: str, memory: bool) -> int | None:
        text = flags.get(name, "")
        if text in ("", "MISSING"):
            return None
        found = _quantity(text, to_bytes if memory else nanocores)
        if found is None:
            wrong.append(f"--{name}={text[:40]}: that is no quantity")
        return found

    estimator = flags.get("estimator", "linear")
    if estimator not in ("linear", "exponential"):
        wrong.append(f"--estimator={estimator[:40]}: there are linear and exponential")
        estimator = "linear"
    if not flags.get("deployment"):
        wrong.append("--deployment is missing")
    nanny = Nanny(
        cpu=amount("cpu", memory=False),
        cpu_per_node=amount("extra-cpu", memory=False) or 0,
        memory=amount("memory", memory=True),
        memory_per_node=amount("extra-memory", memory=True) or 0,
        threshold=whole("threshold", 0, 0, 100),
        estimator=estimator,
        min_cluster_size=whole("minClusterSize", 16, 2, _LARGEST),
        deployment=flags.get("deployment", ""),
        container=flags.get("container", "pod-nanny"),
    )
    return nanny, wrong


def _quantity(value: str | int | float | None, read: Callable[[str], int]) -> int | None:
    if value is None:
        return None
    try:
        return read(str(value))
    except ValueError:
        return None
