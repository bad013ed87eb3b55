"""Names out of the two forms that a list can have, and out of what no API server should send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire.names import names


def table(*rows: object, columns: object = ({"name": "Name", "format": "name"}, {"name": "Age"})) -> bytes:
    return json.dumps(
        {"kind": "Table", "columnDefinitions": columns, "rows": [{"cells": row, "object": None} for row in rows]}
    ).encode()


def test_a_table() -> None:
    assert names(table(["node-b", "3d"], ["node-a", "<unknown>"]), "nodes") == ["node-a", "node-b"]


def test_a_table_whose_names_are_not_in_front() -> None:
    body = table([3, "b"], [4, "a"], columns=[{"name": "Age", "format": ""}, {"name": "Name", "format": "name"}])
    assert names(body, "nodes") == ["a", "b"]


def test_a_table_without_columns() -> None:
    assert names(table(["a"], columns=None), "nodes") == ["a"]


def test_a_list() -> None:
    body = {"kind": "PodList", "items": [{"metadata": {"name": "web-1", "namespace": "shop"}, "spec": {}}, {}]}
    assert names(json.dumps(body).encode(), "pods") == ["web-1"]


@pytest.mark.parametrize("body", [b"{}", b'{"items": null, "rows": null}', b'{"rows": [{"cells": []}, {}]}'])
def test_nothing(body: bytes) -> None:
    assert names(body, "pods") == []


@pytest.mark.parametrize(
    "name",
    ["", "a b", "$(reboot)", "a;b",
     "a\nb", "a\tb", "\x1b[2J", "-A", ".", "a/b", "A", "é", "a`b", "a" * 254, 7, None, ["a"]],
)  # fmt: skip
def test_what_cannot_be_a_name_is_left_out(name: object) -> None:
    assert names(table([name, "1d"], ["node-a", "1d"]), "nodes") == ["node-a"]
    if isinstance(name, str):
        body = json.dumps({"items": [{"metadata": {"name": name}}]}).encode()
        assert names(body, "nodes") == []


@pytest.mark.parametrize("name", ["a", "a" * 253, "0.1-2", "ip-10-0-0-1.ec2.internal"])
def test_what_can_be_a_name(name: str) -> None:
    assert names(table([name]), "nodes") == [name]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"rows": 3}', b"<html>", b'{"items": [{"metadata": {"name": 3}}]}'])
def test_bad_answers(body: bytes) -> None:
    with pytest.raises(DecodeError):
        names(body, "nodes")


@given(st.lists(st.text()))
def test_whatever_the_names_are(found: list[str]) -> None:
    for name in names(table(*[[one] for one in found]), "nodes"):
        assert name in found
        assert name.isascii() and name.isprintable() and " " not in name
