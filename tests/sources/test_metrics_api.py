"""What the command line cannot show quickly: how long metrics that hang are waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubectl_metrics.connection import api_transport, credentials, kubeconfig
from kubectl_metrics.connection.config import Overrides
from kubectl_metrics.sources.metrics_api import Absence, MetricsAPI, NoMetrics
from kubectl_metrics.sources.query import NodesQuery
from tests.simcluster import Fault, SimCluster


def test_metrics_that_hang_have_a_time_of_their_own() -> None:
    told: list[tuple[str, int, int]] = []
    with SimCluster(nodes=1) as cluster, cluster.fault("api", Fault.hang(), path="/apis/metrics.k8s.io/v1beta1"):
        config = kubeconfig.load(Overrides(kubeconfig=str(cluster.kubeconfig())), os.environ, Path("/"))
        mine = credentials.resolve(config, environ={}, interactive=False)
        transport = api_transport(config, mine, environ={})  # which would wait for two minutes
        api = MetricsAPI(transport, timeout=2.0, progress=lambda *said: told.append(said))
        with pytest.raises(NoMetrics) as caught:
            api.nodes(NodesQuery())
        with pytest.raises(NoMetrics):
            api.fetch("v1beta1", "/apis/metrics.k8s.io/v1beta1/pods", ())
        transport.close()
    assert caught.value.absence is Absence.UNAVAILABLE
    assert caught.value.detail == "i/o timeout: no answer within 2s"
    what, _, seconds = told[0]
    assert (what, seconds) == ("waiting for metrics.k8s.io, seconds", 2)
