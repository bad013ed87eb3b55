"""What metrics-server itself says: in its termination message, and in its log where the user wants that to be read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import msgspec

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.facts.logs import is_old
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.serverpods import State, extent, pods_in, short, target, texts, who
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity

_NETWORK = "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/"
_KNOWN_ISSUES = "https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md"
# https://10.96.0.1:443/api/v1/namespaces/...": dial tcp 10.96.0.1:443: i/o timeout
_NO_API_SERVER = re.compile(
    r"https://[^/\s\"]+/(?:apis?|version)\b[^\s]*\s.*?"
    r"(dial tcp [^\"\\]*|i/o timeout|TLS handshake timeout|context deadline exceeded|x509: [^\"\\]*|\bEOF)"
)
_HEADER = re.compile(r"([EWF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [^\]\s]+\] ")
_NODE = re.compile(r'\bnode="([^"]+)"')
_VARIABLE = (
    (re.compile(r"https?://\S+?(?=[\\\"\s])"), "URL"),
    (re.compile(r"\b\d+(\.\d+){3}(:\d+)?\b"), "ADDRESS"),
    (re.compile(r"\b(node|pod|duration|since)=\S+"), r"\1=..."),
    (re.compile(r"\d+"), "N"),
)
_GROUPS = 5


@check(
    "KM512",
    Severity.ERROR,
    Category.METRICS_SERVER,
    title="metrics-server cannot reach the API server",
    why="It reads nodes, pods and its authentication settings from the API server, by the Service kubernetes in the "
    "namespace default. From its pod that address does not answer: the pod network, kube-proxy, a NetworkPolicy or a "
    "firewall is in the way.",
    remedy="kubectl -n kube-system get pods -o wide  # kube-proxy and the network's pods on metrics-server's node",
    link=_NETWORK,
    needs=("service_pods",),
)
def no_api_server(facts: Facts) -> Iterator[Fault]:
    """The words of a process that does not serve; without --logs they are known in few clusters."""
    pods = pods_in(facts, State.CRASHING, State.UNREADY)
    names = {f"Pod {pod.namespaced_name}": pod for pod in pods}
    proofs: dict[str, Proof] = {}
    for name, pod in names.items():
        one = next((one for one in texts(facts, pod) if _NO_API_SERVER.search(one.value)), None)
        if one is not None:
            proofs[name] = Proof(name, one.field, short(one.value))
    if not proofs:
        return
    silent = [pod for name, pod in names.items() if name in proofs]
    affected, severity = extent(facts, silent)
    node = shlex.quote(silent[0].spec.node_name)
    yield Fault(
        evidence=list(proofs.values())[:3],
        affected=affected,
        severity=severity,
        remedy=f"kubectl -n kube-system get pods -o wide --field-selector=spec.nodeName={node}  "
        "# are kube-proxy and the network's pods well?",
    )


class _Group(msgspec.Struct):
    line: str
    where: Proof
    count: int
    nodes: set[str]


@check(
    "KM520",
    Severity.INFO,
    Category.METRICS_SERVER,
    title="metrics-server's log has errors",
    why="These are its own words about what fails, as seen from where it runs. What can be told from the cluster's "
    "objects has a finding of its own.",
    remedy="kubectl -n kube-system logs deployment/metrics-server",
    link=_KNOWN_ISSUES,
    needs=("logs",),
    after=("KM204",),
    because=("KM3", "KM50", "KM512", "KM515", "KM6", "KM7", "KM80"),
)
def log_lines(facts: Facts) -> Iterator[Fault]:
    """Lines that differ in numbers, addresses and names only are one; the most frequent come first."""
    groups: dict[str, _Group] = {}
    for log in facts.evidence.logs.get():
        field = f"log of {log.container}" + (" before its last restart" if log.previous else "")
        for line in log.lines:
            match = _HEADER.match(line)
            if match is None or match.group(1) == "W" or is_old(facts, line):
                continue
            text = line[match.end() :]
            kind = text
            about = _NODE.findall(text)
            for node in about:
                kind = kind.replace(node, "NODE")
            for pattern, name in _VARIABLE:
                kind = pattern.sub(name, kind)
            where = Proof(f"Pod {log.pod}", field, "")
            group = groups.setdefault(kind[:200], _Group(line=text, where=where, count=0, nodes=set()))
            group.count += 1
            group.nodes.update(about)
    known = set(facts.nodes_by_name) if facts.evidence.nodes.ok else set()
    for group in sorted(groups.values(), key=lambda one: -one.count)[:_GROUPS]:
        times = f"{group.count} times: " if group.count > 1 else ""
        yield Fault(
            title=f"{who(facts)}'s log: {_head(group.line)}",
            evidence=[Proof(group.where.object, group.where.field, short(times + group.line))],
            affected=sorted(group.nodes & known),
            remedy=f"kubectl logs {target(facts)}",
        )


def _head(line: str) -> str:
    """The beginning of a line: klog's message, which is in quotes, or the error where the message says nothing."""
    found = re.match(r'"(?!Unhandled Error)([^"]+)"', line) or re.search(r'\berr="((?:[^"\\]|\\.)+)"', line)
    text = " ".join((found.group(1) if found else line).replace("\\", "").split())
    return text if len(text) <= 40 else text[:37] + "..."
