"""The reads of a diagnosis against the simulated cluster: what comes of each, whoever asks and whatever breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_metrics.connection import api_transport, credentials, kubeconfig
from kubectl_metrics.connection.config import Overrides
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.diagnosis.collect.cluster import Cluster
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.errors import ConnectionFailed, FailureKind, HTTPStatusError
from tests.commands.conftest import small_cluster
from tests.simcluster import Fault, SimCluster, User, allow
from tests.simcluster.pipeline import Pipeline, install


@pytest.fixture
def cluster() -> Iterator[SimCluster]:
    with small_cluster() as running:
        yield running


@pytest.fixture
def pipeline(cluster: SimCluster) -> Pipeline:
    return install(cluster)


def transport(cluster: SimCluster, user: str) -> Transport:
    config = kubeconfig.load(Overrides(kubeconfig=str(cluster.kubeconfig(user))), {}, Path.home())
    return api_transport(config, credentials.resolve(config, environ={}, interactive=False), environ={})


def collected(cluster: SimCluster, user: str = "admin", *, logs: bool = False, **settings: Any) -> Evidence:
    api = transport(cluster, user)
    try:
        reader = Cluster(api, **settings)
        evidence = reader.first()
        reader.second(evidence)
        reader.third(evidence, logs=logs)
        reader.last(evidence)
        return evidence
    finally:
        api.close()


def states(evidence: Evidence) -> dict[str, str]:
    return {
        name: read.state
        for name in evidence.__struct_fields__
        if hasattr(read := getattr(evidence, name), "state") and name not in ("aws_auth", "logs")
    }


def test_all_of_a_healthy_pipeline(cluster: SimCluster, pipeline: Pipeline) -> None:
    evidence = collected(cluster)
    assert {name: state for name, state in states(evidence).items() if state != "ok"} == {}
    (service,) = evidence.api_services.get()
    assert service.metadata.name == "v1beta1.metrics.k8s.io"
    assert evidence.service.get().metadata.name == "metrics-server"
    assert [pod.metadata.name for pod in evidence.service_pods.get()] == [pipeline.pod.name]
    assert len(evidence.nodes.get()) == len(evidence.node_metrics.get()) == 3
    assert "requestheader-client-ca-file" in (evidence.authentication.get().data or {})
    assert evidence.connected.user


def test_what_may_not_be_read_is_told_apart(cluster: SimCluster, pipeline: Pipeline) -> None:
    del pipeline
    cluster.users["guest"] = User(rules=(allow("list", "nodes"),))
    evidence = collected(cluster, "guest")
    assert evidence.nodes.ok
    assert evidence.api_services.state == "refused"
    assert evidence.api_services.what == "list apiservices.apiregistration.k8s.io"
    assert 'User "guest" cannot list resource "apiservices"' in evidence.api_services.message
    assert evidence.authentication.what == "get configmaps in kube-system"
    assert evidence.authentication.state == "refused"


def test_what_is_not_there(cluster: SimCluster) -> None:
    evidence = collected(cluster)
    assert evidence.authentication.absent
    assert evidence.deployments.get() == []


def test_a_service_that_does_not_exist(cluster: SimCluster, pipeline: Pipeline) -> None:
    pipeline.api_service["spec"]["service"]["name"] = "gone"
    evidence = collected(cluster)
    assert evidence.service.absent
    assert evidence.service_pods.get()  # those of the Deployment


def test_pages(cluster: SimCluster, pipeline: Pipeline) -> None:
    for number in range(1203):
        cluster.objects.add(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": f"n-{number}"},
                "status": {"phase": "Terminating"},
            }
        )
    del pipeline
    assert len(collected(cluster).namespaces.get()) == 1203


@pytest.mark.parametrize(
    ("fault", "state", "text"),
    [
        (Fault.status(500, message="etcd has gone"), "failed", "etcd has gone"),
        (Fault.body(b"<html>"), "failed", "web page"),
        (Fault.truncated(5), "failed", "EOF"),
        (Fault.hang(), "failed", "no answer within"),
    ],
)
def test_one_read_that_fails(cluster: SimCluster, pipeline: Pipeline, fault: Fault, state: str, text: str) -> None:
    del pipeline
    with cluster.fault("api", fault, path="/apis/certificates.k8s.io"):
        evidence = collected(cluster, timeout=3.0)  # in which the others answer, too
    assert evidence.csrs.state == state
    assert text in evidence.csrs.message
    assert evidence.nodes.ok


def test_a_server_that_answers_nothing_but_its_version(cluster: SimCluster, pipeline: Pipeline) -> None:
    """As with storage that hangs: it costs the time of one read, not that of each."""
    del pipeline
    with cluster.fault("api", Fault.hang(), "/api/"), cluster.fault("api", Fault.hang(), "/apis/"):
        evidence = collected(cluster, timeout=3.0)
    assert evidence.version.ok
    assert evidence.nodes.failure == evidence.service.failure == evidence.roles.failure == "no-answer"
    assert "not asked: nothing was answered within 3s" in evidence.service.message
    assert cluster.asked("api", "/api/v1/nodes")
    assert not cluster.asked("api", "/api/v1/namespaces/kube-system/services")


def test_the_reason_of_a_503(cluster: SimCluster, pipeline: Pipeline) -> None:
    del pipeline
    text = "error trying to reach service: dial tcp 10.96.0.7:443: connect: connection refused"
    with cluster.fault("api", Fault.body(text.encode(), "text/plain", status=503), path="/apis/metrics.k8s.io/v1beta1"):
        evidence = collected(cluster)
    assert (evidence.node_metrics.state, evidence.node_metrics.status) == ("failed", 503)
    assert evidence.node_metrics.message == text


def test_no_server_at_all(cluster: SimCluster) -> None:
    with cluster.fault("api", Fault.refuse()), pytest.raises(ConnectionFailed) as caught:
        collected(cluster)
    assert caught.value.kind is FailureKind.REFUSED


def test_nobody_that_the_server_knows(cluster: SimCluster) -> None:
    with cluster.fault("api", Fault.status(401)), pytest.raises(HTTPStatusError) as caught:
        collected(cluster)
    assert caught.value.status == 401


def test_one_namespace(cluster: SimCluster, pipeline: Pipeline) -> None:
    del pipeline
    evidence = collected(cluster, namespace="shop")
    assert {pod.metadata.namespace for pod in evidence.pods.get()} == {"shop"}
    assert {one.metadata.namespace for one in evidence.pod_metrics.get()} == {"shop"}
    assert evidence.pods.what == "list pods in shop"


def test_logs_only_where_they_are_wanted(cluster: SimCluster, pipeline: Pipeline) -> None:
    del pipeline
    assert collected(cluster).logs.state == "notAsked"
    assert not [request for request in cluster.requests if request.path.endswith("/log")]
    (log,) = collected(cluster, logs=True).logs.get()
    assert log.container == "metrics-server"
    assert log.lines == []  # nothing in it speaks of trouble


def test_of_logs_the_lines_that_speak_of_trouble(cluster: SimCluster, pipeline: Pipeline) -> None:
    good = "I0302 10:00:00.000000       1 serving.go:1] Serving\n\n"
    bad = 'E0302 10:00:00.000000       1 scraper.go:149] "Failed to scrape node"'
    pod = f"{pipeline.pod.namespace}/{pipeline.pod.name}"
    cluster.log(pod, f"{good}{bad}\n{good}panic: {'x' * 2000}\n" + "W\n" * 58)
    (log,) = collected(cluster, logs=True).logs.get()
    assert log.pod == pod
    assert log.lines == [bad, ("panic: " + "x" * 2000)[:1000], *["W"] * 58]
    cluster.log(pod, "E\n" * 500)
    (log,) = collected(cluster, logs=True).logs.get()
    assert len(log.lines) == 60


@pytest.mark.parametrize("versions", [("v1",), ("v1beta1",), ("v1", "v1beta1")])
def test_metrics_in_the_version_that_is_served(
    cluster: SimCluster, pipeline: Pipeline, versions: tuple[str, ...]
) -> None:
    del pipeline
    cluster.metrics.versions = versions
    assert len(collected(cluster).node_metrics.get()) == 3


def test_metrics_in_no_version(cluster: SimCluster) -> None:
    cluster.metrics.versions = ()
    found = collected(cluster, namespace="shop")
    assert found.node_metrics.absent
    assert (found.pod_metrics.state, found.pod_metrics.what) == ("absent", "list pods.metrics.k8s.io in shop")


def test_metrics_have_no_pages(cluster: SimCluster, pipeline: Pipeline) -> None:
    """A server that says there are more knows nothing of "continue", and would say the same again and again."""
    del pipeline
    path = "/apis/metrics.k8s.io/v1beta1/nodes"
    before = len(cluster.asked("api", path))
    with cluster.fault("api", Fault.edit(lambda document: document.update(metadata={"continue": "abc"})), path):
        evidence = collected(cluster)
    assert len(evidence.node_metrics.get()) == 3
    assert evidence.node_metrics.partial == "the first 3"
    assert len(cluster.asked("api", path)) - before == 1


@pytest.mark.parametrize(("argument", "port"), [("--secure-port=4443", 4443), ("--secure-port=$(PORT)", 10250)])
def test_the_pod_is_asked_on_its_own_port(cluster: SimCluster, pipeline: Pipeline, argument: str, port: int) -> None:
    pipeline.endpoint_slice["endpoints"] = []
    template = pipeline.deployment["spec"]["template"]["spec"]["containers"][0]
    template["args"] = [argument]
    collected(cluster)
    assert cluster.asked("api", f"/api/v1/namespaces/kube-system/pods/https:{pipeline.pod.name}:{port}/proxy/readyz")
