"""A cluster to look at: a small shop, with names and numbers as one meets them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.simcluster.objects import MI, MILLICORE, Container, Node, Pod, Serving, wave

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes makes random names of


class Workload(NamedTuple):
    """Something with replicas: millicores and mebibytes of each container of one replica."""

    namespace: str
    name: str
    kind: str
    containers: dict[str, tuple[int, int]]


_WORKLOADS = (
    Workload("shop", "frontend", "Deployment", {"nginx": (38, 42), "sidecar": (6, 18)}),
    Workload("shop", "cart", "Deployment", {"server": (85, 190)}),
    Workload("shop", "checkout", "Deployment", {"server": (130, 310)}),
    Workload("shop", "postgres", "StatefulSet", {"postgres": (210, 940), "exporter": (4, 21)}),
    Workload("kube-system", "coredns", "Deployment", {"coredns": (4, 24)}),
    Workload("kube-system", "kube-proxy", "DaemonSet", {"kube-proxy": (2, 31)}),
    Workload("monitoring", "grafana", "Deployment", {"grafana": (17, 128)}),
)


def nodes(count: int, serving: Serving = "cluster-ca") -> list[Node]:
    """Workers of 4 cores and 16 GiB, a little of which is reserved."""
    dice = random.Random(1)
    capacity = {"cpu": "4", "memory": "16384000Ki", "pods": "110"}
    allocatable = {**capacity, "cpu": "3920m", "memory": "15359848Ki"}
    return [
        Node(
            f"worker-{number}",
            cpu=wave(dice.randint(380, 1900) * MILLICORE, 90 * MILLICORE, 120),
            memory=dice.randint(2200, 9800) * MI,
            capacity=capacity,
            allocatable=allocatable,
            labels={"topology.kubernetes.io/zone": f"zone-{'abc'[number % 3]}"},
            serving=serving,
            age=dice.randint(5, 90) * 86400,
        )
        for number in range(1, count + 1)
    ]


def pods(homes: Sequence[Node], per_node: int, *, steady: bool = False) -> list[Pod]:
    """``per_node`` pods on each node, the workloads in turn; ``steady``: what each of them uses does not change."""
    dice = random.Random(2)
    hashes = {workload.name: _letters(dice, 10) for workload in _WORKLOADS}
    places = (node.name for node in homes for _ in range(per_node))
    counts: dict[str, Iterator[int]] = {workload.name: itertools.count() for workload in _WORKLOADS}
    made = []
    for workload, place in zip(itertools.cycle(_WORKLOADS), places):
        suffix = f"{hashes[workload.name]}-{_letters(dice, 5)}"
        if workload.kind == "StatefulSet":
            suffix = str(next(counts[workload.name]))
        elif workload.kind == "DaemonSet":
            suffix = _letters(dice, 5)
        containers = [_container(dice, name, *usual, steady=steady) for name, usual in workload.containers.items()]
        age = dice.randint(1, 400) * 3600
        labels = {"app": workload.name}
        made.append(Pod(f"{workload.name}-{suffix}", workload.namespace, place, containers, labels, age=age))
    return made


def _container(dice: random.Random, name: str, millicores: int, mebibytes: int, *, steady: bool) -> Container:
    mean = round(millicores * dice.uniform(0.7, 1.4) * MILLICORE)
    memory = round(mebibytes * dice.uniform(0.8, 1.3) * 256) * 4096
    swinging = wave(mean, mean // 5, dice.uniform(40, 90))
    return Container(name, cpu=mean if steady else swinging, memory=memory)


def _letters(dice: random.Random, count: int) -> str:
    return "".join(dice.choices(_ALPHABET, k=count))
