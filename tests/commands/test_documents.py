"""-o json and -o yaml: the versioned document."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.harness import Tool
from tests.simcluster import Fault, SimCluster


def test_nodes(admin: Tool) -> None:
    result = admin("nodes", "node-a", "-o", "json")
    document = json.loads(result.out)
    timestamp = document["items"][0].pop("timestamp")
    assert timestamp.endswith("Z")
    assert (result.status, result.err) == (0, "")
    assert document == {
        "apiVersion": "kubectl-metrics/v1",
        "kind": "NodeUsageList",
        "source": {"kind": "api", "detail": "metrics.k8s.io/v1beta1"},
        "items": [
            {
                "name": "node-a",
                "usage": {"cpuNanocores": 500_000_000, "memoryBytes": 4 << 30, "swapBytes": None},
                "allocatable": {"cpuMillicores": 4000, "memoryBytes": 16 << 30, "swapBytes": None},
                "capacity": {"cpuMillicores": 4000, "memoryBytes": 16 << 30, "swapBytes": None},
                "percent": {"cpu": 12, "memory": 25},
                "windowSeconds": 15.0,
            }
        ],
        "gaps": [],
    }


def test_pods(admin: Tool) -> None:
    document = json.loads(admin("pods", "-n", "shop", "web-1", "-o", "json").out)
    (item,) = document["items"]
    assert document["kind"] == "PodUsageList"
    assert (item["namespace"], item["name"]) == ("shop", "web-1")
    assert item["usage"] == {"cpuNanocores": 35_000_000, "memoryBytes": 32 << 20, "swapBytes": None}
    assert {container["name"]: container["usage"]["cpuNanocores"] for container in item["containers"]} == {
        "app": 30_000_000,
        "log": 5_000_000,
    }


@pytest.mark.parametrize(
    "arguments", [["nodes"], ["pods", "-A"], ["nodes", "-l", "zone=none"], ["pods", "-n", "empty"]]
)
def test_yaml_is_the_same_document(admin: Tool, arguments: list[str]) -> None:
    by_json = json.loads(admin(*arguments, "-o", "json", "--source", "kubelet").out)
    by_yaml = yaml.safe_load(admin(*arguments, "-o", "yaml", "--source", "kubelet").out)
    for document in (by_json, by_yaml):
        for item in document["items"]:
            item["timestamp"] = str(item["timestamp"])[:10]
    assert by_json == by_yaml


def test_order_is_the_tables(admin: Tool) -> None:
    for sort_by in ("cpu", "memory"):
        document = json.loads(admin("nodes", "--sort-by", sort_by, "-o", "json").out)
        assert [item["name"] for item in document["items"]] == [
            row[0] for row in admin("nodes", "--sort-by", sort_by).rows
        ]


def test_gaps_are_in_it(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("node-b", Fault.refuse()):
        nodes = json.loads(admin("nodes", "-o", "json", "--source", "kubelet").out)
        pods = json.loads(admin("pods", "-n", "shop", "-o", "json", "--source", "kubelet").out)
    (gap,) = nodes["gaps"]
    assert (gap["kind"], gap["name"], gap["reason"]) == ("Node", "node-b", "connection-refused")
    assert "connection refused" in gap["message"]
    assert [item["name"] for item in nodes["items"]] == ["node-a", "node-c"]
    assert [(gap["kind"], gap["namespace"], gap["name"], gap["node"], gap["reason"]) for gap in pods["gaps"]] == [
        ("Pod", "shop", "db-0", "node-b", "connection-refused"),
        ("Pod", "shop", "web-2", "node-b", "connection-refused"),
    ]


def test_a_window_that_is_not_known_is_null(admin: Tool) -> None:
    (item,) = json.loads(admin("nodes", "node-a", "-o", "json", "--source", "kubelet").out)["items"]
    assert item["windowSeconds"] is None
