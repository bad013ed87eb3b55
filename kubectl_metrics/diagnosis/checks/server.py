"""metrics-server's pods before they run: that there is one, that a node takes it, that it starts."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.providers import images
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.selection import selects
from kubectl_metrics.diagnosis.facts.serverpods import (
    State,
    deployment,
    event_proofs,
    extent,
    pod_target,
    pods_in,
    scheduled,
    short,
    state,
    target,
    waiting_proofs,
    who,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Pod, condition

_DEBUG_PODS = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/"
_IMAGES = "https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff"
_FAQ = "https://github.com/kubernetes-sigs/metrics-server/blob/master/FAQ.md"
_CREATION_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "Failed", "NetworkNotReady")


@check(
    "KM501",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server has no pod",
    why="Its Deployment is scaled to 0, or its pods are not created: a quota, an admission webhook or a missing "
    "ServiceAccount refuses them. Without a pod nobody measures and nobody answers for metrics.k8s.io.",
    remedy="kubectl -n kube-system describe deployment/metrics-server  # its conditions and events say why",
    link=_DEBUG_PODS,
    needs=("deployments", "service_pods"),
    after=("KM204",),
    because=("KM605",),
)
def no_pod(facts: Facts) -> Iterator[Fault]:
    """Pods that have failed for good (evicted ones stay in the list) do not count."""
    found = deployment(facts)
    if found is None or any(state(facts, pod) is not State.GONE for pod in facts.pods):
        return
    if found.spec.replicas == 0:
        yield Fault(
            title=f"{who(facts)} is scaled to 0 replicas",
            evidence=[Proof(facts.deployment_name, "spec.replicas", "0")],
            remedy=f"kubectl scale {target(facts)} --replicas=1",
        )
        return
    proofs = [Proof(facts.deployment_name, "status.replicas", str(found.status.replicas))]
    failure = condition(found.status.conditions, "ReplicaFailure")
    if failure is not None and failure.status == "True":
        proofs.append(Proof(facts.deployment_name, "status.conditions[ReplicaFailure].message", short(failure.message)))
    for pod in facts.pods[:3]:
        reason = f"{pod.status.reason or pod.status.phase}: {pod.status.message}".rstrip(": ")
        proofs.append(Proof(f"Pod {pod.namespaced_name}", "status.reason", short(reason)))
    yield Fault(
        title=f"{who(facts)}'s pods are not created"
        if len(proofs) > 1 and not facts.pods
        else f"{who(facts)} has no pod",
        evidence=proofs,
        remedy=f"kubectl describe {target(facts)}; kubectl -n {found.metadata.namespace} get events  # they say why",
    )


@check(
    "KM502",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server's pod does not start",
    why="No node takes the pod (resources, taints, node selector, affinity, host ports), or the node that took it "
    "cannot make its containers: a volume, the pod network, or the container's own settings are in the way.",
    remedy="kubectl -n kube-system describe pod -l k8s-app=metrics-server  # the events at the end say why",
    link=_DEBUG_PODS,
    needs=("service_pods",),
    after=("KM204",),
    because=("KM509", "KM518"),
)
def not_started(facts: Facts) -> Iterator[Fault]:
    """One fault for each way in which pods are stuck."""
    titles = {
        State.UNSCHEDULED: "No node takes {}'s pod",
        State.START: "The container of {}'s pod cannot be started",
        State.CREATING: "The containers of {}'s pod are not created",
    }
    for kind, title in titles.items():
        pods = pods_in(facts, kind)
        if not pods:
            continue
        proofs = [proof for pod in pods[:3] for proof in _why_stuck(facts, pod, kind)]
        affected, severity = extent(facts, pods)
        yield Fault(
            title=title.format(who(facts)),
            evidence=proofs,
            affected=affected,
            severity=severity,
            remedy=f"kubectl describe pod {pod_target(pods[0])}  # the events at the end say why",
        )


def _why_stuck(facts: Facts, pod: Pod, kind: State) -> list[Proof]:
    if kind is State.UNSCHEDULED:
        refused = scheduled(pod)
        if refused is None:
            return [Proof(f"Pod {pod.namespaced_name}", "spec.nodeName", "none, and no scheduler has said why")]
        text = f"{refused.reason}: {refused.message}".rstrip(": ")
        return [Proof(f"Pod {pod.namespaced_name}", "status.conditions[PodScheduled].message", short(text))]
    proofs = waiting_proofs(pod)
    if kind is State.CREATING:
        proofs += event_proofs(facts, *_CREATION_EVENTS, pods=[pod])
    return proofs or [Proof(f"Pod {pod.namespaced_name}", "status.phase", pod.status.phase or "none")]


@check(
    "KM503",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server's image cannot be pulled",
    why="The node gets no such image from the registry: the name or tag is wrong, the registry cannot be reached from "
    "the nodes, it wants credentials, or there is no image for the node's architecture.",
    remedy="kubectl -n kube-system set image deployment/metrics-server metrics-server=IMAGE  # one that the nodes can "
    "pull",
    link=_IMAGES,
    needs=("service_pods",),
    after=("KM204",),
    because=("KM516",),
)
def image_not_pulled(facts: Facts) -> Iterator[Fault]:
    """The message of ErrImagePull has the registry's answer, that of ImagePullBackOff only the name."""
    pods = pods_in(facts, State.IMAGE)
    if not pods:
        return
    proofs = []
    for pod in pods[:3]:
        proofs += waiting_proofs(pod)
        names = [one.image for one in pod.spec.containers or ()]
        proofs.append(Proof(f"Pod {pod.namespaced_name}", "spec.containers[].image", short(", ".join(names))))
        proofs += event_proofs(facts, "Failed", pods=[pod], having="ailed to pull")
    affected, severity = extent(facts, pods)
    yield Fault(
        title=f"{who(facts)}'s image cannot be pulled",
        evidence=proofs,
        affected=affected,
        severity=severity,
        remedy=f"kubectl rollout undo {target(facts)}  # the image before; or kubectl edit, for another",
    )


@check(
    "KM517",
    Severity.WARNING,
    Category.METRICS_SERVER,
    title="metrics-server is installed more than once",
    why="Add-on managers, Helm charts and hand-applied manifests each bring their own. The APIService uses one of "
    "them; where one Service selects the pods of both, answers come from either. The others only load the kubelets.",
    remedy="kubectl get deployments -A | grep metrics-server  # remove the one that nobody maintains",
    link=f"{_FAQ}#can-i-run-more-than-one-instance-of-metrics-server",
    needs=("deployments",),
)
def several(facts: Facts) -> Iterator[Fault]:
    """It only matters where one Service selects the pods of several; else it is said for information."""
    alive = [one for one in facts.deployments if one.spec.replicas > 0]
    if len(alive) < 2:
        return
    service = facts.evidence.service.value
    selected = [
        one
        for one in alive
        if service is not None
        and one.metadata.namespace == service.metadata.namespace
        and selects(service.spec.selector, one.spec.template.metadata.labels)
    ]
    names = [one.namespaced_name for one in alive]
    proofs = [
        Proof(f"Deployment {name}", "spec.template.spec.containers[].image", short(images(one)))
        for name, one in zip(names, alive, strict=True)
    ]
    if len(selected) > 1:
        yield Fault(
            title="One Service selects the pods of several metrics-servers",
            evidence=proofs,
            affected=[one.namespaced_name for one in selected],
        )
    else:
        yield Fault(evidence=proofs, affected=names, severity=Severity.INFO)
