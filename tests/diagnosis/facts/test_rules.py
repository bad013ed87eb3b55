"""RBAC as the API server evaluates it."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis.facts.rules import Account, Grants, Right, allows, covers
from kubectl_metrics.diagnosis.objects import Binding, Metadata, PolicyRule, Role, RoleRef, Subject

ACCOUNT = Account("monitoring", "metrics-server")
NODES_METRICS = Right("get", "nodes/metrics")
LIST_NODES = Right("list", "nodes")
READ_CONFIG = Right("get", "configmaps", name="settings", namespace="kube-system")


def rule(verbs: str, groups: str, resources: str, names: str = "") -> PolicyRule:
    """Lists as words."""
    return PolicyRule(
        verbs=verbs.split(),
        api_groups=["" if one == "core" else one for one in groups.split()],
        resources=resources.split(),
        resource_names=names.split() or None,
    )


@pytest.mark.parametrize(
    ("given", "right", "allowed"),
    [
        (rule("get", "core", "nodes/metrics"), NODES_METRICS, True),
        (rule("get list", "apps core", "pods nodes/metrics"), NODES_METRICS, True),
        (rule("*", "*", "*"), NODES_METRICS, True),
        (rule("get", "core", "*"), NODES_METRICS, True),
        (rule("get", "core", "*/metrics"), NODES_METRICS, True),
        (rule("get", "core", "nodes"), NODES_METRICS, False),
        (rule("get", "core", "nodes/*"), NODES_METRICS, False),  # no such wildcard
        (rule("get", "core", "nodes/stats"), NODES_METRICS, False),
        (rule("get", "core", "*/stats"), NODES_METRICS, False),
        (rule("list", "core", "nodes/metrics"), NODES_METRICS, False),
        (rule("get", "apps", "nodes/metrics"), NODES_METRICS, False),
        (rule("list", "core", "nodes/metrics"), LIST_NODES, False),
        (rule("list", "core", "*/metrics"), LIST_NODES, False),
        (rule("list", "core", "nodes", "node-a"), LIST_NODES, False),  # a list has no name
        (rule("get", "core", "configmaps", "settings"), READ_CONFIG, True),
        (rule("get", "core", "configmaps"), READ_CONFIG, True),
        (rule("get", "core", "configmaps", "others"), READ_CONFIG, False),
        (rule("create", "authorization.k8s.io", "x"), Right("create", "x", "authorization.k8s.io"), True),
        (PolicyRule(verbs=["get"], non_resource_urls=["/metrics"]), NODES_METRICS, False),
        (PolicyRule(), NODES_METRICS, False),
    ],
)
def test_one_rule(given: PolicyRule, right: Right, allowed: bool) -> None:
    assert covers(given, right) is allowed
    assert allows([PolicyRule(), given], right) is allowed


def test_no_rules_allow_nothing() -> None:
    assert not allows(None, LIST_NODES)
    assert not allows([], LIST_NODES)


# ---- subjects ----


@pytest.mark.parametrize(
    ("subject", "meant"),
    [
        (Subject(kind="ServiceAccount", namespace="monitoring", name="metrics-server"), True),
        (Subject(kind="ServiceAccount", namespace="kube-system", name="metrics-server"), False),
        (Subject(kind="ServiceAccount", namespace="monitoring", name="other"), False),
        (Subject(kind="ServiceAccount", name="metrics-server"), False),
        (Subject(kind="User", name="system:serviceaccount:monitoring:metrics-server"), True),
        (Subject(kind="User", name="metrics-server"), False),
        (Subject(kind="Group", name="system:serviceaccounts"), True),
        (Subject(kind="Group", name="system:serviceaccounts:monitoring"), True),
        (Subject(kind="Group", name="system:serviceaccounts:kube-system"), False),
        (Subject(kind="Group", name="system:authenticated"), True),
        (Subject(kind="Group", name="system:masters"), False),
        (Subject(kind="Group", name="metrics-server"), False),
        (Subject(), False),
    ],
)
def test_subjects(subject: Subject, meant: bool) -> None:
    assert ACCOUNT.is_meant(subject) is meant


def test_in_a_role_binding_the_namespace_may_be_left_out() -> None:
    subject = Subject(kind="ServiceAccount", name="metrics-server")
    assert ACCOUNT.is_meant(subject, "monitoring")
    assert not ACCOUNT.is_meant(subject, "kube-system")


def test_a_group_is_bound_but_not_named() -> None:
    found = binding("x", "Group", "system:authenticated")
    assert ACCOUNT.is_bound(found) and not ACCOUNT.is_named(found)
    assert not ACCOUNT.is_bound(Binding())


# ---- bindings and roles together ----


def binding(role: str, kind: str = "ServiceAccount", name: str = "metrics-server", *, namespace: str = "") -> Binding:
    """Of a ClusterRole, to the account if nothing else is said."""
    place = "monitoring" if kind == "ServiceAccount" else ""
    return Binding(
        metadata=Metadata(name=f"b-{role}", namespace=namespace),
        subjects=[Subject(kind=kind, name=name, namespace=place)],
        role_ref=RoleRef(kind="ClusterRole", name=role),
    )


def role(name: str, *rules: PolicyRule, namespace: str = "") -> Role:
    """A role."""
    return Role(metadata=Metadata(name=name, namespace=namespace), rules=list(rules))


def grants(
    cluster: list[Binding], local: list[Binding] | None = None, cluster_roles: list[Role] | None = None, *roles: Role
) -> Grants:
    """What ACCOUNT was given."""
    return Grants(
        ACCOUNT,
        cluster_bindings=cluster,
        bindings=local or [],
        cluster_roles=cluster_roles or [],
        roles=roles,
    )


def test_a_cluster_role_binding_counts_everywhere() -> None:
    found = grants([binding("r")], [], [role("r", rule("get", "core", "configmaps nodes/metrics"))])
    assert found.allows(NODES_METRICS)
    assert found.allows(READ_CONFIG)
    assert found.missing([NODES_METRICS, LIST_NODES]) == [LIST_NODES]


def test_a_role_binding_counts_in_its_namespace_only() -> None:
    local = binding("r", namespace="kube-system")
    found = grants([], [local], [role("r", rule("*", "*", "*"))])
    assert found.allows(READ_CONFIG)
    assert not found.allows(NODES_METRICS)
    elsewhere = grants([], [binding("r", namespace="default")], [role("r", rule("*", "*", "*"))])
    assert not elsewhere.allows(READ_CONFIG)


def test_a_role_is_not_a_cluster_role_of_the_same_name() -> None:
    local = binding("r", namespace="kube-system")
    local.role_ref.kind = "Role"
    everything = rule("*", "*", "*")
    assert not grants([], [local], [role("r", everything)]).allows(READ_CONFIG)
    assert not grants([], [local], [], role("r", everything, namespace="default")).allows(READ_CONFIG)
    assert grants([], [local], [], role("r", everything, namespace="kube-system")).allows(READ_CONFIG)


def test_bindings_of_others_give_nothing() -> None:
    found = grants([binding("r", "User", "somebody")], [], [role("r", rule("*", "*", "*"))])
    assert not found.allows(LIST_NODES)
    assert found.direct == []


def test_a_group_gives_rights() -> None:
    found = grants([binding("r", "Group", "system:serviceaccounts")], [], [role("r", rule("*", "*", "*"))])
    assert found.allows(LIST_NODES)
    assert found.direct == []


def test_roles_that_do_not_exist() -> None:
    local = binding("s", namespace="kube-system")
    found = grants([binding("r"), binding("g", "Group", "system:authenticated")], [local], [])
    assert not found.allows(LIST_NODES)
    assert [one.role_ref.name for one in found.dangling()] == ["r", "s"]
    assert [one.role_ref.name for one in found.direct] == ["r", "s"]


def test_rights_are_written_as_kubectl_auth_can_i_takes_them() -> None:
    assert str(NODES_METRICS) == "get nodes/metrics"
    assert str(READ_CONFIG) == "get configmaps/settings"
    assert str(Right("create", "reviews", "x.k8s.io")) == "create reviews.x.k8s.io"
