"""KM4xx: from the Service to somebody who listens. The texts of the API server are as recorded (1.34)."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.diagnosis.objects.network import EndpointPort
from tests.diagnosis.build import (
    PLACE,
    absent,
    condition,
    deployment,
    endpoint_slice,
    healthy,
    of,
    ok,
    refused,
    roots,
    server_pod,
    without_metrics,
)

_NO_ADDRESSES = 'endpointslices for service/metrics-server in "kube-system" have no addresses with port name "https"'
_REFUSED = (
    "failing or missing response from https://10.244.0.4:9999/apis/metrics.k8s.io/v1beta1: "
    'Get "https://10.244.0.4:9999/apis/metrics.k8s.io/v1beta1": dial tcp 10.244.0.4:9999: connect: connection refused'
)


def spec(evidence: Evidence) -> k8s.ServiceSpec:
    """That of metrics-server's Service."""
    return evidence.service.get().spec


def port(evidence: Evidence) -> k8s.ServicePort:
    """Its only port."""
    ports = spec(evidence).ports
    assert ports is not None
    return ports[0]


def fields(evidence: Evidence, check_id: str) -> dict[str, str]:
    """The evidence of a finding, by field."""
    return {one.field: one.value for one in of(judge(evidence), check_id).evidence}


def without_endpoints(evidence: Evidence) -> Evidence:
    """Nobody is ready."""
    without_metrics(evidence, "MissingEndpoints", _NO_ADDRESSES)
    evidence.endpoint_slices.get()[0].endpoints = []
    return evidence


# ---- KM401 ----


def no_service() -> Evidence:
    """The Service was deleted."""
    evidence = healthy()
    without_metrics(evidence, "ServiceNotFound", 'service/metrics-server in "kube-system" is not present')
    evidence.service = absent("get services in kube-system")
    evidence.endpoint_slices = ok([])
    return evidence


def test_the_service_was_deleted() -> None:
    found = judge(no_service())
    assert roots(found) == ["KM401"]
    assert of(found, "KM205").symptom_of == "KM401"
    one = of(found, "KM401")
    assert one.remedy == "kubectl -n kube-system expose deployment metrics-server --port=443 --target-port=https"
    assert fields(no_service(), "KM401") == {
        "spec.service": "kube-system/metrics-server",
        "status.conditions[Available].message": 'service/metrics-server in "kube-system" is not present',
    }
    assert {"KM402", "KM403", "KM404", "KM405", "KM407"} <= {one.id for one in found.skipped}


def test_a_new_service_is_for_the_port_of_metrics_server() -> None:
    """Not for that of a sidecar, and not for another one of its own."""
    evidence = no_service()
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None
    sidecar = k8s.Container(name="istio-proxy", ports=[k8s.ContainerPort(name="http-envoy-prom", container_port=15090)])
    containers.insert(0, sidecar)
    assert of(judge(evidence), "KM401").remedy.endswith(" --target-port=https")
    containers[1].ports = [k8s.ContainerPort(name="other", container_port=80), k8s.ContainerPort(container_port=10250)]
    assert of(judge(evidence), "KM401").remedy.endswith(" --target-port=10250")
    containers[1].ports = None
    assert of(judge(evidence), "KM401").remedy.endswith(" --target-port=10250")


def test_metrics_server_has_moved() -> None:
    evidence = no_service()
    evidence.deployments = ok([deployment("usage", namespace="monitoring")])
    remedy = of(judge(evidence), "KM401").remedy
    assert '{"spec":{"service":{"namespace":"monitoring","name":"usage"}}}' in remedy


def test_metrics_server_is_gone_as_well() -> None:
    evidence = no_service()
    evidence.deployments = ok([])
    remedy = of(judge(evidence), "KM401").remedy
    assert remedy.startswith("kubectl apply -f https://")
    assert remedy.endswith("kubectl delete apiservice v1beta1.metrics.k8s.io")


def test_nothing_is_known_of_metrics_server() -> None:
    evidence = no_service()
    evidence.deployments = refused("list deployments")
    assert of(judge(evidence), "KM401").remedy.startswith("kubectl edit apiservice v1beta1.metrics.k8s.io")


# ---- KM402 ----


def test_the_service_has_another_port() -> None:
    evidence = healthy()
    without_metrics(
        evidence, "ServicePortError", 'service/metrics-server in "kube-system" is not listening on port 8443'
    )
    reference = evidence.api_services.get()[0].spec.service
    assert reference is not None
    reference.port = 8443
    found = judge(evidence)
    assert roots(found) == ["KM402"]
    assert of(found, "KM402").remedy == (
        'kubectl patch apiservice v1beta1.metrics.k8s.io --type=merge -p \'{"spec":{"service":{"port":443}}}\''
    )
    assert fields(evidence, "KM402")["spec.service.port"] == "8443"
    assert fields(evidence, "KM402")["spec.ports[].port"] == "443"


@pytest.mark.parametrize("numbers", [[], [80, 8080]])
def test_it_is_not_clear_which_port_is_meant(numbers: list[int]) -> None:
    evidence = healthy()
    without_metrics(evidence, "ServicePortError")
    spec(evidence).ports = [k8s.ServicePort(port=number) for number in numbers]
    assert of(judge(evidence), "KM402").remedy.startswith("kubectl edit apiservice")


# ---- KM403 ----


def test_the_selector_matches_nobody() -> None:
    evidence = without_endpoints(healthy())
    spec(evidence).selector = {"k8s-app": "metrics-servr"}
    found = judge(evidence)
    assert roots(found) == ["KM403"]
    assert of(found, "KM404").symptom_of == "KM403"
    assert of(found, "KM403").remedy == (
        "kubectl -n kube-system patch service metrics-server --type=json -p "
        '\'[{"op":"replace","path":"/spec/selector","value":{"k8s-app":"metrics-server"}}]\''
    )
    assert fields(evidence, "KM403") == {
        "spec.selector": "k8s-app=metrics-servr",
        "spec.template.metadata.labels": "k8s-app=metrics-server",
    }


def test_a_selector_that_catches_nobody_is_not_asked_with() -> None:
    evidence = without_endpoints(healthy())
    assert "describe pods -l k8s-app=metrics-server" in of(judge(evidence), "KM404").remedy
    spec(evidence).selector = {"k8s-app": "metrics-servr"}
    assert of(judge(evidence), "KM404").remedy.startswith("kubectl -n kube-system get pods --show-labels  #")


def test_names_from_the_cluster_are_quoted() -> None:
    evidence = without_endpoints(healthy())
    spec(evidence).selector = {"a": "b"}
    selector = evidence.deployments.get()[0].spec.selector
    assert selector is not None
    selector.match_labels = {"x": "'; rm -rf / #"}
    evidence.service_pods = ok([])
    remedies = [one.remedy for one in judge(evidence).findings if one.id == "KM403"]
    assert remedies == [
        "kubectl -n kube-system patch service metrics-server --type=json -p "
        """'[{"op":"replace","path":"/spec/selector","value":{"x":"'"'"'; rm -rf / #"}}]'"""
    ]


def test_metrics_server_is_in_another_namespace() -> None:
    evidence = without_endpoints(healthy())
    evidence.deployments = ok([deployment(namespace="monitoring")])
    evidence.service_pods = ok([])
    one = of(judge(evidence), "KM403")
    assert one.title == "metrics-server runs in another namespace than the Service"
    assert '"namespace":"monitoring"' in one.remedy


def test_the_service_is_what_is_left() -> None:
    evidence = without_endpoints(healthy())
    evidence.deployments = ok([])
    evidence.service_pods = ok([])
    found = judge(evidence)
    assert roots(found) == ["KM403"]
    assert "components.yaml" in of(found, "KM403").remedy


def test_pods_that_are_not_made_are_not_the_selectors_fault() -> None:
    evidence = without_endpoints(healthy())
    evidence.deployments.get()[0].spec.replicas = 0
    evidence.service_pods = ok([])
    found = judge(evidence)
    assert "KM403" in found.passed
    assert "KM404" in [one.id for one in found.findings]


def test_endpoints_that_are_ready_prove_the_selector() -> None:
    evidence = healthy()
    evidence.service_pods = ok([])
    evidence.deployments = ok([])
    assert "KM403" in judge(evidence).passed


# ---- KM404 ----


def test_nobody_is_ready() -> None:
    evidence = healthy()
    without_metrics(evidence, "MissingEndpoints", _NO_ADDRESSES)
    evidence.endpoint_slices = ok([endpoint_slice(ready=False)])
    one = of(judge(evidence), "KM404")
    assert [(proof.object, proof.value) for proof in one.evidence] == [
        ("EndpointSlices of Service kube-system/metrics-server", "none of 1 is true"),
        ("Pod kube-system/metrics-server-5888495b8d-vw65w", "false"),
    ]
    assert one.remedy == "kubectl -n kube-system describe pods -l k8s-app=metrics-server"


def test_a_pod_that_is_not_ready_is_the_cause() -> None:
    evidence = healthy()
    without_metrics(evidence, "MissingEndpoints", _NO_ADDRESSES)
    evidence.endpoint_slices = ok([endpoint_slice(ready=False)])
    pod = evidence.service_pods.get()[0]
    pod.status.conditions = [condition("Ready", "False", "ContainersNotReady")]
    assert pod.status.container_statuses is not None
    pod.status.container_statuses[0].ready = False
    found = judge(evidence)
    assert roots(found) == ["KM506"]
    assert of(found, "KM404").symptom_of == "KM506"


def test_ready_may_be_left_out() -> None:
    evidence = healthy()
    endpoints = evidence.endpoint_slices.get()[0].endpoints
    assert endpoints is not None
    endpoints[0].conditions.ready = None
    assert "KM404" in judge(evidence).passed


def test_one_of_two_replicas_is_enough() -> None:
    evidence = healthy()
    evidence.endpoint_slices.get().append(endpoint_slice(ready=False))
    assert "KM404" in judge(evidence).passed


# ---- KM405 ----


def test_the_target_port_is_a_name_that_nobody_has() -> None:
    evidence = healthy()
    without_metrics(evidence, "MissingEndpoints", _NO_ADDRESSES)
    port(evidence).target_port = "metrics"
    evidence.endpoint_slices.get()[0].ports = None  # as recorded
    found = judge(evidence)
    assert roots(found) == ["KM405"]
    one = of(found, "KM405")
    assert one.title == "The Service's targetPort is a name that no port of the pod has"
    assert one.remedy == (
        "kubectl -n kube-system patch service metrics-server --type=json -p "
        '\'[{"op":"replace","path":"/spec/ports/0/targetPort","value":"https"}]\''
    )


@pytest.mark.parametrize("ports", [[EndpointPort(name="main-port", port=10250)], [EndpointPort(port=10250)], []])
def test_the_names_of_the_ports_differ(ports: list[EndpointPort]) -> None:
    evidence = healthy()
    without_metrics(evidence, "MissingEndpoints", _NO_ADDRESSES)
    spec(evidence).selector = None
    evidence.endpoint_slices.get()[0].ports = ports
    found = judge(evidence)
    assert roots(found) == ["KM405"]
    assert of(found, "KM406").severity is Severity.INFO  # somebody keeps the endpoints by hand
    assert of(found, "KM405").title.startswith("The endpoints have no port of the name")
    known = fields(evidence, "KM405")
    assert known["spec.ports[].name"] == "'https'"
    assert known["ports[].name"] == (repr(ports[0].name or "") if ports else "no ports")


def test_it_is_not_clear_which_port_the_service_should_lead_to() -> None:
    evidence = healthy()
    without_metrics(evidence, "MissingEndpoints", _NO_ADDRESSES)
    port(evidence).target_port = "metrics"
    evidence.endpoint_slices.get()[0].ports = []
    containers = evidence.service_pods.get()[0].spec.containers
    assert containers is not None
    containers.append(k8s.Container(name="nanny", ports=[k8s.ContainerPort(name="http", container_port=80)]))
    one = of(judge(evidence), "KM405")
    assert one.remedy.endswith("# compare port names")
    assert one.evidence[-1].value == "'https', 'http'"


def test_a_port_without_a_number_is_none() -> None:
    evidence = healthy()
    without_metrics(evidence, "MissingEndpoints", _NO_ADDRESSES)
    evidence.endpoint_slices.get()[0].ports = [EndpointPort(name="https")]
    assert "KM405" in roots(judge(evidence))


def test_a_port_without_a_name_is_one_with_an_empty_one() -> None:
    evidence = healthy()
    port(evidence).name = ""
    evidence.endpoint_slices.get()[0].ports = [EndpointPort(name="", port=10250)]
    assert "KM405" in judge(evidence).passed


# ---- KM406 ----


def test_a_service_without_a_cluster_ip() -> None:
    evidence = healthy()
    spec(evidence).cluster_ip = "None"
    assert of(judge(evidence), "KM406").severity is Severity.INFO
    without_metrics(evidence, message='cannot route to service with ClusterIP "None"')
    found = judge(evidence)
    assert roots(found) == ["KM406"]
    assert of(found, "KM406").severity is Severity.ERROR


def test_a_service_elsewhere() -> None:
    evidence = healthy()
    spec(evidence).type, spec(evidence).external_name, spec(evidence).ports = "ExternalName", "usage.example", None
    spec(evidence).selector = None
    evidence.endpoint_slices = ok([])
    found = judge(evidence)
    assert [one.id for one in found.findings if one.id.startswith("KM4")] == ["KM406"]
    assert of(found, "KM406").severity is Severity.INFO
    without_metrics(evidence, message="dial tcp: lookup usage.example on 10.0.0.2:53: no such host")
    assert of(judge(evidence), "KM406").severity is Severity.ERROR


# ---- KM407 ----


def test_the_service_leads_to_a_port_where_nobody_listens() -> None:
    evidence = healthy()
    without_metrics(evidence, message=_REFUSED)
    port(evidence).target_port = 9999
    found = judge(evidence)
    assert roots(found) == ["KM407"]
    one = of(found, "KM407")
    assert one.title == "The Service leads to another port than metrics-server listens on"
    assert one.remedy == (
        "kubectl -n kube-system patch service metrics-server --type=json -p "
        '\'[{"op":"replace","path":"/spec/ports/0/targetPort","value":"https"}]\''
    )
    assert fields(evidence, "KM407") == {
        "status.conditions[Available].message": _REFUSED,
        "spec.ports[].targetPort": "9999",
        "--secure-port": "10250",
    }


def test_without_the_deployment_the_pod_tells_the_port() -> None:
    evidence = healthy()
    without_metrics(evidence, message=_REFUSED)
    port(evidence).target_port = 9999
    evidence.deployments = refused("list deployments")
    assert ("Pod kube-system/metrics-server-5888495b8d-vw65w", "10250") in [
        (one.object, one.value) for one in of(judge(evidence), "KM407").evidence
    ]
    port(evidence).target_port = "https"
    containers = evidence.service_pods.get()[0].spec.containers
    assert containers is not None
    containers[0].args = ["--secure-port=4443"]
    one = of(judge(evidence), "KM407")
    assert one.title == "The Service leads to another port than metrics-server listens on"
    assert one.remedy.startswith("kubectl -n kube-system edit service")


def test_without_pod_and_deployment_the_refusal_is_all_there_is() -> None:
    evidence = healthy()
    without_metrics(evidence, message=_REFUSED)
    evidence.deployments = refused("list deployments")
    evidence.service_pods = refused("list pods in kube-system")
    assert of(judge(evidence), "KM407").title == "Nobody listens on the port that the Service leads to"


def test_a_port_without_a_name_is_set_by_its_number() -> None:
    evidence = healthy()
    without_metrics(evidence, message=_REFUSED)
    port(evidence).target_port = 9999
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None
    containers[0].ports = [k8s.ContainerPort(container_port=10250)]
    assert '"value":10250' in of(judge(evidence), "KM407").remedy


def test_the_containers_port_is_another_than_metrics_servers() -> None:
    evidence = without_endpoints(healthy())
    template = evidence.deployments.get()[0].spec.template.spec.containers
    assert template is not None
    template[0].args = [*(template[0].args or ()), "--secure-port=4443"]
    found = judge(evidence)
    assert "KM407" in roots(found)
    assert of(found, "KM404").symptom_of == "KM407"
    assert of(found, "KM407").remedy.startswith("kubectl -n kube-system edit deployment metrics-server")
    assert fields(evidence, "KM407")["spec.ports[].targetPort"] == "https, that is 10250"


def test_a_refusal_without_an_explanation() -> None:
    evidence = healthy()
    without_metrics(evidence, message=_REFUSED.replace("9999", "10250"))
    found = judge(evidence)
    assert roots(found) == ["KM407"]
    assert of(found, "KM407").title == "Nobody listens on the port that the Service leads to"
    assert fields(evidence, "KM407")["dials port"] == "10250"


def test_a_proxy_beside_metrics_server_may_have_its_own_port() -> None:
    evidence = healthy()
    without_metrics(evidence, "Strange")
    port(evidence).target_port = 8443
    pod = server_pod()
    assert pod.spec.containers is not None
    pod.spec.containers.append(k8s.Container(name="proxy", ports=[k8s.ContainerPort(container_port=8443)]))
    evidence.service_pods = ok([pod])
    assert "KM407" in judge(evidence).passed


@pytest.mark.parametrize("working", [443, "https", 4443])
def test_ports_that_work_are_right(working: int | str) -> None:
    evidence = healthy()
    port(evidence).target_port = working
    assert "KM407" in judge(evidence).passed


# ---- all ----


def test_a_service_that_may_not_be_read() -> None:
    evidence = healthy()
    evidence.service = refused("get services in kube-system")
    ids = {one.id for one in judge(evidence).not_checked}
    assert {"KM401", "KM402", "KM403", "KM404", "KM405", "KM406", "KM407"} <= ids


def test_who_may_not_list_apiservices_is_helped_all_the_same() -> None:
    """As with the ClusterRole "view": Services and pods may be read, APIServices not."""
    evidence = without_endpoints(healthy())
    evidence.api_services = refused("list apiservices")
    spec(evidence).selector = {"k8s-app": "metrics-servr"}
    found = judge(evidence)
    assert roots(found) == ["KM403"]
    assert of(found, "KM206").symptom_of == "KM403"


def test_ports_are_compared_without_the_apiservice() -> None:
    evidence = healthy()
    without_metrics(evidence)
    evidence.api_services = refused("list apiservices")
    port(evidence).target_port = 9999
    assert roots(judge(evidence)) == ["KM407"]
    port(evidence).target_port = "metrics"
    evidence.endpoint_slices.get()[0].ports = None
    assert roots(judge(evidence)) == ["KM405"]


def test_another_namespace_is_respected() -> None:
    evidence = healthy()
    for one in (evidence.service.get(), evidence.deployments.get()[0]):
        one.metadata.namespace = "monitoring"
    reference = evidence.api_services.get()[0].spec.service
    assert reference is not None
    reference.namespace = "monitoring"
    evidence.service_pods.get()[0].metadata.namespace = "monitoring"
    assert [one for one in judge(evidence).findings if one.id.startswith("KM4")] == []
    assert PLACE not in judge(evidence).stages[3].seen
