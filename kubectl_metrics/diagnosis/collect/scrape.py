"""/metrics/resource of one kubelet, summed up: what a diagnosis wants to know of a megabyte."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from kubectl_metrics.diagnosis.probe import Scrape
from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire import exposition
from kubectl_metrics.wire.exposition import ContainerKey

_NO_TIME = -1  # the time of a sample that carries none
_LISTED = 50  # containers by name
_NODE = ("", "", "")


def summarize(body: bytes) -> Scrape:
    """The sum of an exposition, ``unparsable`` if it is none.

    A container counts as zero where metrics-server would give up its pod for it: it is reported, and its CPU counter or
    its memory is 0 or missing (checkContainerMetrics in its pkg/scraper/client/resource/decode.go).
    """
    repeated: dict[ContainerKey, None] = {}
    try:
        found = exposition.scrape(body.decode("utf-8"), _NO_TIME, repeated)
    except UnicodeDecodeError:
        return Scrape(unparsable=f"not text: {body[:40]!r}")
    except DecodeError as error:
        return Scrape(unparsable=error.message)
    node, containers = found.node, found.containers
    times = [point.timestamp for point in (node, *containers.values())]
    return Scrape(
        node_cpu=None if node.cpu is None else node.cpu / 1e9,
        node_memory=node.memory,
        node_timestamp=_time(node.timestamp),
        containers=len(containers),
        pods=len({(namespace, pod) for namespace, pod, _ in containers}),
        zero_containers=_names(key for key, point in containers.items() if not point.cpu or not point.memory),
        duplicates=_names(repeated),
        newest=max((one for one in map(_time, times) if one is not None), default=None),
        scrape_error=float(found.failed),
    )


def _time(milliseconds: int | None) -> int | None:
    return None if milliseconds is None or milliseconds < 0 else milliseconds


def _names(keys: Iterable[ContainerKey]) -> list[str]:
    return ["node" if key == _NODE else "/".join(key) for key in islice(keys, _LISTED)]
