"""The whole of the evidence: the cluster's objects, and the kubelets beside them."""

from __future__ import annotations

from collections.abc import Callable

from kubectl_metrics.connection.threads import Later
from kubectl_metrics.diagnosis.bundles.redact import redact
from kubectl_metrics.diagnosis.collect.cluster import Cluster
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.probe import KubeletProbe

# From what is known of the nodes, the kubelets' probes, and a word on how they were chosen.
Prober = Callable[[Evidence], tuple[list[KubeletProbe], str]]


def collect(cluster: Cluster, probe: Prober, *, logs: bool = False) -> Evidence:
    """Everything that is to be known, with nothing secret in it.

    Args:
        cluster: reads the objects.
        probe: asks the kubelets; it runs beside the reads that need not wait for it.
        logs: whether metrics-server's logs are read too.

    Raises:
        MetricsError: the API server cannot be asked at all.
    """
    evidence = cluster.first()
    kubelets = Later(lambda: probe(evidence))
    cluster.second(evidence)
    cluster.third(evidence, logs=logs)
    cluster.last(evidence)
    evidence.kubelets, evidence.kubelets_chosen = kubelets.result()
    return redact(evidence)
