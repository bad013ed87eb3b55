"""Odd evidence: clusters and bundles are other people's, and no check may fall over what is in them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.catalogue import CHECKS as ALL
from kubectl_metrics.diagnosis.evidence import Evidence, Health, Log
from kubectl_metrics.diagnosis.findings import Category
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import ok
from tests.diagnosis.servers import NAME, crashing, event, failing, waiting

CATEGORIES = (Category.METRICS_SERVER, Category.RBAC, Category.CONSUMERS)
CHECKS = {id_: one for id_, one in ALL.items() if one.category in CATEGORIES}
FIELDS = (
    *("service_pods", "deployments", "nodes", "events", "logs", "readyz", "livez", "hpas", "aws_auth", "version"),
    *("cluster_role_bindings", "role_bindings", "cluster_roles", "roles", "service_account", "service"),
    *("node_metrics", "pod_metrics"),
)
TEXTS = st.sampled_from(
    [
        "",
        "x",
        "-",
        "--",
        "=",
        "\x00\x1b[31m",
        "9" * 5000,
        "ü²",
        "1e99",
        "$(X)",
        "a" * 2000,
        "2026-13-45T99:99:99Z",
        "a b",
    ]
)
NUMBERS = st.sampled_from([0, -1, 1, 2**70, -(2**70)])


def everything() -> Evidence:
    """A bit of each fault, so that each check has something to look at."""
    evidence = crashing(message="panic: x")
    evidence.service_pods.get().extend([*waiting("ErrImagePull").service_pods.get(), *failing().service_pods.get()])
    evidence.events = ok([event("Killing", "failed liveness probe"), event("Unhealthy", "Liveness probe failed: x")])
    evidence.readyz = evidence.livez = ok(Health(status=500, text="[-]x failed"))
    lines = ['E0302 10:00:00.1       1 a.go:1] "x" node="node-a"', "panic: x"]
    evidence.logs = ok([Log(pod=NAME, container="metrics-server", lines=lines)])
    return evidence


def spoil(value: Any, data: st.DataObject) -> Any:
    """The same with one field somewhere in it empty, odd, or absurd."""
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        if not names or not data.draw(st.integers(0, 12)):
            return type(value)()
        name = data.draw(st.sampled_from(names))
        return msgspec.structs.replace(value, **{name: spoil(getattr(value, name), data)})
    if isinstance(value, list):
        if not value or not data.draw(st.integers(0, 4)):
            return []
        index = data.draw(st.integers(0, len(value) - 1))
        return [*value[:index], spoil(value[index], data), *value[index + 1 :]]
    if isinstance(value, dict):
        return {} if not value else {**value, data.draw(st.sampled_from(sorted(value))): data.draw(TEXTS)}
    if isinstance(value, bool) or value is None:
        return value if value is None else not value
    if isinstance(value, int):
        return data.draw(NUMBERS)
    return data.draw(TEXTS) if isinstance(value, str) else value


def test_nothing_at_all() -> None:
    assert judge(Evidence(), checks=CHECKS).findings == []


@pytest.mark.parametrize("name", FIELDS)
def test_one_read_is_empty(name: str) -> None:
    evidence = everything()
    kind = k8s.ConfigMap if name == "aws_auth" else type(getattr(evidence, name).value)
    setattr(evidence, name, ok(kind()))
    assert judge(evidence, checks=CHECKS).stages


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_odd_values(data: st.DataObject) -> None:
    evidence = everything()
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(FIELDS))
        read = getattr(evidence, name)
        if read.value is not None:
            setattr(evidence, name, msgspec.structs.replace(read, value=spoil(read.value, data)))
    for one in judge(evidence, checks=CHECKS).findings:
        assert len(one.title) <= 90
        assert one.evidence and one.remedy
        assert "\n" not in one.remedy
