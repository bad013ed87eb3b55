"""The way from the API server to the one that serves metrics.k8s.io: the network, proxies, tunnels."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl
from kubectl_metrics.diagnosis.facts.complaint import Kind, check_failed, complaints, kind, status, target
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.selection import selects_labels
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Container, NetworkPolicy, NetworkPolicyRule, Pod, condition

_AGGREGATION = "https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/"
_REQUIREMENTS = "https://github.com/kubernetes-sigs/metrics-server#requirements"
_SETTLED = 60  # seconds: the check is made every 30, and what it says is about a pod that was still starting
_BEFORE = ("KM2", "KM401", "KM402", "KM404")  # without a ready endpoint the check is not made, and its text is old


@check(
    "KM301",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The API server cannot reach metrics-server over the network",
    why="The API server itself connects to metrics-server's Service or pods. Its packets do not arrive or are not "
    "answered: a firewall or security group, the pod network (CNI), or a control plane outside of it.",
    remedy="kubectl -n kube-system get pods -o wide -l k8s-app=metrics-server  # on a control-plane node, try: "
    "curl -k https://POD_IP:10250/livez; open the way, or run metrics-server with hostNetwork: true",
    link=_REQUIREMENTS,
    needs=(),
    after=_BEFORE,
    because=("KM302", "KM303", "KM304", "KM305"),
)
def unreachable(facts: Facts) -> Iterator[Fault]:
    """Timeouts and missing routes; a refused connection is another matter, somebody was there to refuse it."""
    proofs = complaints(facts, Kind.UNREACHABLE)
    if not proofs:
        return
    proofs += _whose(facts, proofs[0].value)
    remedy = ""
    found = _endpoint(facts)
    if found is not None:
        host, port = found
        host = f"[{host}]" if ":" in host else host
        remedy = (
            f"curl -k https://{host}:{port}/livez  # on a control-plane node; open that way (CNI, firewall, security "
            "group), or run metrics-server with hostNetwork: true"
        )
    yield Fault(evidence=proofs, remedy=remedy)


@check(
    "KM302",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The API server cannot reach ClusterIPs",
    why="Without --enable-aggregator-routing the API server dials the Service's ClusterIP, and that leads nowhere on a "
    "machine without kube-proxy or something in its place. The pod behind it can be reached.",
    remedy="add --enable-aggregator-routing=true to the flags of each kube-apiserver (kubeadm: "
    "/etc/kubernetes/manifests/kube-apiserver.yaml), or run kube-proxy on the control-plane nodes",
    link=_AGGREGATION,
    needs=("service",),
    after=_BEFORE,
)
def no_kube_proxy(facts: Facts) -> Iterator[Fault]:
    """That /readyz is answered shows that the pod can be reached: the API server's service proxy dials pods.

    A server that starts makes the check time out too, so nothing is said about one that has only just become ready.
    """
    service = facts.evidence.service.value
    proofs = complaints(facts, Kind.UNREACHABLE)
    dialled = next((found for proof in proofs if (found := target(proof.value)) is not None), None)
    if service is None or dialled is None or not dialled[0] or dialled[0] != service.spec.cluster_ip:
        return
    health = facts.evidence.readyz
    without = _without_kube_proxy(facts)
    if without == [] or _is_new(facts):
        return
    if health.value is not None and health.status:
        proofs.append(Proof("GET services/proxy/readyz", "status", f"{health.status}: the pod itself is reached"))
    elif not without:
        return
    proofs.append(Proof(facts.service_name, "spec.clusterIP", service.spec.cluster_ip))
    proofs += [Proof(f"Node {name}", "pods k8s-app=kube-proxy", "none that is ready") for name in (without or ())[:3]]
    yield Fault(
        evidence=proofs, title="The API server cannot reach ClusterIPs: no kube-proxy beside it" if without else ""
    )


@check(
    "KM303",
    Severity.ERROR,
    Category.AGGREGATION,
    title="A NetworkPolicy keeps the API server from metrics-server",
    why="A NetworkPolicy selects metrics-server's pods and lets in only other pods. The API server is none: it comes "
    "from the address of a control-plane node or from outside of the cluster.",
    remedy="kubectl -n kube-system get networkpolicies  # allow ingress to metrics-server's port from the API server's "
    "address (ipBlock), or from anywhere",
    link="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    needs=("network_policies",),
    after=_BEFORE,
)
def network_policy(facts: Facts) -> Iterator[Fault]:
    """Only where it does not work: many networks let a node's own traffic pass, and tunnels end in pods."""
    proofs = complaints(facts, Kind.UNREACHABLE)
    if not proofs or facts.evidence.readyz.ok or facts.evidence.tunnels.value:
        return
    pods = [pod for pod in facts.pods if not pod.spec.host_network]  # no policy is about the others
    closing = [one for one in facts.evidence.network_policies.get() if pods and _closes(one, pods[0])]
    if not closing or any(_lets_in(rule, facts) for one in closing for rule in one.spec.ingress or ()):
        return
    first = closing[0]
    proofs += [
        Proof(
            f"NetworkPolicy {one.namespaced_name}",
            "spec.ingress",
            "lets nobody in" if not one.spec.ingress else "lets in only what is selected by labels, or on other ports",
        )
        for one in closing[:3]
    ]
    yield Fault(
        evidence=proofs,
        remedy=kubectl(
            "edit",
            "networkpolicy",
            first.metadata.name,
            namespace=first.metadata.namespace,
            note="spec.ingress: allow metrics-server's port from the API server's address (ipBlock), or from anywhere",
        ),
    )


@check(
    "KM304",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The API server asks for metrics-server through an HTTP proxy",
    why="HTTPS_PROXY is set for kube-apiserver, and NO_PROXY does not have the addresses of Services and pods. The "
    "proxy outside of the cluster knows none of them.",
    remedy="add the CIDRs of Services and pods, .svc and .cluster.local to NO_PROXY of each kube-apiserver (kubeadm: "
    "/etc/kubernetes/manifests/kube-apiserver.yaml)",
    link="https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md",
    needs=(),
    after=_BEFORE,
)
def behind_proxy(facts: Facts) -> Iterator[Fault]:
    """By the proxy's own words, or by the environment of a kube-apiserver that can be seen and reaches nothing."""
    proofs = complaints(facts, Kind.PROXY)
    failing = proofs or complaints(facts, Kind.UNREACHABLE, Kind.STATUS, Kind.OTHER, Kind.REFUSED)
    if not failing:
        return
    seen = [proof for pod in facts.evidence.control_plane.value or () for proof in _proxied(pod, failing[0].value)]
    if proofs or (seen and kind(failing[0].value) is Kind.UNREACHABLE):
        yield Fault(evidence=(proofs or failing) + seen[:4])


@check(
    "KM305",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The tunnel between the API server and the nodes is down",
    why="This API server reaches nodes and pods through a tunnel that agents on the nodes hold open (konnectivity, or "
    "k3s' own). No agent is connected; logs and exec fail likewise.",
    remedy="kubectl -n kube-system get pods -l k8s-app=konnectivity-agent  # restart what is not ready; on k3s and k0s "
    "restart the agents' service",
    link="https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity/",
    needs=(),
    after=_BEFORE,
)
def tunnel_down(facts: Facts) -> Iterator[Fault]:
    """By what the API server says, or by agents none of which is ready while it reaches nothing."""
    proofs = complaints(facts, Kind.TUNNEL)
    agents = facts.evidence.tunnels.value or []
    down = [pod for pod in agents if not pod.is_ready]
    silent = complaints(facts, Kind.UNREACHABLE) if agents and len(down) == len(agents) else []
    if not proofs and not silent:
        return
    shown = [Proof(f"Pod {pod.namespaced_name}", "status.conditions[Ready]", "not True") for pod in down[:3]]
    yield Fault(evidence=(proofs or silent) + shown)


@check(
    "KM314",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The API server's check of metrics.k8s.io fails",
    why="The API server reaches something behind the Service, and that does not answer as an API server does.",
    remedy="kubectl describe apiservice v1beta1.metrics.k8s.io; kubectl -n kube-system logs -l k8s-app=metrics-server",
    link=_AGGREGATION,
    needs=("api_services",),
    after=_BEFORE,
    because=("KM405", "KM406", "KM407", "KM50", "KM6"),
)
def check_fails(facts: Facts) -> Iterator[Fault]:
    """What no other check knows better: 401 and 403 are the front proxy's, and no network is to blame."""
    text = check_failed(facts)
    if not text or kind(text) not in (Kind.STATUS, Kind.OTHER) or status(text) in (401, 403):
        return
    code = status(text)
    title = ""
    if code == 404:
        title = "What listens behind the Service does not serve metrics.k8s.io"
    elif code >= 500:
        title = "metrics-server answers the API server's check with an error"
    elif "HTTP response to HTTPS client" in text or "does not look like a TLS handshake" in text:
        title = "What listens behind the Service does not speak TLS"
    found = facts.deployment if facts.evidence.deployments.ok else None
    yield Fault(
        evidence=complaints(facts, Kind.STATUS, Kind.OTHER)[:1],
        title=title,
        remedy=kubectl(
            "logs",
            f"deployment/{found.metadata.name}",
            namespace=found.metadata.namespace,
            note="says why, if it is it",
        )
        if found
        else "",
    )


def _whose(facts: Facts, text: str) -> Iterator[Proof]:
    """Whether the API server dials the Service or a pod: that tells who has to know the way."""
    dialled, service = target(text), facts.evidence.service.value
    if dialled is None or service is None:
        return
    own = service.spec.cluster_ip
    what = "the Service's ClusterIP" if dialled[0] == own else "not the Service's ClusterIP, so an endpoint's"
    yield Proof("API server", "dials", f"{dialled[0]}, {what}")


def _endpoint(facts: Facts) -> tuple[str, int] | None:
    """Address and port of a pod that should answer."""
    for part in facts.evidence.endpoint_slices.value or ():
        port = next((one.port for one in part.ports or () if one.port), None)
        for one in part.endpoints or ():
            if port and one.addresses and not set(one.addresses[0]) - set("0123456789abcdefABCDEF.:"):
                return one.addresses[0], port
    return None


def _without_kube_proxy(facts: Facts) -> list[str] | None:
    """The nodes of API servers without kube-proxy; None if that cannot be told.

    Where nobody has one, something else does what it does.
    """
    proxies = facts.evidence.kube_proxies.value or ()
    where = {pod.spec.node_name for pod in proxies if pod.is_ready}
    servers = {pod.spec.node_name for pod in facts.evidence.control_plane.value or () if pod.spec.node_name}
    return sorted(servers - where) if where and servers else None


def _is_new(facts: Facts) -> bool:
    """Whether none of metrics-server's pods has been ready for long."""
    pods = facts.pods if facts.evidence.service_pods.ok else []
    ages = []
    for pod in pods:
        found = condition(pod.status.conditions, "Ready")
        if found is not None and found.status == "True":
            ages.append(facts.age(found.last_transition_time))
    return bool(ages) and all(age is not None and age < _SETTLED for age in ages)


def _closes(policy: NetworkPolicy, pod: Pod) -> bool:
    """Whether a policy limits who may come in to a pod; one without policyTypes does."""
    kinds = policy.spec.policy_types
    return (
        policy.metadata.namespace == pod.metadata.namespace
        and (not kinds or "Ingress" in kinds)
        and selects_labels(policy.spec.pod_selector, pod.metadata.labels)
    )


def _lets_in(rule: NetworkPolicyRule, facts: Facts) -> bool:
    """Whether a rule may let the API server in: a block of addresses is taken to be the right one."""
    if rule.ports and not any(one.port is None or _is_ours(one.port, one.end_port, facts) for one in rule.ports):
        return False
    return not rule.ingress_from or any(one.ip_block is not None for one in rule.ingress_from)


def _is_ours(port: int | str, end: int | None, facts: Facts) -> bool:
    containers: list[Container] = [one for pod in facts.pods[:1] for one in pod.spec.containers or ()]
    if isinstance(port, str):
        return any(one.name == port for container in containers for one in container.ports or ())
    known = {one.container_port for container in containers for one in container.ports or ()}
    if facts.flags is not None:
        known.add(facts.flags.secure_port)
    return any(port <= one <= (end or port) for one in known)


def _proxied(pod: Pod, text: str) -> Iterator[Proof]:
    """The environment of a kube-apiserver if it has a proxy and does not except what it dials."""
    dialled = target(text)
    for container in pod.spec.containers or ():
        env = {one.name.upper(): one.value for one in container.env or () if one.value}
        proxy = env.get("HTTPS_PROXY", "")
        if not proxy or (dialled is not None and _excepted(dialled[0], env.get("NO_PROXY", ""))):
            continue
        name = f"Pod {pod.namespaced_name}"
        yield Proof(name, "spec.containers[].env[HTTPS_PROXY]", proxy.rpartition("@")[2])
        yield Proof(name, "spec.containers[].env[NO_PROXY]", env.get("NO_PROXY", "not set"))


def _excepted(host: str, exceptions: str) -> bool:
    """Whether NO_PROXY has an address, as golang.org/x/net/http/httpproxy reads it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True  # a name: nobody can tell from here
    for word in exceptions.split(","):
        word = word.strip()
        if word == "*":
            return True
        try:
            if address in ipaddress.ip_network(word, strict=False):
                return True
        except ValueError:
            continue
    return False
