"""Logs of pods, and what is behind services: the sub-resources that stream something from elsewhere."""

from __future__ import annotations

from tests.simcluster.messages import Request, Response, failure, plain
from tests.simcluster.world import World


def pod_log(world: World, request: Request, key: str) -> Response:
    """The log of one container of a pod that there is."""
    pod, wanted = world.pods[key], request.query
    names = [container.name for container in pod.containers]
    name = wanted.get("container") or names[0]
    if name not in names:
        return failure(400, "BadRequest", f"container {name} is not valid for pod {pod.name}")
    if not wanted.get("container") and len(names) > 1:
        choice = " ".join(names)
        message = f"a container name must be specified for pod {pod.name}, choose one of: [{choice}]"
        return failure(400, "BadRequest", message)
    previous = wanted.get("previous") in ("true", "1", "True")
    text = world.logs.get((key, name, previous))
    if text is None and previous:
        message = f'previous terminated container "{name}" in pod "{pod.name}" not found'
        return failure(400, "BadRequest", message)
    waiting = pod.containers[names.index(name)].waiting or ("ContainerCreating" if pod.phase == "Pending" else "")
    if text is None and waiting and waiting != "CrashLoopBackOff":
        message = f'container "{name}" in pod "{pod.name}" is waiting to start: {waiting}'
        return failure(400, "BadRequest", message)
    text = text or ""
    if wanted.get("tailLines", "").isdigit():
        lines = text.splitlines(keepends=True)
        text = "".join(lines[max(0, len(lines) - int(wanted["tailLines"])) :])
    body = text.encode()
    if wanted.get("limitBytes", "").isdigit():
        body = body[: int(wanted["limitBytes"])]
    return Response(200, body, "text/plain")


def service_proxy(world: World, request: Request, namespace: str, name: str, path: str) -> Response:
    """What ``World.behind`` has for a service that there is; without endpoints, the API server's word on that."""
    parts = name.split(":")
    service = parts[1] if len(parts) == 3 else parts[0]
    if world.objects.find("Service", service, namespace) is None:
        details = {"name": service, "kind": "services"}
        return failure(404, "NotFound", f'services "{service}" not found', details)
    slices = [
        thing
        for thing in world.objects.all("EndpointSlice", namespace)
        if (thing["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == service
    ]
    endpoints = [endpoint for thing in slices for endpoint in thing.get("endpoints") or []]
    if not any((endpoint.get("conditions") or {}).get("ready", True) for endpoint in endpoints):
        message = f'no endpoints available for service "{name}"'
        return failure(503, "ServiceUnavailable", message, {})
    backend = world.backends.get((namespace, name), {}).get(path)
    return plain(404, "404 page not found\n") if backend is None else backend(request)
