"""Roles and bindings."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.objects.meta import Kube, Object


class Subject(Kube):
    kind: str = ""
    name: str = ""
    namespace: str = ""


class RoleRef(Kube):
    kind: str = ""
    name: str = ""


class Binding(Object):
    """A RoleBinding or, without a namespace, a ClusterRoleBinding."""

    subjects: list[Subject] | None = None
    role_ref: RoleRef = msgspec.field(default_factory=RoleRef)


class PolicyRule(Kube):
    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None
    resource_names: list[str] | None = None
    non_resource_urls: list[str] | None = msgspec.field(name="nonResourceURLs", default=None)


class AggregationRule(Kube):
    """That a controller writes the rules of a ClusterRole; from where it takes them is of no interest."""


class Role(Object):
    """A Role or, without a namespace, a ClusterRole."""

    rules: list[PolicyRule] | None = None
    aggregation_rule: AggregationRule | None = None
