"""The API server: who may ask, and which path is answered with what.

A path is first taken apart into an ``Action`` (the resource and what is wanted of it), then authorized, and only then
looked at closely, in that order as in Kubernetes: somebody who may not read a thing does not learn whether it exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.simcluster import metrics_api, shapes
from tests.simcluster.lists import list_response
from tests.simcluster.messages import Request, Response, compressed, document, failure, plain
from tests.simcluster.objects import Pod
from tests.simcluster.proxy import NodeProxy
from tests.simcluster.rbac import Action, Identity
from tests.simcluster.world import World

METRICS = "metrics.k8s.io"
REGISTRATION = "apiregistration.k8s.io"
_RESOURCE_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+)(?P<rest>/.*)?)?)?"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_GZIP_FROM = 128 * 1024
_VERSION = {"major": "1", "minor": "34", "gitVersion": "v1.34.4", "goVersion": "go1.24.13", "platform": "linux/amd64"}


class Target(NamedTuple):
    """A path that is a resource's."""

    group: str
    version: str
    namespace: str | None
    resource: str
    name: str | None
    subresource: str | None
    rest: str


class ApiServer:
    """Answers for the whole cluster."""

    def __init__(self, world: World, proxy: NodeProxy) -> None:
        self._world, self._proxy = world, proxy

    def __call__(self, request: Request) -> Response:
        response = self._answer(request)
        response.headers.setdefault("Audit-Id", f"{id(request):032x}")
        response.headers.setdefault("Cache-Control", "no-cache, private")
        return compressed(request, response, _GZIP_FROM)

    def _answer(self, request: Request) -> Response:
        identity = self._world.authenticate(request)
        if identity is None and ("authorization" in request.headers or request.certificate):
            return failure(401, "Unauthorized", "Unauthorized")
        if identity is None:
            identity = Identity("system:anonymous", ("system:unauthenticated",))
        request.user = identity.name
        impersonated = self._impersonate(request, identity)
        if isinstance(impersonated, Response):
            return impersonated
        target = _target(request.path)
        if target is None:
            return self._discovery(request, impersonated)
        refusal = _refusal(request, target, impersonated)
        return refusal or self._resource(request, target)

    # ---- who ---------------------------------------------------------------------------------------------------------

    def _impersonate(self, request: Request, identity: Identity) -> Identity | Response:
        user = request.headers.get("impersonate-user", "")
        others = [name for name in request.headers if name.startswith("impersonate-") and name != "impersonate-user"]
        if not user:
            if not others:
                return identity
            text = f'Internal Server Error: "{request.path}": requested impersonation without impersonating a user'
            return plain(500, text)
        request.impersonated = user
        groups = tuple(filter(None, request.headers.get("impersonate-group", "").split(", ")))
        wanted = [Action("impersonate", "users", name=user), *(Action("impersonate", "groups", name=g) for g in groups)]
        if "impersonate-uid" in others:
            wanted.append(
                Action("impersonate", "uids", "authentication.k8s.io", name=request.headers["impersonate-uid"])
            )
        for header in others:
            if header.startswith("impersonate-extra-"):
                resource = f"userextras/{header.removeprefix('impersonate-extra-')}"
                wanted.append(Action("impersonate", resource, "authentication.k8s.io", name=request.headers[header]))
        for action in wanted:
            if not identity.may(action):
                return _forbidden(identity, action)
        return self._world.identity(user, groups)

    # ---- paths that are no resource ----------------------------------------------------------------------------------

    def _discovery(self, request: Request, identity: Identity) -> Response:
        path = request.path.rstrip("/") or "/"
        if not identity.may_get_path(path) and path not in ("/version", "/healthz", "/livez", "/readyz"):
            message = f'forbidden: User "{identity.name}" cannot get path "{request.path}"'
            return failure(403, "Forbidden", message, {})
        if path in ("/healthz", "/livez", "/readyz"):
            return plain(200, "ok")
        groups = self._groups()
        documents: dict[str, Any] = {
            "/version": _VERSION,
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/api/v1": _resource_list("v1", (("nodes", False, "Node"), ("pods", True, "Pod"))),
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())},
            **{f"/apis/{name}": {"kind": "APIGroup", "apiVersion": "v1", **group} for name, group in groups.items()},
            f"/apis/{REGISTRATION}/v1": _resource_list(f"{REGISTRATION}/v1", (("apiservices", False, "APIService"),)),
        }
        for version in self._world.metrics.versions:
            if path == f"/apis/{METRICS}/{version}" and self._world.metrics.unavailable:
                return plain(503, "service unavailable\n")
            kinds = (("nodes", False, "NodeMetrics"), ("pods", True, "PodMetrics"))
            documents[f"/apis/{METRICS}/{version}"] = _resource_list(f"{METRICS}/{version}", kinds)
        return document(documents[path]) if path in documents else plain(404, "404 page not found\n")

    def _groups(self) -> dict[str, Any]:
        served: dict[str, tuple[str, ...]] = {REGISTRATION: ("v1",)}
        if self._world.metrics.versions:
            served[METRICS] = self._world.metrics.versions
        groups = {}
        for group, versions in served.items():
            entries = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
            groups[group] = {"name": group, "versions": entries, "preferredVersion": entries[0]}
        return groups

    # ---- resources ---------------------------------------------------------------------------------------------------

    def _resource(self, request: Request, target: Target) -> Response:
        if target.group == METRICS:
            return self._metrics(request, target)
        known = {("", "v1"): ("nodes", "pods"), (REGISTRATION, "v1"): ("apiservices",)}.get(
            (target.group, target.version)
        )
        if known is None:
            return plain(404, "404 page not found\n")
        if target.resource not in known or (target.namespace and target.resource != "pods"):
            return failure(404, "NotFound", "the server could not find the requested resource", {})
        if request.method not in ("GET", "HEAD"):
            return _method_not_allowed()
        if target.subresource == "proxy" and target.resource == "nodes":
            return self._proxy.forward(request, target.name or "", target.rest or "/")
        if target.subresource is not None:
            return failure(404, "NotFound", "the server could not find the requested resource", {})
        kind, items = self._core(target)
        group_version = "v1" if not target.group else f"{target.group}/{target.version}"
        if target.name is None:
            return list_response(request, kind, group_version, items)
        found = next((item for item in items if item["metadata"]["name"] == target.name), None)
        if found is None:
            return _not_found(target.resource, target.name, target.group)
        return document({"kind": kind, "apiVersion": group_version, **found})

    def _core(self, target: Target) -> tuple[str, list[dict[str, Any]]]:
        """The kind of a resource in our own groups, and all its objects (of one namespace, if that was asked for)."""
        world, now = self._world, self._world.clock.now()
        if target.resource == "nodes":
            nodes = sorted(world.nodes.values(), key=lambda node: node.name)
            return "Node", [shapes.node_object(node, now, world.kubelet_port) for node in nodes]
        if target.resource == "pods":
            return "Pod", [shapes.pod_object(pod, world.nodes) for pod in self._pods(target)]
        started = min((node.started for node in world.nodes.values()), default=now)
        versions = world.metrics.versions
        return "APIService", [shapes.api_service_object(v, started, world.metrics.unavailable) for v in versions]

    def _pods(self, target: Target) -> list[Pod]:
        pods = (pod for pod in list(self._world.pods.values()) if target.namespace in (None, pod.namespace))
        return sorted(pods, key=lambda pod: (pod.namespace, pod.name))

    def _metrics(self, request: Request, target: Target) -> Response:
        service, now = self._world.metrics, self._world.clock.now()
        if target.version not in service.versions:
            return plain(404, "404 page not found\n")
        if service.unavailable:
            return plain(503, "service unavailable\n")
        if (
            target.resource not in ("nodes", "pods")
            or (target.namespace and target.resource == "nodes")
            or target.subresource
        ):
            return failure(404, "NotFound", "the server could not find the requested resource", {})
        if request.method not in ("GET", "HEAD"):
            return _method_not_allowed()
        known: dict[str, dict[str, Any] | None]
        if target.resource == "nodes":
            kind, lister, key = "NodeMetrics", "node", target.name
            nodes = sorted(self._world.nodes.values(), key=lambda node: node.name)
            known = {node.name: metrics_api.node_metrics(node, service, now) for node in nodes}
        else:
            kind, lister, key = "PodMetrics", "pods", f"{target.namespace}/{target.name}"
            running = [pod for pod in self._pods(target) if pod.phase == "Running"]
            known = {pod.key: metrics_api.pod_metrics(pod, service, now) for pod in running}
        group_version = f"{METRICS}/{target.version}"
        if target.name is None or key is None:
            return list_response(request, kind, group_version, [item for item in known.values() if item])
        if key not in known:
            return _not_found(lister, target.name, "")
        item = known[key]
        if item is None:
            return _not_found(kind.lower(), key, METRICS)
        return document({"kind": kind, "apiVersion": group_version, **item})


def _target(path: str) -> Target | None:
    """A path as a resource's; None for discovery and all other paths."""
    match = _RESOURCE_PATH.fullmatch(path.rstrip("/") if not path.endswith("/proxy/") else path)
    if match is None:
        return None
    parts = match.groupdict()
    return Target(
        parts["group"] or "",
        parts["version"],
        parts["namespace"],
        parts["resource"],
        parts["name"],
        parts["subresource"],
        parts["rest"] or "",
    )


def _refusal(request: Request, target: Target, identity: Identity) -> Response | None:
    reading = "get" if target.name else "list"
    resource = target.resource if target.subresource is None else f"{target.resource}/{target.subresource}"
    action = Action(_VERBS.get(request.method, reading), resource, target.group, target.namespace, target.name)
    return None if identity.may(action) else _forbidden(identity, action)


def _forbidden(identity: Identity, action: Action) -> Response:
    kind = action.resource.partition("/")[0]
    qualified = f"{kind}.{action.group}" if action.group else kind
    named = f'{qualified} "{action.name}"' if action.name else qualified
    where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    message = (
        f'{named} is forbidden: User "{identity.name}" cannot {action.verb} resource "{action.resource}" '
        f'in API group "{action.group}" {where}'
    )
    return failure(403, "Forbidden", message, _details(kind, action.name, action.group))


def _not_found(kind: str, name: str, group: str) -> Response:
    qualified = f"{kind}.{group}" if group else kind
    return failure(404, "NotFound", f'{qualified} "{name}" not found', _details(kind, name, group))


def _details(kind: str, name: str | None, group: str) -> dict[str, str]:
    details = {"name": name or "", "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}


def _method_not_allowed() -> Response:
    return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def _resource_list(group_version: str, resources: Iterable[tuple[str, bool, str]]) -> dict[str, Any]:
    entries = [
        {"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]}
        for name, namespaced, kind in resources
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}
