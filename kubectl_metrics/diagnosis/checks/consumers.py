"""Who reads metrics.k8s.io: this user, and the autoscalers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import msgspec

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl
from kubectl_metrics.diagnosis.evidence import REFUSED
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.serverpods import short
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import HPA, Condition, condition

_RBAC = "https://github.com/kubernetes-sigs/metrics-server/blob/master/manifests/base/rbac.yaml"
_KNOWN_ISSUES = "https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md"
_HPA = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"
_READER = "system:aggregated-metrics-reader"
_USER = re.compile(r'User "([^"]*)" cannot')
_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):([^:]+)")
_MISSING_REQUEST = re.compile(
    r"missing request for (?P<resource>\w+)"
    r"(?: in container (?P<container>\S+) of Pod (?P<pod>\S+))?"  # older controllers do not name them
)
_WITH_TEMPLATE = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})  # what kubectl set resources knows
_NO_API = "unable to fetch metrics from resource metrics API"
_NO_METRICS = ("did not receive metrics for", "no metrics returned from resource metrics API")
_ROLE = re.compile(r"""^[ \t-]*["']?rolearn["']?\s*:\s*["']?([^\s"']+)""", re.MULTILINE)
_USERNAME = re.compile(r"""^[ \t-]*["']?username["']?\s*:[ \t]*["']?[^\s"']""", re.MULTILINE)


@check(
    "KM901",
    Severity.ERROR,
    Category.CONSUMERS,
    title="This user may not read metrics.k8s.io",
    why="The rights for it are in the ClusterRole system:aggregated-metrics-reader, which is part of view, edit and "
    "admin. Bound in a namespace they give the metrics of its pods, but never those of nodes.",
    remedy=f"kubectl create clusterrolebinding metrics-reader --clusterrole={_READER} --user=USER  # as an "
    "administrator",
    link=_RBAC,
    needs=(),
    after=("KM201", "KM202", "KM203"),
    because=("KM311",),
)
def user_forbidden(facts: Facts) -> Iterator[Fault]:
    """A 403 also stands for a 404: the API server authorizes before it looks whether there is such a group."""
    evidence = facts.evidence
    if evidence.discovery.absent:
        return
    proofs = []
    named = ""
    for what, read in (("nodes", evidence.node_metrics), ("pods", evidence.pod_metrics)):
        if read.state != REFUSED or read.status != 403:
            continue
        found = _USER.search(read.message)
        name = found.group(1) if found else ""
        if name and evidence.connected.user and name != evidence.connected.user:
            continue  # metrics-server or the aggregation layer takes us for somebody else: KM311
        named = named or name
        proofs.append(Proof(f"GET {what}.metrics.k8s.io", "HTTP 403", short(read.message)))
    if not proofs:
        return
    named = named or evidence.connected.user
    remedy = _grant(named) if named else ""
    if evidence.pod_metrics.ok:  # as rights in a namespace have it
        title = "This user may not read the metrics of nodes"
        yield Fault(evidence=proofs, title=title, severity=Severity.WARNING, remedy=remedy)
    else:
        yield Fault(evidence=proofs, remedy=remedy)


def _grant(user: str) -> str:
    if user == "system:anonymous":
        return "kubectl config view --minify  # no credentials were sent: look at the user of the current context"
    account = _ACCOUNT.fullmatch(user)
    whom = f"--serviceaccount={account.group(1)}:{account.group(2)}" if account else f"--user={user}"
    return f"kubectl create clusterrolebinding metrics-reader --clusterrole={_READER} {shlex.quote(whom)}"


@check(
    "KM902",
    Severity.ERROR,
    Category.CONSUMERS,
    title="A role in aws-auth has no username",
    why="On EKS the ConfigMap aws-auth turns IAM roles into users. A role without a username becomes a user without a "
    "name: the API server takes it, but metrics-server, to which the name is passed on, refuses it with 401.",
    remedy="kubectl -n kube-system edit configmap aws-auth  # add username: to the entry of the role in mapRoles",
    link=f"{_KNOWN_ISSUES}#unable-to-work-properly-in-amazon-eks",
    needs=("aws_auth",),
)
def role_without_username(facts: Facts) -> Iterator[Fault]:
    """An error if we are refused with 401, else a warning: somebody will be."""
    if facts.evidence.aws_auth.absent:
        return
    data = facts.evidence.aws_auth.get().data or {}
    roles = _nameless(data.get("mapRoles", ""))
    if not roles:
        return
    refused = [one for one in (facts.evidence.node_metrics, facts.evidence.pod_metrics) if one.status == 401]
    proofs = [
        Proof("ConfigMap kube-system/aws-auth", "data.mapRoles", short(f"{one}: no username")) for one in roles[:5]
    ]
    proofs += [Proof("GET metrics.k8s.io", "HTTP 401", short(one.message)) for one in refused[:1]]
    yield Fault(evidence=proofs, severity=None if refused else Severity.WARNING)


def _nameless(text: str) -> list[str]:
    """The roles in mapRoles (YAML or JSON) that have no username."""
    try:
        entries = msgspec.json.decode(text, type=list[dict[str, object]])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    else:
        return [str(one["rolearn"]) for one in entries if one.get("rolearn") and not one.get("username")]
    first = re.search(r"^([ \t]*)-", text, re.MULTILINE)
    if first is None:
        return []
    found = []
    for entry in re.split(rf"(?m)^{first.group(1)}-", text)[1:]:
        role = _ROLE.search(entry)
        if role is not None and not _USERNAME.search(entry):
            found.append(role.group(1))
    return found


def _inactive(facts: Facts) -> Iterator[tuple[HPA, Condition]]:
    """The autoscalers that do not know what to do, with what they say about it."""
    for one in facts.evidence.hpas.get():
        found = condition(one.status.conditions, "ScalingActive")
        if found is not None and found.status == "False":
            yield one, found


def _quote(one: HPA, found: Condition) -> Proof:
    since = f" (since {found.last_transition_time})" if found.last_transition_time else ""
    return Proof(
        f"HorizontalPodAutoscaler {one.namespaced_name}",
        "status.conditions[ScalingActive].message",
        short(found.message) + since,
    )


def _describe(one: HPA) -> str:
    return f"kubectl -n {shlex.quote(one.metadata.namespace)} describe hpa {shlex.quote(one.metadata.name)}"


@check(
    "KM903",
    Severity.WARNING,
    Category.CONSUMERS,
    title="Autoscalers measure against requests that containers do not have",
    why="A HorizontalPodAutoscaler with a target in percent compares usage with the containers' requests. One "
    "container of one pod without a request is enough, a sidecar or a foreign pod that the selector catches too.",
    remedy="kubectl set resources deployment/NAME -c CONTAINER --requests=cpu=100m  # of each container that has none, "
    "as much as it needs",
    link=f"{_KNOWN_ISSUES}#hpa-is-unable-to-get-resource-utilization",
    needs=("hpas",),
)
def missing_requests(facts: Facts) -> Iterator[Fault]:
    """By the autoscaler's own words."""
    found = [(one, why) for one, why in _inactive(facts) if _MISSING_REQUEST.search(why.message)]
    if not found:
        return
    yield Fault(
        evidence=[_quote(*one) for one in found[:3]],
        affected=[one.namespaced_name for one, _ in found],
        remedy=_request(facts, *found[0]),
    )


def _request(facts: Facts, one: HPA, found: Condition) -> str:
    """How the container that is named gets a request, and no other one another.

    One that was injected is in the pods and not in the template: there kubectl finds no container of that name.
    """
    match = _MISSING_REQUEST.search(found.message)
    resource = match["resource"] if match else "cpu"
    container = (match["container"] if match else None) or ""
    target, place = one.spec.scale_target_ref, one.metadata.namespace
    kind = target.kind or "Deployment"
    workload = f"{kind.lower()}/{target.name or one.metadata.name}"
    amount = "64Mi" if resource == "memory" else "100m"
    if not container:
        note = f"spec.template: resources.requests.{resource} of each container that has none, as much as it needs"
        return kubectl("edit", workload, namespace=place, note=note)
    injected = "whatever injects it has a setting or an annotation of the pod for that"
    if _is_template_without(facts, one, container):
        note = f"{container} is not in it, so it is injected: {injected}"
        return kubectl("get", workload, "-o", "yaml", namespace=place, note=note)
    pod = match["pod"] if match else ""
    if kind not in _WITH_TEMPLATE or _is_init_container(facts, (place, pod), container):
        note = f"resources.requests.{resource} of {container}, as much as it needs; if it is injected: {injected}"
        return kubectl("edit", workload, namespace=place, note=note)
    note = f"as much as it needs; if there is no such container it is injected: {injected}"
    words = ("set", "resources", workload, "-c", container, f"--requests={resource}={amount}")
    return kubectl(*words, namespace=place, note=note)


def _is_template_without(facts: Facts, one: HPA, container: str) -> bool:
    """Whether the template is known and has no such container."""
    if one.spec.scale_target_ref.kind != "Deployment":
        return False
    key = (one.metadata.namespace, one.spec.scale_target_ref.name)
    spec = next((each.spec.template.spec for each in facts.evidence.deployments.value or () if each.key == key), None)
    if spec is None:
        return False
    return all(each.name != container for each in (*(spec.containers or ()), *(spec.init_containers or ())))


def _is_init_container(facts: Facts, key: tuple[str, str], container: str) -> bool:
    """Whether it is a sidecar among the init containers, which kubectl set resources passes over."""
    pods = (pod for pod in facts.evidence.pods.value or () if pod.key == key)
    return any(one.name == container for pod in pods for one in pod.spec.init_containers or ())


@check(
    "KM904",
    Severity.WARNING,
    Category.CONSUMERS,
    title="Autoscalers do not reach metrics.k8s.io",
    why="The controller asks every 15 seconds and leaves the number of replicas as it is while it gets no answer. "
    "Since when that is so stands in the condition.",
    remedy="kubectl get apiservice v1beta1.metrics.k8s.io  # and what else is found here about metrics.k8s.io",
    link=_HPA,
    needs=("hpas",),
    because=("KM2", "KM3", "KM4", "KM5", "KM6"),
)
def autoscalers_without_api(facts: Facts) -> Iterator[Fault]:
    """Also where our own requests succeed: the controller is another user, at another time, with another API server."""
    found = [(one, why) for one, why in _inactive(facts) if _NO_API in why.message]
    if found:
        yield Fault(
            evidence=[_quote(*one) for one in found[:3]],
            affected=[one.namespaced_name for one, _ in found],
            remedy=_describe(found[0][0]) if facts.evidence.pod_metrics.ok else "",
        )


@check(
    "KM905",
    Severity.WARNING,
    Category.CONSUMERS,
    title="Autoscalers get no metrics of their pods",
    why="metrics.k8s.io answers, but not about the pods that they scale: those do not run or are not ready, have just "
    "started, or are on nodes without metrics.",
    remedy="kubectl describe hpa -A  # then look at the pods that each of them scales",
    link=_HPA,
    needs=("hpas",),
    because=("KM2", "KM3", "KM4", "KM5", "KM6", "KM7", "KM80", "KM812"),
)
def autoscalers_without_pods(facts: Facts) -> Iterator[Fault]:
    """While metrics.k8s.io has pods this is about their own pods, and said for information."""
    found = [(one, why) for one, why in _inactive(facts) if _has_no_metrics(why.message)]
    if found:
        served = facts.evidence.pod_metrics.ok and bool(facts.evidence.pod_metrics.value)
        yield Fault(
            evidence=[_quote(*one) for one in found[:3]],
            affected=[one.namespaced_name for one, _ in found],
            severity=Severity.INFO if served else None,
            remedy=f"{_describe(found[0][0])}; kubectl -n {shlex.quote(found[0][0].metadata.namespace)} get pods",
        )


def _has_no_metrics(message: str) -> bool:
    return any(one in message for one in _NO_METRICS)
