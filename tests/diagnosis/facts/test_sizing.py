"""How much metrics-server should request: the README's rule, and addon-resizer's."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.diagnosis.facts.sizing import (
    MEBIBYTE,
    MILLICORE,
    Nanny,
    Size,
    read_nanny,
    read_size,
    recommended,
)

NODES = st.integers(0, 200_000)


@pytest.mark.parametrize(
    ("nodes", "millicores", "mebibytes"),
    [(0, 100, 200), (1, 100, 200), (100, 100, 200), (101, 101, 202), (150, 150, 300), (5000, 5000, 10000)],
)
def test_readme(nodes: int, millicores: int, mebibytes: int) -> None:
    assert recommended(nodes) == Size(cpu=millicores * MILLICORE, memory=mebibytes * MEBIBYTE)


def test_a_size_is_written_as_kubectl_takes_it() -> None:
    assert str(recommended(150)) == "cpu=150m,memory=300Mi"
    assert str(Size(memory=MEBIBYTE)) == "memory=1Mi"
    assert str(Size()) == ""


@pytest.mark.parametrize(
    ("resources", "size"),
    [
        ({"cpu": "100m", "memory": "200Mi"}, Size(cpu=100 * MILLICORE, memory=200 * MEBIBYTE)),
        ({"cpu": 1, "memory": 1024}, Size(cpu=1000 * MILLICORE, memory=1024)),
        ({"cpu": 0.5}, Size(cpu=500 * MILLICORE)),
        ({"cpu": "much", "memory": "-1Mi"}, Size()),
        ({}, Size()),
        (None, Size()),
    ],
)
def test_reading_resources(resources: dict[str, str | int | float] | None, size: Size) -> None:
    assert read_size(resources) == size


# ---- addon-resizer ----

# What manifests/components/autoscale of metrics-server has.
AUTOSCALE = {
    "cpu": "0m",
    "extra-cpu": "1m",
    "memory": "0Mi",
    "extra-memory": "2Mi",
    "threshold": "5",
    "deployment": "metrics-server",
    "container": "metrics-server",
    "estimator": "exponential",
    "minClusterSize": "100",
}
# GKE's.
GKE = {
    "cpu": "40m",
    "extra-cpu": "0.5m",
    "memory": "35Mi",
    "extra-memory": "4Mi",
    "threshold": "5",
    "deployment": "metrics-server-v1.35.0",
    "container": "metrics-server",
    "estimator": "exponential",
    "minClusterSize": "16",
}


def test_the_rule_of_the_autoscale_component() -> None:
    nanny, wrong = read_nanny(AUTOSCALE)
    assert wrong == []
    assert nanny.expected(3) == recommended(100)
    assert nanny.expected(101) == Size(cpu=150 * MILLICORE, memory=300 * MEBIBYTE)


def test_the_rule_of_gke() -> None:
    nanny, wrong = read_nanny(GKE)
    assert wrong == []
    assert nanny.expected(3) == Size(cpu=48 * MILLICORE, memory=99 * MEBIBYTE)
    assert str(nanny.expected(25)) == "cpu=58m,memory=179Mi"  # 16 * 1.5 * 1.5 = 36 nodes


@pytest.mark.parametrize(
    ("smallest", "nodes", "counted"),
    [
        (16, 1, 16),
        (16, 16, 16),
        (16, 17, 24),
        (16, 25, 36),
        (16, 37, 54),
        (16, 55, 81),
        (16, 82, 121),  # 121.5
        (5, 9, 10),  # 5 -> 7 -> 10: rounded down each time
        (2, 3, 3),
        (2, 5, 6),  # 2 -> 3 -> 4 -> 6
    ],
)
def test_exponential(smallest: int, nodes: int, counted: int) -> None:
    assert Nanny(estimator="exponential", min_cluster_size=smallest).counted(nodes) == counted


@pytest.mark.parametrize("nodes", [0, 1, 16, 1000])
def test_linear_takes_no_notice_of_the_smallest_size(nodes: int) -> None:
    nanny = Nanny(cpu=MILLICORE, cpu_per_node=10, min_cluster_size=500)
    assert nanny.expected(nodes) == Size(cpu=MILLICORE + 10 * nodes, memory=None)


@given(NODES, st.integers(2, 500))
def test_exponential_is_enough_and_not_much_more(nodes: int, smallest: int) -> None:
    counted = Nanny(estimator="exponential", min_cluster_size=smallest).counted(nodes)
    assert counted >= nodes and counted >= smallest
    assert counted == smallest or counted <= nodes * 1.5


@given(NODES, NODES, st.integers(2, 500), st.sampled_from(["linear", "exponential"]))
def test_more_nodes_never_get_less(nodes: int, more: int, smallest: int, estimator: str) -> None:
    nanny = Nanny(cpu=5, cpu_per_node=3, memory=7, memory_per_node=2, estimator=estimator, min_cluster_size=smallest)
    few, many = nanny.expected(nodes), nanny.expected(nodes + more)
    assert few.cpu is not None and many.cpu is not None and few.cpu <= many.cpu
    assert few.memory is not None and many.memory is not None and few.memory <= many.memory


@pytest.mark.parametrize(
    ("actual", "small", "large"),
    [
        (None, True, False),
        (0, True, False),
        (949, True, False),
        (950, False, False),
        (1000, False, False),
        (1050, False, False),
        (1059, False, False),  # the quotient is cut to two digits: 1.05
        (1060, False, True),
    ],
)
def test_threshold(actual: int | None, small: bool, large: bool) -> None:
    nanny = Nanny(threshold=5)
    assert nanny.too_small(actual, 1000) is small
    assert nanny.too_large(actual, 1000) is large


@given(st.integers(0, 10**15), st.integers(1, 10**15), st.integers(0, 100))
def test_threshold_is_a_share_of_what_is_expected(actual: int, expected: int, threshold: int) -> None:
    nanny = Nanny(threshold=threshold)
    share = Fraction(int(Fraction(actual, expected) * 100), 100)
    assert nanny.too_small(actual, expected) == (share < Fraction(100 - threshold, 100))
    assert nanny.too_large(actual, expected) == (share > Fraction(100 + threshold, 100))


def test_what_it_does_not_manage_is_never_wrong() -> None:
    nanny = Nanny()
    assert nanny.expected(10) == Size()
    assert not nanny.too_small(None, None) and not nanny.too_large(5, None)
    assert not nanny.too_small(0, 0) and not nanny.too_large(1, 0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"threshold": "101"}, "--threshold=101"),
        ({"threshold": "-1"}, "--threshold=-1"),
        ({"threshold": "9" * 5000}, "--threshold=9999"),
        ({"minClusterSize": "1"}, "--minClusterSize=1"),
        ({"minClusterSize": "²"}, "--minClusterSize"),
        ({"estimator": "quadratic"}, "--estimator=quadratic"),
        ({"cpu": "lots"}, "--cpu=lots"),
        ({"extra-memory": "2MB"}, "--extra-memory=2MB"),
        ({"deployment": ""}, "--deployment"),
    ],
)
def test_flags_that_it_does_not_accept(change: dict[str, str], complaint: str) -> None:
    _, wrong = read_nanny({**AUTOSCALE, **change})
    assert len(wrong) == 1
    assert wrong[0].startswith(complaint)


def test_defaults() -> None:
    nanny, wrong = read_nanny({"deployment": "x", "cpu": "MISSING"})
    assert wrong == []
    assert nanny == Nanny(deployment="x", container="pod-nanny", min_cluster_size=16, estimator="linear")


@given(st.dictionaries(st.sampled_from([*AUTOSCALE]), st.text(max_size=8)))
def test_any_flags_can_be_read(flags: dict[str, str]) -> None:
    nanny, _ = read_nanny(flags)
    assert nanny.counted(1000) >= 1000
