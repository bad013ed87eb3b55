"""metrics-server's image: version, registry, architecture."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Log
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import healthy, of, ok, refused, roots
from tests.diagnosis.servers import (
    NAME,
    beside,
    containers,
    crashing,
    down,
    ended,
    failing,
    its_status,
    set_image,
    the_pod,
    waiting,
    with_proxy,
)

REPOSITORY = "registry.k8s.io/metrics-server/metrics-server"


def values(verdict: Verdict, check_id: str) -> str:
    """All that was observed."""
    return "\n".join(f"{one.object} {one.field} {one.value}" for one in of(verdict, check_id).evidence)


# ---- KM510: the compatibility matrix of metrics-server's README ----


@pytest.mark.parametrize(
    ("tag", "kubernetes", "skewed"),
    [
        ("v0.9.0", "v1.34.0", False),
        ("v0.9.0", "v1.40.0", False),
        ("v0.9.0", "v1.33.9", True),
        ("v0.8.0", "v1.31.0", False),
        ("v0.8.0", "v1.30.2", True),
        ("v0.7.2", "v1.27.1", False),
        ("v0.7.2", "v1.26.1", True),
        ("v0.6.4", "v1.25.0", False),
        ("v0.6.4", "v1.24.0", True),
        ("v0.5.2", "v1.34.0", False),
        ("v0.4.1", "v1.16.0", False),
        ("v0.3.7", "v1.21.14", False),
        ("v0.3.7", "v1.22.0", True),
        ("0.9.0-debian-12-r3", "v1.30.0", True),
        ("v0.8.0-eksbuild.2", "v1.33.1-eks-1234", False),
        ("v0.7.1-gke.23@sha256:0123", "v1.30.1-gke.100", False),
        ("1", "v1.20.0", False),  # nobody knows
        ("latest", "v1.20.0", False),
        ("v1.2.3", "v1.20.0", False),
        ("v0.12.0", "v1.20.0", False),
        ("v0.9.0", "unknown", False),
    ],
)
def test_versions(tag: str, kubernetes: str, skewed: bool) -> None:
    evidence = failing()
    set_image(evidence, f"{REPOSITORY}:{tag}")
    evidence.version = ok(k8s.Version(git_version=kubernetes))
    assert ("KM510" in [one.id for one in judge(evidence).findings]) is skewed


@pytest.mark.parametrize(
    ("tag", "kubernetes", "severity", "title", "release"),
    [
        ("v0.9.0", "v1.32.4", Severity.WARNING, "0.9 is too new for Kubernetes 1.32", "release 0.8.x"),
        ("v0.3.7", "v1.34.4", Severity.ERROR, "0.3 is too old for Kubernetes 1.34", "release 0.9.x"),
    ],
)
def test_what_is_said_of_versions(tag: str, kubernetes: str, severity: Severity, title: str, release: str) -> None:
    evidence = failing()
    set_image(evidence, f"{REPOSITORY}:{tag}")
    evidence.version = ok(k8s.Version(git_version=kubernetes))
    found = of(judge(evidence), "KM510")
    assert found.severity is severity
    assert found.title == f"metrics-server {title}"
    assert release in found.remedy
    assert [one.value for one in found.evidence][:2] == [f"{REPOSITORY}:{tag}", kubernetes]


def test_where_it_works_it_is_said_for_information() -> None:
    evidence = healthy()
    evidence.version = ok(k8s.Version(git_version="v1.30.0"))
    assert of(judge(evidence), "KM510").severity is Severity.INFO
    evidence.version = refused("get /version")
    assert "KM510" in [one.id for one in judge(evidence).not_checked]


# ---- KM516 ----


@pytest.mark.parametrize(
    ("image", "better"),
    [
        ("k8s.gcr.io/metrics-server/metrics-server:v0.6.2", "registry.k8s.io/metrics-server/metrics-server:v0.6.2"),
        ("k8s.gcr.io/metrics-server-amd64:v0.3.6", "registry.k8s.io/metrics-server-amd64:v0.3.6"),
        ("gcr.io/google_containers/metrics-server-amd64:v0.2.1", "registry.k8s.io/metrics-server-amd64:v0.2.1"),
        ("eu.gcr.io/google-containers/metrics-server:v0.3.6", "registry.k8s.io/metrics-server:v0.3.6"),
    ],
)
def test_the_frozen_registry(image: str, better: str) -> None:
    evidence = healthy()
    set_image(evidence, image)
    verdict = judge(evidence)
    assert of(verdict, "KM516").severity is Severity.WARNING
    assert of(verdict, "KM516").remedy == (
        f"kubectl set image -n kube-system deployment/metrics-server metrics-server={better}"
    )


@pytest.mark.parametrize(
    "image",
    [
        "gke.gcr.io/metrics-server:v0.7.1",
        "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
        "mirror.example/k8s.gcr.io/metrics-server/metrics-server:v0.6.2",
        "gcr.io/k8s-staging-metrics-server/metrics-server:master",
    ],
)
def test_other_registries(image: str) -> None:
    evidence = healthy()
    set_image(evidence, image)
    assert "KM516" in judge(evidence).passed


def test_it_cannot_be_pulled_from_there() -> None:
    evidence = waiting("ErrImagePull", "not found")
    set_image(evidence, "k8s.gcr.io/metrics-server/metrics-server:v0.6.4")
    verdict = judge(evidence)
    assert roots(verdict) == ["KM516"]
    assert of(verdict, "KM516").severity is Severity.ERROR
    assert of(verdict, "KM503").symptom_of == "KM516"
    assert roots(judge(beside(evidence))) == ["KM516"]


# ---- KM518 ----


def test_exec_format_error_in_the_log() -> None:
    evidence = crashing("Error", 1)
    words = "exec /metrics-server: exec format error"
    evidence.logs = ok([Log(pod=NAME, container="metrics-server", previous=True, lines=[words])])
    evidence.nodes.get()[0].status.node_info.architecture = "arm64"
    verdict = judge(evidence)
    assert roots(verdict) == ["KM518"]
    assert of(verdict, "KM504").symptom_of == "KM518"
    seen = values(verdict, "KM518")
    assert words in seen and "status.nodeInfo.architecture arm64" in seen


@pytest.mark.parametrize("reason", ["RunContainerError", "CreateContainerError"])
def test_exec_format_error_in_the_status(reason: str) -> None:
    verdict = judge(waiting(reason, 'failed to start container: exec: "/metrics-server": exec format error'))
    assert roots(verdict) == ["KM518"]
    assert of(verdict, "KM502").symptom_of == "KM518"


def test_its_container_has_another_name() -> None:
    evidence = crashing("Error", 1, message="exec /metrics-server: exec format error")
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].name = "main"
    its_status(evidence).name = "main"
    assert " deployment/metrics-server main=registry.k8s.io/" in of(judge(evidence), "KM518").remedy


def test_the_image_of_another_container() -> None:
    evidence = down()
    status = with_proxy(evidence)
    ended(status)
    assert status.last_state.terminated is not None
    status.last_state.terminated.message = "exec /usr/local/bin/pilot-agent: exec format error"
    verdict = judge(evidence)
    assert roots(verdict) == ["KM518"]
    found = of(verdict, "KM518")
    assert found.title == "The image of the container istio-proxy is for another architecture than its node"
    assert " istio-proxy=IMAGE  #" in found.remedy


def test_what_runs_is_of_the_right_architecture() -> None:
    evidence = down()
    set_image(evidence, "registry.example/metrics-server-amd64:v0.9.0")
    evidence.nodes.get()[0].status.node_info.architecture = "arm64"
    ended(with_proxy(evidence))
    assert roots(judge(evidence)) == ["KM504"]


@pytest.mark.parametrize(("architecture", "found"), [("arm64", "KM518"), ("amd64", "KM504")])
def test_the_architecture_in_an_old_images_name(architecture: str, found: str) -> None:
    evidence = crashing("Error", 1)
    set_image(evidence, "registry.example/metrics-server-amd64:v0.3.6")
    evidence.version = ok(k8s.Version(git_version="v1.20.0"))
    evidence.nodes.get()[0].status.node_info.architecture = architecture
    assert next(one.id for one in judge(evidence).findings if one.id.startswith("KM5")) == found
