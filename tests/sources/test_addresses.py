"""Which address, which port, which names: pure, by tables."""

from __future__ import annotations

import pytest

from kubectl_metrics.sources import addresses
from kubectl_metrics.sources.query import ADDRESS_TYPES
from kubectl_metrics.wire.core import DaemonEndpoint, DaemonEndpoints, Node, NodeAddress, NodeStatus, ObjectMeta


def node(*known: tuple[str, str], port: int = 0) -> Node:
    endpoints = DaemonEndpoints(DaemonEndpoint(port))
    listed = [NodeAddress(kind, address) for kind, address in known]
    return Node(ObjectMeta("worker"), status=NodeStatus(addresses=listed, daemon_endpoints=endpoints))


@pytest.mark.parametrize(
    ("known", "types", "expected"),
    [
        ([("InternalIP", "10.0.0.1")], ADDRESS_TYPES, ["10.0.0.1"]),
        ([("Hostname", "h"), ("InternalIP", "10.0.0.1")], ADDRESS_TYPES, ["10.0.0.1", "h"]),
        ([("Hostname", "h"), ("InternalIP", "10.0.0.1")], ["Hostname"], ["h"]),
        ([("InternalIP", "10.0.0.1"), ("InternalIP", "fd00::1")], ADDRESS_TYPES, ["10.0.0.1", "fd00::1"]),
        ([("InternalIP", "10.0.0.1"), ("Hostname", "10.0.0.1")], ADDRESS_TYPES, ["10.0.0.1"]),
        ([("InternalIP", "")], ADDRESS_TYPES, []),
        ([("ExternalIP", "1.2.3.4")], ["InternalIP"], []),
        ([], ADDRESS_TYPES, []),
    ],
)
def test_addresses(known: list[tuple[str, str]], types: list[str], expected: list[str]) -> None:
    assert list(addresses.addresses(node(*known), types)) == expected


def test_addresses_with_their_types() -> None:
    known = [("Hostname", "h"), ("InternalIP", "10.0.0.1"), ("ExternalIP", "10.0.0.1")]
    assert addresses.addresses(node(*known), ADDRESS_TYPES) == {"10.0.0.1": "InternalIP", "h": "Hostname"}


def test_a_node_without_addresses() -> None:
    bare = Node(ObjectMeta("worker"))
    assert addresses.addresses(bare, ADDRESS_TYPES) == {}
    assert addresses.names(bare) == ["worker"]


def test_names_are_all_of_them_whatever_is_dialled() -> None:
    known = [("InternalIP", "10.0.0.1"), ("Hostname", "worker"), ("ExternalDNS", "w.example.com")]
    assert addresses.names(node(*known)) == ["10.0.0.1", "worker", "w.example.com"]


@pytest.mark.parametrize(
    ("host", "secure", "expected"),
    [
        ("10.0.0.1", True, "https://10.0.0.1:10250"),
        ("fd00::1", True, "https://[fd00::1]:10250"),
        ("worker.local", False, "http://worker.local:10250"),
    ],
)
def test_url(host: str, secure: bool, expected: str) -> None:
    assert addresses.url(host, 10250, secure=secure) == expected


def test_port() -> None:
    assert addresses.status_port(node()) == 10250
    assert addresses.status_port(node(port=10260)) == 10260
