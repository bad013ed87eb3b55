"""``python -m tests.simcluster``: serve a cluster to try the plugin on, until SIGINT or SIGTERM.

The one line on stdout is the path of an administrator's kubeconfig. SIGUSR1 takes metrics.k8s.io away and gives it
back.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from tests.simcluster import demo, pipeline
from tests.simcluster.cluster import SimCluster
from tests.simcluster.faults import Fault
from tests.simcluster.objects import Serving
from tests.simcluster.rbac import CORE_READER, METRICS_READER, User, allow


def main(argv: Sequence[str] | None = None) -> int:
    """Run until a signal says stop."""
    options = _parser().parse_args(argv)
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before any thread starts: all of them then leave signals to us
    served = tuple(options.metrics_versions.split(","))
    nodes = demo.nodes(options.nodes, options.serving)
    pods = demo.pods(nodes, options.pods_per_node)
    with SimCluster(nodes, pods, metrics_versions=() if options.no_metrics_api else served) as cluster:
        if not options.no_metrics_api:
            pipeline.install(cluster)
        cluster.users["viewer"] = User(rules=METRICS_READER + CORE_READER)
        cluster.users["shopkeeper"] = User(rules=(allow("get list", "pods", group="*", namespace="shop"),))
        for node in options.down:
            cluster.fault(node, Fault.refuse())
        for node in options.hang:
            cluster.fault(node, Fault.hang())
        _write_files(cluster, options.dir)
        while signal.sigwait(signals) == signal.SIGUSR1:
            cluster.metrics.versions = () if cluster.metrics.versions else served
            _say(f"metrics.k8s.io is {'there' if cluster.metrics.versions else 'gone'}")
    return 0


def _write_files(cluster: SimCluster, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.crt").write_bytes(cluster.ca_pem)
    for user in ("viewer", "shopkeeper"):
        cluster.kubeconfig(user, folder / f"{user}.kubeconfig")
    print(cluster.kubeconfig("admin", folder / "kubeconfig"), flush=True)
    _say(
        f"{len(cluster.nodes)} nodes, {len(cluster.pods)} pods; {cluster.url}, kubelets on port {cluster.kubelet_port}"
    )
    _say(f"{folder} also has kubeconfigs of viewer and shopkeeper, and ca.crt, which signed the kubelets' certificates")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simcluster", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where to write kubeconfigs and the CA")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--pods-per-node", type=int, default=5)
    parser.add_argument("--no-metrics-api", action="store_true", help="start without metrics.k8s.io")
    parser.add_argument(
        "--metrics-versions", default="v1beta1", metavar="V1,V2", help="versions of metrics.k8s.io to serve"
    )
    parser.add_argument("--serving", choices=get_args(Serving), default="cluster-ca", help="the kubelets' certificates")
    parser.add_argument("--down", action="append", default=[], metavar="NODE", help="this kubelet refuses connections")
    parser.add_argument("--hang", action="append", default=[], metavar="NODE", help="this kubelet never answers")
    return parser


if __name__ == "__main__":
    sys.exit(main())
