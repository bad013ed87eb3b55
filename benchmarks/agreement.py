"""``make agreement``: usage from the kubelets beside metrics-server's, on the test cluster under changing load.

While pods get more and less CPU, metrics.k8s.io is read every two seconds, so that all that metrics-server measures is
known, and the kubelets are asked from time to time. What they say of a span of time is compared with metrics-server's
mean of the same span, and with what metrics.k8s.io said at that moment.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import clients, machine
from benchmarks.series import Agreement, Key, Pair, Sample, Series, above
from kubectl_metrics.wire.metrics_list import NodeMetrics, PodMetrics, node_list, pod_list
from kubectl_metrics.wire.time import parse_duration, parse_timestamp
from tests.e2e.kit import METRICS, Kit, wait_for

PAGE = clients.ROOT / "docs" / "agreement.md"
BEGIN, END = "<!-- written by make agreement: begin -->", "<!-- written by make agreement: end -->"
GOAL = 0.03  # of the bias
FLOOR = 10e6  # nanocores: below, a rounded millicore is a tenth of the number
NAMESPACE = "kubectl-metrics-agreement"
DIRECT = ("--kubelet-access=direct", "--kubelet-insecure-tls", "-o", "json")  # node-b signed its own certificate
WAYS: Mapping[str, Sequence[str]] = {
    "/stats/summary": ("--source=kubelet", *DIRECT),
    "two scrapes, 15 s apart": ("--window=15s", *DIRECT),
}
SUMMARY_WINDOW = 10.0  # seconds, at most: the kubelet's own interval; the summary does not tell
_POLL = 2.0  # seconds
_HALF = 0.5  # seconds: timestamps are cut off to whole ones
_PODS = 3  # on each node
_LIMITS = (30, 250)  # millicores
_CHANGES = (15, 60)  # seconds between two changes of one pod


class Api:
    """What metrics.k8s.io says, read all the time."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.series: dict[Key, Series] = {}
        self.latest: dict[Key, Sample] = {}

    def read(self) -> None:
        found: dict[Key, Sample] = {}
        kind: str
        decode: Callable[[bytes], Sequence[NodeMetrics | PodMetrics]]
        for kind, decode in (("nodes", node_list), ("pods", pod_list)):
            ran = self._kit.kubectl("get", "--raw", f"{METRICS}/{kind}")
            if ran.status == 0:
                found |= {_key(item): _sample(item) for item in decode(ran.stdout.encode())}
        for key, sample in found.items():
            self.series.setdefault(key, Series()).add(sample)
        self.latest = found


def _key(item: NodeMetrics | PodMetrics) -> Key:
    kind = "node" if isinstance(item, NodeMetrics) else "pod"
    return kind, item.metadata.namespace, item.metadata.name


def _sample(item: NodeMetrics | PodMetrics) -> Sample:
    usages = [item.usage] if isinstance(item, NodeMetrics) else [container.usage for container in item.containers]
    return Sample(
        parse_timestamp(item.timestamp) / 1000 + _HALF,
        parse_duration(item.window),
        sum(usage.cpu for usage in usages),
        sum(usage.memory for usage in usages),
    )


def _of_kubelets(kit: Kit, flags: Sequence[str]) -> Iterator[dict[Key, Sample]]:
    """Ours about all pods, then about all nodes: whoever asks a kubelet for pods shortens the next one's span."""
    for kind, command in (("pod", ("pods", "-A")), ("node", ("nodes",))):
        ran = kit.ours(*command, *flags)
        assert ran.status == 0, ran.stderr
        found: dict[Key, Sample] = {}
        for item in ran.json()["items"]:
            window = SUMMARY_WINDOW if item["windowSeconds"] is None else item["windowSeconds"]
            usage = item["usage"]
            found[kind, item.get("namespace", ""), item["name"]] = Sample(
                parse_timestamp(item["timestamp"]) / 1000 + _HALF, window, usage["cpuNanocores"], usage["memoryBytes"]
            )
        yield found


@contextmanager
def _repeating(act: Callable[[], object], pause: Callable[[], float]) -> Iterator[None]:
    """Does it again and again in another thread; what goes wrong there is raised at the end."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:

        def work() -> None:
            while not stop.wait(pause()):
                act()

        running = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
        running.result()


@contextmanager
def _load(kit: Kit) -> Iterator[None]:
    """Pods that use all the CPU they are given, now more and now less: resized in place, not restarted."""
    pods = [_pod(f"load-{node}-{number}", node) for node in ("node-a", "node-b") for number in range(_PODS)]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": [_namespace(), *pods]})
    dice = random.Random(1)
    due = [time.monotonic() + dice.uniform(*_CHANGES) for _ in pods]

    def change() -> None:
        for index, pod in enumerate(pods):
            if time.monotonic() >= due[index]:
                due[index] = time.monotonic() + dice.uniform(*_CHANGES)
                limits = {"limits": {"cpu": f"{dice.randint(*_LIMITS)}m"}}
                patch = {"spec": {"containers": [{"name": "app", "resources": limits}]}}
                name = pod["metadata"]["name"]
                kit.must("-n", NAMESPACE, "patch", "pod", name, "--subresource=resize", "-p", json.dumps(patch))

    try:
        kit.must("apply", "-f", "-", stdin=manifest)
        wait_for("metrics of the load", lambda: _measured(kit, len(pods)))
        with _repeating(change, lambda: 1.0):
            yield
    finally:
        kit.kubectl("delete", "namespace", NAMESPACE, "--wait", "--ignore-not-found")


def _measured(kit: Kit, count: int) -> bool:
    served = kit.served(f"{METRICS}/namespaces/{NAMESPACE}/pods")
    return served is not None and len(served["items"]) == count


def _namespace() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _pod(name: str, node: str) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": "localhost/kmcluster/workload:1",
        "imagePullPolicy": "Never",
        "args": ["cpu=1000", "mem=24"],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "128Mi"}},
    }
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


Pairs = dict[tuple[str, str, str, str], list[Pair]]  # way, "same span" or "same moment", kind, CPU or memory


def measure(kit: Kit, samples: int) -> Pairs:
    """The pairs of each kind."""
    api = Api(kit)
    taken: list[tuple[str, dict[Key, Sample], dict[Key, Sample]]] = []  # way, ours, metrics.k8s.io's of that moment
    with _load(kit), _repeating(api.read, lambda: _POLL):
        wait_for("two measurements of everything", lambda: len(api.latest) > 0)
        for number in range(samples):
            for way, flags in WAYS.items():
                time.sleep(SUMMARY_WINDOW)
                for ours in _of_kubelets(kit, flags):
                    taken.append((way, ours, dict(api.latest)))
            print(f"{number + 1} of {samples}", file=sys.stderr, flush=True)
        last = time.time()
        wait_for("what metrics-server has measured meanwhile", lambda: _newest(api) > last, seconds=90)
    pairs: Pairs = {}
    for way, ours, theirs in taken:
        for key, sample in ours.items():
            series = api.series.get(key)
            if series is None or key not in theirs:
                continue
            begin = sample.end - sample.window
            for how, cpu, memory in (
                ("same span", series.cpu(begin, sample.end), series.memory(sample.end)),
                ("same moment", theirs[key].cpu, theirs[key].memory),
            ):
                if cpu is not None and memory is not None:
                    pairs.setdefault((way, how, key[0], "CPU"), []).append(Pair(key, sample.cpu, cpu))
                    pairs.setdefault((way, how, key[0], "memory"), []).append(Pair(key, sample.memory, memory))
    return pairs


def _newest(api: Api) -> float:
    """Up to when everything has been measured."""
    return min((sample.end for sample in api.latest.values()), default=0.0)


def table(pairs: Pairs) -> tuple[str, bool]:
    """As Markdown, and whether the goal is reached: the bias of CPU and memory over the same span."""
    head = ["", "of", "compared over", "pairs", "bias", "5 %", "median", "95 %"]
    lines = [f"| {' | '.join(head)} |", "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    reached = True
    for (way, how, kind, what), all_pairs in sorted(pairs.items(), key=lambda entry: (entry[0][0], entry[0][1:])):
        agreement = Agreement.of(above(all_pairs, FLOOR if what == "CPU" else 1))
        if how == "same span":
            reached = reached and abs(agreement.bias) < GOAL
        numbers = [agreement.bias, agreement.low, agreement.median, agreement.high]
        cells = [way, f"{kind}s, {what}", how, str(agreement.pairs), *(f"{100 * number:+.1f} %" for number in numbers)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines), reached


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__)
    parser.add_argument("--samples", type=int, default=20, help="of each way (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/agreement.md")
    given = parser.parse_args(arguments)
    started, load = time.monotonic(), os.getloadavg()[0]
    with (Path(tempfile.gettempdir()) / "kubectl-metrics-e2e.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests against that cluster change it
        kit = Kit()
        kit.metrics_server("on")
        pairs = measure(kit, given.samples)
    text, reached = table(pairs)
    minutes = (time.monotonic() - started) / 60
    command = " ".join(["python -m benchmarks.agreement", *arguments])
    note = f"{given.samples} samples of each way in {minutes:.0f} minutes"
    description = machine.description(clients.kubectl(), command, note, load)
    text = f"{description}\n- load average {os.getloadavg()[0]:.1f} at the end\n\n{text}"
    if given.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")
    print(text)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
