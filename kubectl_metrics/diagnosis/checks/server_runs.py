"""metrics-server's pods once they run: crashes, lack of memory, probes that fail, restarts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.server_size import memory_setter
from kubectl_metrics.diagnosis.facts.pipeline import Facts, is_metrics_server, server_container
from kubectl_metrics.diagnosis.facts.serverpods import (
    State,
    deployment,
    ends_again,
    event_proofs,
    extent,
    has_crashed,
    last_end,
    pod_target,
    pods_in,
    scraped,
    server_ends,
    server_status,
    serving,
    short,
    state,
    statuses,
    target,
    texts,
    who,
)
from kubectl_metrics.diagnosis.facts.sizing import MEBIBYTE, read_size, recommended
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import ContainerStatus, Pod
from kubectl_metrics.wire.quantity import format_bytes

_KNOWN_ISSUES = "https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md"
_README = "https://github.com/kubernetes-sigs/metrics-server/blob/master/README.md"
_CRASH = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/"
_PROBES = "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"
_LAST_WORDS = re.compile(r"panic: |Error: |F\d{4} ")
_FAILED_PROBE = re.compile(r"\[-\](\S+) failed")
_PATHS = frozenset(["/readyz", "/livez", "/healthz"])  # what it answers to anybody
_DAY = 86400.0
_HOUR = 3600.0
_MANY = 3  # restarts; one or two are a node's reboot or an update


@check(
    "KM504",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server ends again and again",
    why="Its process ends with an error soon after each start, and the kubelet waits longer and longer before it "
    "starts it again. Why it ends is in its log, which is read only with --logs.",
    remedy="kubectl -n kube-system logs deployment/metrics-server --previous  # the line that begins with panic: or "
    "Error:",
    link=_CRASH,
    needs=("service_pods",),
    after=("KM204",),
    because=(
        "KM308",
        "KM603",
        "KM505",
        "KM507",
        "KM508",
        "KM509",
        "KM512",
        "KM514",
        "KM518",
        "KM601",
        "KM604",
        "KM605",
    ),
)
def crashes(facts: Facts) -> Iterator[Fault]:
    """The last words of the process are quoted where they are known."""
    pods = sorted(pods_in(facts, State.CRASHING), key=lambda pod: not server_ends(facts, pod))
    if not pods:
        return
    ended = [(pod, one) for pod in pods for one in ends_again(facts, pod) if last_end(one) is not None]
    proofs = [_end(pod, one) for pod, one in ended[:6]]
    said = (one for pod, status in ended for one in texts(facts, pod, status.name) if _LAST_WORDS.match(one.value))
    words = next(said, None)
    if words is not None:
        proofs.append(Proof(words.object, words.field, short(words.value)))
    affected, severity = extent(facts, pods)
    culprit = next((one for pod, one in ended if pod is pods[0]), None)
    container = f" -c {shlex.quote(culprit.name)}" if culprit is not None else ""
    yield Fault(
        title=f"{_whose(facts, pods[0], culprit)} ends again and again",
        evidence=proofs or [Proof(f"Pod {pods[0].namespaced_name}", "status.phase", pods[0].status.phase)],
        affected=affected,
        severity=severity,
        remedy=f"kubectl logs {pod_target(pods[0])}{container} --previous  # the line with panic: or Error:",
    )


def _whose(facts: Facts, pod: Pod, one: ContainerStatus | None) -> str:
    """What a container is called in titles: the one that serves has another name than those beside it."""
    if one is None or one is server_status(pod):
        return who(facts)
    return f"The container {one.name[:30]} beside {who(facts)}"


def _end(pod: Pod, one: ContainerStatus) -> Proof:
    end = last_end(one)
    field = "state" if one.state.terminated is not None else "lastState"
    value = f"{end.reason}, exit code {end.exit_code}, {one.restart_count} restarts" if end is not None else "none"
    return Proof(f"Pod {pod.namespaced_name}", f"status.containerStatuses[{one.name}].{field}.terminated", short(value))


@check(
    "KM505",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server was killed because it needs more memory than its limit",
    why="It holds two samples of every container in memory, so it grows with nodes and pods. Beyond its memory limit "
    "the kernel kills it, and until it has scraped all kubelets twice again there are no metrics.",
    remedy="kubectl -n kube-system set resources deployment/metrics-server -c metrics-server "
    "--requests=memory=400Mi --limits=memory=400Mi",
    link=f"{_README}#scaling",
    needs=("service_pods",),
)
def out_of_memory(facts: Facts) -> Iterator[Fault]:
    """An error while it does not serve for that reason, a warning for a day after it has recovered.

    A container beside it is one of its own: where that is down the pod is not ready.
    """
    killed: dict[str, list[tuple[Pod, ContainerStatus]]] = {}  # by container; "" is the one that serves
    for pod in facts.pods:
        if state(facts, pod) is State.GONE:
            continue
        for one in statuses(pod):
            if _was_killed(facts, one):
                killed.setdefault("" if one is server_status(pod) else one.name, []).append((pod, one))
    for name, several in killed.items():
        yield _lack_of_memory(facts, name, several)


def _lack_of_memory(facts: Facts, name: str, killed: Sequence[tuple[Pod, ContainerStatus]]) -> Fault:
    """``name``: that of a container that does not serve; "" for the one that does."""
    down = [(pod, one) for pod, one in killed if state(facts, pod) is not State.READY and not one.ready]
    pods = [pod for pod, _ in down or killed]
    affected, severity = extent(facts, pods)
    if not down:
        affected, severity = [pod.namespaced_name for pod in pods], Severity.WARNING
    proofs = [_end(pod, one) for pod, one in (down or killed)[:3]]
    pod, status = (down or killed)[0]
    container = next((one for one in pod.spec.containers or () if one.name == status.name), None)
    limit = read_size(container.resources.limits).memory if container is not None else None
    if container is not None:
        proofs.append(
            Proof(
                f"Pod {pod.namespaced_name}",
                f"spec.containers[{container.name}].resources.limits.memory",
                format_bytes(limit) if limit is not None else "none: the node itself had no memory left",
            )
        )
    subject = _whose(facts, pod, status)
    if container is not None and limit is None:
        title = f"The node of {who(facts)} ran out of memory"
        node = shlex.quote(pod.spec.node_name)
        remedy = f"kubectl describe node {node}  # who uses its memory; {name or who(facts)} itself has no limit"
    else:
        reason = "because it needs more memory than its limit" if container is not None else "for lack of memory"
        title = f"{subject} was killed {reason}"
        remedy = _more_memory(facts, pod, status.name, limit or 0, serves=not name)
    return Fault(title=title, evidence=proofs, affected=affected, severity=severity, remedy=remedy)


def _more_memory(facts: Facts, pod: Pod, name: str, limit: int, *, serves: bool) -> str:
    """How a container gets more memory than its limit."""
    wanted = max(2 * limit, (recommended(scraped(facts) or 0).memory or 0) if serves else 0)
    amount = format_bytes(-(-wanted // MEBIBYTE) * MEBIBYTE)
    if serves and (nanny := memory_setter(facts, name)) is not None:
        return (
            f"kubectl edit {target(facts)}  # container {nanny.name}: more --memory or --extra-memory, {amount} in "
            f"all; it sets the limit of {name}"
        )
    found = deployment(facts)
    template = (found.spec.template.spec.containers or ()) if found is not None else ()
    if not serves and (not limit or not any(one.name == name for one in template)):
        note = f"{name} is not in its Deployment: whatever adds it sets its memory limit"
        return f"kubectl describe pod {pod_target(pod)}  # {note}"
    request = f"--requests=memory={amount} " if serves else ""
    return f"kubectl set resources {target(facts)} -c {shlex.quote(name)} {request}--limits=memory={amount}"


def _was_killed(facts: Facts, one: ContainerStatus) -> bool:
    """Whether a container has ended for lack of memory, within a day if it is well again."""
    end = last_end(one)
    if end is None or end.reason != "OOMKilled":
        return False
    age = facts.age(end.finished_at)
    return not one.ready or age is None or age < _DAY


@check(
    "KM506",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server runs and is not ready",
    why="It becomes ready when it has scraped at least one kubelet twice, with nodes and containers in the answer. As "
    "long as it is not, the Service has no endpoint and the API server has nobody to ask. Right after its start that "
    "is how it should be.",
    remedy="kubectl -n kube-system logs deployment/metrics-server  # the lines with: Failed to scrape node",
    link=f"{_KNOWN_ISSUES}#metrics-server-pod-failed-to-reach-running-status",
    needs=("service_pods",),
    after=("KM204",),
    because=(
        *("KM507", "KM511", "KM512", "KM515", "KM603", "KM604", "KM605", "KM7"),
        *("KM803", "KM804"),
    ),
)
def not_ready(facts: Facts) -> Iterator[Fault]:
    """A pod on a node that is not ready is a matter of that node; a new one may just need another moment."""
    lost = pods_in(facts, State.LOST)
    if lost:
        yield Fault(
            title=f"{who(facts)}'s pod is on a node that is not ready",
            evidence=[Proof(f"Pod {pod.namespaced_name}", "spec.nodeName", pod.spec.node_name) for pod in lost[:3]],
            affected=[pod.namespaced_name for pod in lost],
            severity=extent(facts, lost)[1],
            remedy=f"kubectl describe node {shlex.quote(lost[0].spec.node_name)}  # or wait until the pod is made "
            "anew elsewhere",
        )
    pods = pods_in(facts, State.UNREADY)
    young = [] if serving(facts) else pods_in(facts, State.YOUNG)
    if not pods and not young:
        return
    proofs = []
    for pod in (pods or young)[:3]:
        status = server_status(pod)
        since = status.state.running.started_at if status is not None and status.state.running is not None else None
        running = f"running since {since}" if since else "new"
        proofs.append(Proof(f"Pod {pod.namespaced_name}", "status.conditions[Ready].status", f"not True, {running}"))
    health = facts.evidence.readyz.value
    if health is not None and not serving(facts):
        failed = ", ".join(_FAILED_PROBE.findall(health.text))
        words = f"failed: {failed}" if failed else health.text
        proofs.append(Proof(f"{who(facts)}'s /readyz", f"HTTP {health.status}", short(words)))
    proofs += event_proofs(facts, "Unhealthy", pods=pods or young)
    affected, severity = extent(facts, pods or young)
    probe = _odd_probe((pods or young)[0])
    if probe is not None:
        yield Fault(
            title=f"The readiness probe of {who(facts)} asks for what it does not answer",
            evidence=[probe, *proofs],
            affected=affected,
            severity=severity,
            remedy=f"kubectl edit {target(facts)}  # readinessProbe.httpGet: path /readyz, scheme HTTPS, port https",
        )
    elif pods:
        title, remedy = _why_unready(facts, pods[0])
        yield Fault(title=title, evidence=proofs, affected=affected, severity=severity, remedy=remedy)
    else:
        yield Fault(
            title=f"{who(facts)} has only just started",
            evidence=proofs,
            passing=not lost and not any(has_crashed(facts, one) for pod in young for one in statuses(pod)),
            remedy=f"kubectl rollout status {target(facts)}  # it needs two scrapes: a minute or two",
        )


def _why_unready(facts: Facts, pod: Pod) -> tuple[str, str]:
    """Title and remedy of a pod that runs and is not ready."""
    server = server_status(pod)
    other = next((one for one in statuses(pod) if one is not server and not one.ready), None)
    if other is not None and server is not None and server.ready:
        remedy = f"kubectl logs {pod_target(pod)} -c {shlex.quote(other.name)}"
        return f"{_whose(facts, pod, other)} is not ready", f"{remedy}  # {who(facts)} itself is"
    health = facts.evidence.readyz.value
    if health is not None and health.status == 200 and pod is facts.pods[0] and not serving(facts):
        return (
            f"{who(facts)} says that it is ready, and its readiness probe fails",
            f"kubectl describe pod {pod_target(pod)}  # the probe, and what it meets, in the events at the end; it "
            "should ask for path /readyz, scheme HTTPS, port https",
        )
    named = f" -c {shlex.quote(server.name)}" if server is not None and len(pod.spec.containers or ()) > 1 else ""
    return (
        f"{who(facts)} runs and is not ready",
        f"kubectl logs {pod_target(pod)}{named}  # the lines with: Failed to scrape node",
    )


def _odd_probe(pod: Pod) -> Proof | None:
    """What a pod's readiness probe asks for, if metrics-server answers that with 403 or 404."""
    container = server_container(pod.spec.containers)
    probe = container.readiness_probe if container is not None and is_metrics_server([container]) else None
    if container is None or probe is None or probe.http_get is None or probe.http_get.path in _PATHS:
        return None
    where = f"spec.containers[{container.name}].readinessProbe.httpGet.path"
    return Proof(f"Pod {pod.namespaced_name}", where, short(probe.http_get.path or "/"))


@check(
    "KM507",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="The kubelet kills metrics-server because its liveness probe fails",
    why="Its /livez fails when a round of scrapes takes more than 1.5 times --metric-resolution, when it does not "
    "listen on the probed port, or when it has too little CPU to answer within the probe's timeout.",
    remedy="kubectl -n kube-system edit deployment/metrics-server  # a longer --metric-resolution; "
    "livenessProbe.timeoutSeconds",
    link=_PROBES,
    needs=("service_pods", "events"),
    because=("KM505", "KM508", "KM509", "KM512", "KM604", "KM734"),
)
def killed_by_probe(facts: Facts) -> Iterator[Fault]:
    """Only a container that was really killed counts: single failures are nothing."""
    names = {pod.metadata.name: pod for pod in facts.pods}
    proofs: dict[str, Proof] = {}
    killed = {}
    for one in facts.evidence.events.get():
        pod = names.get(one.involved_object.name)
        if pod is None:
            continue
        age = facts.age(one.last_timestamp or one.event_time)
        if age is not None and age > _HOUR:
            continue
        if one.reason == "Killing" and "failed liveness probe" in one.message and not _is_others(pod, one.message):
            killed[pod.metadata.name] = pod
        elif not (one.reason == "Unhealthy" and one.message.startswith("Liveness probe failed")):
            continue
        times = f"{one.message} ({one.count} times)" if (one.count or 0) > 1 else one.message
        proofs[pod.metadata.name + one.reason] = Proof(
            f"Event about Pod {pod.namespaced_name}", one.reason, short(times)
        )
    if not killed:
        return
    health = facts.evidence.livez.value
    evidence = [proof for name, proof in proofs.items() if any(name.startswith(one) for one in killed)]
    if health is not None and (failed := _FAILED_PROBE.findall(health.text)):
        evidence.append(Proof(f"{who(facts)}'s /livez", f"HTTP {health.status}", short(", ".join(failed))))
    down = [pod for pod in killed.values() if state(facts, pod) is not State.READY]
    affected, severity = extent(facts, down or list(killed.values()))
    yield Fault(
        title=f"The kubelet kills {who(facts)}: its liveness probe fails",
        evidence=evidence,
        affected=affected,
        severity=severity,
        remedy=f"kubectl edit {target(facts)}  # a longer --metric-resolution, livenessProbe.timeoutSeconds, more cpu",
    )


def _is_others(pod: Pod, message: str) -> bool:
    """Whether it is another container of the pod that the kubelet speaks of: "Container NAME failed ..."."""
    server = server_container(pod.spec.containers)
    others = {one.name for one in pod.spec.containers or () if one is not server}
    return message.removeprefix("Container ").partition(" ")[0] in others


@check(
    "KM519",
    Severity.WARNING,
    Category.METRICS_SERVER,
    title="metrics-server has restarted several times, the last time within the hour",
    why="Each time it begins with an empty memory: for a minute or two there are no metrics, and autoscalers stand "
    "still.",
    remedy="kubectl -n kube-system logs deployment/metrics-server --previous",
    link=_CRASH,
    needs=("service_pods",),
    because=("KM50", "KM512", "KM514", "KM518", "KM6"),
)
def restarts(facts: Facts) -> Iterator[Fault]:
    """Of pods that serve now; those that do not have a finding of their own."""
    pods, proofs, names = [], [], []
    for pod in pods_in(facts, State.READY):
        for one in statuses(pod):
            end = one.last_state.terminated
            age = facts.age(end.finished_at) if end is not None else None
            if end is not None and age is not None and age < _HOUR and one.restart_count >= _MANY:
                pods.append(pod)
                proofs.append(_end(pod, one))
                names.append(_whose(facts, pod, one))
                break
    if pods:
        name = who(facts) if who(facts) in names else names[0]
        yield Fault(
            title=f"{name} has restarted several times, the last time within the hour",
            evidence=proofs[:3],
            affected=[pod.namespaced_name for pod in pods],
            remedy=f"kubectl logs {pod_target(pods[0])} --all-containers --previous  # why it ended",
        )
