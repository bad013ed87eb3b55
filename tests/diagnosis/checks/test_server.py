"""metrics-server's pods before they run."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import SERVER_POD, absent, at, condition, deployment, healthy, of, ok, refused, roots
from tests.diagnosis.servers import NAME, beside, containers, down, event, the_pod, waiting

UNSCHEDULABLE = "0/3 nodes are available: 3 Insufficient cpu."


def values(verdict: Verdict, check_id: str) -> str:
    """All that was observed."""
    return "\n".join(f"{one.object} {one.field} {one.value}" for one in of(verdict, check_id).evidence)


def test_healthy() -> None:
    verdict = judge(healthy())
    assert [one for one in verdict.findings if one.id.startswith(("KM5", "KM6", "KM9"))] == []
    assert {"KM501", "KM502", "KM503", "KM504", "KM506", "KM508", "KM517", "KM601", "KM605", "KM901"} <= {
        *verdict.passed
    }


# ---- KM501 ----


def without_pods() -> Evidence:
    """No pod at all."""
    evidence = down()
    evidence.service_pods = ok([], "list pods in kube-system")
    evidence.pods = ok(evidence.pods.get()[1:], "list pods")
    evidence.endpoint_slices = ok([], "list endpointslices in kube-system")
    return evidence


def test_scaled_to_zero() -> None:
    evidence = without_pods()
    evidence.deployments.get()[0].spec.replicas = 0
    evidence.deployments.get()[0].status.replicas = 0
    verdict = judge(evidence)
    assert roots(verdict) == ["KM501"]
    found = of(verdict, "KM501")
    assert found.severity is Severity.ERROR
    assert found.title == "metrics-server is scaled to 0 replicas"
    assert found.remedy == "kubectl scale -n kube-system deployment/metrics-server --replicas=1"
    assert "spec.replicas 0" in values(verdict, "KM501")


def test_pods_are_not_created() -> None:
    evidence = without_pods()
    message = 'pods "metrics-server-5888495b8d-" is forbidden: exceeded quota: pods, requested: pods=1'
    evidence.deployments.get()[0].status.conditions = [condition("ReplicaFailure", "True", "FailedCreate", message)]
    verdict = judge(evidence)
    assert roots(verdict) == ["KM501"]
    assert "not created" in of(verdict, "KM501").title
    assert message in values(verdict, "KM501")


def test_evicted_pods_are_none() -> None:
    evidence = down()
    gone = the_pod(evidence)
    gone.status = k8s.PodStatus(phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
    verdict = judge(evidence)
    assert roots(verdict) == ["KM501"]
    assert "Evicted: The node was low on resource: memory." in values(verdict, "KM501")


def test_evicted_pods_beside_one_that_serves_are_nothing() -> None:
    evidence = healthy()
    gone = k8s.Pod(metadata=the_pod(down()).metadata, status=k8s.PodStatus(phase="Failed", reason="Evicted"))
    evidence.service_pods = ok([*evidence.service_pods.get(), gone])
    assert roots(judge(evidence)) == []


def test_without_the_right_to_see_pods_nothing_is_said_about_them() -> None:
    evidence = without_pods()
    evidence.service_pods = refused("list pods in kube-system")
    verdict = judge(evidence)
    assert not [one.id for one in verdict.findings if one.id.startswith("KM50")]
    assert ("KM501", "list pods in kube-system") in [(one.id, one.needs) for one in verdict.not_checked]


# ---- KM502 ----


def unscheduled(message: str = UNSCHEDULABLE) -> Evidence:
    """No node takes the pod."""
    evidence = down()
    pod = the_pod(evidence)
    pod.spec.node_name = ""
    pod.status = k8s.PodStatus(
        phase="Pending", conditions=[condition("PodScheduled", "False", "Unschedulable", message)]
    )
    return evidence


def test_no_node_takes_it() -> None:
    verdict = judge(unscheduled())
    assert roots(verdict) == ["KM502"]
    found = of(verdict, "KM502")
    assert found.title == "No node takes metrics-server's pod"
    assert UNSCHEDULABLE in values(verdict, "KM502")
    assert found.remedy.startswith(f"kubectl describe pod -n kube-system {SERVER_POD}")


def test_a_second_replica_that_no_node_takes_is_a_warning() -> None:
    verdict = judge(beside(unscheduled()))
    assert roots(verdict) == ["KM502"]
    assert of(verdict, "KM502").severity is Severity.WARNING
    assert of(verdict, "KM502").affected == [NAME]


@pytest.mark.parametrize(
    ("seconds", "found"),
    [(5.0, []), (600.0, ["KM502"])],
)
def test_no_scheduler(seconds: float, found: list[str]) -> None:
    evidence = beside(unscheduled())
    pod = the_pod(evidence)
    pod.status.conditions = None
    pod.metadata.creation_timestamp = at(seconds=seconds)
    assert roots(judge(evidence)) == found


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "RunContainerError", "CreateContainerError"])
def test_the_container_cannot_be_started(reason: str) -> None:
    message = "container has runAsNonRoot and image will run as root"
    verdict = judge(waiting(reason, message))
    assert roots(verdict) == ["KM502"]
    assert of(verdict, "KM502").title == "The container of metrics-server's pod cannot be started"
    assert f"{reason}: {message}" in values(verdict, "KM502")


def test_a_volume_is_missing() -> None:
    evidence = waiting("ContainerCreating")
    evidence.events = ok([event("FailedMount", 'secret "tls" not found')])
    verdict = judge(evidence)
    assert roots(verdict) == ["KM502"]
    assert 'FailedMount secret "tls" not found' in values(verdict, "KM502")


def test_a_container_that_is_being_created_is_none_of_it() -> None:
    evidence = waiting("ContainerCreating")
    the_pod(evidence).metadata.creation_timestamp = at(seconds=10)
    verdict = judge(evidence)
    assert [one.id for one in verdict.findings if one.id in ("KM502", "KM503", "KM504")] == []
    assert roots(verdict) == []
    assert of(verdict, "KM506").title == "metrics-server has only just started"


# ---- KM503 ----


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_image(reason: str) -> None:
    evidence = waiting(reason, 'failed to pull image "registry.k8s.io/metrics-server/metrics-server:v9.9.9": not found')
    evidence.events = ok(
        [event("Failed", 'Failed to pull image "x": not found'), event("Failed", "Error: ImagePullBackOff")]
    )
    verdict = judge(evidence)
    assert roots(verdict) == ["KM503"]
    found = of(verdict, "KM503")
    assert found.severity is Severity.ERROR
    assert f"{reason}: failed to pull image" in values(verdict, "KM503")
    assert 'Failed to pull image "x": not found' in values(verdict, "KM503")
    assert found.remedy.startswith("kubectl rollout undo -n kube-system deployment/metrics-server")


def test_a_rollout_that_cannot_pull_its_image() -> None:
    verdict = judge(beside(waiting("ErrImageNeverPull", "not present")))
    assert roots(verdict) == ["KM503"]
    assert of(verdict, "KM503").severity is Severity.WARNING
    assert of(verdict, "KM503").affected == [NAME]


def test_the_image_of_another_provider() -> None:
    evidence = waiting("ErrImagePull", "not found")
    found = evidence.deployments.get()[0]
    found.metadata.name = "prometheus-adapter"
    for spec in (found.spec.template.spec, the_pod(evidence).spec):
        containers(spec)[0].name = containers(spec)[0].image = "prometheus-adapter"
    assert of(judge(evidence), "KM503").title == "prometheus-adapter's image cannot be pulled"


# ---- KM517 ----


def test_a_second_one_elsewhere_is_said_for_information() -> None:
    evidence = healthy()
    evidence.deployments = ok([deployment(), deployment(namespace="monitoring")])
    verdict = judge(evidence)
    assert of(verdict, "KM517").severity is Severity.INFO
    assert of(verdict, "KM517").affected == ["kube-system/metrics-server", "monitoring/metrics-server"]


def test_two_behind_one_service() -> None:
    evidence = healthy()
    evidence.deployments = ok([deployment(), deployment("metrics-server-v2")])
    verdict = judge(evidence)
    assert of(verdict, "KM517").severity is Severity.WARNING
    assert of(verdict, "KM517").title == "One Service selects the pods of several metrics-servers"


def test_one_that_is_scaled_down_does_not_count() -> None:
    evidence = healthy()
    other = deployment(namespace="monitoring")
    other.spec.replicas = 0
    evidence.deployments = ok([deployment(), other])
    assert "KM517" in judge(evidence).passed


def test_nothing_installed() -> None:
    evidence = down()
    evidence.deployments = ok([])
    evidence.service_pods = ok([])
    evidence.service = absent("get services/metrics-server")
    evidence.service_account = absent("get serviceaccounts/metrics-server")
    for name in ("cluster_role_bindings", "role_bindings", "cluster_roles", "roles"):
        setattr(evidence, name, ok([]))
    assert not [one.id for one in judge(evidence).findings if one.id.startswith(("KM5", "KM6"))]
