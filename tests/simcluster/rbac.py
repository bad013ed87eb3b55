"""Users and what they may do: the small part of RBAC that decides a 403. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"

_OPEN_PATHS = ("/api", "/apis", "/healthz", "/livez", "/readyz", "/openapi", "/version")


class Action(NamedTuple):
    """What somebody wants to do with a resource. ``resource`` has its sub-resource in it: ``nodes/stats``."""

    verb: str
    resource: str
    group: str = ""
    namespace: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Rule:
    """Verbs on resources; ``namespace`` None: in the whole cluster, ``names`` None: whatever the name."""

    verbs: frozenset[str]
    resources: frozenset[str]
    group: str
    namespace: str | None
    names: frozenset[str] | None

    def permits(self, action: Action) -> bool:
        return (
            bool({"*", action.verb} & self.verbs)
            and bool({"*", action.resource} & self.resources)
            and self.group in ("*", action.group)
            and self.namespace in (None, action.namespace)
            and (self.names is None or action.name in self.names)
        )


def allow(
    verbs: str, resources: str, group: str = "", namespace: str | None = None, names: Iterable[str] | None = None
) -> Rule:
    """A rule; spaces separate several verbs or resources: ``allow("get list", "nodes pods", "metrics.k8s.io")``."""
    return Rule(
        frozenset(verbs.split()),
        frozenset(resources.split()),
        group,
        namespace,
        None if names is None else frozenset(names),
    )


METRICS_READER = (allow("get list", "nodes pods", "metrics.k8s.io"),)
"""What kubectl top pods needs in the whole cluster."""
CORE_READER = (allow("get list", "nodes pods"),)
"""Nodes (kubectl top nodes, kubelet mode) and pods."""
KUBELET_READER = (allow("get", "nodes/stats nodes/metrics"),)
"""Both endpoints of a kubelet, asked directly."""
PROXY_READER = (allow("get", "nodes/proxy"),)
"""Kubelets through the API server."""


@dataclass
class User:
    """Somebody who can authenticate. Members of system:masters may do everything."""

    groups: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    extra: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """Who a request comes from, and the rules that hold for that name."""

    name: str
    groups: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def may(self, action: Action) -> bool:
        return MASTERS in self.groups or any(rule.permits(action) for rule in self.rules)

    def may_get_path(self, path: str) -> bool:
        """For paths that are no resource: discovery is open to everybody who is authenticated."""
        if MASTERS in self.groups:
            return True
        return AUTHENTICATED in self.groups and any(path == p or path.startswith(p + "/") for p in _OPEN_PATHS)
