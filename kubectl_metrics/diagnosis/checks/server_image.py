"""metrics-server's image: its version, its registry, its architecture."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.facts.pipeline import Facts, minor_version, server_container
from kubectl_metrics.diagnosis.facts.serverpods import (
    State,
    container_of,
    extent,
    metrics_missing,
    owner,
    pods_in,
    short,
    target,
    texts,
    works,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Container, Pod

_MATRIX = "https://github.com/kubernetes-sigs/metrics-server#compatibility-matrix"
_REGISTRY = "https://kubernetes.io/blog/2023/03/10/image-registry-redirect/"
_FAQ = "https://github.com/kubernetes-sigs/metrics-server/blob/master/FAQ.md"
_FROZEN = re.compile(r"(\w+\.)?k8s\.gcr\.io/|(\w+\.)?gcr\.io/google[-_]containers/")
_ARCHITECTURE = re.compile(r"metrics-server-(amd64|arm64|arm|ppc64le|s390x)$")
_FORMAT = "exec format error"

# The oldest Kubernetes that a release supports, and the newest if there is one: metrics-server's README.
_OLDEST = {9: (1, 34), 8: (1, 31), 7: (1, 27), 6: (1, 25), 5: (1, 8), 4: (1, 8), 3: (1, 8)}
_NEWEST = {3: (1, 21)}
_RELEASES = "https://github.com/kubernetes-sigs/metrics-server/releases"


@check(
    "KM510",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="This metrics-server is not made for this version of Kubernetes",
    why="Each release supports a range of Kubernetes versions. 0.3 asks APIs that Kubernetes 1.22 has removed; a "
    "release that is newer than the cluster mostly works, but nobody tests it.",
    remedy=f"kubectl apply -f {_RELEASES}/download/v0.7.2/components.yaml  # the release that supports this cluster",
    link=_MATRIX,
    needs=("version",),
)
def version_skew(facts: Facts) -> Iterator[Fault]:
    """Where it works, whatever the table says, it is said for information."""
    ours, container = facts.image_version, container_of(facts)
    theirs = minor_version(facts.evidence.version.get().git_version)
    if ours is None or theirs is None or container is None or facts.flags is None or ours[0] != 0:
        return
    oldest, newest = _OLDEST.get(ours[1]), _NEWEST.get(ours[1])
    if oldest is None or (theirs >= oldest and (newest is None or theirs <= newest)):
        return
    too_old = newest is not None and theirs > newest
    if metrics_missing(facts) == [] or (works(facts) and not too_old):
        severity = Severity.INFO
    else:
        severity = Severity.ERROR if too_old else Severity.WARNING
    best = next((f"0.{minor}" for minor, least in sorted(_OLDEST.items(), reverse=True) if theirs >= least), "")
    yield Fault(
        title=f"metrics-server 0.{ours[1]} is too {'old' if too_old else 'new'} for Kubernetes {theirs[0]}.{theirs[1]}",
        evidence=[
            Proof(owner(facts), f"containers[{container.name}].image", short(container.image)),
            Proof("/version", "gitVersion", short(facts.evidence.version.get().git_version)),
            Proof(
                "metrics-server's README", "supported", f"{_text(oldest)} to {_text(newest) if newest else 'any newer'}"
            ),
        ],
        severity=severity,
        remedy=f"kubectl apply -f components.yaml  # of release {best}.x, which supports this cluster: {_RELEASES}",
    )


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


@check(
    "KM516",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server's image comes from a registry that is frozen",
    why="k8s.gcr.io gets no new images since April 2023 and may cease to answer; metrics-server 0.6.4 and later are "
    "only in registry.k8s.io. A node that does not have the image yet may not get it.",
    remedy="kubectl -n kube-system set image deployment/metrics-server "
    "metrics-server=registry.k8s.io/metrics-server/metrics-server:v0.6.4",
    link=_REGISTRY,
    needs=(),
)
def frozen_registry(facts: Facts) -> Iterator[Fault]:
    """An error where the image cannot be pulled from there, else a warning."""
    container = facts.container
    if container is None or not _FROZEN.match(container.image):
        return
    failing = pods_in(facts, State.IMAGE) if facts.evidence.service_pods.ok else []
    affected, severity = extent(facts, failing) if failing else ([], Severity.WARNING)
    image = _FROZEN.sub("registry.k8s.io/", container.image, count=1)
    yield Fault(
        evidence=[Proof(owner(facts), f"containers[{container.name}].image", short(container.image))],
        affected=affected,
        severity=severity,
        remedy=f"kubectl set image {target(facts)} {shlex.quote(f'{container.name}={image}')}",
    )


@check(
    "KM518",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server's image is for another architecture than its node",
    why="The node cannot execute the program: an image that was pushed or mirrored for one architecture only, or one "
    "of the old images with the architecture in the name, runs on a node of another one.",
    remedy="kubectl -n kube-system set image deployment/metrics-server "
    "metrics-server=registry.k8s.io/metrics-server/metrics-server:v0.7.2  # for all architectures",
    link=f"{_FAQ}#how-to-run-metric-server-on-different-architecture",
    needs=("service_pods",),
)
def other_architecture(facts: Facts) -> Iterator[Fault]:
    """The words of the runtime are in the log, and with some runtimes in the status."""
    seen: dict[str, tuple[list[Pod], list[Proof]]] = {}  # by container
    servers = set()
    for pod in pods_in(facts, State.CRASHING, State.START, State.CREATING):
        server = server_container(pod.spec.containers)
        for container in pod.spec.containers or ():
            if found := _misfit(facts, pod, container):
                pods, proofs = seen.setdefault(container.name, ([], []))
                pods.append(pod)
                proofs += found
                if container is server:
                    servers.add(container.name)
    for name, (pods, proofs) in seen.items():
        affected, severity = extent(facts, pods)
        ours = name in servers
        image = "registry.k8s.io/metrics-server/metrics-server:v0.7.2" if ours else "IMAGE"
        note = "or the release you use" if ours else "one for the architecture of its node"
        yield Fault(
            title="" if ours else f"The image of the container {name[:60]} is for another architecture than its node",
            evidence=proofs[:6],
            affected=affected,
            severity=severity,
            remedy=f"kubectl set image {target(facts)} {shlex.quote(f'{name}={image}')}  # {note}",
        )


def _misfit(facts: Facts, pod: Pod, container: Container) -> list[Proof]:
    """What shows that a node cannot execute a container's program; nothing if it can, or has not tried."""
    where = f"Pod {pod.namespaced_name}"
    status = next((one for one in pod.status.container_statuses or () if one.name == container.name), None)
    if status is not None and status.ready:
        return []
    words = next((one for one in texts(facts, pod, container.name) if _FORMAT in one.value), None)
    node = facts.nodes_by_name.get(pod.spec.node_name) if facts.evidence.nodes.ok else None
    architecture = node.status.node_info.architecture if node is not None else ""
    built_for = _built_for(container) if status is None or status.state.running is None else ""
    if words is None and not (architecture and built_for and architecture != built_for):
        return []
    proofs = [] if words is None else [Proof(where, words.field, short(words.value))]
    proofs.append(Proof(where, "status.containerStatuses[].image", short(status.image if status else "")))
    if node is not None:
        proofs.append(Proof(f"Node {pod.spec.node_name}", "status.nodeInfo.architecture", architecture))
    return proofs


def _built_for(container: Container) -> str:
    found = _ARCHITECTURE.search(container.image.partition("@")[0].rpartition("/")[2].partition(":")[0])
    return found.group(1) if found else ""
