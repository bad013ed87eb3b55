"""The exposition of /metrics/resource: real lines, broken lines, and prometheus_client as an oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire.exposition import Point, Scrape, scrape

NOW = 1_700_000_000_000

REAL = """\
# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="db",namespace="shop",pod="store-0"} 25.503912 1795000000123
container_memory_working_set_bytes{container="db",namespace="shop",pod="store-0"} 1.03088128e+08 1795000000125
container_start_time_seconds{container="db",namespace="shop",pod="store-0"} 1.7949990001e+09
container_swap_usage_bytes{container="db",namespace="shop",pod="store-0"} 0 1795000000125
node_cpu_usage_seconds_total 4021.5 1795000000001
node_memory_working_set_bytes 7.57182464e+08 1795000000001
node_swap_usage_bytes 4096 1795000000001
pod_cpu_usage_seconds_total{namespace="shop",pod="store-0"} 25.6 1795000000200
# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
resource_scrape_error 0
scrape_error 0
"""


def test_a_kubelets_answer() -> None:
    assert scrape(REAL, NOW) == Scrape(
        Point(timestamp=1795000000001, cpu=4021_500_000_000, memory=757182464, swap=4096),
        {
            ("shop", "store-0", "db"): Point(
                timestamp=1795000000123, start=1794999000100000000, cpu=25_503_912_000, memory=103088128, swap=0
            )
        },
        failed=False,
    )


def test_only_the_node() -> None:
    answer = scrape(REAL, NOW, containers_too=False)
    assert (answer.node, answer.containers, answer.failed) == (scrape(REAL, NOW).node, {}, False)
    with pytest.raises(DecodeError, match="line 2: expected a sample"):
        scrape("node_cpu_usage_seconds_total 1\nwhat is this?\n", NOW, containers_too=False)


def test_time_and_order() -> None:
    # The CPU sample's time counts, whichever comes first; a sample without one is as old as the answer.
    text = 'container_memory_working_set_bytes{container="c",namespace="n",pod="p"} 1 5\n'
    assert scrape(text, NOW).containers["n", "p", "c"].timestamp == 5
    cpu = 'container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"} 1 7\n'
    assert scrape(text + cpu, NOW).containers["n", "p", "c"].timestamp == 7
    assert scrape(cpu + text, NOW).containers["n", "p", "c"].timestamp == 7
    assert scrape("node_cpu_usage_seconds_total 1", NOW).node.timestamp == NOW


def test_the_kubelet_says_that_it_failed() -> None:
    assert scrape("resource_scrape_error 1\n", NOW).failed
    assert scrape("scrape_error 1\n", NOW).failed


def test_what_is_there_twice_may_be_noted() -> None:
    repeated: dict[tuple[str, str, str], None] = {}
    again = REAL.replace(" 25.503912 ", " 30 ") + "node_memory_working_set_bytes 7 1795000000001\n"
    found = scrape(again + REAL.splitlines()[2].replace(" 25.503912 ", " 31 ") + "\n", NOW, repeated)
    assert list(repeated) == [("", "", ""), ("shop", "store-0", "db")]
    assert (found.node.memory, found.containers["shop", "store-0", "db"].cpu) == (7, 31_000_000_000)


def test_nothing_is_an_empty_scrape() -> None:
    for text in ("", "\n\n", "# only a comment", "  \n", "go_goroutines 7\n"):
        assert scrape(text, NOW) == Scrape(Point(), {}, failed=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>", "line 1: expected a sample"),
        ("node_cpu_usage_seconds_total", "expected a sample"),
        ("\nnode_cpu_usage_seconds_total 1 2 3", "line 2: expected a sample"),
        ("node_cpu_usage_seconds_total 1 x", "expected a sample"),
        ("node_cpu_usage_seconds_total x", "not a number"),
        ("node_cpu_usage_seconds_total 1_0", "nothing can have"),
        ("node_cpu_usage_seconds_total NaN", "nothing can have"),
        ("node_cpu_usage_seconds_total -1", "nothing can have"),
        ("node_cpu_usage_seconds_total +Inf", "nothing can have"),
        ("node_memory_working_set_bytes 1e30", "nothing can have"),
        ("node_cpu_usage_seconds_total 1.9e10", "nothing can have"),  # in nanoseconds it is more than 2**64
        ("node_cpu_usage_seconds_total \u0665", "nothing can have"),
        ("node_cpu_usage_seconds_total 1 999999999999999999", "a time that is none"),
        ("node_memory_working_set_bytes 1 -99999999999999", "a time that is none"),
        ("\n\na{" + "x" * 100_000, "line 3: a line that is too long"),
        ("node_cpu_usage_seconds_total 1\nnode_cpu_usage_seconds_total 2", "line 2: the same series twice"),
        ('container_cpu_usage_seconds_total{container="c",namespace="n"} 1', "no label 'pod'"),
        ("container_cpu_usage_seconds_total 1", "no label 'namespace'"),
        ('container_cpu_usage_seconds_total{pod="a",pod="b"} 1', "the same label twice"),
        ("container_cpu_usage_seconds_total{pod=a} 1", "cannot read the labels"),
        ('container_cpu_usage_seconds_total{pod="a" 1', "expected a sample"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        scrape(text, NOW)


_LABEL_VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)
_VALUES = st.floats(0, 1e15, allow_nan=False)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@given(st.lists(st.tuples(_LABEL_VALUES, _LABEL_VALUES, _LABEL_VALUES, _VALUES), unique_by=lambda row: row[:3]))
def test_as_prometheus_reads_it(rows: list[tuple[str, str, str, float]]) -> None:
    text = "".join(
        f'container_memory_working_set_bytes{{container="{_escaped(c)}", namespace="{_escaped(n)}",'
        f'pod="{_escaped(p)}"}} {value!r} 1700000000000\n'
        for n, p, c, value in rows
    )
    oracle = {
        (sample.labels["namespace"], sample.labels["pod"], sample.labels["container"]): int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert {key: point.memory for key, point in scrape(text, NOW).containers.items()} == oracle


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        answer = scrape(text, NOW)
    except DecodeError:
        return
    assert isinstance(answer, Scrape)


@given(st.data())
def test_a_damaged_answer_is_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(REAL)))
    end = data.draw(st.integers(start, len(REAL)))
    try:
        answer = scrape(REAL[:start] + data.draw(st.text(max_size=5)) + REAL[end:], NOW)
    except DecodeError:
        return
    for point in [answer.node, *answer.containers.values()]:
        assert (point.cpu or 0) >= 0
        assert (point.memory or 0) >= 0
