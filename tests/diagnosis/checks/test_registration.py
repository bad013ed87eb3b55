"""KM2xx: who is registered for metrics.k8s.io."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence, Read
from kubectl_metrics.diagnosis.findings import Severity
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import (
    absent,
    api_service,
    at,
    condition,
    deployment,
    failed,
    healthy,
    of,
    ok,
    refused,
    roots,
    without_metrics,
)

GROUP = "metrics.k8s.io"


def values(evidence: Evidence, check_id: str) -> list[tuple[str, str, str]]:
    """The evidence of a finding."""
    return [(one.object, one.field, one.value) for one in of(judge(evidence), check_id).evidence]


def unregistered() -> Evidence:
    """Nobody answers for metrics.k8s.io, and nobody says that he does."""
    evidence = healthy()
    evidence.api_services = ok([], "list apiservices")
    evidence.discovery = absent("get /apis/metrics.k8s.io")
    evidence.service = unasked()
    evidence.endpoint_slices = unasked()
    evidence.node_metrics = absent("list nodes.metrics.k8s.io")
    evidence.pod_metrics = absent("list pods.metrics.k8s.io")
    return evidence


def unasked() -> Any:
    """A read that nobody made."""
    return Read()


# ---- KM201, KM202 ----


def bare() -> Evidence:
    """A cluster without metrics-server."""
    evidence = unregistered()
    evidence.deployments = ok([], "list deployments")
    evidence.service_pods = ok([], "list pods in kube-system")
    return evidence


def test_nothing_is_installed() -> None:
    found = judge(bare())
    assert roots(found)[0] == "KM201"
    assert all(one.symptom_of for one in found.findings[1:])
    one = of(found, "KM201")
    assert one.severity is Severity.ERROR
    assert one.remedy.startswith("kubectl apply -f https://github.com/kubernetes-sigs/metrics-server/")
    assert [(proof.object, proof.field) for proof in one.evidence] == [
        ("APIServices", "spec.group"),
        ("Deployments", "spec.template.spec.containers[].image"),
    ]


def test_what_comes_after_it_is_skipped() -> None:
    skipped = {one.id: one.because for one in judge(bare()).skipped}
    assert skipped["KM401"] == "KM201"


def test_what_is_not_there_is_not_well_either() -> None:
    stages = {one.category.value: (one.outcome, one.seen) for one in judge(bare()).stages}
    assert stages["metrics-server"] == ("skipped", "there is none")
    assert stages["rbac"][0] == "skipped"
    assert stages["nodes"][0] == "ok"


def test_nothing_is_registered_and_nobody_knows_what_is_installed() -> None:
    evidence = bare()
    evidence.deployments = refused("list deployments")
    assert of(judge(evidence), "KM201").title == "Nothing registers metrics.k8s.io"


def test_discovery_tells_those_who_may_not_list_apiservices() -> None:
    evidence = bare()
    evidence.api_services = refused("list apiservices")
    assert values(evidence, "KM201")[0] == ("/apis/metrics.k8s.io", "HTTP", "404")


def test_who_may_read_neither_gets_no_verdict() -> None:
    evidence = bare()
    evidence.api_services = refused("list apiservices")
    evidence.discovery = failed("get /apis/metrics.k8s.io", 500)
    found = judge(evidence)
    assert {"KM201", "KM202"} <= {one.id for one in found.not_checked}
    assert "KM201" not in [one.id for one in found.findings]


def test_the_apiservice_is_missing() -> None:
    found = judge(unregistered())
    assert roots(found) == ["KM202"]
    one = of(found, "KM202")
    assert one.remedy == (
        "kubectl apply -f https://raw.githubusercontent.com/kubernetes-sigs/metrics-server/"
        "master/manifests/base/apiservice.yaml"
    )
    assert [proof.object for proof in one.evidence] == ["APIServices", "Deployment kube-system/metrics-server"]


def test_helm_knows_what_is_missing() -> None:
    evidence = unregistered()
    evidence.deployments.get()[0].metadata.annotations = k8s.Annotations(helm_release="it's")
    remedy = of(judge(evidence), "KM202").remedy
    assert remedy == """helm get manifest 'it'"'"'s' -n kube-system | kubectl apply -f -"""


def test_elsewhere_the_manifest_has_to_be_edited() -> None:
    evidence = unregistered()
    evidence.deployments = ok([deployment("server", namespace="monitoring")])
    assert "--edit" in of(judge(evidence), "KM202").remedy


# ---- KM203 ----


def local() -> Evidence:
    """As recorded: the condition is true, the answer is 404."""
    evidence = healthy()
    service = evidence.api_services.get()[0]
    service.spec.service = None
    service.status.conditions = [condition("Available", "True", "Local", "Local APIServices are always available")]
    evidence.node_metrics = absent("list nodes.metrics.k8s.io")
    evidence.pod_metrics = absent("list pods.metrics.k8s.io")
    evidence.service = unasked()
    evidence.endpoint_slices = unasked()
    return evidence


def test_the_apiservice_names_no_service() -> None:
    found = judge(local())
    assert roots(found) == ["KM203"]
    assert of(found, "KM206").symptom_of == "KM203"
    one = of(found, "KM203")
    assert one.remedy.startswith("kubectl delete apiservice v1beta1.metrics.k8s.io && kubectl apply -f https://raw.")
    assert one.evidence[1].value == "True, Local: Local APIServices are always available"


def test_the_remedy_installs_what_is_not_there() -> None:
    evidence = local()
    evidence.deployments = ok([])
    evidence.service_pods = ok([])
    assert "components.yaml" in of(judge(evidence), "KM203").remedy


def test_somebody_in_front_of_the_api_server_may_answer() -> None:
    evidence = local()
    evidence.node_metrics = healthy().node_metrics
    evidence.pod_metrics = healthy().pod_metrics
    assert "KM203" in judge(evidence).passed


# ---- KM204 ----


def adapter() -> k8s.Deployment:
    """prometheus-adapter."""
    found = deployment("prometheus-adapter", namespace="monitoring")
    found.spec.template.metadata.labels = {"app": "prometheus-adapter"}
    found.spec.template.spec.containers = [
        k8s.Container(name="adapter", image="registry.k8s.io/prometheus-adapter/prometheus-adapter:v0.12.0")
    ]
    return found


def taken_over() -> Evidence:
    """prometheus-adapter has the APIService; metrics-server is still there."""
    evidence = healthy()
    service = evidence.api_services.get()[0]
    service.spec.service = k8s.ServiceReference(namespace="monitoring", name="prometheus-adapter", port=443)
    service.metadata.annotations = k8s.Annotations(helm_release="adapter", helm_namespace="monitoring")
    service.metadata.managed_fields = [k8s.ManagedField(manager="helm"), k8s.ManagedField(manager="kube-apiserver")]
    evidence.service.get().metadata.name = "prometheus-adapter"
    evidence.service.get().metadata.namespace = "monitoring"
    evidence.service.get().spec.selector = {"app": "prometheus-adapter"}
    evidence.deployments.get().append(adapter())
    return evidence


def test_another_provider_that_does_not_work() -> None:
    evidence = taken_over()
    evidence.service = absent("get services in monitoring")
    without_metrics(evidence, "ServiceNotFound", 'service/prometheus-adapter in "monitoring" is not present')
    found = judge(evidence)
    assert roots(found) == ["KM204"]
    assert "KM401" in [one.id for one in found.skipped]
    one = of(found, "KM204")
    assert one.severity is Severity.ERROR
    assert one.remedy.startswith(
        "kubectl patch apiservice v1beta1.metrics.k8s.io --type=merge -p "
        '\'{"spec":{"service":{"namespace":"kube-system","name":"metrics-server","port":443}}}\''
    )
    assert [(proof.field, proof.value) for proof in one.evidence[:3]] == [
        ("spec.service", "monitoring/prometheus-adapter:443"),
        ("metadata.annotations[meta.helm.sh/release-name]", "monitoring/adapter"),
        ("metadata.managedFields[].manager", "helm"),
    ]


def test_another_provider_that_works_is_a_warning_beside_metrics_server() -> None:
    assert of(judge(taken_over()), "KM204").severity is Severity.WARNING


def test_another_provider_alone_is_good_to_know() -> None:
    evidence = taken_over()
    evidence.deployments = ok([adapter()])
    assert of(judge(evidence), "KM204").severity is Severity.INFO


def test_another_provider_alone_that_fails_is_judged_as_metrics_server_is() -> None:
    evidence = taken_over()
    evidence.deployments = ok([adapter()])
    evidence.service = absent("get services in monitoring")
    without_metrics(evidence, "ServiceNotFound")
    assert roots(judge(evidence))[0] == "KM401"


def test_metrics_servers_service_may_have_any_name() -> None:
    evidence = healthy()
    reference = evidence.api_services.get()[0].spec.service
    assert reference is not None
    reference.name = evidence.service.get().metadata.name = "usage"
    assert "KM204" in judge(evidence).passed


def test_its_container_may_have_any_name_too() -> None:
    evidence = healthy()
    for pod_spec in (evidence.deployments.get()[0].spec.template.spec, evidence.service_pods.get()[0].spec):
        assert pod_spec.containers is not None
        pod_spec.containers[0].name, pod_spec.containers[0].image = "server", "registry.example/usage:1"
    assert "KM204" in judge(evidence).passed


def test_owners_are_named() -> None:
    evidence = taken_over()
    meta = evidence.api_services.get()[0].metadata
    meta.annotations, meta.managed_fields = k8s.Annotations(argo_tracking="monitoring:x"), None
    assert [(field, value) for _, field, value in values(evidence, "KM204")[1:2]] == [
        ("metadata.annotations[argocd.argoproj.io/tracking-id]", "monitoring:x")
    ]


def test_a_service_of_another_name_may_lead_to_metrics_server_only_if_it_selects_it() -> None:
    evidence = taken_over()
    evidence.deployments = ok([deployment()])
    assert of(judge(evidence), "KM204").severity is Severity.WARNING


def test_nobody_is_accused_whose_service_cannot_be_read() -> None:
    evidence = taken_over()
    evidence.service = refused("get services in monitoring")
    assert "KM204" in [one.id for one in judge(evidence).not_checked]


# ---- KM205, KM206 ----


def test_unavailable_without_a_known_cause() -> None:
    evidence = healthy()
    without_metrics(evidence, "Strange", "nobody knows")
    found = judge(evidence)
    assert roots(found) == ["KM205"]
    assert values(evidence, "KM205") == [
        ("APIService v1beta1.metrics.k8s.io", "status.conditions[Available]", "False, Strange: nobody knows"),
        ("APIService v1beta1.metrics.k8s.io", "status.conditions[Available].lastTransitionTime", at(hours=1)),
    ]


def test_no_condition_is_not_available_either() -> None:
    evidence = healthy()
    evidence.api_services.get()[0].status.conditions = None
    assert of(judge(evidence), "KM205").evidence[0].value == "there is none yet"


def test_a_further_version_is_unavailable() -> None:
    evidence = healthy()
    further = api_service("v1")
    further.status.conditions = [condition("Available", "Unknown", "ServiceAccessError", "x")]
    evidence.api_services.get().append(further)
    one = of(judge(evidence), "KM205")
    assert one.severity is Severity.WARNING
    assert "v1.metrics.k8s.io" in one.remedy


def test_requests_fail_though_it_is_available() -> None:
    evidence = healthy()
    evidence.node_metrics = failed("list nodes.metrics.k8s.io", 500, "Internal Server Error")
    evidence.pod_metrics = failed("list pods.metrics.k8s.io", 0, "no answer within 10 s", "no-answer")
    found = judge(evidence)
    assert "KM206" in roots(found)
    assert of(found, "KM206").title == "The APIService says Available, but requests for metrics.k8s.io fail"
    assert values(evidence, "KM206")[:2] == [
        ("GET nodes.metrics.k8s.io", "HTTP 500", "Internal Server Error"),
        ("GET pods.metrics.k8s.io", "no-answer", "no answer within 10 s"),
    ]


def test_who_may_not_read_the_apiservice_sees_the_requests() -> None:
    evidence = healthy()
    evidence.api_services = refused("list apiservices")
    evidence.node_metrics = failed("list nodes.metrics.k8s.io")
    evidence.pod_metrics = failed("list pods.metrics.k8s.io")
    assert of(judge(evidence), "KM206").title == "metrics.k8s.io is registered, but requests for it fail"


def test_an_api_server_that_fails_at_everything_tells_nothing_of_a_registration() -> None:
    evidence = healthy()
    for name in ("api_services", "discovery", "node_metrics", "pod_metrics"):
        setattr(evidence, name, failed(f"read {name}", 500, "Internal Server Error"))
    found = judge(evidence)
    assert roots(found) == ["KM101"]
    assert ("KM206", "read api_services") in [(one.id, one.needs) for one in found.not_checked]


@pytest.mark.parametrize("state", ["refused", "unavailable", "one works"])
def test_requests_that_fail_for_a_known_reason(state: str) -> None:
    evidence = healthy()
    if state == "refused":
        evidence.node_metrics = refused("list nodes.metrics.k8s.io")
        evidence.pod_metrics = refused("list pods.metrics.k8s.io")
    elif state == "unavailable":
        without_metrics(evidence)
    else:
        evidence.node_metrics = failed("list nodes.metrics.k8s.io")
    assert "KM206" in judge(evidence).passed


# ---- KM207 ----


def stuck(message: str) -> k8s.Namespace:
    """A namespace that cannot be emptied."""
    return k8s.Namespace(
        metadata=k8s.Metadata(name="old", deletion_timestamp=at(days=1)),
        status=k8s.NamespaceStatus(
            phase="Terminating",
            conditions=[condition("NamespaceDeletionDiscoveryFailure", "True", "DiscoveryFailed", message)],
        ),
    )


_STALE = f"Discovery failed for some groups, 1 failing: unable to retrieve ... {GROUP}/v1beta1: stale GroupVersion"


def test_namespaces_are_stuck() -> None:
    evidence = healthy()
    without_metrics(evidence, "Strange")
    evidence.namespaces = ok([stuck(_STALE)], "list namespaces")
    one = of(judge(evidence), "KM207")
    assert (one.severity, one.affected, one.symptom_of) == (Severity.WARNING, ["old"], "KM205")
    assert one.evidence[0].value == _STALE


def test_they_will_go_once_everything_works() -> None:
    evidence = healthy()
    evidence.namespaces = ok([stuck(_STALE)], "list namespaces")
    one = of(judge(evidence), "KM207")
    assert one.severity is Severity.INFO
    assert one.title.endswith("answers now")


def test_other_groups_are_others_business() -> None:
    evidence = healthy()
    evidence.namespaces = ok([stuck(f"custom.{GROUP}/v1beta1: the server is currently unable")], "list namespaces")
    assert "KM207" in judge(evidence).passed


# ---- KM208, KM209 ----


def heapster() -> k8s.Deployment:
    """Heapster, as addons had it."""
    found = deployment("heapster-v1.6.1")
    found.metadata.labels = {"k8s-app": "heapster"}
    found.spec.template.metadata.labels = {"k8s-app": "heapster"}
    found.spec.template.spec.containers = [k8s.Container(name="heapster", image="k8s.gcr.io/heapster-amd64:v1.6.1")]
    return found


def test_heapster_is_still_there() -> None:
    evidence = bare()
    evidence.deployments.get().append(heapster())
    one = of(judge(evidence), "KM208")
    assert (one.severity, one.affected) == (Severity.WARNING, ["kube-system/heapster-v1.6.1"])
    assert one.remedy == "kubectl -n kube-system delete deployment heapster-v1.6.1"


def test_heapster_beside_metrics_that_work_is_no_warning() -> None:
    evidence = healthy()
    evidence.deployments.get().append(heapster())
    found = judge(evidence)
    assert of(found, "KM208").severity is Severity.INFO
    assert roots(found) == []


@pytest.mark.parametrize(
    ("version", "severity"), [("v1", Severity.WARNING), ("v1alpha1", Severity.ERROR), ("v2", Severity.ERROR)]
)
def test_a_version_that_few_ask_for(version: str, severity: Severity) -> None:
    evidence = healthy()
    evidence.api_services = ok([api_service(version)], "list apiservices")
    assert of(judge(evidence), "KM209").severity is severity
    evidence.api_services = refused("list apiservices")
    evidence.discovery = ok(k8s.APIGroup(name=GROUP, versions=[k8s.GroupVersion(version=version)]))
    assert of(judge(evidence), "KM209").evidence[0].value == version


def test_v1_beside_v1beta1_is_fine() -> None:
    evidence = healthy()
    evidence.api_services.get().append(api_service("v1"))
    assert "KM209" in judge(evidence).passed


@pytest.mark.parametrize("check_id", ["KM203", "KM204", "KM205"])
def test_who_may_not_list_apiservices_is_told(check_id: str) -> None:
    evidence = healthy()
    evidence.api_services = refused("list apiservices")
    assert (check_id, "list apiservices") in [(one.id, one.needs) for one in judge(evidence).not_checked]
