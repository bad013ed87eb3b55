"""The state of metrics-server's pods, told apart as far as the API tells: what each check about them starts from.

Facts
- The kubelet puts a reason into ``waiting`` while a container cannot start, and keeps how the last run ended in
  ``lastState``. Between two runs of a crash loop a container may be seen running for a moment.
- Why a process ended is in its log; the status has it only with terminationMessagePolicy FallbackToLogsOnError, or
  where the runtime could not start it at all.
- A pod on a node that does not report any more keeps its last status, and its condition Ready is made false.
"""

from __future__ import annotations

import enum
import shlex
from collections.abc import Iterator, Sequence

from kubectl_metrics.diagnosis.evidence import Unknown
from kubectl_metrics.diagnosis.facts.expected import is_expected
from kubectl_metrics.diagnosis.facts.logs import RECENT, is_old
from kubectl_metrics.diagnosis.facts.pipeline import Facts, is_metrics_server, server_container
from kubectl_metrics.diagnosis.findings import Proof, Severity
from kubectl_metrics.diagnosis.objects import (
    Condition,
    Container,
    ContainerStatus,
    Deployment,
    Pod,
    Terminated,
    condition,
)

IMAGE_REASONS = frozenset(
    [
        *("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"),
        *("RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed"),
    ]
)
START_REASONS = frozenset(
    [
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreStartHookError",
        "PostStartHookError",
    ]
)
# How long what is new may take: nobody calls a pod stuck before.
_PATIENCE = 120.0
_RECENT = 600.0  # seconds since a container ended that count as "now"
_SETTLED = 60.0  # seconds after which a container that runs is not in the middle of a crash loop
_LONGEST = 280


class State(enum.Enum):
    """What keeps a pod from serving."""

    READY = "ready"
    GONE = "gone"  # Failed or Succeeded: another one takes its place
    UNSCHEDULED = "unscheduled"
    IMAGE = "image"  # cannot be pulled
    START = "start"  # its containers cannot be made or started
    CREATING = "creating"  # for too long
    CRASHING = "crashing"
    LOST = "lost"  # its node is not ready
    UNREADY = "unready"  # runs, and its readiness probe fails
    YOUNG = "young"  # not ready yet, and not old enough to worry


def short(text: str) -> str:
    """Other people's text on one line, of a length for evidence."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def state(facts: Facts, pod: Pod) -> State:
    """What keeps a pod from serving."""
    status = pod.status
    if status.phase in ("Failed", "Succeeded"):
        return State.GONE
    if pod.is_ready:
        return State.READY
    age = facts.age(pod.metadata.creation_timestamp)
    old = age is None or age > _PATIENCE
    if not pod.spec.node_name:
        refused = condition(status.conditions, "PodScheduled")
        return State.UNSCHEDULED if old or (refused is not None and refused.status == "False") else State.YOUNG
    if on_lost_node(facts, pod):
        return State.LOST
    reasons = {one.state.waiting.reason for one in status.container_statuses or () if one.state.waiting is not None}
    if reasons & IMAGE_REASONS:
        return State.IMAGE
    if reasons & START_REASONS:
        return State.START
    container = server_status(pod)
    if "CrashLoopBackOff" in reasons or (container is not None and _is_crashing(facts, container)):
        return State.CRASHING
    running = container.state.running if container is not None else None
    if running is None:
        return State.CREATING if old else State.YOUNG
    since = facts.age(running.started_at)
    return State.YOUNG if since is not None and since < patience(facts) else State.UNREADY


def patience(facts: Facts) -> float:
    """Seconds that metrics-server may take until it is ready: two scrapes, and the probe's delay."""
    resolution = facts.flags.resolution if _is_ours(facts) and facts.flags is not None else None
    return 30.0 + 2 * min(resolution or 60.0, 300.0)


def pods_in(facts: Facts, *states: State) -> list[Pod]:
    """metrics-server's pods that are in one of these states, newest first."""
    return [pod for pod in facts.pods if state(facts, pod) in states]


def serving(facts: Facts) -> bool:
    """Whether any of the pods is ready."""
    return any(pod.is_ready for pod in facts.pods)


def extent(facts: Facts, pods: Sequence[Pod]) -> tuple[list[str], Severity | None]:
    """Whom it concerns that pods do not serve: everybody, or those pods alone where another one does, for now."""
    if serving(facts):
        return [pod.namespaced_name for pod in pods], Severity.WARNING
    return [], None


def on_lost_node(facts: Facts, pod: Pod) -> bool:
    """Whether a pod's node is known not to be ready."""
    if not facts.evidence.nodes.ok:
        return False
    node = facts.nodes_by_name.get(pod.spec.node_name)
    return node is not None and not node.is_ready


def server_status(pod: Pod) -> ContainerStatus | None:
    """The status of the container that serves metrics.k8s.io."""
    container = server_container(pod.spec.containers)
    found = pod.status.container_statuses or ()
    if container is None:
        return next(iter(found), None)
    return next((one for one in found if one.name == container.name), None)


def statuses(pod: Pod) -> Iterator[ContainerStatus]:
    """The statuses of a pod's containers, the one that serves first."""
    first = server_status(pod)
    if first is not None:
        yield first
    yield from (one for one in pod.status.container_statuses or () if one is not first)


def last_end(container: ContainerStatus) -> Terminated | None:
    """How a container's last run ended, if it has ended once."""
    return container.state.terminated or container.last_state.terminated


def has_crashed(facts: Facts, container: ContainerStatus) -> bool:
    """Whether a container's last run has ended with an error, and not long ago."""
    end = last_end(container)
    age = facts.age(end.finished_at) if end is not None else None
    return _has_failed(container) and (age is None or age < _RECENT)


def ends_again(facts: Facts, pod: Pod) -> list[ContainerStatus]:
    """The containers of a pod that end again and again, the one that serves first."""
    return [one for one in statuses(pod) if not one.ready and (_is_waiting(one) or _is_crashing(facts, one))]


def server_ends(facts: Facts, pod: Pod) -> bool:
    """Whether it is the container that serves metrics.k8s.io that ends again and again."""
    server = server_status(pod)
    return server is not None and any(one is server for one in ends_again(facts, pod))


def scheduled(pod: Pod) -> Condition | None:
    """The pod's condition PodScheduled."""
    return condition(pod.status.conditions, "PodScheduled")


def waiting_proofs(pod: Pod) -> list[Proof]:
    """What the containers of a pod wait for."""
    return [
        Proof(
            f"Pod {pod.namespaced_name}",
            f"status.containerStatuses[{one.name}].state.waiting",
            short(f"{one.state.waiting.reason}: {one.state.waiting.message}".rstrip(": ")),
        )
        for one in statuses(pod)
        if one.state.waiting is not None
    ]


def texts(facts: Facts, pod: Pod, container: str = "") -> Iterator[Proof]:
    """What a pod's containers, or one of them, said when they ended: termination messages, and logs where wanted.

    Nothing that may be over: what a container said before it ran well for a while, and old lines.
    """
    where = f"Pod {pod.namespaced_name}"
    over = set()
    for one in statuses(pod):
        if _is_over(facts, one):
            over.add(one.name)
        if one.name in over or container not in ("", one.name):
            continue
        path = f"status.containerStatuses[{one.name}]"
        ends = (("state.terminated", one.state.terminated), ("lastState.terminated", one.last_state.terminated))
        for field, end in ends:
            if end is not None and end.message:
                yield Proof(where, f"{path}.{field}.message", end.message)
        if one.state.waiting is not None and one.state.waiting.message:
            yield Proof(where, f"{path}.state.waiting.message", one.state.waiting.message)
    for log in facts.evidence.logs.value or ():
        if log.pod != pod.namespaced_name or container not in ("", log.container):
            continue
        if log.previous and log.container in over:
            continue
        field = f"log of {log.container}" + (" before its last restart" if log.previous else "")
        for line in reversed(log.lines):
            if not is_old(facts, line):
                yield Proof(where, field, line)


def _is_over(facts: Facts, container: ContainerStatus) -> bool:
    """Whether a container runs, and how it ended before is long ago."""
    end = last_end(container)
    age = facts.age(end.finished_at) if end is not None else None
    return container.state.running is not None and age is not None and age > RECENT


def event_proofs(facts: Facts, *reasons: str, pods: Sequence[Pod], having: str = "") -> list[Proof]:
    """The newest event of each reason about certain pods, with something in its text."""
    names = {pod.metadata.name for pod in pods}
    found: dict[str, Proof] = {}
    for one in facts.evidence.events.value or ():
        if one.reason in reasons and one.involved_object.name in names and having in one.message:
            where = f"Event about {one.involved_object.kind} {one.involved_object.namespaced_name}"
            found[one.reason] = Proof(where, one.reason, short(one.message))
    return list(found.values())


# ---- names for titles and commands ----


def deployment(facts: Facts) -> Deployment | None:
    """metrics-server's Deployment, if Deployments could be read and there is one."""
    return facts.deployment if facts.evidence.deployments.ok else None


def who(facts: Facts) -> str:
    """ "metrics-server", or the name of what serves metrics.k8s.io instead."""
    found = deployment(facts)
    if found is None or _is_ours(facts):
        return "metrics-server"
    return found.metadata.name[:30] or "metrics-server"


def target(facts: Facts) -> str:
    """ "-n kube-system deployment/metrics-server", for commands."""
    found = deployment(facts)
    if found is None:
        return f"-n {shlex.quote(facts.namespace)} deployment/metrics-server"
    return f"-n {shlex.quote(found.metadata.namespace)} {shlex.quote(f'deployment/{found.metadata.name}')}"


def pod_target(pod: Pod) -> str:
    """ "-n kube-system metrics-server-abc", for commands."""
    return f"-n {shlex.quote(pod.metadata.namespace)} {shlex.quote(pod.metadata.name)}"


def owner(facts: Facts) -> str:
    """ "Deployment kube-system/metrics-server", or the pod where there is no Deployment, for evidence."""
    if deployment(facts) is not None:
        return facts.deployment_name
    return f"Pod {facts.pods[0].namespaced_name}" if facts.pods else "metrics-server"


def works(facts: Facts) -> bool:
    """Whether metrics-server measures: all nodes have metrics or, where metrics.k8s.io does not answer, it is ready."""
    missing = metrics_missing(facts)
    return missing == [] or (missing is None and facts.evidence.service_pods.ok and serving(facts))


def container_of(facts: Facts) -> Container | None:
    """The container that serves, by Deployment or pod, where either could be read."""
    return facts.container if facts.evidence.deployments.ok or facts.evidence.service_pods.ok else None


def metrics_missing(facts: Facts) -> list[str] | None:
    """The ready nodes without metrics that should have some; None if metrics.k8s.io does not answer at all."""
    if not facts.evidence.node_metrics.ok:
        return None
    if not facts.evidence.nodes.ok:
        return []
    out = facts.excluded_nodes
    by_name = facts.nodes_by_name
    return [
        name
        for name in facts.unmeasured_nodes
        if name not in out and is_expected(facts, name) and by_name[name].is_ready
    ]


def scraped(facts: Facts) -> int | None:
    """How many nodes metrics-server scrapes; None if nodes could not be read, or its --node-selector is not known."""
    if not facts.evidence.nodes.ok:
        return None
    try:
        selector = facts.flags.node_selector if facts.flags is not None else ""
    except Unknown:
        return None
    return len(facts.nodes) - (len(facts.excluded_nodes) if selector else 0)


def _is_ours(facts: Facts) -> bool:
    container = container_of(facts)
    return container is not None and is_metrics_server([container])


def _is_waiting(container: ContainerStatus) -> bool:
    """Whether the kubelet waits before it starts a container once more."""
    return container.state.waiting is not None and container.state.waiting.reason == "CrashLoopBackOff"


def _is_crashing(facts: Facts, container: ContainerStatus) -> bool:
    """Whether a container that is not ready is in the middle of a crash loop, or at its beginning."""
    if container.state.running is None:
        return _has_failed(container)
    runs = facts.age(container.state.running.started_at)
    return has_crashed(facts, container) and (runs is None or runs < _SETTLED)


def _has_failed(container: ContainerStatus) -> bool:
    end = last_end(container)
    return end is not None and (end.exit_code != 0 or end.reason not in ("", "Completed"))
