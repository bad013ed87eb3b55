"""The totals of pods, added up while the list comes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire import metrics_list, totals
from kubectl_metrics.wire.metrics_list import PodTotal
from kubectl_metrics.wire.totals import TotalsReader


def pod(name: str, *usages: tuple[Any, Any], **more: Any) -> dict[str, Any]:
    containers = [{"name": "c", "usage": {"cpu": cpu, "memory": memory}} for cpu, memory in usages]
    return {"metadata": {"name": name, "namespace": "shop"}, **more, "containers": containers}


def body_of(*pods: object, **document: object) -> bytes:
    return msgspec.json.encode({"kind": "PodMetricsList", "metadata": {}, **document, "items": pods})


def read(body: bytes, size: int = 100) -> list[PodTotal]:
    reader = TotalsReader()
    for at in range(0, len(body), size):
        reader.write(body[at : at + size])
    return reader.totals()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a list need not be large to be cut."""
    monkeypatch.setattr(totals, "_PIECE", 300)


amounts = st.integers(0, 10**12)
cpu_texts = amounts.flatmap(lambda value: st.sampled_from([f"{value}n", f"{value}u", f"{value}m", f"{value}"]))
memory_texts = amounts.flatmap(lambda value: st.sampled_from([f"{value}Ki", f"{value}Mi", f"{value}", f"{value}k"]))
usages = st.lists(st.tuples(cpu_texts, memory_texts), max_size=3)


@given(st.lists(usages, max_size=20), st.integers(1, 1000))
def test_totals_are_those_of_the_whole_pods(pods: list[list[tuple[str, str]]], size: int) -> None:
    body = body_of(*(pod(f"p{index}", *used) for index, used in enumerate(pods)))
    assert read(body, size) == list(map(metrics_list.total_of, metrics_list.pod_list(body)))


def test_what_has_been_added_up_is_not_kept() -> None:
    reader = TotalsReader()
    for at in range(0, len(body := body_of(*[pod("p", ("1n", "1Ki"))] * 1000)), 100):
        reader.write(body[at : at + 100])
        assert len(reader._rest) < 700
    assert reader.totals() == [("shop", "p", 1, 1024)] * 1000


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"cpu": "5n", "memory": "3Ki"}, (5, 3072)),
        ({"cpu": 1, "memory": 2}, (10**9, 2)),  # numbers are quantities, too
        ({"memory": "2Ki"}, (0, 2048)),
        ({"cpu": None, "memory": "2Ki"}, (0, 2048)),
        ({}, (0, 0)),
    ],
)
def test_what_metrics_server_would_not_write(usage: dict[str, Any], expected: tuple[int, int]) -> None:
    odd = {"metadata": {"name": "odd"}, "containers": [{"name": "c", "usage": usage}]}
    fine = [pod("p", ("1n", "1Ki"))] * 10
    total = ("shop", "p", 1, 1024)
    assert read(body_of(*fine, odd, *fine)) == [*[total] * 10, ("", "odd", *expected), *[total] * 10]
    assert read(body_of(odd)) == [("", "odd", *expected)]


@pytest.mark.parametrize("quantity", ["", "n", "Ki", "-5n", "1_0n", " 5n", "٣n", "²n", "5nn", "9" * 5000 + "n"])
def test_what_is_no_quantity(quantity: str) -> None:
    for usage in ((quantity, "1Ki"), ("1n", quantity.replace("n", "Ki"))):
        pods = [pod("p", ("1n", "1Ki"))] * 10 + [pod("q", usage)] + [pod("p", ("1n", "1Ki"))] * 10
        with pytest.raises(DecodeError, match=r"items\[10\].containers\[0\].usage"):
            read(body_of(*pods))


def test_what_no_quantity_can_be() -> None:
    fine, most = pod("p", ("1n", "1Ki")), (1 << 53) - 1
    assert read(body_of(*[fine] * 9, pod("p", ("0", f"{most}Ki"))))[-1] == ("shop", "p", 0, most << 10)
    with pytest.raises(DecodeError, match=r"larger than any quantity.*items\[9\]"):
        read(body_of(*[fine] * 9, pod("p", ("0", f"{most + 1}Ki")), *[fine] * 9))


@pytest.mark.parametrize(
    "document",
    [
        # Lists within the items and beside them, which look like the list of the items.
        {"kind": "PodMetricsList", "other": {"items": [], "x": [1]}, "items": [pod("p", ("1n", "1Ki"))] * 9},
        {"items": [pod("p", ("1n", "1Ki"))] * 9, "kind": "PodMetricsList"},
        {"kind": "PodMetricsList", "items": [pod("p", ("1n", "1Ki"), x=[pod("q", ("2n", "2Ki"))] * 9)] * 9},
        {"kind": "PodMetricsList", "items": [pod('},{"metadata":{', ("1n", "1Ki"))] * 9},
        {"kind": "PodMetricsList", "items": [], "more": [pod("p", ("1n", "1Ki"))] * 9},
        {"kind": "PodMetricsList", "items": None, "more": "x" * 1000},
        {"kind": "PodMetricsList", "items": [pod("x" * 5000, ("1n", "1Ki"))] * 2},
        {"kind": "", "items": [pod("p", ("1n", "1Ki"))] * 9},
    ],
)
def test_what_looks_like_something_else(document: dict[str, Any]) -> None:
    for body in (msgspec.json.encode(document), json.dumps(document, indent=1).encode()):
        assert read(body) == list(map(metrics_list.total_of, metrics_list.pod_list(body)))


def test_nothing_is_looked_at_but_what_is_added_up() -> None:
    """Which shows, too, that it is not the slow way that reads an ordinary list."""
    body = body_of(*[pod("p", ("1n", "1Ki"), timestamp=7)] * 10, pod("p", ("1n", "1Ki"), timestamp="x"))
    with pytest.raises(DecodeError):
        metrics_list.pod_list(body)
    reader = TotalsReader()
    reader.write(body)
    assert reader.totals() == [("shop", "p", 1, 1024)] * 11


def test_another_kind() -> None:
    for pods in ([], [pod("p", ("1n", "1Ki"))] * 20):
        with pytest.raises(DecodeError, match="kind 'NodeMetricsList' instead of PodMetricsList"):
            read(body_of(*pods, kind="NodeMetricsList"))


def test_where_it_is_no_json() -> None:
    body = body_of(*[pod("p", ("1n", "1Ki"))] * 20)
    for cut in (len(body) - 5, len(body) - 300):
        with pytest.raises(DecodeError) as caught:
            read(body[:cut])
        assert "not JSON" in str(caught.value)
    for at in (150, len(body) - 300, len(body) - 20):
        broken = body[:at] + b"\0" + body[at:]
        with pytest.raises(DecodeError) as whole:
            metrics_list.pod_list(broken)
        with pytest.raises(DecodeError) as caught:
            read(broken)
        assert str(caught.value) == str(whole.value)
