"""What the README shows is what people get."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.test_process import TOOL
from tests.docs import readme
from tests.simcluster import SimCluster


def test_there_are_consoles() -> None:
    assert len(readme.consoles()) > 5


def test_every_first_minute_is_tried() -> None:
    assert readme.first_minutes() == [*readme.WITHOUT_A_CLUSTER, *readme.WITHOUT_METRICS_SERVER]


@pytest.fixture
def person(tmp_path: Path) -> readme.Person:
    start = f'kubectl() {{ shift; {shlex.join(TOOL)} "$@"; }}'
    return readme.Person(tmp_path, {"PYTHONPATH": str(readme.ROOT)}, start)


@pytest.fixture(scope="module")
def bare() -> Iterator[SimCluster]:
    with readme.bare() as cluster:
        yield cluster


@pytest.mark.parametrize("situation", readme.WITHOUT_A_CLUSTER)
def test_without_a_cluster(situation: str, person: readme.Person) -> None:
    person.without_a_cluster(situation)


@pytest.mark.parametrize("situation", readme.WITHOUT_METRICS_SERVER)
def test_without_metrics_server(situation: str, person: readme.Person, bare: SimCluster) -> None:
    person.without_metrics_server(situation, bare)
