"""Answers that are well-formed and say what cannot be: refused by name, or read as everybody else reads them."""

from __future__ import annotations

import pytest

from tests.faults import content
from tests.faults.conftest import Farm
from tests.faults.places import FAULTY, METRICS, NODES, PODS
from tests.faults.runs import Launcher, Run
from tests.faults.test_places import PATIENT, unsafe
from tests.simcluster import Fault

# The first of them waits until the tool is ready to be run; each run has CEILING.
pytestmark = pytest.mark.timeout(300)

DAY = 86_400


def run(farm: Farm, launch: Launcher, target: str, fault: Fault, path: str, *commands: str) -> list[Run]:
    """Commands while a fault is in force; none of them may crash or tell a secret."""
    config = farm.config(0)
    common = ("--kubeconfig", config, "--request-timeout", PATIENT, "--kubelet-request-timeout", PATIENT)
    with farm[0].fault(target, fault, path):
        runs = launch(*((*command.split(), *common) for command in commands))
    assert [problem for one in runs for problem in unsafe(one, farm.secrets)] == []
    return runs


def cpus(one: Run) -> dict[str, str]:
    """CPU by name, of a table."""
    return {row[0]: row[1] for row in one.rows}


# What metrics.k8s.io may say, and what the error says about it; "" where it counts.
METRICS_VALUES = {
    "negative": (content.usage(cpu="-1"), "'-1' is negative"),
    "negative-memory": (content.usage(memory="-5Ki"), "'-5Ki' is negative"),
    "huge": (content.usage(cpu="1e99"), "larger than any"),
    "huge-memory": (content.usage(memory="99999999Ei"), "larger than any"),
    "many-digits": (content.usage(memory="9" * 10_000), "is not a quantity"),
    "not-a-number": (content.usage(cpu="NaN"), "'NaN' is not a quantity"),
    "infinite": (content.usage(cpu="+Inf"), "'+Inf' is not a quantity"),
    "empty": (content.usage(cpu=""), "'' is not a quantity"),
    "a-fraction": (content.usage(cpu=0.5), "0.5 is not a quantity"),
    "truth": (content.usage(memory=True), "True is not a quantity"),
    "an-object": (content.usage(cpu={"x": 1}), "is not a quantity"),
    "other-digits": (content.usage(cpu="\u0665\u0660m"), "is not a quantity"),
    "null-items": (lambda document: document.update(items=[None]), "$.items[0]"),
    "items-that-are-none": (lambda document: document.update(items="none"), "$.items"),
    "names-that-are-none": (content.items(metadata={"name": 5}), "metadata.name"),
    "no-metadata": (content.items(metadata=None), "metadata"),
    "clock-a-day-behind": (content.items(timestamp="2001-01-01T00:00:00Z"), ""),
    "clock-ahead": (content.items(timestamp="2201-01-01T00:00:00Z"), ""),
    "times-that-are-none": (content.items(timestamp="yesterday", window="long"), ""),
}


@pytest.mark.parametrize("name", METRICS_VALUES)
def test_metrics_api(farm: Farm, launch: Launcher, name: str) -> None:
    change, words = METRICS_VALUES[name]
    commands = ("nodes", "pods", "nodes -o json", "pods -o yaml", "nodes --source api")
    answers = run(farm, launch, "api", Fault.edit(change), METRICS, *commands)
    for one in answers:
        assert one.status == (1 if words else 0), one
        assert words in "\n".join(one.said)
        assert (one.out == "") == bool(words)
        assert len(one.said) == bool(words)
    if not words:
        assert list(cpus(answers[0])) == list(NODES)


def test_the_last_of_two_keys_counts_as_in_go(farm: Farm, launch: Launcher) -> None:
    fault = Fault.edit_text(lambda text: text.replace('"usage":{"cpu":', '"usage":{"cpu":"7","cpu":'))
    nodes, pods = run(farm, launch, "api", fault, METRICS, "nodes", "pods")
    assert cpus(nodes) == {name: f"{cpu}m" for name, cpu in NODES.items()}
    assert cpus(pods) == {name: f"{cpu}m" for name, cpu in PODS.items()}


KUBELET = "--source kubelet --kubelet-access direct"
GAP_OF_NODE = f"warning: no usage of node {FAULTY}: "
GAP_OF_PODS = f"warning: no usage of 2 pods on {FAULTY} (shop/db-0, shop/web-2): "


def check_kubelet(nodes: Run, pods: Run, words: str) -> None:
    """The others are right; the one is so, too (no ``words``), or is named with them."""
    if not words:
        assert (nodes.status, pods.status, nodes.said, pods.said) == (0, 0, [], [])
        assert (list(cpus(nodes)), list(cpus(pods))) == (list(NODES), list(PODS))
        assert "<unknown>" not in nodes.out
        return
    assert (nodes.status, pods.status) == (0, 0)
    assert list(cpus(nodes)) == ["node-a", "node-c", FAULTY]
    assert cpus(nodes)[FAULTY] == "<unknown>"
    assert list(cpus(pods)) == ["web-1"]
    for one, gap in ((nodes, GAP_OF_NODE), (pods, GAP_OF_PODS)):
        (line,) = one.said
        assert line.startswith(gap)
        assert words in line


NOTHING_HAS = "a value that nothing can have: "
SUMMARY_VALUES = {
    "negative-rate": (content.measured("cpu", usageNanoCores=-1), NOTHING_HAS),
    "negative-counter": (content.measured("cpu", usageCoreNanoSeconds=-5), NOTHING_HAS),
    "negative-memory": (content.measured("memory", workingSetBytes=-(2**40)), NOTHING_HAS),
    "huge": (content.measured("cpu", usageNanoCores=2**63), NOTHING_HAS),
    "unsigned": (content.measured("memory", workingSetBytes=2**64 - 1), NOTHING_HAS),
    "very-huge": (content.measured("cpu", usageNanoCores=10**30), NOTHING_HAS),
    "not-a-number": (content.measured("cpu", usageNanoCores=float("nan")), "is not JSON"),
    "infinite": (content.measured("memory", workingSetBytes=float("inf")), "is not JSON"),
    "a-fraction": (content.measured("cpu", usageNanoCores=1.5), "Expected `int | null`"),
    "a-text": (content.measured("cpu", usageNanoCores="5"), "Expected `int | null`"),
    "zero": (content.measured("cpu", usageCoreNanoSeconds=0), "its CPU counter or memory is zero or missing"),
    "nothing": (content.measured("memory", workingSetBytes=None), "its CPU counter or memory is zero or missing"),
    "no-rate": (content.measured("cpu", usageNanoCores=None), "the kubelet has no CPU rate for it yet"),
    "a-time-that-is-none": (content.measured("cpu", time="yesterday"), "yesterday"),
    "clock-behind": (content.measured("cpu", time="1970-01-01T00:00:00Z"), ""),
    "clock-ahead": (content.measured("cpu", time="2201-01-01T00:00:00Z"), ""),
    "of-another-node": (lambda document: document["node"].update(nodeName="node-a"), "the kubelet of 'node-a'"),
    "no-node": (lambda document: document.update(node=None), "missing required field `node`"),
}


@pytest.mark.parametrize("name", SUMMARY_VALUES)
def test_summary(farm: Farm, launch: Launcher, name: str) -> None:
    change, words = SUMMARY_VALUES[name]
    fault = Fault.edit(change)
    nodes, pods = run(farm, launch, FAULTY, fault, "/stats/summary", f"nodes {KUBELET}", f"pods {KUBELET}")
    check_kubelet(nodes, pods, words)


def test_everything_twice_in_a_summary(farm: Farm, launch: Launcher) -> None:
    fault = Fault.edit(content.twice)
    (pods,) = run(farm, launch, FAULTY, fault, "/stats/summary", f"pods {KUBELET}")
    assert (pods.status, list(cpus(pods))) == (0, ["web-1"])
    assert "the same container twice" in pods.said[0]


SCRAPE_VALUES = {
    "not-a-number": (content.cpu_value("NaN"), NOTHING_HAS),
    "infinite": (content.cpu_value("+Inf"), NOTHING_HAS),
    "negative": (content.cpu_value("-1"), NOTHING_HAS),
    "huge": (content.cpu_value("1e300"), NOTHING_HAS),
    "hexadecimal": (content.cpu_value("0x10"), "not a number: '0x10'"),
    "grouped": (content.cpu_value("1_000"), NOTHING_HAS),
    "zero": (content.cpu_value("0"), "its CPU counter or memory is zero or missing"),
    "standing-still": (content.cpu_value("77"), ""),
    "falling": (content.falling, "unexpected decrease in cumulative CPU usage value"),
    "clock-stands": (content.at(4_000_000_000_000), "it was not measured again between the two scrapes"),
    "clock-runs-backwards": (content.backwards, "it was not measured again between the two scrapes"),
    "clock-a-day-behind": (content.shifted(-DAY), ""),
    "clock-a-day-ahead": (content.shifted(DAY), ""),
    "a-time-too-long": (content.at(10**30), "expected a sample, found"),
    "twice": (lambda text: text + text, "the same series twice"),
    "garbage-at-the-end": (lambda text: text + "\x00\x01\x02", "expected a sample, found"),
}


@pytest.mark.parametrize("name", SCRAPE_VALUES)
def test_scrape(farm: Farm, launch: Launcher, name: str) -> None:
    change, words = SCRAPE_VALUES[name]
    window = f"{KUBELET} --window 50ms"
    fault = Fault.edit_text(change)
    nodes, pods = run(farm, launch, FAULTY, fault, "/metrics/resource", f"nodes {window}", f"pods {window}")
    check_kubelet(nodes, pods, words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("{container=", '{pod="x",container=', "the same label twice"), ("namespace=", "place=", "no label 'namespace'")],
)
def test_labels(farm: Farm, launch: Launcher, old: str, new: str, words: str) -> None:
    """Only pods have any: a node's own usage does not hang on them."""
    fault = Fault.edit_text(lambda text: text.replace(old, new))
    (pods,) = run(farm, launch, FAULTY, fault, "/metrics/resource", f"pods {KUBELET} --window 50ms")
    assert (pods.status, list(cpus(pods))) == (0, ["web-1"])
    assert words in pods.said[0]


# What a list of nodes may say about each of them; a node whose kubelet cannot be found is a gap.
NODE_VALUES = {
    "negative": (content.status(allocatable={"cpu": "-1", "memory": "1Gi"}), 1, "'-1' is negative"),
    "no-quantity": (content.status(allocatable={"cpu": "many"}), 1, "'many' is not a quantity"),
    "no-status": (lambda document: [node.update(status=None) for node in document["items"]], 3, "no address matched"),
    "no-name": (lambda document: [node.update(metadata={}) for node in document["items"]], 1, "name"),
    "no-address": (content.status(addresses=None), 3, "no address matched types"),
    "an-address-that-is-none": (
        content.status(addresses=[{"type": "InternalIP", "address": "127.0.0.1:1/@x"}]),
        3,
        "neither an IP address nor a host name",
    ),
    "a-port-that-is-none": (
        content.status(daemonEndpoints={"kubeletEndpoint": {"Port": 99_999}}),
        3,
        "99999 is not a port",
    ),
    "a-negative-port": (content.status(daemonEndpoints={"kubeletEndpoint": {"Port": -1}}), 3, "-1 is not a port"),
}


@pytest.mark.parametrize("name", NODE_VALUES)
def test_nodes(farm: Farm, launch: Launcher, name: str) -> None:
    change, status, words = NODE_VALUES[name]
    (nodes,) = run(farm, launch, "api", Fault.edit(change), "/api/v1/nodes", f"nodes {KUBELET}")
    assert (nodes.status, nodes.out, len(nodes.said)) == (status, "", 1)
    assert words in nodes.said[0]


def test_a_list_without_end(farm: Farm, launch: Launcher) -> None:
    """Every page says that there is one more."""
    page = b'{"kind":"PodList","metadata":{"continue":"more"},"items":[]}'
    pods, diagnosis = run(farm, launch, "api", Fault.body(page), "/api/v1/n", f"pods {KUBELET}", "diagnose -n shop")
    assert (pods.status, pods.out) == (1, "")
    assert pods.said == ["error: pods: unexpected answer: a list without end, 400 pages say that there are more"]
    assert diagnosis.status == 5
