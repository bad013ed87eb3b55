"""Further objects of a cluster, as JSON: Services, Deployments, Roles, ... everything that has no behaviour of its own.

store.add({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {...}})
store.get("Service", "web", "shop")["spec"]["selector"] = {"app": "other"}  # objects are live: what they say is served
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.simcluster.formats import rfc3339

Object = dict[str, Any]

_NAME = ("metadata.name", "metadata.namespace")


class Kind(NamedTuple):
    """One kind of object and where it is served."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    fields: tuple[str, ...] = ()
    """What a fieldSelector may name, besides the name and the namespace."""

    @property
    def group_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def selectable(self) -> tuple[str, ...]:
        return _NAME + self.fields


_RBAC = "rbac.authorization.k8s.io"
_POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
)
_EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "reason",
    "reportingComponent",
    "source",
    "type",
)

KINDS = (
    Kind("", "v1", "Node", "nodes", False, ("spec.unschedulable",)),
    Kind("", "v1", "Pod", "pods", True, _POD_FIELDS),
    Kind("", "v1", "Namespace", "namespaces", False, ("status.phase",)),
    Kind("", "v1", "Service", "services", True, ("spec.clusterIP", "spec.type")),
    Kind("", "v1", "ConfigMap", "configmaps"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts"),
    Kind("", "v1", "Event", "events", True, _EVENT_FIELDS),
    Kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", False),
    Kind("apps", "v1", "Deployment", "deployments"),
    Kind("apps", "v1", "DaemonSet", "daemonsets"),
    Kind("apps", "v1", "ReplicaSet", "replicasets", True, ("status.replicas",)),
    Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    Kind("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", False,
         ("spec.signerName",)),
    Kind("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    Kind(_RBAC, "v1", "ClusterRole", "clusterroles", False),
    Kind(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    Kind(_RBAC, "v1", "Role", "roles"),
    Kind(_RBAC, "v1", "RoleBinding", "rolebindings"),
)  # fmt: skip
"""Everything that is served, apart from metrics and reviews."""

BY_KIND = {kind.kind: kind for kind in KINDS}


def uid_of(kind: str, name: str, namespace: str | None = None) -> str:
    """The uid of an object that was given none."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{namespace or ''}/{name}"))


class Store:
    """The objects of one cluster. Pods and nodes may be here too; they replace the simulated ones of their name."""

    def __init__(self, now: Callable[[], int]) -> None:
        """``now`` gives the creationTimestamp of what has none."""
        self._now = now
        self._versions = itertools.count(2000)
        self._objects: dict[str, dict[tuple[str, str], Object]] = {kind.kind: {} for kind in KINDS}

    def add(self, thing: Object) -> Object:
        """Add an object, or replace the one of that name; the object itself is kept, filled up, and returned.

        Raises:
            ValueError: its kind is not served, or its namespace is missing or one too many.
        """
        kind = BY_KIND.get(thing.get("kind", ""))
        if kind is None or thing.get("apiVersion") != kind.group_version:
            raise ValueError(f"not served: {thing.get('apiVersion')} {thing.get('kind')}")
        metadata = thing["metadata"]
        namespace = metadata.get("namespace", "")
        if bool(namespace) != kind.namespaced:
            raise ValueError(f"{kind.kind} {metadata['name']}: namespace {namespace!r}")
        metadata.setdefault("uid", uid_of(kind.kind, metadata["name"], namespace))
        metadata.setdefault("creationTimestamp", rfc3339(self._now()))
        metadata.setdefault("resourceVersion", str(next(self._versions)))
        self._objects[kind.kind][namespace, metadata["name"]] = thing
        return thing

    def remove(self, kind: str, name: str, namespace: str = "") -> Object:
        """Take an object out; KeyError if there is none."""
        return self._objects[kind].pop((namespace, name))

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """The object itself, to look at or to change; KeyError if there is none."""
        return self._objects[kind][namespace, name]

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """The object itself; None if there is none."""
        return self._objects[kind].get((namespace, name))

    def all(self, kind: str, namespace: str | None = None) -> list[Object]:
        """All of a kind (of one namespace, if that is given), in the API server's order."""
        found = list(self._objects[kind].items())
        if namespace is not None:
            found = [pair for pair in found if pair[0][0] == namespace]
        return [thing for _, thing in sorted(found, key=lambda pair: pair[0])]
