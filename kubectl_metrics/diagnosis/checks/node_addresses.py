"""Where metrics-server dials: whether there is a kubelet at that address and port, and a way to it."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl
from kubectl_metrics.diagnosis.evidence import Unknown
from kubectl_metrics.diagnosis.facts.egress import IP, IPNetwork, allows, restricting
from kubectl_metrics.diagnosis.facts.expected import is_expected
from kubectl_metrics.diagnosis.facts.logs import is_old
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.vantage import evidence, graded, has_returned, unscraped
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Node, Pod

_KNOWN_ISSUES = "https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md"
_ARGS = "https://github.com/kubernetes-sigs/metrics-server#configuration"
_NODE_IP = "https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/"


@check(
    "KM702",
    Severity.ERROR,
    Category.NODES,
    title="Nodes have no address of a type that metrics-server takes",
    why="metrics-server dials the first address of the first type in --kubelet-preferred-address-types that a node "
    "has. "
    'If it has none of them, the log says "no address matched types".',
    remedy="kubectl -n kube-system edit deployment metrics-server  # "
    "--kubelet-preferred-address-types=InternalIP,Hostname",
    link=_ARGS,
    needs=("nodes",),
)
def no_address(facts: Facts) -> Iterator[Fault]:
    """NodeAddress in metrics-server's pkg/utils/address_resolver.go."""
    flags = facts.flags
    if flags is None:
        return
    seen = {}
    for node in facts.nodes:
        if facts.dialled(node) is None:
            known = ", ".join(sorted({one.type for one in node.status.addresses or ()})) or "none"
            seen[node.metadata.name] = [
                Proof(f"Node {node.metadata.name}", "status.addresses[].type", known),
                Proof(facts.deployment_name, "--kubelet-preferred-address-types", ",".join(flags.address_types)),
            ]
    fix = "--kubelet-preferred-address-types=InternalIP,Hostname"
    yield from graded(
        facts, seen, unknown=Severity.ERROR, measured=Severity.WARNING, remedy=lambda _: _edit(facts, fix)
    )


@check(
    "KM703",
    Severity.ERROR,
    Category.NODES,
    title="Several nodes have the same address",
    why="Each kubelet has chosen the address of an interface that all machines have alike, such as VirtualBox's NAT "
    "(10.0.2.15). metrics-server then asks one machine for all of them, or none at all.",
    remedy="systemctl restart kubelet  # on each of these nodes, with --node-ip=ADDRESS in KUBELET_EXTRA_ARGS "
    "(/etc/default/kubelet); kubectl get nodes -o wide shows the addresses",
    link=_NODE_IP,
    needs=("nodes",),
)
def same_address(facts: Facts) -> Iterator[Fault]:
    """Of the internal addresses. Two kubelets on one machine are well if metrics-server dials a port for each."""
    where: dict[tuple[str, int], list[str]] = {}
    for node in facts.nodes:
        name = node.metadata.name
        for address in {one.address for one in node.status.addresses or () if one.type == "InternalIP"}:
            if is_expected(facts, name):
                where.setdefault((address, _port(facts, node)), []).append(name)
    for (address, _), names in sorted(where.items()):
        if len(names) > 1 and _ip(address) is not None:
            proofs = {name: [Proof(f"Node {name}", "status.addresses[InternalIP].address", address)] for name in names}
            wrong = any(unscraped(facts, name) for name in names)
            severity = Severity.ERROR if wrong else Severity.WARNING
            yield Fault(evidence=evidence(proofs, names), affected=names, severity=severity)


@check(
    "KM704",
    Severity.INFO,
    Category.NODES,
    title="Nodes without metrics have several internal addresses",
    why="metrics-server dials only the first of them. If the pods have no route to it, the node has no metrics, "
    "although another of its addresses would do.",
    remedy="systemctl restart kubelet  # on these nodes, with --node-ip=ADDRESS in KUBELET_EXTRA_ARGS "
    "(/etc/default/kubelet)",
    link=_NODE_IP,
    needs=("nodes",),
)
def several_addresses(facts: Facts) -> Iterator[Fault]:
    """Of one family: with two families it is KM705's matter."""
    seen = {}
    for node in facts.nodes:
        found = [one.address for one in node.status.addresses or () if one.type == "InternalIP"]
        families = [address.version for address in map(_ip, found) if address is not None]
        dialled = facts.dialled(node)
        if len(families) > len(set(families)) and dialled is not None and dialled[0] == "InternalIP":
            name = node.metadata.name
            seen[name] = [Proof(f"Node {name}", "status.addresses[InternalIP].address", ", ".join(found))]
    yield from graded(facts, seen, missing=Severity.INFO, unknown=None)


@check(
    "KM705",
    Severity.WARNING,
    Category.NODES,
    title="metrics-server dials nodes over IPv6 and has an IPv4 address itself",
    why="It dials the first internal address of a node, which is an IPv6 address here. A pod without IPv6 has no "
    "route to it; whether metrics-server's pod has some cannot be seen for certain.",
    remedy="systemctl restart kubelet  # on these nodes, with the IPv4 address first in --node-ip "
    "(KUBELET_EXTRA_ARGS in /etc/default/kubelet); or run metrics-server with hostNetwork: true",
    link="https://kubernetes.io/docs/concepts/services-networking/dual-stack/",
    needs=("nodes", "service_pods"),
)
def dual_stack(facts: Facts) -> Iterator[Fault]:
    """Only where metrics are missing, and metrics-server's pods have IPv4 addresses of the pod network and no other.

    A node that is dialled over IPv6 and has metrics shows that there is a way.
    """
    own = [pod for pod in facts.pods if not pod.spec.host_network]
    if not own or any(_families(pod) != {4} for pod in own):
        return
    seen = {}
    for node in facts.nodes:
        dialled = facts.dialled(node)
        address = _ip(dialled[1]) if dialled is not None else None
        name = node.metadata.name
        if address is None or address.version != 6:
            continue
        if facts.evidence.node_metrics.ok and name in facts.measured_nodes:
            return
        if not has_returned(facts, node):
            pod = own[0]
            seen[name] = [
                Proof(f"Node {name}", "status.addresses[InternalIP].address", str(address)),
                Proof(f"Pod {pod.namespaced_name}", "status.podIP", pod.status.pod_ip),
            ]
    yield from graded(facts, seen, missing=Severity.WARNING, unknown=None)


@check(
    "KM706",
    Severity.ERROR,
    Category.NODES,
    title="Kubelets listen on another port than metrics-server dials",
    why="Without --kubelet-use-node-status-port metrics-server dials --kubelet-port (10250) on every node, wherever "
    "the kubelet says that it listens.",
    remedy="kubectl -n kube-system edit deployment metrics-server  # add the argument --kubelet-use-node-status-port",
    link=_ARGS,
    needs=("nodes",),
    because=("KM515",),
)
def other_port(facts: Facts) -> Iterator[Fault]:
    """GetMetrics in metrics-server's pkg/scraper/client/resource/client.go; with plain HTTP it means another port."""
    flags = facts.flags
    if flags is None or flags.uses_status_port or flags.on("deprecated-kubelet-completely-insecure"):
        return
    seen = {}
    for node in facts.nodes:
        name, port = node.metadata.name, node.status.daemon_endpoints.kubelet_endpoint.port
        if port and flags.kubelet_port and port != flags.kubelet_port:
            seen[name] = [
                Proof(f"Node {name}", "status.daemonEndpoints.kubeletEndpoint.Port", str(port)),
                Proof(facts.deployment_name, "--kubelet-port", str(flags.kubelet_port)),
            ]
    yield from graded(facts, seen, remedy=lambda _: _edit(facts, "add the argument --kubelet-use-node-status-port"))


@check(
    "KM707",
    Severity.WARNING,
    Category.NODES,
    title="Addresses of nodes lie in the address range of pods",
    why="What is sent to such an address from a pod may end in the pod network and never arrive at the node. Calico's "
    "default range, 192.168.0.0/16, overlaps with many networks.",
    remedy="kubectl get nodes -o "
    "custom-columns=NAME:.metadata.name,POD-CIDR:.spec.podCIDR,ADDRESSES:.status.addresses[*].address  # the ranges "
    "have to be apart: the pod network has to be set up anew",
    link=f"{_KNOWN_ISSUES}#network-problems",
    needs=("nodes",),
)
def overlapping_ranges(facts: Facts) -> Iterator[Fault]:
    """Only where metrics are missing: many a network makes nothing of spec.podCIDR."""
    owners: dict[IPNetwork, str] = {}
    for node in facts.nodes:
        for text in {node.spec.pod_cidr, *(node.spec.pod_cidrs or ())}:
            with contextlib.suppress(ValueError):
                owners.setdefault(ipaddress.ip_network(text, strict=False), node.metadata.name)
    lengths = {(one.version, one.prefixlen) for one in owners}  # few: looking up is faster than comparing with each
    seen = {}
    for node in facts.nodes:
        for one in node.status.addresses or ():
            address = _ip(one.address) if one.type == "InternalIP" else None
            if address is None:
                continue
            around = [
                ipaddress.ip_network((address.packed, length), strict=False)
                for version, length in lengths
                if version == address.version
            ]
            inside = next((each for each in around if each in owners), None)
            if inside is not None and not has_returned(facts, node):
                name = node.metadata.name
                seen[name] = [
                    Proof(f"Node {name}", "status.addresses[InternalIP].address", one.address),
                    Proof(f"Node {owners[inside]}", "spec.podCIDR", str(inside)),
                ]
    yield from graded(facts, seen, missing=Severity.WARNING, unknown=None)


@check(
    "KM710",
    Severity.ERROR,
    Category.NODES,
    title="metrics-server dials nodes by names that it cannot resolve",
    why="--kubelet-preferred-address-types puts a name before an address (by default: Hostname first), and the names "
    "of nodes are in no DNS that pods ask.",
    remedy="kubectl -n kube-system edit deployment metrics-server  # "
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    link=_ARGS,
    needs=("nodes",),
    because=("KM603", "KM604", "KM711"),
)
def unresolvable(facts: Facts) -> Iterator[Fault]:
    """The log proves it. Without it: all nodes that are dialled by name are missing, so names are what is wrong."""
    flags = facts.flags
    if flags is None:
        return
    seen = {}
    for node in facts.nodes:
        dialled = facts.dialled(node)
        name = node.metadata.name
        if dialled is not None and _ip(dialled[1]) is None and is_expected(facts, name):
            seen[name] = [
                Proof(f"Node {name}", f"status.addresses[{dialled[0]}].address", dialled[1]),
                Proof(facts.deployment_name, "--kubelet-preferred-address-types", ",".join(flags.address_types)),
            ]
    said = {name: line for name in seen if (line := _lookup_failure(facts, seen[name][0].value))}
    for name, line in said.items():
        seen[name].append(Proof("metrics-server's log", "Failed to scrape node", line))
    if not said and any(unscraped(facts, name) is not True for name in seen):
        return
    fix = "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname"
    proved = {name: seen[name] for name in said} if said else seen
    yield from graded(
        facts,
        proved,
        unknown=Severity.ERROR if said else Severity.WARNING,  # the log leaves no doubt, however new metrics-server is
        measured=Severity.WARNING,
        remedy=lambda _: _edit(facts, fix),
    )


@check(
    "KM711",
    Severity.ERROR,
    Category.NODES,
    title="A NetworkPolicy keeps metrics-server from the kubelets",
    why="A policy that selects metrics-server's pods and restricts their egress has no rule for the addresses and the "
    "port of the nodes. Selectors of pods and namespaces stand for pods only, never for nodes.",
    remedy="kubectl get networkpolicies -A -o yaml  # allow egress to the nodes' addresses (ipBlock), TCP port 10250",
    link="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    needs=("nodes", "network_policies", "service_pods"),
)
def egress_denied(facts: Facts) -> Iterator[Fault]:
    """Where there are metrics nobody enforces the policy, or somebody reads it in a way of his own."""
    pods = [pod for pod in facts.pods if not pod.spec.host_network]
    flags = facts.flags
    if not pods or flags is None:
        return
    policies = restricting(facts.evidence.network_policies.get(), pods[0])
    if not policies:
        return
    names = sorted(policy.metadata.name for policy in policies)
    place = pods[0].metadata.namespace
    seen = {}
    for node in facts.nodes:
        dialled = facts.dialled(node)
        address = _ip(dialled[1]) if dialled is not None else None
        port = _port(facts, node) or 10250
        denied = address is not None and not any(allows(policy, address, port) for policy in policies)
        if denied and not has_returned(facts, node):
            seen[node.metadata.name] = [
                Proof(f"NetworkPolicy {place}/{names[0]}", "spec.egress", f"no rule for {address}, port {port}"),
                Proof(f"Node {node.metadata.name}", "status.addresses[].address", str(address)),
            ]
    yield from graded(
        facts,
        seen,
        unknown=Severity.WARNING,
        remedy=lambda _: kubectl(
            "edit",
            "networkpolicy",
            names[0],
            namespace=place,
            note="allow egress to the nodes' addresses (ipBlock), TCP port 10250",
        ),
    )


def _port(facts: Facts, node: Node) -> int:
    """The port that metrics-server dials (GetMetrics in its client.go); 0 where that is not known."""
    try:
        flags = facts.flags
        own = node.status.daemon_endpoints.kubelet_endpoint.port if flags is not None and flags.uses_status_port else 0
        return own or (flags.kubelet_port if flags is not None else 0)
    except Unknown:
        return 0


def _families(pod: Pod) -> set[int]:
    """The versions of IP that a pod has addresses of."""
    addresses = [_ip(text) for text in (pod.status.pod_ip, *(one.ip for one in pod.status.pod_ips or ()))]
    return {one.version for one in addresses if one is not None}


def _lookup_failure(facts: Facts, host: str) -> str:
    """A line of the log that says that a name could not be resolved, not long ago."""
    for log in facts.evidence.logs.value or ():
        for line in reversed(log.lines):
            if f"lookup {host}" in line and "dial" in line and not is_old(facts, line):
                return line
    return ""


def _edit(facts: Facts, note: str) -> str:
    found = facts.deployment if facts.evidence.deployments.ok else None
    name = found.metadata.name if found is not None else "metrics-server"
    place = found.metadata.namespace if found is not None else facts.namespace
    return kubectl("edit", "deployment", name, namespace=place, note=note)


def _ip(text: str) -> IP | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
