"""A simulated cluster for tests and demos: an API server and kubelets on loopback, over TLS, with faults on demand.

with SimCluster(nodes=3) as cluster:
    config = cluster.kubeconfig("admin")
    with cluster.fault("node-2", Fault.hang()):
        ...
    assert cluster.asked("node-2", "/stats/summary")
    cluster.objects.add({"apiVersion": "v1", "kind": "Service", ...})

``pipeline.install(cluster)`` puts metrics-server and everything around it into a cluster.
"""

from tests.simcluster.clock import SECOND, Clock, ManualClock
from tests.simcluster.cluster import SimCluster
from tests.simcluster.faults import Fault, Gate, Installed
from tests.simcluster.messages import Request, Response
from tests.simcluster.objects import GI, KI, MI, MILLICORE, Container, Node, Pod, steps, wave
from tests.simcluster.pki import KeyPair
from tests.simcluster.rbac import CORE_READER, KUBELET_READER, METRICS_READER, PROXY_READER, Rule, User, allow
from tests.simcluster.store import Kind, Store, uid_of
from tests.simcluster.world import MetricsService

__all__ = [
    "CORE_READER",
    "GI",
    "KI",
    "KUBELET_READER",
    "METRICS_READER",
    "MI",
    "MILLICORE",
    "PROXY_READER",
    "SECOND",
    "Clock",
    "Container",
    "Fault",
    "Gate",
    "Installed",
    "KeyPair",
    "Kind",
    "ManualClock",
    "MetricsService",
    "Node",
    "Pod",
    "Request",
    "Response",
    "Rule",
    "SimCluster",
    "Store",
    "User",
    "allow",
    "steps",
    "uid_of",
    "wave",
]
