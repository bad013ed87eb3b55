"""Whether metrics-server has what it needs for this many nodes, and whether addon-resizer gives it that."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.facts.flags import is_variable, parse
from kubectl_metrics.diagnosis.facts.pipeline import Facts, server_container
from kubectl_metrics.diagnosis.facts.serverpods import (
    State,
    deployment,
    owner,
    pods_in,
    scraped,
    short,
    state,
    target,
)
from kubectl_metrics.diagnosis.facts.sizing import (
    README_NODES,
    Nanny,
    Size,
    read_nanny,
    read_size,
    recommended,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Container
from kubectl_metrics.wire.quantity import format_bytes, format_nanocores

_SCALING = "https://github.com/kubernetes-sigs/metrics-server/blob/master/README.md#scaling"
_RESIZER = "https://github.com/kubernetes/autoscaler/tree/master/addon-resizer"
_SETTLED = 900.0  # seconds that a node must be old to be counted: a resizer asks every few minutes


@check(
    "KM513",
    Severity.WARNING,
    Category.METRICS_SERVER,
    title="metrics-server requests less than it needs for this many nodes",
    why="Its default requests are made for 100 nodes; each further node takes 1m of CPU and 2Mi of memory more. With "
    "less it is evicted first, killed for memory, or too slow to scrape all kubelets in time.",
    remedy="kubectl -n kube-system set resources deployment/metrics-server -c metrics-server "
    "--requests=cpu=150m,memory=300Mi",
    link=_SCALING,
    needs=("nodes",),
)
def requests_too_small(facts: Facts) -> Iterator[Fault]:
    """Up to 100 nodes nothing is said: distributions give less there, and that is enough for theirs."""
    template, nodes = facts.container, scraped(facts)
    if template is None or facts.flags is None or nodes is None or nodes <= README_NODES:
        return
    if nanny_container(facts) is not None:
        return
    where, container = _as_it_runs(facts, template)
    need = recommended(nodes)
    requests, limits = read_size(container.resources.requests), read_size(container.resources.limits)
    small, tight = _below(requests, need), _is_tight(limits, need)
    throttled = limits.cpu is not None and limits.cpu < (need.cpu or 0)
    if not small and not tight:
        return
    path = f"containers[{container.name}].resources"
    proofs = [Proof(where, f"{path}.requests", str(requests) or "none")]
    if tight:
        proofs.append(Proof(where, f"{path}.limits", str(limits)))
    proofs.append(Proof(f"README's rule for {nodes} nodes", f"{path}.requests", str(need)))
    raised = Size(cpu=need.cpu if throttled else None, memory=need.memory if tight else None)  # no request is above it
    limit = f" --limits={raised}" if throttled or tight else ""
    title = "" if small else "metrics-server's memory limit is too low for this many nodes"
    remedy = f"kubectl set resources {target(facts)} -c {shlex.quote(container.name)} --requests={need}{limit}"
    said, allowed = read_size(template.resources.requests), read_size(template.resources.limits)
    if container is not template and not _below(said, need) and not _is_tight(allowed, need):
        look = f"kubectl -n {shlex.quote(facts.namespace)} get"
        note = f"one of them gives the pod less than its Deployment says; it should get {need}"
        remedy = f"{look} limitranges; {look} verticalpodautoscalers  # {note}"
    yield Fault(
        title=title,
        evidence=proofs,
        severity=None if tight or (requests.memory or 0) < (need.memory or 0) else Severity.INFO,
        remedy=remedy,
    )


def _as_it_runs(facts: Facts, template: Container) -> tuple[str, Container]:
    """Whose requests count: the newest pod's, which a VerticalPodAutoscaler or a LimitRange may have changed."""
    pods = facts.pods if facts.evidence.service_pods.ok else []
    for pod in pods:
        if state(facts, pod) is State.GONE:
            continue
        own = server_container(pod.spec.containers)
        if own is not None and own.resources != template.resources:
            return f"Pod {pod.namespaced_name}", own
        break
    return owner(facts), template


def _is_tight(limits: Size, need: Size) -> bool:
    return limits.memory is not None and limits.memory < (need.memory or 0)


def _below(actual: Size, wanted: Size) -> bool:
    return (wanted.cpu is not None and (actual.cpu or 0) < wanted.cpu) or (
        wanted.memory is not None and (actual.memory or 0) < wanted.memory
    )


@check(
    "KM514",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="addon-resizer does not give metrics-server what it needs",
    why="The container pod_nanny beside metrics-server sets its requests and limits from --cpu, --memory and their "
    "--extra-... for each node. With flags that it refuses it ends; without rights to the Deployment it changes "
    "nothing; with a rule that is too small it takes memory away that metrics-server needs.",
    remedy="kubectl -n kube-system edit deployment/metrics-server  # the flags of the container with pod_nanny",
    link=_RESIZER,
    needs=("deployments",),
)
def resizer(facts: Facts) -> Iterator[Fault]:
    """Flags first; then whether its rule is followed; then whether the rule itself is enough."""
    nanny = nanny_container(facts)
    if nanny is None:
        return
    flags = parse([*(nanny.command or ())[1:], *(nanny.args or ())])
    if any(is_variable(value) for value in flags.values()):  # put in by the kubelet
        return
    rule, wrong = read_nanny(flags)
    if wrong:
        crashing = facts.evidence.service_pods.ok and bool(pods_in(facts, State.CRASHING))
        yield Fault(
            title="addon-resizer does not accept its flags",
            evidence=[Proof(owner(facts), f"containers[{nanny.name}].args", short(one)) for one in wrong],
            severity=None if crashing else Severity.WARNING,
            remedy=f"kubectl edit {target(facts)}  # correct the flags of the container {nanny.name}",
        )
        return
    yield from _aim(facts, nanny, rule)
    if facts.evidence.nodes.ok:
        yield from _followed(facts, nanny, rule, configured="config-dir" in flags, delayed="scale-up-delay" in flags)


def _aim(facts: Facts, nanny: Container, rule: Nanny) -> Iterator[Fault]:
    """Whether it looks after the container that serves."""
    found, container = deployment(facts), facts.container
    if found is None or container is None:
        return
    if rule.deployment == found.metadata.name and rule.container == container.name:
        return
    aim = f"--deployment={rule.deployment} --container={rule.container}"
    yield Fault(
        title="addon-resizer looks after another container than metrics-server",
        evidence=[
            Proof(owner(facts), f"containers[{nanny.name}].args", short(aim)),
            Proof(owner(facts), "spec.template.spec.containers[].name", short(container.name)),
        ],
        severity=Severity.INFO,
        remedy=f"kubectl edit {target(facts)}  # --deployment={found.metadata.name} --container={container.name}",
    )


def _followed(facts: Facts, nanny: Container, rule: Nanny, *, configured: bool, delayed: bool) -> Iterator[Fault]:
    """``configured``: a ConfigMap that was not read may say otherwise. ``delayed``: it takes its time to scale up."""
    container, nodes, served = facts.container, len(facts.nodes), scraped(facts)
    if container is None or (rule.cpu is None and rule.memory is None):
        return
    settled = sum(1 for node in facts.nodes if (facts.age(node.metadata.creation_timestamp) or _SETTLED) >= _SETTLED)
    wanted = rule.expected(settled)
    actual = read_size(container.resources.requests)
    rules = Proof(owner(facts), f"containers[{nanny.name}].args", short(_describe(rule)))
    requests = Proof(owner(facts), f"containers[{container.name}].resources.requests", str(actual) or "none")
    late = rule.too_small(actual.cpu, wanted.cpu) or rule.too_small(actual.memory, wanted.memory)
    if late and not configured and not delayed and rule.container == container.name:
        yield Fault(
            title="addon-resizer has not raised metrics-server's requests to its rule",
            evidence=[requests, rules, Proof(f"its rule for {settled} nodes", "requests", str(wanted))],
            severity=Severity.WARNING,
            remedy=f"kubectl logs {target(facts)} -c {shlex.quote(nanny.name)}  # mostly it may not patch the "
            "Deployment",
        )
    if served is None or served <= README_NODES or configured:
        return
    need, given = recommended(served), rule.expected(nodes)  # it counts those that metrics-server leaves out, too
    short_of_memory = given.memory is not None and given.memory < (need.memory or 0)
    short_of_cpu = given.cpu is not None and given.cpu < (need.cpu or 0)
    if not short_of_memory and not short_of_cpu:
        return
    yield Fault(
        title="addon-resizer's rule gives metrics-server too little for this many nodes",
        evidence=[
            rules,
            Proof(f"its rule for {nodes} nodes", "requests", str(given)),
            Proof(f"README's rule for {served} nodes", "requests", str(need)),
        ],
        severity=Severity.WARNING if short_of_memory else Severity.INFO,
        remedy=f"kubectl edit {target(facts)}  # container {nanny.name}: --extra-cpu=1m --extra-memory=2Mi",
    )


def nanny_container(facts: Facts) -> Container | None:
    """The container with addon-resizer in metrics-server's pod."""
    found = deployment(facts)
    spec = found.spec.template.spec if found is not None else facts.pods[0].spec if facts.pods else None
    for one in (spec.containers or ()) if spec is not None else ():
        program = next(iter([*(one.command or ()), *(one.args or ())]), "")
        if "addon-resizer" in one.image or program.rpartition("/")[2] == "pod_nanny":
            return one
    return None


def memory_setter(facts: Facts, container: str) -> Container | None:
    """The container with addon-resizer that sets the memory of another one, as far as its flags tell."""
    nanny = nanny_container(facts)
    if nanny is None:
        return None
    flags = parse([*(nanny.command or ())[1:], *(nanny.args or ())])
    aim = flags.get("container", "pod-nanny")
    aims = aim == container or is_variable(aim)
    return nanny if aims and ("memory" in flags or "config-dir" in flags) else None


def _describe(rule: Nanny) -> str:
    parts = []
    if rule.cpu is not None:
        parts.append(f"--cpu={format_nanocores(rule.cpu)} --extra-cpu={format_nanocores(rule.cpu_per_node)}")
    if rule.memory is not None:
        parts.append(f"--memory={format_bytes(rule.memory)} --extra-memory={format_bytes(rule.memory_per_node)}")
    parts.append(f"--threshold={rule.threshold} --estimator={rule.estimator}")
    if rule.estimator == "exponential":
        parts.append(f"--minClusterSize={rule.min_cluster_size}")
    return " ".join(parts)
