"""metrics-server's own part of the evidence: its pods, the roles that it has, its opinion of its health, its logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote

from kubectl_metrics.diagnosis.collect.asking import Asking, selector_of
from kubectl_metrics.diagnosis.collect.reading import merged, outcome, read
from kubectl_metrics.diagnosis.evidence import ABSENT, FAILED, OK, Evidence, Health, Log, Read
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.serverpods import deployment
from kubectl_metrics.diagnosis.objects import Pod, Role
from kubectl_metrics.errors import ConnectionFailed

_ROLES = 50  # that are bound to one account
_LOG_LINES = 400
_KEPT_LINES = 60
_LINE = 1000  # characters
_OPINION = 4000  # bytes
_TROUBLE = ("error", "failed", "fail", "unable", "panic", "forbidden", "unauthorized", "timeout", "x509", "refused")


def pods(asking: Asking, evidence: Evidence) -> Read[list[Pod]]:
    """The pods that the Service selects, and those of the Deployment: not the same where a selector is wrong."""
    facts = Facts(evidence)
    wanted: dict[tuple[str, str], None] = {}
    service = evidence.service.value
    if service is not None and service.spec.selector:
        wanted[service.metadata.namespace, selector_of(service.spec.selector)] = None
    found = deployment(facts)
    if found is not None and found.spec.selector and found.spec.selector.match_labels:
        wanted[found.metadata.namespace, selector_of(found.spec.selector.match_labels)] = None
    if not wanted:
        wanted[facts.namespace, "k8s-app=metrics-server"] = None
    return merged([asking.pods(namespace, selector) for namespace, selector in wanted], lambda one: one.key)


def cluster_roles(asking: Asking, evidence: Evidence) -> Read[list[Role]]:
    """The ClusterRoles that are bound to metrics-server, one by one: all of them would be hundreds."""
    what = "get clusterroles.rbac.authorization.k8s.io"
    bindings = [*(evidence.cluster_role_bindings.value or ()), *(evidence.role_bindings.value or ())]
    names = sorted({one.role_ref.name for one in bindings if one.role_ref.kind == "ClusterRole"})
    roles = []
    for name in names[:_ROLES]:
        found = asking.one(what, asking.objects.rbac.read_cluster_role, Role, name)
        if found.value is not None:
            roles.append(found.value)
        elif not found.absent:
            return cast("Read[Any]", found)
    return Read(what=what, state=OK, value=roles, partial=f"the first {_ROLES}" if len(names) > _ROLES else "")


def health(asking: Asking, facts: Facts, check: str) -> Read[Health]:
    """metrics-server's own opinion, by the Service's proxy, or the pod's where the Service has no endpoint.

    Args:
        asking: the way to the API server.
        facts: with at least one pod of metrics-server.
        check: "readyz" or "livez".
    """
    what, place = _proxy(facts)
    try:
        response = asking.get(f"/api/v1/namespaces/{place}/proxy/{check}", (("verbose", ""),))
    except ConnectionFailed as error:
        return Read(what=what, state=FAILED, failure=error.kind.value, message=error.message)
    text = response.body[:_OPINION].decode("utf-8", "replace")
    if "check" in text and not text.startswith("{"):  # the opinion itself, whatever its status
        return Read(what=what, state=OK, value=Health(status=response.status, text=text), status=response.status)
    return outcome(what, response, lambda *_: Health(status=200, text=text))


def _proxy(facts: Facts) -> tuple[str, str]:
    """The right to use a proxy to metrics-server, and where that proxy is below /api/v1/namespaces."""
    evidence = facts.evidence
    reference = facts.reference if evidence.api_services.ok else None
    ready = any(
        one.conditions.ready is not False
        for part in evidence.endpoint_slices.value or ()
        for one in part.endpoints or ()
    )
    if ready and reference is not None and evidence.service.ok:
        ports = evidence.service.get().spec.ports or ()
        port = next((one.name for one in ports if one.port == reference.port), "") or reference.port
        where = f"{quote(reference.namespace)}/services/https:{quote(reference.name)}:{port}"
        return f"get services/proxy in {reference.namespace}", where
    pod = facts.pods[0]
    port = (facts.flags.secure_port if facts.flags else 0) or 10250
    where = f"{quote(pod.metadata.namespace)}/pods/https:{quote(pod.metadata.name)}:{port}"
    return f"get pods/proxy in {pod.metadata.namespace}", where


def logs(asking: Asking, pods: Sequence[Pod]) -> Read[list[Log]]:
    """The lines of the logs that speak of trouble, also of the runs before the last restarts."""
    logs: list[Log] = []
    what = "get pods/log"
    for pod in pods:
        what = f"get pods/log in {pod.metadata.namespace}"
        for status in pod.status.container_statuses or ():
            for previous in (False, True) if status.restart_count else (False,):
                found = _log(asking, what, pod, status.name, previous=previous)
                if found.value is not None:
                    logs.append(found.value)
                elif not logs and found.state != ABSENT and found.status != 400:  # 400: not started yet
                    return cast("Read[Any]", found)
    return Read(what=what, state=OK, value=logs)


def _log(asking: Asking, what: str, pod: Pod, container: str, *, previous: bool) -> Read[Log]:
    """One container's log."""

    def decode(body: bytes, _: str) -> Log:
        lines = [line[:_LINE] for line in body.decode("utf-8", "replace").splitlines() if _is_trouble(line)]
        return Log(pod=pod.namespaced_name, container=container, previous=previous, lines=lines[-_KEPT_LINES:])

    return read(
        what,
        lambda: asking.ask(
            asking.objects.core.read_namespaced_pod_log,
            *(pod.metadata.name, pod.metadata.namespace),
            container=container,
            previous=previous,
            tail_lines=_LOG_LINES,
            accept="*/*",
        ),
        decode,
    )


def _is_trouble(line: str) -> bool:
    """A line of klog's that is an error, a warning or fatal, or one that speaks of something that failed."""
    return line.startswith(("E", "W", "F")) or any(word in line.lower() for word in _TROUBLE)
