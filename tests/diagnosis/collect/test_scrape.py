"""The sum of /metrics/resource."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.diagnosis.collect.scrape import summarize
from kubectl_metrics.diagnosis.probe import Scrape

NODE = "node_cpu_usage_seconds_total 4021.5 1795000000001\nnode_memory_working_set_bytes 757182464 1795000000002\n"


def container(name: str, pod: str = "web", cpu: str = "2.5", memory: str = "1024", time: str = "1795000000007") -> str:
    labels = f'container="{name}",namespace="shop",pod="{pod}"'
    return (
        f"container_cpu_usage_seconds_total{{{labels}}} {cpu} {time}\n"
        f"container_memory_working_set_bytes{{{labels}}} {memory} {time}\n"
        f"container_start_time_seconds{{{labels}}} 1.7949990001e+09\n"
    )


def test_all_of_it() -> None:
    text = NODE + container("app") + container("log") + container("app", "db") + "resource_scrape_error 0\n"
    assert summarize(text.encode()) == Scrape(
        node_cpu=4021.5,
        node_memory=757182464,
        node_timestamp=1795000000001,
        containers=3,
        pods=2,
        newest=1795000000007,
        scrape_error=0.0,
    )


def test_nothing() -> None:
    assert summarize(b"# nothing\n") == Scrape(scrape_error=0.0)


def test_no_timestamps() -> None:
    text = "node_cpu_usage_seconds_total 5\nnode_memory_working_set_bytes 7\n" + container("app", time="")
    found = summarize(text.encode())
    assert (found.node_cpu, found.node_timestamp, found.newest) == (5.0, None, None)


def test_zeros() -> None:
    only_started = 'container_start_time_seconds{container="c",namespace="shop",pod="new"} 1795\n'
    text = NODE + container("app") + container("a", cpu="0") + container("b", memory="0") + only_started
    assert summarize(text.encode()).zero_containers == ["shop/web/a", "shop/web/b", "shop/new/c"]
    many = NODE + "".join(container(f"c{number}", cpu="0") for number in range(60))
    found = summarize(many.encode())
    assert (found.containers, len(found.zero_containers)) == (60, 50)


def test_what_is_there_twice() -> None:
    found = summarize((NODE + NODE + container("app") + container("log") + container("app", cpu="9")).encode())
    assert (found.duplicates, found.unparsable, found.containers) == (["node", "shop/web/app"], "", 2)


def test_the_kubelets_own_error() -> None:
    assert summarize(NODE.encode() + b"resource_scrape_error 1\n").scrape_error == 1.0


def test_what_is_no_exposition() -> None:
    assert summarize(b"<html>").unparsable == "/metrics/resource: line 1: expected a sample, found '<html>'"
    assert summarize(b"\xff\xfe").unparsable == r"not text: b'\xff\xfe'"
    assert len(summarize(b"\xff" * 100000).unparsable) < 200
    assert len(summarize(b"<" * 100000).unparsable) < 200


@given(st.binary(max_size=300))
def test_anything(data: bytes) -> None:
    for text in (data, NODE.encode() + data):
        found = summarize(text)
        with contextlib.suppress(UnicodeDecodeError):
            text.decode()
            continue
        assert found.unparsable
