"""The names of what a cluster has, for the completion of a command line: one small and quick read.

Facts (Kubernetes API concepts: "Receiving resources as Tables", "Resource versions")
- A Table without its objects is some 300 bytes for each of them. Metadata alone is several thousand: labels,
  annotations, and who has managed which field.
- With resourceVersion=0 a list comes from the API server's cache: it may be a moment old, and costs etcd nothing.
"""

from __future__ import annotations

from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.sources.objects import checked, nodes_path, pods_path
from kubectl_metrics.wire import names

_LIMIT = 64 * 1024 * 1024  # bytes of an answer
_TABLE = (
    "application/json;as=Table;g=meta.k8s.io;v=v1, "
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"
)
_QUERY = (("includeObject", "None"), ("resourceVersion", "0"))


def node_names(api: Transport) -> list[str]:
    """The names of all nodes, sorted. Raises MetricsError."""
    return _names(api, nodes_path(), "nodes")


def pod_names(api: Transport, namespace: str) -> list[str]:
    """The names of all pods of a namespace, whatever their phase, sorted. Raises MetricsError."""
    return _names(api, pods_path(namespace), "pods")


def namespace_names(api: Transport) -> list[str]:
    """The names of all namespaces, sorted. Raises MetricsError."""
    return _names(api, "/api/v1/namespaces", "namespaces")


def _names(api: Transport, path: str, resource: str) -> list[str]:
    return names.names(checked(api.get(path, _QUERY, accept=_TABLE, limit=_LIMIT), f"get {resource}"), resource)
