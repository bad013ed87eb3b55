"""The API server: who may ask, and which path is answered with what.

A path is first taken apart into an ``Action`` (the resource and what is wanted of it), then authorized, and only then
looked at closely, in that order as in Kubernetes: somebody who may not read a thing does not learn whether it exists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.simcluster import metrics_api, reviews, shapes, subresources
from tests.simcluster.lists import OBJECTS, Lists, View
from tests.simcluster.messages import Request, Response, compressed, document, failure, plain
from tests.simcluster.objects import Node, Pod
from tests.simcluster.proxy import NodeProxy
from tests.simcluster.rbac import Action, Identity
from tests.simcluster.store import KINDS, Kind
from tests.simcluster.world import World

METRICS = "metrics.k8s.io"
_RESOURCE_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+)(?P<rest>/.*)?)?)?"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_GZIP_FROM = 128 * 1024
_SERVED = {(kind.group, kind.version): {k.plural: k for k in KINDS if k[:2] == kind[:2]} for kind in KINDS}


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
        self._lists = Lists()

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
        if reviews.concerns(target.group, target.version, target.resource) and target.name is None:
            return reviews.answer(request, target.resource, impersonated)
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
            "/version": _version(self._world.version),
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())},
            **{f"/apis/{name}": {"kind": "APIGroup", "apiVersion": "v1", **group} for name, group in groups.items()},
        }
        for (group, version), kinds_of in _SERVED.items():
            group_version = f"{group}/{version}" if group else version
            entries = ((kind.plural, kind.namespaced, kind.kind) for kind in kinds_of.values())
            documents[f"/apis/{group_version}" if group else "/api/v1"] = _resource_list(group_version, entries)
        for version in self._world.metrics.versions:
            if path == f"/apis/{METRICS}/{version}" and self._world.metrics.unavailable:
                return plain(503, "service unavailable\n")
            kinds = (("nodes", False, "NodeMetrics"), ("pods", True, "PodMetrics"))
            documents[f"/apis/{METRICS}/{version}"] = _resource_list(f"{METRICS}/{version}", kinds)
        return document(documents[path]) if path in documents else plain(404, "404 page not found\n")

    def _groups(self) -> dict[str, Any]:
        served: dict[str, tuple[str, ...]] = {group: (version,) for group, version in _SERVED if group}
        served.update(reviews.GROUPS)
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
        known = _SERVED.get((target.group, target.version))
        if known is None:
            return plain(404, "404 page not found\n")
        kind = known.get(target.resource)
        if kind is None or (target.namespace and not kind.namespaced):
            return failure(404, "NotFound", "the server could not find the requested resource", {})
        if request.method not in ("GET", "HEAD"):
            return _method_not_allowed()
        if target.subresource is not None:
            return self._subresource(request, target)
        if target.name is None:
            things, view = self._things(kind, target)
            return self._lists.respond(request, kind.kind, kind.group_version, things, view, kind.selectable)
        found = self._find(kind, target)
        if found is None:
            return _not_found(target.resource, target.name, target.group)
        return document({"kind": kind.kind, "apiVersion": kind.group_version, **found})

    def _subresource(self, request: Request, target: Target) -> Response:
        name, namespace = target.name or "", target.namespace or ""
        if (target.resource, target.subresource) == ("nodes", "proxy"):
            return self._proxy.forward(request, name, target.rest or "/")
        if (target.resource, target.subresource) == ("services", "proxy"):
            return subresources.service_proxy(self._world, request, namespace, name, target.rest or "/")
        if (target.resource, target.subresource) == ("pods", "log") and not target.rest:
            if f"{namespace}/{name}" not in self._world.pods:
                return _not_found("pods", name, "")
            return subresources.pod_log(self._world, request, f"{namespace}/{name}")
        return failure(404, "NotFound", "the server could not find the requested resource", {})

    def _things(self, kind: Kind, target: Target) -> tuple[Callable[[], Sequence[Any]], View]:
        """What a list has (of one namespace, if that was asked for), and how to look at it."""
        world, stored = self._world, self._world.objects
        if kind.kind == "APIService":
            return self._api_services, OBJECTS
        if stored.all(kind.kind) or kind.kind not in ("Node", "Pod"):
            return lambda: self._mixed(kind, target), OBJECTS
        now = world.clock.now()
        if kind.kind == "Node":
            return lambda: sorted(world.nodes.values(), key=lambda node: node.name), View(
                lambda node: shapes.node_object(node, now, world.kubelet_port),
                lambda node: node.all_labels,
                _node_field,
            )
        return lambda: self._pods(target), View(
            lambda pod: shapes.pod_object(pod, world.nodes),
            lambda pod: pod.labels,
            _pod_field,
        )

    def _mixed(self, kind: Kind, target: Target) -> list[dict[str, Any]]:
        """Stored objects, and simulated ones where those have no such name."""
        found = {_key(thing): thing for thing in self._simulated(kind, target)}
        found.update({_key(thing): thing for thing in self._world.objects.all(kind.kind, target.namespace)})
        return [found[key] for key in sorted(found)]

    def _simulated(self, kind: Kind, target: Target) -> list[dict[str, Any]]:
        world = self._world
        if kind.kind == "Node":
            return [shapes.node_object(n, world.clock.now(), world.kubelet_port) for n in world.nodes.values()]
        if kind.kind == "Pod":
            return [shapes.pod_object(pod, world.nodes) for pod in self._pods(target)]
        return []

    def _find(self, kind: Kind, target: Target) -> dict[str, Any] | None:
        name, world = target.name or "", self._world
        if kind.kind == "APIService":
            return next((s for s in self._api_services() if s["metadata"]["name"] == name), None)
        stored = world.objects.find(kind.kind, name, target.namespace or "")
        if stored is not None:
            return stored
        if kind.kind == "Node" and name in world.nodes:
            return shapes.node_object(world.nodes[name], world.clock.now(), world.kubelet_port)
        pod = world.pods.get(f"{target.namespace}/{name}") if kind.kind == "Pod" else None
        return None if pod is None else shapes.pod_object(pod, world.nodes)

    def _api_services(self) -> list[dict[str, Any]]:
        """Those of metrics.k8s.io come and go with ``world.metrics``; a stored one says what it looks like."""
        world, metrics = self._world, self._world.metrics
        stored = {thing["metadata"]["name"]: thing for thing in world.objects.all("APIService")}
        found = [thing for thing in stored.values() if thing["spec"].get("group") != METRICS]
        started = min((node.started for node in world.nodes.values()), default=world.clock.now())
        for version in metrics.versions:
            simulated = shapes.api_service_object(version, started, metrics.unavailable)
            own = stored.get(f"{version}.{METRICS}")
            if own is None:
                found.append(simulated)
            else:
                found.append({**own, "status": simulated["status"]} if metrics.unavailable else own)
        return sorted(found, key=_key)

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
            return self._lists.respond(request, kind, group_version, lambda: [item for item in known.values() if item])
        if key not in known:
            return _not_found(lister, target.name, "")
        item = known[key]
        if item is None:
            return _not_found(kind.lower(), key, METRICS)
        return document({"kind": kind, "apiVersion": group_version, **item})


def _key(thing: Mapping[str, Any]) -> tuple[str, str]:
    return thing["metadata"].get("namespace", ""), thing["metadata"]["name"]


def _node_field(node: Node, path: str) -> str:
    known = {"metadata.name": node.name, "spec.unschedulable": str(node.unschedulable).lower()}
    return known.get(path, "")


def _pod_field(pod: Pod, path: str) -> str:
    if path == "spec.nodeName":
        return pod.node or ""
    if path == "status.phase":
        return pod.phase
    known = {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": pod.service_account,
        "status.podIP": pod.pod_ip,
    }
    return known[path]


def _version(shown: Mapping[str, str]) -> dict[str, str]:
    major, _, rest = shown.get("gitVersion", "v1.0").removeprefix("v").partition(".")
    return {"major": major, "minor": rest.partition(".")[0], **shown}


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
    namespace = target.name if (target.group, target.resource) == ("", "namespaces") else target.namespace
    action = Action(_VERBS.get(request.method, reading), resource, target.group, namespace, target.name)
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
