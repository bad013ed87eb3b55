"""What all objects have: metadata, conditions, owners."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Kube(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What all of them have in common: names in camel case, and nothing that is empty is written."""


class Annotations(Kube):
    """The annotations that say who owns an object, and the one that moves a kubelet's metrics."""

    helm_release: str = msgspec.field(name="meta.helm.sh/release-name", default="")
    helm_namespace: str = msgspec.field(name="meta.helm.sh/release-namespace", default="")
    argo_tracking: str = msgspec.field(name="argocd.argoproj.io/tracking-id", default="")
    metrics_path: str = msgspec.field(name="metrics.k8s.io/resource-metrics-path", default="")


class ManagedField(Kube):
    """Who has written to an object: "kubectl-client-side-apply", "helm", ..."""

    manager: str = ""


class Owner(Kube):
    """One of metadata.ownerReferences."""

    kind: str = ""
    name: str = ""


class Metadata(Kube):
    """metadata, without what only the API server needs."""

    name: str = ""
    namespace: str = ""
    labels: dict[str, str] | None = None
    annotations: Annotations | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    owner_references: list[Owner] | None = None
    managed_fields: list[ManagedField] | None = None


class Condition(Kube):
    """A condition of any kind of object."""

    type: str = ""
    status: str = ""  # "True", "False", "Unknown"
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_heartbeat_time: str | None = None  # of nodes


class Object(Kube):
    """An object of any kind."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)

    @property
    def key(self) -> tuple[str, str]:
        """Namespace ("" for what has none) and name."""
        return self.metadata.namespace, self.metadata.name

    @property
    def namespaced_name(self) -> str:
        """ "namespace/name"; for what lives in a namespace."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


class Reference(Kube):
    """What an object in a namespace is called by another one."""

    namespace: str = ""
    name: str = ""

    @property
    def namespaced_name(self) -> str:
        """ "namespace/name"."""
        return f"{self.namespace}/{self.name}"


def is_true(conditions: Iterable[Condition] | None, kind: str) -> bool:
    """Whether there is a condition of a type, and it is true."""
    found = condition(conditions, kind)
    return found is not None and found.status == "True"


def condition(conditions: Iterable[Condition] | None, kind: str) -> Condition | None:
    """The condition of a type."""
    return next((one for one in conditions or () if one.type == kind), None)
