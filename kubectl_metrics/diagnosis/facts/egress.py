"""Whether NetworkPolicies let a pod reach an address outside of the pod network (networking.k8s.io/v1).

Facts
- Policies only ever allow: what one of them allows is allowed. A pod that none selects for egress may send anywhere.
- A policy without policyTypes is one for egress if it has egress rules.
- A rule without peers is for everybody, one without ports for all ports. A port by name is one of the receiving pod's;
  a node has none. Peers by label are pods.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from kubectl_metrics.diagnosis.facts.selection import selects_labels
from kubectl_metrics.diagnosis.objects import IPBlock, NetworkPolicy, NetworkPolicyPort, Pod

IP: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
IPNetwork: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


def restricting(policies: Iterable[NetworkPolicy], pod: Pod) -> list[NetworkPolicy]:
    """The policies that limit where a pod may send to."""
    return [
        one
        for one in policies
        if one.metadata.namespace == pod.metadata.namespace
        and ("Egress" in one.spec.policy_types if one.spec.policy_types else bool(one.spec.egress))
        and selects_labels(one.spec.pod_selector, pod.metadata.labels)
    ]


def allows(policy: NetworkPolicy, address: IP, port: int) -> bool:
    """Whether a policy lets TCP through to an address that is no pod's."""
    return any(
        (not rule.ports or any(_is(one, port) for one in rule.ports))
        and (not rule.egress_to or any(one.ip_block and _contains(one.ip_block, address) for one in rule.egress_to))
        for rule in policy.spec.egress or ()
    )


def _is(known: NetworkPolicyPort, port: int) -> bool:
    if known.protocol not in (None, "", "TCP"):
        return False
    if known.port is None:
        return True
    return isinstance(known.port, int) and known.port <= port <= max(known.port, known.end_port or 0)


def _contains(block: IPBlock, address: IP) -> bool:
    return _inside(block.cidr, address) and not any(_inside(one, address) for one in block.exceptions or ())


def _inside(cidr: str, address: IP) -> bool:
    try:
        return address in ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
