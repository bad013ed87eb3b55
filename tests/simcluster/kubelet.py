"""A kubelet's HTTP side: who may ask, and which path is answered with what."""

from __future__ import annotations

from tests.simcluster import stats
from tests.simcluster.messages import Request, Response, compressed, document, plain
from tests.simcluster.objects import Node
from tests.simcluster.rbac import Action, Identity
from tests.simcluster.world import World

_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
_PATH_ANNOTATION = "metrics.k8s.io/resource-metrics-path"
_OWN_SUBRESOURCE = {"stats": "stats", "metrics": "metrics", "logs": "log", "checkpoint": "checkpoint"}
_FINE_GRAINED = {"pods": "pods", "runningpods": "pods", "healthz": "healthz", "configz": "configz"}


class Kubelet:
    """Answers for one node. ``read_only`` is the port that asks nobody who he is."""

    def __init__(self, world: World, node: Node, read_only: bool = False) -> None:
        self._world, self._node, self._read_only = world, node, read_only

    def __call__(self, request: Request) -> Response:
        if not self._read_only:
            identity = self._world.authenticate(request)
            if identity is None:
                return plain(401, "Unauthorized")
            request.user = identity.name
            refusal = self._refusal(request, identity)
            if refusal is not None:
                return refusal
        return compressed(request, self._answer(request), at_least=1)

    def _refusal(self, request: Request, identity: Identity) -> Response | None:
        """None when one of the sub-resources that a path stands for is allowed."""
        verb = _VERBS.get(request.method, "")
        subresources = _subresources(request.path)
        if any(identity.may(Action(verb, f"nodes/{sub}", name=self._node.name)) for sub in subresources):
            return None
        allowed = " ".join(subresources)
        return plain(
            403, f"Forbidden (user={identity.name}, verb={verb}, resource=nodes, subresource(s)=[{allowed}])\n"
        )

    def _answer(self, request: Request) -> Response:
        now = self._world.clock.now()
        if request.path == "/healthz":
            return plain(200, "ok")
        if request.path == "/configz":
            return document({"kubeletconfig": {"enableServer": True, "port": self._world.kubelet_port}})
        if request.path == "/stats/summary" and self._node.summary:
            only = request.query.get("only_cpu_and_memory") == "true"
            return document(stats.summary(self._node, self._world.pods_on(self._node.name), now, only))
        if request.path in ("/metrics/resource", self._node.annotations.get(_PATH_ANNOTATION)):
            text = stats.exposition(self._node, self._world.pods_on(self._node.name), now)
            return Response(body=text.encode(), content_type=_EXPOSITION)
        return plain(404, "404 page not found\n")


def _subresources(path: str) -> list[str]:
    """The sub-resources of ``nodes`` of which one must be allowed."""
    first = path.split("/")[1] if "/" in path else ""
    if first in _OWN_SUBRESOURCE:
        return [_OWN_SUBRESOURCE[first]]
    return [_FINE_GRAINED[first], "proxy"] if first in _FINE_GRAINED else ["proxy"]
