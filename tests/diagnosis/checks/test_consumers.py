"""Who reads metrics.k8s.io: this user, and the autoscalers."""

from __future__ import annotations

import msgspec
import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence, Read
from kubectl_metrics.diagnosis.findings import Severity
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import absent, at, condition, failed, healthy, hpa, of, ok, refused, roots
from tests.diagnosis.servers import down, its_status

# ---- KM901 ----


def forbidden(resource: str, user: str) -> Read[list[k8s.NodeMetrics]]:
    """As the API server refuses it."""
    message = (
        f'{resource}.metrics.k8s.io is forbidden: User "{user}" cannot list resource "{resource}" '
        'in API group "metrics.k8s.io" at the cluster scope'
    )
    return msgspec.structs.replace(refused(f"list {resource}.metrics.k8s.io"), message=message)


def for_user(user: str, known: str | None = None) -> Evidence:
    """Somebody who may read everything but metrics."""
    evidence = healthy()
    evidence.connected.user = user if known is None else known
    evidence.node_metrics = forbidden("nodes", user)
    evidence.pod_metrics = forbidden("pods", user)  # type: ignore[assignment]  # no value
    return evidence


@pytest.mark.parametrize(
    ("user", "option"),
    [
        ("jane", "--user=jane"),
        ("jane doe", "'--user=jane doe'"),
        ("system:serviceaccount:ci:bot", "--serviceaccount=ci:bot"),
    ],
)
def test_this_user(user: str, option: str) -> None:
    verdict = judge(for_user(user))
    assert roots(verdict) == ["KM901"]
    found = of(verdict, "KM901")
    assert [one.object for one in found.evidence] == ["GET nodes.metrics.k8s.io", "GET pods.metrics.k8s.io"]
    assert f'User "{user}" cannot list resource "nodes"' in found.evidence[0].value
    assert found.remedy == (
        f"kubectl create clusterrolebinding metrics-reader --clusterrole=system:aggregated-metrics-reader {option}"
    )


def test_nobody_is_logged_in() -> None:
    assert "credentials" in of(judge(for_user("system:anonymous")), "KM901").remedy


def test_pods_may_be_read_and_nodes_not() -> None:
    evidence = for_user("jane")
    evidence.pod_metrics = healthy().pod_metrics
    found = of(judge(evidence), "KM901")
    assert [one.object for one in found.evidence] == ["GET nodes.metrics.k8s.io"]
    assert (found.severity, found.title) == (Severity.WARNING, "This user may not read the metrics of nodes")
    assert "--user=jane" in found.remedy


def test_somebody_else_was_refused() -> None:
    assert "KM901" not in [one.id for one in judge(for_user("aggregator", known="jane")).findings]


def test_whose_name_is_not_known() -> None:
    assert "--user=jane" in of(judge(for_user("jane", known="")), "KM901").remedy


def test_403_for_what_does_not_exist() -> None:
    evidence = for_user("jane")
    evidence.discovery = absent("get /apis/metrics.k8s.io")
    assert "KM901" not in [one.id for one in judge(evidence).findings]


# ---- KM902 ----

GOOD = """\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
"""
BAD = """\
- groups:
  - system:masters
  rolearn: arn:aws:iam::111122223333:role/devops
"""


def on_eks(roles: str) -> Evidence:
    """With an aws-auth."""
    evidence = healthy()
    config = k8s.ConfigMap(metadata=k8s.Metadata(name="aws-auth", namespace="kube-system"), data={"mapRoles": roles})
    evidence.aws_auth = ok(config, "get configmaps/aws-auth in kube-system")
    return evidence


@pytest.mark.parametrize(
    ("roles", "nameless"),
    [
        (GOOD, []),
        (BAD, ["devops"]),
        (GOOD + BAD, ["devops"]),
        (BAD + GOOD, ["devops"]),
        (BAD + BAD.replace("devops", "admins"), ["devops", "admins"]),
        (BAD + "  username:\n", ["devops"]),
        (BAD + '  "username": "devops"\n', []),
        ("-\n" + BAD.replace("- groups", "  groups"), ["devops"]),
        ("  - rolearn: arn:aws:iam::1:role/devops\n    groups:\n      - a:b\n", ["devops"]),
        ('[{"rolearn": "arn:aws:iam::1:role/devops", "groups": []}]', ["devops"]),
        ('[{"rolearn": "arn:aws:iam::1:role/devops", "username": "x"}]', []),
        ("[]", []),
        ("", []),
        ("nonsense", []),
        ("- nonsense", []),
    ],
)
def test_roles_without_a_username(roles: str, nameless: list[str]) -> None:
    verdict = judge(on_eks(roles))
    found = [one for one in verdict.findings if one.id == "KM902"]
    assert [proof.value for one in found for proof in one.evidence] == [
        f"arn:aws:iam::{'111122223333' if '1111' in roles else '1'}:role/{name}: no username" for name in nameless
    ]
    assert all(one.severity is Severity.WARNING for one in found)


def test_we_are_refused_for_it() -> None:
    evidence = on_eks(BAD)
    evidence.node_metrics = failed("list nodes.metrics.k8s.io", 401, "Unauthorized")
    evidence.pod_metrics = failed("list pods.metrics.k8s.io", 401, "Unauthorized")
    found = of(judge(evidence), "KM902")
    assert found.severity is Severity.ERROR
    assert found.evidence[-1].value == "Unauthorized"


def test_elsewhere_there_is_no_such_thing() -> None:
    evidence = healthy()
    evidence.aws_auth = absent("get configmaps/aws-auth in kube-system")
    assert "KM902" in judge(evidence).passed
    assert "KM902" not in [one.id for one in judge(healthy()).not_checked]


# ---- KM903 to KM905 ----

REQUEST = "the HPA was unable to compute the replica count: failed to get {0} utilization: missing request for {0}"
FAILED = "the HPA was unable to compute the replica count: failed to get cpu utilization: "
NO_API = (
    f"{FAILED}unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: "
    "the server is currently unable to handle the request (get pods.metrics.k8s.io)"
)
NO_PODS = f"{FAILED}did not receive metrics for targeted pods (pods might be unready)"
NOTHING = f"{FAILED}unable to get metrics for resource cpu: no metrics returned from resource metrics API"
EXTERNAL = "unable to get external metric shop/queue: unable to fetch metrics from external metrics API: not found"


def scaled(evidence: Evidence, *messages: str, status: str = "False") -> Evidence:
    """With autoscalers web0, web1 ... that say so."""
    found = []
    for number, message in enumerate(messages):
        one = hpa()
        one.metadata.name = f"web{number}"
        one.status.conditions = [
            condition("AbleToScale"),
            condition("ScalingActive", status, "FailedGetResourceMetric", message),
        ]
        found.append(one)
    evidence.hpas = ok(found, "list horizontalpodautoscalers")
    return evidence


@pytest.mark.parametrize(
    ("message", "found", "severity"),
    [
        (REQUEST.format("cpu"), "KM903", Severity.WARNING),
        (REQUEST.format("memory") + " in container app of Pod web-abc", "KM903", Severity.WARNING),
        (NO_API, "KM904", Severity.WARNING),
        (NO_PODS, "KM905", Severity.INFO),
        (NOTHING, "KM905", Severity.INFO),
    ],
)
def test_what_autoscalers_say(message: str, found: str, severity: Severity) -> None:
    verdict = judge(scaled(healthy(), message))
    assert [(one.id, one.severity) for one in verdict.findings] == [(found, severity)]
    one = of(verdict, found)
    assert one.affected == ["shop/web0"]
    assert one.evidence[0].object == "HorizontalPodAutoscaler shop/web0"
    assert one.evidence[0].value.startswith(message)
    assert "2026-03-02T09:00:00Z" in one.evidence[0].value


@pytest.mark.parametrize("message", [EXTERNAL, "the target's replica count is zero", ""])
def test_what_is_none_of_our_business(message: str) -> None:
    assert judge(scaled(healthy(), message)).findings == []


def test_conditions_that_are_true() -> None:
    assert judge(scaled(healthy(), NO_API, status="True")).findings == []


NAMED = " in container istio-proxy of Pod web-node-a"


@pytest.mark.parametrize(("resource", "amount"), [("cpu", "100m"), ("memory", "64Mi")])
def test_requests_are_advised_for_the_container_that_has_none(resource: str, amount: str) -> None:
    found = of(judge(scaled(healthy(), REQUEST.format(resource) + NAMED)), "KM903")
    command, _, note = found.remedy.partition("  # ")
    assert command == f"kubectl -n shop set resources deployment/web -c istio-proxy --requests={resource}={amount}"
    assert "if there is no such container it is injected" in note


def test_an_older_controller_does_not_name_the_container() -> None:
    """Without -c all containers would get that request, the large ones too."""
    found = of(judge(scaled(healthy(), REQUEST.format("memory"))), "KM903")
    assert found.remedy.startswith("kubectl -n shop edit deployment/web  # ")
    assert "resources.requests.memory of each container that has none" in found.remedy


@pytest.mark.parametrize("kind", ["Rollout", "ReplicationController"])
def test_kinds_that_kubectl_sets_no_resources_of(kind: str) -> None:
    evidence = scaled(healthy(), REQUEST.format("cpu") + NAMED)
    evidence.hpas.get()[0].spec.scale_target_ref.kind = kind
    found = of(judge(evidence), "KM903")
    assert found.remedy.startswith(f"kubectl -n shop edit {kind.lower()}/web  # ")
    assert "resources.requests.cpu of istio-proxy" in found.remedy


def test_a_container_that_the_template_does_not_have() -> None:
    evidence = scaled(healthy(), REQUEST.format("cpu") + NAMED)
    (one,) = evidence.hpas.get()
    one.metadata.namespace, one.spec.scale_target_ref.name = "kube-system", "metrics-server"
    found = of(judge(evidence), "KM903")
    assert found.remedy.startswith("kubectl -n kube-system get deployment/metrics-server -o yaml  # istio-proxy is not")
    one.status.conditions = [
        condition("ScalingActive", "False", "x", REQUEST.format("cpu") + NAMED.replace("istio-proxy", "metrics-server"))
    ]
    found = of(judge(evidence), "KM903")
    assert " set resources deployment/metrics-server -c metrics-server " in found.remedy


def test_a_sidecar_among_the_init_containers() -> None:
    evidence = scaled(healthy(), REQUEST.format("cpu") + NAMED)
    pod = next(one for one in evidence.pods.get() if one.metadata.name == "web-node-a")
    pod.spec.init_containers = [k8s.Container(name="istio-proxy", restart_policy="Always")]
    assert of(judge(evidence), "KM903").remedy.startswith("kubectl -n shop edit deployment/web  # ")


def test_many_are_one_finding() -> None:
    found = of(judge(scaled(healthy(), *[REQUEST.format("cpu")] * 5)), "KM903")
    assert len(found.affected) == 5
    assert len(found.evidence) == 3


def test_where_the_api_is_down_that_is_why() -> None:
    verdict = judge(scaled(down(), NO_API, NO_PODS, REQUEST.format("cpu")))
    assert roots(verdict) == ["KM506", "KM903"]
    assert of(verdict, "KM904").symptom_of is not None
    assert of(verdict, "KM905").symptom_of is not None
    assert of(verdict, "KM905").severity is Severity.WARNING


def test_where_the_api_has_only_just_started_that_is_why() -> None:
    evidence = scaled(down(), NO_API, NO_PODS)
    its_status(evidence).state = k8s.ContainerState(running=k8s.Running(started_at=at(seconds=20)))
    verdict = judge(evidence)
    assert verdict.worst() is Severity.INFO
    assert {"KM904", "KM905"} <= {one.id for one in verdict.findings}


def test_autoscalers_that_may_not_be_read() -> None:
    evidence = healthy()
    evidence.hpas = refused("list horizontalpodautoscalers")
    assert {"KM903", "KM904", "KM905"} <= {one.id for one in judge(evidence).not_checked}
