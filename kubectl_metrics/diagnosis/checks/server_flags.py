"""metrics-server's command line and network: flags that it refuses, ports that clash, nodes that it leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.facts.flags import ServerFlags
from kubectl_metrics.diagnosis.facts.pipeline import Facts, is_metrics_server, server_container
from kubectl_metrics.diagnosis.facts.serverflags import Objection, objections
from kubectl_metrics.diagnosis.facts.serverpods import (
    State,
    container_of,
    extent,
    metrics_missing,
    owner,
    pods_in,
    scheduled,
    server_ends,
    server_status,
    short,
    state,
    target,
    texts,
    works,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Container, Pod

_README = "https://github.com/kubernetes-sigs/metrics-server/blob/master/README.md"
_READ_ONLY_PORT = 10255
_KUBELET_PORT = 10250
_NO_PORT = "didn't have free ports"
_IN_USE = "address already in use"
_LEGACY = ("kubelet-port", "deprecated-kubelet-completely-insecure")


@check(
    "KM508",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server does not accept its flags",
    why="A flag is unknown to this version, has a value that it does not take, or contradicts another one. The process "
    "then ends at once: mostly after an update, or with flags that were copied from an older manifest.",
    remedy="kubectl -n kube-system edit deployment/metrics-server  # spec.template.spec.containers[].args",
    link=f"{_README}#configuration",
    needs=("service_pods",),
)
def flags_refused(facts: Facts) -> Iterator[Fault]:
    """Only where the container does not run: whatever runs has accepted its flags, even unknown ones."""
    for pod in facts.pods:
        if state(facts, pod) is State.CRASHING and server_ends(facts, pod):
            container = server_container(pod.spec.containers)
            found = _objections(facts, container)
            if found and container is not None:
                affected, severity = extent(facts, [pod])
                yield _refusal(facts, f"Pod {pod.namespaced_name}", "spec", container, found, affected, severity)
                return


def _objections(facts: Facts, container: Container | None) -> list[Objection]:
    if container is None or not is_metrics_server([container]):
        return []
    flags = ServerFlags(container)
    if flags.wrapper:  # who knows
        return []
    return objections(flags.given, facts.image_version, complete=not flags.incomplete)


def _refusal(
    facts: Facts,
    where: str,
    path: str,
    container: Container,
    found: Sequence[Objection],
    affected: list[str],
    severity: Severity | None,
) -> Fault:
    return Fault(
        evidence=[
            Proof(where, f"{path}.containers[{container.name}].args", short(f"{one.flags}: {one.why}"))
            for one in found[:5]
        ],
        affected=affected,
        severity=severity,
        remedy=f"kubectl edit {target(facts)}  # args: correct or remove {short(found[0].flags)}",
    )


@check(
    "KM509",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server's port is taken on its node",
    why="With hostNetwork it listens on the node itself, where the kubelet has port 10250 already and a second "
    "replica or another program may have any other.",
    remedy="kubectl -n kube-system edit deployment/metrics-server  # args: --secure-port=4443, and containerPort: 4443",
    link="https://github.com/kubernetes-sigs/metrics-server/issues/1271",
    needs=("service_pods",),
)
def port_taken(facts: Facts) -> Iterator[Fault]:
    """Seen from the flags, from what the scheduler says, or from the process's last words."""
    bad = []
    proofs: list[Proof] = []
    for pod in facts.pods:
        kind = state(facts, pod)
        why = _clash(facts, pod, kind) if kind in (State.CRASHING, State.UNSCHEDULED) else []
        if why:
            bad.append(pod)
            proofs += why
    if not bad:
        return
    affected, severity = extent(facts, bad)
    yield Fault(
        evidence=proofs[:6],
        affected=affected,
        severity=severity,
        remedy=f"kubectl edit {target(facts)}  # args: --secure-port=4443, containerPort: 4443; or no hostNetwork",
    )


def _clash(facts: Facts, pod: Pod, kind: State) -> list[Proof]:
    where = f"Pod {pod.namespaced_name}"
    if kind is State.UNSCHEDULED:
        refused = scheduled(pod)
        if refused is not None and _NO_PORT in refused.message:
            return [Proof(where, "status.conditions[PodScheduled].message", short(refused.message))]
        return []
    container = server_container(pod.spec.containers)
    if container is None or not server_ends(facts, pod):
        return []
    for one in texts(facts, pod, container.name):
        if _IN_USE in one.value:
            return [Proof(where, one.field, short(one.value))]
    port = ServerFlags(container).secure_port if is_metrics_server([container]) else None
    if not pod.spec.host_network or port is None or port != _kubelet_port(facts, pod.spec.node_name):
        return []
    return [
        Proof(where, "spec.hostNetwork", "true"),
        Proof(where, "spec.containers[].args", f"--secure-port={port}"),
        Proof(f"Node {pod.spec.node_name}", "status.daemonEndpoints.kubeletEndpoint.Port", str(port)),
    ]


def _kubelet_port(facts: Facts, name: str) -> int:
    node = facts.nodes_by_name.get(name) if facts.evidence.nodes.ok else None
    return (node.status.daemon_endpoints.kubelet_endpoint.port if node is not None else 0) or _KUBELET_PORT


@check(
    "KM511",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server leaves nodes out by its --node-selector",
    why="With --node-selector (-l) it scrapes only the nodes whose labels match. The others have no metrics, and "
    "neither have their pods: that is meant so, unless the selector is older than the nodes.",
    remedy="kubectl -n kube-system edit deployment/metrics-server  # args: change or remove --node-selector",
    link=f"{_README}#configuration",
    needs=("nodes",),
)
def nodes_left_out(facts: Facts) -> Iterator[Fault]:
    """For information, unless it leaves out all of them."""
    flags = facts.flags
    if flags is None or not flags.node_selector or not facts.excluded_nodes:
        return
    left_out = sorted(facts.excluded_nodes)
    proofs = [Proof(owner(facts), "args", short(f"--node-selector={flags.node_selector}"))]
    proofs += [
        Proof(f"Node {name}", "metadata.labels", short(_labels(facts.nodes_by_name[name].metadata.labels)))
        for name in left_out[:2]
    ]
    remedy = f"kubectl edit {target(facts)}  # args: change or remove --node-selector"
    if len(left_out) == len(facts.nodes):
        yield Fault(title="metrics-server's --node-selector matches no node", evidence=proofs, remedy=remedy)
    else:
        yield Fault(evidence=proofs, affected=left_out, severity=Severity.INFO, remedy=remedy)


def _labels(labels: dict[str, str] | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "none"


@check(
    "KM515",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server asks the kubelets' read-only port",
    why="--kubelet-port=10255 and --deprecated-kubelet-completely-insecure are from times when kubelets answered "
    "anybody without TLS. That port is off by default and has no place for metrics-server's credentials.",
    remedy="kubectl -n kube-system edit deployment/metrics-server  # args: remove both flags; "
    "--kubelet-use-node-status-port",
    link=""
    "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/#kubelet-config-k8s-io-v1beta1-KubeletConfiguration",
    needs=("nodes",),
)
def read_only_port(facts: Facts) -> Iterator[Fault]:
    """An error where metrics are missing. Where all are there, as on some managed clusters, or where at least
    metrics-server is ready, which it would not be without any answer, it is said for information; and so it is where
    something else keeps metrics-server from asking anybody."""
    flags, container = facts.flags, container_of(facts)
    if flags is None or container is None:
        return
    insecure = flags.on("deprecated-kubelet-completely-insecure")
    read_only = not flags.uses_status_port and flags.kubelet_port == _READ_ONLY_PORT
    if not insecure and not read_only:
        return
    given = [f"--{name}={flags.given[name]}" for name in _LEGACY if name in flags.given]
    missing = metrics_missing(facts)
    proofs = [Proof(owner(facts), f"containers[{container.name}].args", short(" ".join(given)))]
    everything = missing is None or len(missing) == len(facts.nodes)
    yield Fault(
        title="metrics-server asks kubelets without TLS and credentials" if insecure and not read_only else "",
        evidence=proofs,
        affected=[] if everything else missing or [],
        severity=Severity.INFO if works(facts) or not _asks(facts) else None,
        remedy=f"kubectl edit {target(facts)}  # args: remove {' '.join(one.partition('=')[0] for one in given)}; "
        "--kubelet-use-node-status-port asks each kubelet's own port",
    )


def _asks(facts: Facts) -> bool:
    """Whether what is missing may be what kubelets do not answer: its pod is ready, or only its container is not."""
    if not facts.evidence.service_pods.ok:
        return True
    for pod in pods_in(facts, State.READY, State.UNREADY, State.YOUNG):
        status = server_status(pod)
        if pod.is_ready or status is None or not status.ready:
            return True
    return False
