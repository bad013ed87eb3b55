"""What RBAC lets a ServiceAccount do, by the bindings and roles that were read.

Facts (k8s.io/kubernetes pkg/apis/rbac/v1/evaluation_helpers.go, pkg/registry/rbac/validation/rule.go)
- A rule covers a request if its verbs, API groups, resources and resourceNames all do. "*" stands for any of the first
  three; "*/metrics" for that subresource of anything; "nodes/*" for nothing, and "nodes" not for "nodes/metrics".
- A rule with resourceNames covers no request without a name. A list with the field selector metadata.name has one.
- A ServiceAccount is named by itself, by its user name, or by one of three groups. In a RoleBinding its namespace may
  be left out: it is the binding's then.
- The rules of an aggregated ClusterRole are written into it by a controller: nothing is left to be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from kubectl_metrics.diagnosis.objects import Binding, PolicyRule, Role, Subject


class Right(msgspec.Struct, frozen=True):
    """Something that one may or may not do. In a namespace or, with "", in the whole cluster."""

    verb: str
    resource: str  # "nodes", "nodes/metrics"
    group: str = ""
    name: str = ""  # of the one object that is asked for
    namespace: str = ""

    def __str__(self) -> str:
        what = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {what}" + (f"/{self.name}" if self.name else "")


class Account(msgspec.Struct, frozen=True):
    """A ServiceAccount."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"ServiceAccount {self.namespace}/{self.name}"

    @property
    def user(self) -> str:
        """The user that the API server sees."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def groups(self) -> Sequence[str]:
        """The groups that it is in."""
        return "system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated"

    def is_meant(self, subject: Subject, namespace: str = "") -> bool:
        """Whether it is this subject of a binding in a namespace."""
        if subject.kind == "ServiceAccount":
            return subject.name == self.name and (subject.namespace or namespace) == self.namespace
        if subject.kind == "User":
            return subject.name == self.user
        return subject.kind == "Group" and subject.name in self.groups

    def is_named(self, binding: Binding) -> bool:
        """Whether a binding is for this account and not merely for a group that it is in."""
        return any(
            one.kind != "Group" and self.is_meant(one, binding.metadata.namespace) for one in binding.subjects or ()
        )

    def is_bound(self, binding: Binding) -> bool:
        """Whether a binding gives it something."""
        return any(self.is_meant(one, binding.metadata.namespace) for one in binding.subjects or ())


def covers(rule: PolicyRule, right: Right) -> bool:
    """Whether a rule allows what a right stands for."""
    subresource = right.resource.partition("/")[2]
    resources = {"*", right.resource, f"*/{subresource}" if subresource else "*"}
    return (
        _has(rule.verbs, {"*", right.verb})
        and _has(rule.api_groups, {"*", right.group})
        and _has(rule.resources, resources)
        and (not rule.resource_names or right.name in rule.resource_names)
    )


def allows(rules: Iterable[PolicyRule] | None, right: Right) -> bool:
    """Whether one of the rules allows it."""
    return any(covers(rule, right) for rule in rules or ())


class Grants:
    """What a ServiceAccount was given."""

    def __init__(
        self,
        account: Account,
        *,
        cluster_bindings: Iterable[Binding],
        bindings: Iterable[Binding],
        cluster_roles: Iterable[Role],
        roles: Iterable[Role],
    ) -> None:
        """``bindings`` and ``roles`` are those of namespaces, the others those of the cluster."""
        self.account = account
        self._cluster_bindings = [one for one in cluster_bindings if account.is_bound(one)]
        self._bindings = [one for one in bindings if account.is_bound(one)]
        self._cluster_roles = {one.metadata.name: one for one in cluster_roles}
        self._roles = {one.key: one for one in roles}

    @property
    def direct(self) -> list[Binding]:
        """The bindings that are for this account by name."""
        return [one for one in (*self._cluster_bindings, *self._bindings) if self.account.is_named(one)]

    def allows(self, right: Right) -> bool:
        """Whether a role that is bound to it gives it a right."""
        return any(role is not None and allows(role.rules, right) for _, role in self.reaching(right.namespace))

    def missing(self, rights: Iterable[Right]) -> list[Right]:
        """Those of the rights that it was not given."""
        return [one for one in rights if not self.allows(one)]

    def reaching(self, namespace: str) -> Iterator[tuple[Binding, Role | None]]:
        """The bindings that count in a namespace ("": the cluster), each with its role, None if there is no such."""
        for one in self._cluster_bindings:
            yield one, self._cluster_roles.get(one.role_ref.name)
        for one in self._bindings:
            if namespace and one.metadata.namespace == namespace:
                if one.role_ref.kind == "ClusterRole":
                    yield one, self._cluster_roles.get(one.role_ref.name)
                else:
                    yield one, self._roles.get((namespace, one.role_ref.name))

    def dangling(self) -> list[Binding]:
        """The bindings for this account whose role does not exist."""
        places = {"", *(one.metadata.namespace for one in self._bindings)}
        found = {id(one): one for place in sorted(places) for one, role in self.reaching(place) if role is None}
        return [one for one in found.values() if self.account.is_named(one)]


def _has(values: Sequence[str] | None, wanted: set[str]) -> bool:
    return any(one in wanted for one in values or ())
