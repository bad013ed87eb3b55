"""The things in a simulated cluster: nodes, pods and containers, and how much they use.

A container's CPU is given as its *counter*: core-nanoseconds used since it started. Every rate that any server reports
is the difference of that counter over a window, so the kubelets' two ways and metrics.k8s.io agree. For a plain number
(a constant in nanocores) and windows of whole seconds they agree to the nanocore.
"""

from __future__ import annotations

import bisect
import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tests.simcluster.clock import SECOND

KI, MI, GI = 1024, 1024**2, 1024**3
MILLICORE = 1_000_000
"""One millicore in nanocores."""

Load = Callable[[int], int]
"""Nanoseconds since the start -> core-nanoseconds used since then; never falls."""

Cpu: TypeAlias = "int | Load"
"""A constant in nanocores, or a load."""

Edit = Callable[[dict[str, Any]], object]
"""Has its hands on an object before it is shown; what it returns does not matter."""

Phase = Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
Serving = Literal["cluster-ca", "self-signed", "wrong-name", "dns-only", "expired", "other-ca"]
"""Who signed a kubelet's certificate, and for whom (see ``pki``)."""


def cpu_used(cpu: Cpu, elapsed: int) -> int:
    """The counter (core-nanoseconds) after ``elapsed`` nanoseconds."""
    if elapsed <= 0:
        return 0
    return cpu * elapsed // SECOND if isinstance(cpu, int) else cpu(elapsed)


def steps(*levels: tuple[float, int]) -> Load:
    """A load of constant pieces: ``steps((0, 100), (60, 500))`` is 100 nanocores, and 500 from the 60th second on."""
    begins = [round(second * SECOND) for second, _ in levels]
    heights = [nanocores for _, nanocores in levels]
    areas = [0]  # nanocores * nanoseconds before each piece
    for index in range(1, len(levels)):
        areas.append(areas[-1] + heights[index - 1] * (begins[index] - begins[index - 1]))

    def load(elapsed: int) -> int:
        index = bisect.bisect_right(begins, elapsed) - 1
        if index < 0:
            return 0
        return (areas[index] + heights[index] * (elapsed - begins[index])) // SECOND

    return load


def wave(mean: int, swing: int, period: float) -> Load:
    """A load that swings around a mean (nanocores) once every ``period`` seconds."""

    def load(elapsed: int) -> int:
        seconds = elapsed / SECOND
        turn = 2 * math.pi / period
        return round(mean * seconds + swing / turn * (1 - math.cos(turn * seconds)))

    return load


@dataclass
class Container:
    """One container. ``age`` is seconds at the moment the pod is added to a cluster; None: as old as the pod."""

    name: str = "app"
    cpu: Cpu = 10 * MILLICORE
    memory: int = 32 * MI
    """Working set in bytes."""
    swap: int | None = None
    """Bytes; None: metrics.k8s.io says nothing about swap, kubelets say 0."""
    age: float | None = None
    waiting: str = ""
    """Why it does not run (``CrashLoopBackOff``); kubelets report nothing about such a container."""
    restarts: int = 0
    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    """Empty: one of its own name."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    """More of its spec: args, ports, probes, ..."""
    ready: bool | None = None
    """What its readiness probe says; None: ready when it runs."""
    waiting_message: str = ""
    last: Mapping[str, Any] = field(default_factory=dict)
    """``lastState.terminated``: ``{"reason": "OOMKilled", "exitCode": 137}``."""
    started: int = 0
    """Nanoseconds since 1970, set when the pod is added."""

    def restart(self, now: int) -> None:
        """Start again at ``now``: the counter begins at zero."""
        self.started, self.restarts = now, self.restarts + 1

    def used(self, now: int) -> int:
        """Core-nanoseconds since the start."""
        return cpu_used(self.cpu, now - self.started)


@dataclass
class Pod:
    """One pod. ``node`` None: not scheduled."""

    name: str
    namespace: str = "default"
    node: str | None = None
    containers: list[Container] = field(default_factory=lambda: [Container()])
    labels: Mapping[str, str] = field(default_factory=dict)
    phase: Phase = "Running"
    age: float = 3600
    """Seconds at the moment the pod is added to a cluster."""
    host_ip: str | None = None
    """None: the first internal IP of its node."""
    pod_ip: str = ""
    """Empty: one of its own, given when the pod is added."""
    owner: tuple[str, str] | None = None
    """(kind, name) of its controller: ``("ReplicaSet", "web-5888495b8d")``."""
    service_account: str = "default"
    reason: str = ""
    """``status.reason``: ``Evicted``; of a pod without a node, why there is none: the message of the scheduler."""
    edit: Edit | None = field(default=None, repr=False)
    """Changes the v1 Pod before it is shown (all but name, namespace, labels, phase and node, which are known here)."""
    created: int = 0
    """Nanoseconds since 1970, set when the pod is added."""

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def uid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"pod/{self.key}/{self.created}"))

    @property
    def running(self) -> list[Container]:
        """The containers that a kubelet has numbers for."""
        return [c for c in self.containers if not c.waiting] if self.phase == "Running" else []

    def added(self, now: int, address: str = "") -> None:
        """Turn ages into moments, and take an address."""
        self.created = self.created or now - round(self.age * SECOND)
        self.pod_ip = self.pod_ip or address
        for container in self.containers:
            age = self.age if container.age is None else container.age
            container.started = container.started or now - round(age * SECOND)


@dataclass
class Node:
    """One node and its kubelet. ``cpu`` and ``memory`` are the whole node's, whatever its pods use."""

    name: str
    cpu: Cpu = 250 * MILLICORE
    memory: int = 2 * GI
    swap: int | None = None
    swap_capacity: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    allocatable: Mapping[str, str] = field(default_factory=lambda: {"cpu": "4", "memory": "16Gi", "pods": "110"})
    capacity: Mapping[str, str] = field(default_factory=lambda: {"cpu": "4", "memory": "16Gi", "pods": "110"})
    ready: bool | None = True
    """None: Unknown, as a node that no longer reports."""
    unschedulable: bool = False
    age: float = 86400
    """Seconds at the moment the node is added to a cluster."""
    listen: str = ""
    """The address its kubelet listens on, ``::1`` included; empty: an address of its own in 127.0.0.0/8."""
    addresses: list[tuple[str, str]] = field(default_factory=list)
    """(type, address) as in the node's status; empty: InternalIP is ``listen``, Hostname is the name."""
    port: int | None = None
    """What ``daemonEndpoints`` says; None: the port on which it listens, 0: nothing."""
    serving: Serving = "cluster-ca"
    read_only_port: bool = False
    """Whether the kubelet also answers plain HTTP, to anyone, on ``SimCluster.read_only_port``."""
    summary: bool = True
    """Whether it has /stats/summary."""
    scrape_error: bool = False
    """What ``resource_scrape_error`` says."""
    os: str = "linux"
    arch: str = "amd64"
    kubelet_version: str = "v1.34.4"
    pod_cidr: str = ""
    """Empty: one of its own, given when the node is added."""
    edit: Edit | None = field(default=None, repr=False)
    """Changes the v1 Node before it is shown (all but name and labels, which are known here)."""
    started: int = 0
    """Nanoseconds since 1970, set when the node is added."""

    @property
    def uid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"node/{self.name}"))

    @property
    def all_labels(self) -> dict[str, str]:
        """Its own labels and those that every kubelet sets."""
        return {
            "kubernetes.io/arch": self.arch,
            "kubernetes.io/hostname": self.name,
            "kubernetes.io/os": self.os,
            **self.labels,
        }

    @property
    def internal_ip(self) -> str:
        return next((address for kind, address in self.addresses if kind == "InternalIP"), "")

    def added(self, now: int, listen: str, pod_cidr: str = "") -> None:
        """Turn ages into moments, and fill in what depends on the address."""
        self.started = self.started or now - round(self.age * SECOND)
        self.listen = self.listen or listen
        self.pod_cidr = self.pod_cidr or pod_cidr
        self.addresses = self.addresses or [("InternalIP", self.listen), ("Hostname", self.name)]

    def used(self, now: int) -> int:
        """Core-nanoseconds since the node started."""
        return cpu_used(self.cpu, now - self.started)
