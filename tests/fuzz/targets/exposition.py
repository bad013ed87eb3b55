"""/metrics/resource of a kubelet: two scrapes with a NUL between them.

From them come the rates, and from the second the sum that ``diagnose`` keeps.
"""

from __future__ import annotations

from kubectl_metrics.diagnosis.collect.scrape import summarize
from kubectl_metrics.errors import DecodeError
from kubectl_metrics.usage.kubelet import from_scrapes
from kubectl_metrics.wire.exposition import Scrape, scrape
from tests.fuzz.targets import summary

_NOW = 1_795_000_020_000  # milliseconds since 1970
_RESOLUTION = 15_000  # milliseconds


def _text(cpu: bytes, time: bytes) -> bytes:
    container = b'{container="c",namespace="n",pod="p"} '
    return b"".join(
        (
            b"# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds\n",
            b"container_cpu_usage_seconds_total" + container + cpu + b" " + time + b"\n",
            b"container_memory_working_set_bytes" + container + b"1.03088128e+08 " + time + b"\n",
            b"container_start_time_seconds" + container + b"1.7949990001e+09\n",
            b"container_swap_usage_bytes" + container + b"0 " + time + b"\n",
            b"node_cpu_usage_seconds_total " + cpu + b" " + time + b"\n",
            b"node_memory_working_set_bytes 7.57182464e+08 " + time + b"\n",
            b"resource_scrape_error 0\n",
        )
    )


SEEDS = (
    _text(b"25.5", b"1795000000123") + b"\0" + _text(b"26.25", b"1795000015123"),
    _text(b"0", b"1795000000123") + b"\0" + _text(b"1e9", b"1795000000124"),
    b'go_goroutines{a="\\"\\\\\\n",b=""} 7\n\0scrape_error 1\n',
)


def read(data: bytes) -> bool:
    first, _, second = data.partition(b"\0")
    summarize(second)
    try:
        report = from_scrapes(_scrape(first), _scrape(second), "a", _RESOLUTION)
    except (DecodeError, UnicodeDecodeError):
        return False
    summary.show(report)
    return True


def _scrape(body: bytes) -> Scrape:
    return scrape(body.decode(), _NOW)
