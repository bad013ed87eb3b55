"""What follows from the evidence and more than one check needs: which APIService counts, whose pods, which flags.

A property raises Unknown where the read that it rests on was refused or failed; None or an empty list mean that there
is no such thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property

from kubectl_metrics.diagnosis.evidence import FAILED, Evidence, Unknown
from kubectl_metrics.diagnosis.facts.flags import ServerFlags
from kubectl_metrics.diagnosis.facts.rules import Account
from kubectl_metrics.diagnosis.facts.selection import matches, selects, selects_labels
from kubectl_metrics.diagnosis.findings import Proof
from kubectl_metrics.diagnosis.objects import (
    APIService,
    Condition,
    Container,
    Deployment,
    Node,
    Pod,
    ServiceReference,
    condition,
    is_true,
)
from kubectl_metrics.diagnosis.probe import KubeletProbe
from kubectl_metrics.wire.metrics_list import GROUP
from kubectl_metrics.wire.time import parse_timestamp

_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})(?:\.(\d+))?")
LABELS = ("k8s-app", "app.kubernetes.io/name", "app")  # what manifests and charts mark metrics-server with


class Facts:
    """One evidence, and what follows from it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    # ---- time ----

    @cached_property
    def now(self) -> int:
        """When it was collected, by the API server's clock where it has shown one: milliseconds since 1970."""
        ours = milliseconds(self.evidence.collected_at) or 0
        return ours + (self.skew or 0)

    @cached_property
    def skew(self) -> int | None:
        """How far the API server's clock is ahead of ours, in milliseconds; None if not known. Exact to a second."""
        connected = self.evidence.connected
        asked = milliseconds(connected.asked)
        try:
            theirs = parsedate_to_datetime(connected.date).timestamp() * 1000
        except (ValueError, OverflowError):
            return None
        return None if asked is None else round(theirs) - asked

    def age(self, timestamp: str | None) -> float | None:
        """Seconds since a time that the cluster has written; None if it is no time."""
        at = milliseconds(timestamp)
        return None if at is None else (self.now - at) / 1000

    # ---- registration ----

    @cached_property
    def api_services(self) -> list[APIService]:
        """The APIServices of metrics.k8s.io, the version first that clients take first."""
        ours = [one for one in self.evidence.api_services.get() if one.spec.group == GROUP]
        return sorted(ours, key=lambda one: (one.spec.version != "v1beta1", one.spec.version))

    @cached_property
    def api_service(self) -> APIService | None:
        """The one that is used."""
        return next(iter(self.api_services), None)

    @cached_property
    def available(self) -> Condition | None:
        """Its condition Available."""
        return condition(self.api_service.status.conditions, "Available") if self.api_service else None

    @property
    def is_available(self) -> bool:
        """Whether the API server holds metrics.k8s.io for available."""
        return self.api_service is not None and is_true(self.api_service.status.conditions, "Available")

    def unavailable(self, *reasons: str) -> str:
        """The message of the condition Available if it is not true (for one of these reasons); else ""."""
        found = self.available
        if found is None or found.status == "True" or (reasons and found.reason not in reasons):
            return ""
        return found.message or found.reason or "no reason given"

    @cached_property
    def complaints(self) -> list[Proof]:
        """What the API server says about metrics.k8s.io, in its condition and in its answers to us, if it is not good.

        The condition may be true while requests fail: it comes from a check of its own, made every 30 s. The answer
        then says why, as in "error trying to reach service: tls: failed to verify certificate: ...".
        """
        found = []
        if self.evidence.api_services.ok and (message := self.unavailable()):
            found.append(Proof(self.api_service_name, "status.conditions[Available].message", message))
        for path, read in (("nodes", self.evidence.node_metrics), ("pods", self.evidence.pod_metrics)):
            if read.status >= 400 and read.message:
                found.append(Proof(f"GET {path}.{GROUP}", f"HTTP {read.status}", read.message))
        return found

    @cached_property
    def answers(self) -> bool | None:
        """Whether metrics.k8s.io has answered; None if it was not asked, or not by somebody who may."""
        reads = (self.evidence.node_metrics, self.evidence.pod_metrics)
        if any(read.ok for read in reads):
            return True
        return False if any(read.state == FAILED or read.absent or read.status == 401 for read in reads) else None

    @property
    def fails(self) -> bool:
        """Whether metrics.k8s.io is known not to work: by its answers, else by the condition Available."""
        if self.answers is None and self.evidence.api_services.ok:
            return bool(self.unavailable())
        return self.answers is False

    @cached_property
    def reference(self) -> ServiceReference | None:
        """The Service that answers for metrics.k8s.io."""
        return self.api_service.spec.service if self.api_service else None

    @cached_property
    def namespace(self) -> str:
        """Where metrics-server lives: the Service's namespace, else that of a Deployment, else kube-system."""
        if self.evidence.api_services.ok and self.reference is not None:
            return self.reference.namespace
        if self.evidence.deployments.ok and (found := self.deployment) is not None:
            return found.metadata.namespace
        return "kube-system"

    @property
    def service_name(self) -> str:
        """ "Service kube-system/metrics-server", for evidence."""
        found = self.reference
        return f"Service {found.namespaced_name}" if found else "Service"

    @property
    def api_service_name(self) -> str:
        """ "APIService v1beta1.metrics.k8s.io", for evidence."""
        return f"APIService {self.api_service.metadata.name}" if self.api_service else f"APIService v1beta1.{GROUP}"

    # ---- metrics-server ----

    @cached_property
    def deployments(self) -> list[Deployment]:
        """Deployments that run metrics-server, those of the Service's namespace first."""
        place = self.reference.namespace if self.evidence.api_services.ok and self.reference else "kube-system"
        found = [one for one in self.evidence.deployments.get() if is_metrics_server(one.spec.template.spec.containers)]
        return sorted(found, key=lambda one: (one.metadata.namespace != place, one.key))

    @cached_property
    def deployment(self) -> Deployment | None:
        """The Deployment behind the Service; where there is no Service, or it selects nobody, the likeliest one."""
        service = self.evidence.service.value
        selector = service.spec.selector if service else None
        if selector and service:
            for one in self.evidence.deployments.get():
                if one.metadata.namespace == service.metadata.namespace and selects(
                    selector, one.spec.template.metadata.labels
                ):
                    return one
        return next(iter(self.deployments), None)

    @property
    def deployment_name(self) -> str:
        """ "Deployment kube-system/metrics-server", for evidence."""
        found = self.deployment
        return f"Deployment {found.namespaced_name}" if found else "Deployment metrics-server"

    @cached_property
    def pods(self) -> list[Pod]:
        """metrics-server's pods: the Deployment's, else those that the Service selects; newest first."""
        deployment = self.deployment if self.evidence.deployments.ok else None
        service = self.evidence.service.value
        pods = self.evidence.service_pods.get()
        if deployment is not None:
            chosen = [
                pod
                for pod in pods
                if pod.metadata.namespace == deployment.metadata.namespace
                and selects_labels(deployment.spec.selector, pod.metadata.labels)
            ]
        elif service is not None and service.spec.selector:
            chosen = [
                pod
                for pod in pods
                if pod.metadata.namespace == service.metadata.namespace
                and selects(service.spec.selector, pod.metadata.labels)
            ]
        else:
            chosen = [pod for pod in pods if is_metrics_server(pod.spec.containers)]
        alive = [pod for pod in chosen if pod.metadata.deletion_timestamp is None]
        return sorted(alive, key=lambda pod: pod.metadata.creation_timestamp or "", reverse=True)

    @cached_property
    def container(self) -> Container | None:
        """metrics-server's container: the Deployment's template, else that of its newest pod."""
        if self.evidence.deployments.ok and self.deployment is not None:
            return server_container(self.deployment.spec.template.spec.containers)
        return server_container(self.pods[0].spec.containers) if self.pods else None

    @cached_property
    def flags(self) -> ServerFlags | None:
        """metrics-server's flags; None if it is another provider, or not there."""
        container = self.container
        if container is None or not is_metrics_server([container]):
            return None
        return ServerFlags(container)

    @cached_property
    def image_version(self) -> tuple[int, int] | None:
        """metrics-server's version by its image's tag: (0, 9)."""
        if self.container is None:
            return None
        name, _, tag = self.container.image.partition("@")[0].rpartition(":")
        match = _VERSION.match(tag) if name else None
        return (int(match.group(1)), int(match.group(2))) if match else None

    @cached_property
    def account(self) -> Account:
        """metrics-server's ServiceAccount."""
        if self.evidence.deployments.ok and self.deployment is not None:
            spec, place = self.deployment.spec.template.spec, self.deployment.metadata.namespace
        elif self.pods:
            spec, place = self.pods[0].spec, self.pods[0].metadata.namespace
        else:
            return Account(self.namespace, "metrics-server")
        return Account(place, spec.service_account_name or "default")

    # ---- nodes and kubelets ----

    @cached_property
    def nodes(self) -> list[Node]:
        """All nodes, by name."""
        return sorted(self.evidence.nodes.get(), key=lambda one: one.metadata.name)

    @cached_property
    def nodes_by_name(self) -> Mapping[str, Node]:
        return {one.metadata.name: one for one in self.nodes}

    @cached_property
    def probes(self) -> Mapping[str, KubeletProbe]:
        """What the kubelets did that were asked, by node."""
        return {one.node: one for one in self.evidence.kubelets}

    @cached_property
    def measured_nodes(self) -> frozenset[str]:
        """The nodes that metrics.k8s.io has metrics of; Unknown if it did not answer."""
        return frozenset(one.metadata.name for one in self.evidence.node_metrics.get())

    @cached_property
    def unmeasured_nodes(self) -> list[str]:
        """The nodes without metrics in metrics.k8s.io, by name; Unknown if it did not answer."""
        return [one.metadata.name for one in self.nodes if one.metadata.name not in self.measured_nodes]

    @cached_property
    def excluded_nodes(self) -> frozenset[str]:
        """The nodes that metrics-server's --node-selector leaves out, as far as flags and nodes could be read."""
        evidence = self.evidence
        if not evidence.nodes.ok or not (evidence.deployments.ok or evidence.service_pods.ok):
            return frozenset()
        try:
            selector = self.flags.node_selector if self.flags is not None else ""
            return frozenset(one.metadata.name for one in self.nodes if not matches(selector, one.metadata.labels))
        except (Unknown, ValueError):  # no selector: metrics-server does not start with it
            return frozenset()

    def missing(self, node: str) -> bool:
        """Whether a node has no metrics, as far as is known: where metrics.k8s.io does not answer, none has."""
        return not self.evidence.node_metrics.ok or node not in self.measured_nodes

    def dialled(self, node: Node) -> tuple[str, str] | None:
        """Type and address that metrics-server dials (NodeAddress in its pkg/utils/address_resolver.go).

        Unknown if its arguments do not tell.
        """
        types = self.flags.address_types if self.flags is not None else ()
        for kind in types:
            for one in node.status.addresses or ():
                if one.type == kind:
                    return kind, one.address
        return None


def server_container(containers: Iterable[Container] | None) -> Container | None:
    """The container that serves metrics.k8s.io: metrics-server by its name or image, else the first."""
    known = list(containers or ())
    return next((one for one in known if is_metrics_server([one])), known[0] if known else None)


def is_metrics_server(containers: Iterable[Container] | None) -> bool:
    """Whether one of the containers is metrics-server, by its name, its image or its command."""
    for one in containers or ():
        repository = one.image.partition("@")[0].rpartition("/")[2]
        words = (one.name, repository, *(one.command or ())[:1])
        if "addon-resizer" in repository or any("pod_nanny" in word for word in words):
            continue  # a container beside it, often called metrics-server-nanny
        if any("metrics-server" in word and "exporter" not in word for word in words):
            return True
    return False


def milliseconds(timestamp: str | None) -> int | None:
    """An RFC 3339 time in milliseconds since 1970; None if it is none."""
    try:
        return parse_timestamp(timestamp or "")
    except ValueError:
        return None


def minor_version(text: str) -> tuple[int, int] | None:
    """ "v1.34.4+k3s1" as (1, 34)."""
    match = _VERSION.match(text)
    return (int(match.group(1)), int(match.group(2))) if match else None


def instant(milliseconds_since_1970: int) -> datetime:
    """A point in time in UTC."""
    return datetime.fromtimestamp(milliseconds_since_1970 / 1000, tz=timezone.utc)
