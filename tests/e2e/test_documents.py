"""-o json and -o yaml: the numbers of the API, complete and in base units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml

from tests.e2e.kit import METRICS, Cluster, undated

UNITS = {"n": Decimal(10) ** -9, "u": Decimal(10) ** -6, "m": Decimal(10) ** -3, "": Decimal(1)} | {
    "Ki": Decimal(1024),
    "Mi": Decimal(1024) ** 2,
    "Gi": Decimal(1024) ** 3,
}


def quantity(text: str) -> Decimal:
    number = text.rstrip("numKMGi")
    return Decimal(number) * UNITS[text[len(number) :]]


def _like(cluster: Cluster, path: str, *arguments: str) -> tuple[Any, Any]:
    """The API's answer and our document, of the same measurements."""
    theirs, ours = cluster.alike(
        lambda: cluster.kubectl("get", "--raw", path), lambda: cluster.ours(*arguments), undated
    )
    assert ours.status == 0, ours.stderr
    return theirs.json(), ours.json()


def test_nodes(cluster: Cluster) -> None:
    api, document = _like(cluster, f"{METRICS}/nodes", "nodes", "-o", "json")
    assert document["kind"] == "NodeUsageList"
    assert document["source"]["kind"] == "api"
    assert document["gaps"] == []
    expected = {
        item["metadata"]["name"]: (
            quantity(item["usage"]["cpu"]) * 10**9,
            quantity(item["usage"]["memory"]),
            item["timestamp"],
        )
        for item in api["items"]
    }
    assert {
        item["name"]: (item["usage"]["cpuNanocores"], item["usage"]["memoryBytes"], item["timestamp"])
        for item in document["items"]
    } == expected


def test_pods(cluster: Cluster) -> None:
    api, document = _like(cluster, f"{METRICS}/pods", "pods", "-A", "-o", "json")
    assert document["kind"] == "PodUsageList"
    expected = {
        (item["metadata"]["namespace"], item["metadata"]["name"], container["name"]): (
            quantity(container["usage"]["cpu"]) * 10**9,
            quantity(container["usage"]["memory"]),
        )
        for item in api["items"]
        for container in item["containers"]
    }
    assert {
        (item["namespace"], item["name"], container["name"]): (
            container["usage"]["cpuNanocores"],
            container["usage"]["memoryBytes"],
        )
        for item in document["items"]
        for container in item["containers"]
    } == expected


@pytest.mark.parametrize("arguments", [("nodes",), ("pods", "-A"), ("pods", "-n", "no-such-namespace")])
def test_yaml_says_the_same_as_json(cluster: Cluster, arguments: tuple[str, ...]) -> None:
    in_json, in_yaml = cluster.alike(
        lambda: cluster.ours(*arguments, "-o", "json"), lambda: cluster.ours(*arguments, "-o", "yaml")
    )
    assert yaml.safe_load(in_yaml.stdout) == in_json.json()


@pytest.mark.kit
@pytest.mark.parametrize("arguments", [(), ("--show-capacity",)])
def test_percentages_are_those_of_the_table(cluster: Cluster, arguments: tuple[str, ...]) -> None:
    theirs, ours = cluster.alike(
        lambda: cluster.kubectl("top", "node", "--no-headers", *arguments),
        lambda: cluster.ours("nodes", "-o", "json", *arguments),
    )
    shown = {row[0]: (row[2], row[4]) for row in theirs.table()}
    percent = {item["name"]: item["percent"] for item in ours.json()["items"]}
    assert {name: (f"{of['cpu']}%", f"{of['memory']}%") for name, of in percent.items()} == shown
