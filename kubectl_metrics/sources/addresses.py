"""Where a node's kubelet listens, and the names that its serving certificate may carry."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from kubectl_metrics.wire.core import Node

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?", re.ASCII)

SECURE_PORT = 10250
READ_ONLY_PORT = 10255


def is_host(address: str) -> bool:
    """Whether an address can stand in a URL as it is: a node's status is written by the node, and may say anything."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return len(address) < 254 and _HOST_NAME.fullmatch(address) is not None
    return "%" not in address


def addresses(node: Node, types: Sequence[str]) -> dict[str, str]:
    """The node's addresses in the order of the preferred types, each once, with its type.

    metrics-server takes the first address of the first type that matches (pkg/utils/address_resolver.go); here the rest
    of them is what is left to try when that one cannot be reached.
    """
    ordered: dict[str, str] = {}
    for kind in types:
        for one in node.status.addresses or ():
            if one.type == kind and one.address:
                ordered.setdefault(one.address, kind)
    return ordered


def names(node: Node) -> list[str]:
    """Every name by which the API knows the node: a trusted certificate for any of them is this node's.

    The API server only signs kubelet serving certificates for the node's own name and addresses, so one of them proves
    the node as well as another; which of them is dialled does not matter.
    """
    return list(dict.fromkeys([*(address.address for address in node.status.addresses or []), node.name]))


def url(host: str, port: int, *, secure: bool = True) -> str:
    """The URL of a kubelet; an IPv6 address gets its brackets."""
    try:
        if ipaddress.ip_address(host).version == 6:
            host = f"[{host}]"
    except ValueError:
        pass
    return f"{'https' if secure else 'http'}://{host}:{port}"


def status_port(node: Node) -> int:
    """The port that the kubelet has reported for itself, else the usual one."""
    return node.status.daemon_endpoints.kubelet_endpoint.Port or SECURE_PORT
