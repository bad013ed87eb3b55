"""What metrics-server's ServiceAccount may do."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.findings import Severity, Verdict
from kubectl_metrics.diagnosis.judge import judge
from tests.diagnosis.build import PLACE, absent, binding, condition, healthy, of, ok, refused, role, roots, rule
from tests.diagnosis.servers import crashing, failing, set_args, set_image, the_pod

ACCOUNT = "--serviceaccount=kube-system:metrics-server"


def values(verdict: Verdict, check_id: str) -> str:
    """All that was observed."""
    return "\n".join(f"{one.object} {one.field} {one.value}" for one in of(verdict, check_id).evidence)


def own(evidence: Evidence) -> list[str]:
    """Ids of the findings about rights."""
    return [one.id for one in judge(evidence).findings if one.id.startswith("KM6")]


def unbound(evidence: Evidence, name: str) -> Evidence:
    """Without a binding."""
    for read in ("cluster_role_bindings", "role_bindings"):
        found = getattr(evidence, read)
        kept = [one for one in found.get() if one.metadata.name != name]
        setattr(evidence, read, msgspec.structs.replace(found, value=kept))
    return evidence


def with_rules(evidence: Evidence, *rules: k8s.PolicyRule) -> Evidence:
    """Other rules in the ClusterRole system:metrics-server."""
    evidence.cluster_roles.get()[1].rules = list(rules)
    return evidence


# ---- KM601 ----


def test_the_reader_is_not_bound_and_the_process_ends() -> None:
    verdict = judge(unbound(crashing(), "metrics-server-auth-reader"))
    assert roots(verdict) == ["KM601"]
    assert of(verdict, "KM504").symptom_of == "KM601"
    found = of(verdict, "KM601")
    assert found.severity is Severity.ERROR
    assert found.remedy == (
        "kubectl -n kube-system create rolebinding metrics-server-auth-reader "
        f"--role=extension-apiserver-authentication-reader {ACCOUNT}"
    )
    assert "may not get configmaps/extension-apiserver-authentication" in values(verdict, "KM601")


def test_until_its_next_start_it_goes_on() -> None:
    verdict = judge(unbound(healthy(), "metrics-server-auth-reader"))
    assert roots(verdict) == ["KM601"]
    assert of(verdict, "KM601").severity is Severity.WARNING


@pytest.mark.parametrize(
    "flag", ["--authentication-skip-lookup", "--requestheader-client-ca-file=/ca", "--authentication-kubeconfig=/k"]
)
def test_it_does_not_look(flag: str) -> None:
    evidence = unbound(healthy(), "metrics-server-auth-reader")
    set_args(evidence, flag)
    assert own(evidence) == []


def test_a_flag_that_is_off_changes_nothing() -> None:
    evidence = unbound(healthy(), "metrics-server-auth-reader")
    set_args(evidence, "--authentication-skip-lookup=false")
    assert own(evidence) == ["KM601"]


def test_a_role_of_ones_own() -> None:
    evidence = unbound(healthy(), "metrics-server-auth-reader")
    given = role("all-configs", rule(["get", "list", "watch"], ["configmaps"]))
    given.metadata.namespace = PLACE
    evidence.roles = ok([given])
    evidence.role_bindings = ok([binding("x", "Role", "all-configs", PLACE)])
    assert own(evidence) == []
    given.rules = [rule(["list"], ["configmaps"])]
    assert own(evidence) == ["KM601"]


def test_a_cluster_role_gives_it_too() -> None:
    evidence = unbound(healthy(), "metrics-server-auth-reader")
    evidence.cluster_roles.get()[1].rules = [rule(["*"], ["*"], ["*"])]
    assert own(evidence) == []


def test_bound_in_another_namespace() -> None:
    evidence = healthy()
    evidence.role_bindings.get()[0].metadata.namespace = "default"
    assert own(evidence) == ["KM601"]


def test_bound_for_another_namespace() -> None:
    evidence = healthy()
    subject = (evidence.role_bindings.get()[0].subjects or [])[0]
    subject.namespace = "monitoring"
    assert own(evidence) == ["KM601"]


# ---- KM602 ----


@pytest.mark.parametrize("make", [healthy, failing])
def test_no_delegator(make: Callable[[], Evidence]) -> None:
    evidence = unbound(make(), "metrics-server:system:auth-delegator")
    if make is healthy:
        evidence.hpas = ok([])
    verdict = judge(evidence)
    assert "KM602" in roots(verdict)
    found = of(verdict, "KM602")
    assert found.severity is Severity.ERROR  # our own requests may succeed, those of others do not
    assert found.remedy == (
        "kubectl create clusterrolebinding metrics-server:system:auth-delegator "
        f"--clusterrole=system:auth-delegator {ACCOUNT}"
    )
    assert "create subjectaccessreviews.authorization.k8s.io" in values(verdict, "KM602")


def test_an_autoscaler_that_gets_metrics_shows_that_others_are_let_in() -> None:
    found = of(judge(unbound(healthy(), "metrics-server:system:auth-delegator")), "KM602")
    assert found.severity is Severity.WARNING
    assert found.evidence[-1].object == "HorizontalPodAutoscaler shop/web"


def test_a_service_account_that_gets_metrics_does_so_too() -> None:
    evidence = unbound(healthy(), "metrics-server:system:auth-delegator")
    evidence.hpas = ok([])
    evidence.connected.user = "system:serviceaccount:ci:bot"
    found = of(judge(evidence), "KM602")
    assert found.severity is Severity.WARNING
    assert found.evidence[-1].value == "system:serviceaccount:ci:bot"
    evidence.node_metrics = refused("list nodes.metrics.k8s.io")
    evidence.pod_metrics = refused("list pods.metrics.k8s.io")
    assert of(judge(evidence), "KM602").severity is Severity.ERROR


@pytest.mark.parametrize("kind", ["External", "Pods", ""])
def test_an_autoscaler_of_other_metrics_shows_nothing(kind: str) -> None:
    evidence = unbound(healthy(), "metrics-server:system:auth-delegator")
    (one,) = evidence.hpas.get()
    one.spec.metrics = [*(one.spec.metrics or ()), k8s.MetricSpec(type=kind)]
    assert of(judge(evidence), "KM602").severity is Severity.ERROR
    one.spec.metrics = None
    assert of(judge(evidence), "KM602").severity is Severity.ERROR


def test_an_autoscaler_that_gets_none_shows_nothing() -> None:
    evidence = unbound(healthy(), "metrics-server:system:auth-delegator")
    evidence.hpas.get()[0].status.conditions = [condition("ScalingActive", "False", "FailedGetResourceMetric", "x")]
    assert of(judge(evidence), "KM602").severity is Severity.ERROR


def test_it_is_the_right_that_counts_and_not_the_name() -> None:
    evidence = unbound(healthy(), "metrics-server:system:auth-delegator")
    evidence.cluster_role_bindings.get().append(binding("x", "ClusterRole", "mine"))
    evidence.cluster_roles.get().append(
        role("mine", rule(["create"], ["subjectaccessreviews"], ["authorization.k8s.io"]))
    )
    assert own(evidence) == []


def test_a_delegator_without_the_right() -> None:
    evidence = healthy()
    evidence.cluster_roles.get()[0].rules = [rule(["create"], ["tokenreviews"], ["authentication.k8s.io"])]
    assert own(evidence) == ["KM602"]


def test_by_a_group() -> None:
    evidence = unbound(healthy(), "metrics-server:system:auth-delegator")
    group = binding("g", "ClusterRole", "system:auth-delegator")
    group.subjects = [k8s.Subject(kind="Group", name="system:serviceaccounts:kube-system")]
    evidence.cluster_role_bindings.get().append(group)
    assert own(evidence) == []


def test_other_credentials_for_it() -> None:
    evidence = unbound(healthy(), "metrics-server:system:auth-delegator")
    set_args(evidence, "--authorization-kubeconfig=/k")
    assert own(evidence) == []


# ---- KM603 ----

OBJECTS = rule(["get", "list", "watch"], ["pods", "nodes"])


def test_no_nodes_metrics() -> None:
    verdict = judge(with_rules(failing(), OBJECTS))
    assert roots(verdict) == ["KM603"]
    assert of(verdict, "KM506").symptom_of == "KM603"
    found = of(verdict, "KM603")
    assert found.severity is Severity.ERROR
    assert found.title == "metrics-server may not get nodes/metrics"
    assert found.remedy == (
        "kubectl patch clusterrole system:metrics-server --type=json -p "
        '\'[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["nodes/metrics"],"verbs":["get"]}}]\''
    )


def test_kubelets_remember_the_right_for_a_while() -> None:
    assert of(judge(with_rules(healthy(), OBJECTS)), "KM603").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("tag", "resource", "found"),
    [
        ("v0.9.0", "nodes/metrics", []),
        ("v0.9.0", "nodes/stats", ["KM603"]),
        ("v0.6.0", "nodes/stats", ["KM603"]),
        ("v0.5.2", "nodes/stats", []),
        ("v0.5.2", "nodes/metrics", ["KM603"]),
        ("1", "nodes/metrics", []),
    ],
)
def test_which_right_it_takes(tag: str, resource: str, found: list[str]) -> None:
    evidence = with_rules(healthy(), OBJECTS, rule(["get"], [resource]))
    set_image(evidence, f"registry.k8s.io/metrics-server/metrics-server:{tag}")
    assert own(evidence) == found


@pytest.mark.parametrize(
    "flag",
    ["--kubelet-client-certificate=/c", "--kubeconfig=/k", "--deprecated-kubelet-completely-insecure"],
)
def test_kubelets_see_another_user(flag: str) -> None:
    evidence = with_rules(healthy(), OBJECTS)
    set_args(evidence, flag)
    assert own(evidence) == []


def shared(name: str) -> k8s.Role:
    """A ClusterRole that others have too."""
    return role(name, rule(["get", "list", "watch"], ["pods"]))


def of_everybody() -> k8s.Role:
    return shared("view")


def aggregated() -> k8s.Role:
    one = shared("everything-of-metrics-server")
    one.aggregation_rule = k8s.AggregationRule()
    return one


def built_in() -> k8s.Role:
    one = shared("system:metrics-server")
    one.metadata.labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    return one


def part_of_view() -> k8s.Role:
    one = shared("system:metrics-server-aggregated-reader")
    one.metadata.labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    return one


@pytest.mark.parametrize("make", [of_everybody, aggregated, built_in, part_of_view])
def test_a_role_that_others_have_too_is_not_changed(make: Callable[[], k8s.Role]) -> None:
    given = make()
    evidence = unbound(failing(), "system:metrics-server")
    evidence.cluster_roles.get()[1] = given
    evidence.cluster_role_bindings.get().append(binding("x", "ClusterRole", given.metadata.name))
    verdict = judge(evidence)
    for check_id in ("KM603", "KM604"):
        assert of(verdict, check_id).remedy.startswith("kubectl create clusterrole"), check_id
        assert "patch" not in of(verdict, check_id).remedy


# ---- KM604 ----


def test_the_cluster_role_is_not_bound() -> None:
    verdict = judge(unbound(failing(), "system:metrics-server"))
    assert roots(verdict) == ["KM604"]
    assert of(verdict, "KM603").symptom_of == "KM604"
    assert of(verdict, "KM604").remedy == (
        f"kubectl create clusterrolebinding system:metrics-server --clusterrole=system:metrics-server {ACCOUNT}"
    )


@pytest.mark.parametrize(("tag", "more"), [("v0.9.0", ""), ("v0.5.2", ",nodes/stats")])
def test_nobody_knows_of_a_cluster_role_to_bind(tag: str, more: str) -> None:
    evidence = unbound(failing(), "system:metrics-server")
    evidence.cluster_roles.get().pop()
    containers = evidence.deployments.get()[0].spec.template.spec.containers
    assert containers is not None
    containers[0].image = f"registry.k8s.io/metrics-server/metrics-server:{tag}"
    name = "metrics-server-resources"
    assert of(judge(evidence), "KM603").remedy == (
        f"kubectl create clusterrole {name} --verb=get,list,watch --resource=nodes,pods,nodes/metrics{more} && "
        f"kubectl create clusterrolebinding {name} --clusterrole={name} {ACCOUNT}"
    )


def test_the_cluster_role_does_not_exist() -> None:
    evidence = failing()
    evidence.cluster_roles.get().pop()
    verdict = judge(evidence)
    assert roots(verdict) == ["KM604"]
    assert "system:metrics-server, which does not exist" in values(verdict, "KM604")
    assert of(verdict, "KM604").remedy == (
        "kubectl create clusterrole system:metrics-server --verb=get,list,watch --resource=nodes,pods,nodes/metrics"
    )


def test_the_cluster_role_has_no_rules() -> None:
    verdict = judge(with_rules(failing()))
    assert roots(verdict) == ["KM604"]
    assert '"path":"/rules","value":[{' in of(verdict, "KM604").remedy


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        (rule(["get", "list"], ["nodes", "pods"]), "watch nodes, watch pods"),
        (rule(["get", "list", "watch"], ["nodes"]), "list pods, watch pods"),
        (rule(["get", "list", "watch"], ["pods"]), "list nodes, watch nodes"),
    ],
)
def test_no_nodes_or_pods(given: k8s.PolicyRule, lacking: str) -> None:
    verdict = judge(with_rules(healthy(), given, rule(["get"], ["nodes/metrics"])))
    assert roots(verdict) == ["KM604"]
    assert of(verdict, "KM604").severity is Severity.WARNING
    assert f"may not {lacking}" in values(verdict, "KM604")


def test_get_is_not_needed() -> None:
    assert (
        own(with_rules(healthy(), rule(["list", "watch"], ["nodes", "pods"]), rule(["get"], ["nodes/metrics"]))) == []
    )


# ---- KM605 ----


def test_no_account() -> None:
    evidence = crashing()
    evidence.service_account = absent("get serviceaccounts/metrics-server in kube-system")
    verdict = judge(evidence)
    assert roots(verdict) == ["KM605"]
    assert of(verdict, "KM605").remedy == "kubectl -n kube-system create serviceaccount metrics-server"


def test_no_account_and_no_pod() -> None:
    evidence = failing()
    evidence.service_account = absent("get serviceaccounts/metrics-server in kube-system")
    evidence.service_pods = ok([])
    evidence.pods = ok(evidence.pods.get()[1:])
    message = 'error looking up service account kube-system/metrics-server: serviceaccount "metrics-server" not found'
    evidence.deployments.get()[0].status.conditions = [condition("ReplicaFailure", "True", "FailedCreate", message)]
    verdict = judge(evidence)
    assert roots(verdict) == ["KM605"]
    assert of(verdict, "KM501").symptom_of == "KM605"


def test_an_account_that_nothing_is_bound_to() -> None:
    evidence = crashing()
    for spec in (evidence.deployments.get()[0].spec.template.spec, the_pod(evidence).spec):
        spec.service_account_name = ""  # default
    verdict = judge(evidence)
    assert roots(verdict) == ["KM605"]
    assert {one.symptom_of for one in verdict.findings if one.id in ("KM601", "KM602", "KM604")} == {"KM605"}
    assert of(verdict, "KM605").title == "Nothing is bound to metrics-server's ServiceAccount"
    assert "kubectl -n kube-system set serviceaccount deployment/metrics-server metrics-server" in (
        of(verdict, "KM605").remedy
    )


@pytest.mark.parametrize("place", ["monitoring", "kube-system"])
def test_an_account_of_the_right_name_that_nothing_is_bound_to(place: str) -> None:
    evidence = crashing()
    for one in (evidence.deployments.get()[0], the_pod(evidence)):
        one.metadata.namespace = place
    evidence.cluster_role_bindings = evidence.role_bindings = ok([])
    evidence.cluster_roles = evidence.roles = ok([])
    verdict = judge(evidence)
    found = of(verdict, "KM605")
    assert "set serviceaccount" not in found.remedy  # it has that account
    suffix = "" if place == "kube-system" else f":{place}:metrics-server"  # the manifest's names may be taken
    account = f"--serviceaccount={place}:metrics-server"
    assert found.remedy.split(" && ") == [
        f"kubectl -n kube-system create rolebinding metrics-server-auth-reader{suffix} "
        f"--role=extension-apiserver-authentication-reader {account}",
        f"kubectl create clusterrolebinding metrics-server:system:auth-delegator{suffix} "
        f"--clusterrole=system:auth-delegator {account}",
        "kubectl create clusterrole metrics-server-resources --verb=get,list,watch --resource=nodes,pods,nodes/metrics",
        f"kubectl create clusterrolebinding metrics-server-resources --clusterrole=metrics-server-resources {account}",
    ]
    assert of(verdict, "KM601").remedy == found.remedy.split(" && ")[0]
    assert of(verdict, "KM602").remedy == found.remedy.split(" && ")[1]


def test_a_binding_for_an_account_elsewhere_has_a_name_of_its_own() -> None:
    evidence = unbound(failing(), "system:metrics-server")
    for one in (evidence.deployments.get()[0], the_pod(evidence)):
        one.metadata.namespace = "monitoring"
    bound = binding("g", "ClusterRole", "system:metrics-server")
    bound.subjects = [k8s.Subject(kind="Group", name="system:serviceaccounts:monitoring")]
    evidence.cluster_role_bindings.get().append(bound)
    evidence.cluster_roles.get()[1].rules = None
    assert of(judge(evidence), "KM604").remedy == (
        "kubectl create clusterrolebinding system:metrics-server:monitoring:metrics-server "
        "--clusterrole=system:metrics-server --serviceaccount=monitoring:metrics-server"
    )


def test_an_account_that_is_bound_to_something_else() -> None:
    evidence = crashing()
    evidence.role_bindings = ok([])
    evidence.cluster_role_bindings = ok([binding("x", "ClusterRole", "view")])
    evidence.cluster_roles = ok([role("view", rule(["get"], ["services"]))])
    assert "KM605" not in own(evidence)
    assert {"KM601", "KM602", "KM604"} <= {*own(evidence)}


# ---- what could not be read ----

READS = ("cluster_role_bindings", "role_bindings", "cluster_roles", "roles")


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("make", [healthy, crashing])
def test_what_cannot_be_read_is_no_fault(name: str, make: Callable[[], Evidence]) -> None:
    evidence = make()
    setattr(evidence, name, refused(f"list {name}"))
    verdict = judge(evidence)
    assert not [one.id for one in verdict.findings if one.id.startswith("KM6")]
    assert f"list {name}" in {one.needs for one in verdict.not_checked if one.id.startswith("KM6")} or name == "roles"


@pytest.mark.parametrize("name", READS)
def test_a_missing_right_that_another_read_may_give_is_not_reported(name: str) -> None:
    evidence = unbound(crashing(), "metrics-server-auth-reader")
    setattr(evidence, name, refused(f"list {name}"))
    verdict = judge(evidence)
    assert ("KM601", f"list {name}") in [(one.id, one.needs) for one in verdict.not_checked]


def test_a_part_of_the_bindings_is_not_enough_to_miss_one() -> None:
    evidence = unbound(crashing(), "metrics-server:system:auth-delegator")
    evidence.cluster_role_bindings = msgspec.structs.replace(evidence.cluster_role_bindings, partial="the first 500")
    assert own(evidence) == []


def test_what_is_seen_is_enough() -> None:
    evidence = healthy()
    evidence.cluster_role_bindings = msgspec.structs.replace(evidence.cluster_role_bindings, partial="the first 500")
    evidence.role_bindings = refused("list rolebindings in kube-system")
    assert {"KM602", "KM603", "KM604"} <= {*judge(evidence).passed}
