"""The objects that a diagnosis rests on, read through the generated API classes over our own connection.

Strategy: everything that can be asked at once is asked at once, in three rounds: what does not depend on anything; what
depends on which Service the APIService names; what depends on whose pods that Service selects. The kubelets are probed
beside the last two, and the long lists, of pods and of their metrics, are on their way all the time. A read that is
refused or fails is an outcome like any other; only when nothing at all could be had of the API server is that an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import kubectl_metrics
from kubectl_metrics.connection.loop import Tick
from kubectl_metrics.connection.places import gather, in_thread
from kubectl_metrics.connection.threads import Later
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.diagnosis import objects
from kubectl_metrics.diagnosis.collect import server
from kubectl_metrics.diagnosis.collect.asking import FEW, SYSTEM, Asking
from kubectl_metrics.diagnosis.collect.connecting import connect, user
from kubectl_metrics.diagnosis.collect.keeping import events_about, is_noteworthy, is_terminating
from kubectl_metrics.diagnosis.collect.reading import kept, merged, object_decoder, read
from kubectl_metrics.diagnosis.evidence import FAILED, Evidence, Read, Unknown
from kubectl_metrics.diagnosis.facts.pipeline import LABELS, Facts
from kubectl_metrics.diagnosis.facts.rules import Account
from kubectl_metrics.diagnosis.facts.serverpods import deployment
from kubectl_metrics.errors import MetricsError
from kubectl_metrics.wire.metrics_list import GROUP

_MANY = 5000  # pods, autoscalers or requests for certificates that are looked at; more of them would tell no more
_EVENTS = 2000
_LOGS = 3  # pods
_WORKERS = 8  # reads at a time ...
_MOST = 32  # ... and with those that hang
_PROVIDERS = ("metrics-server", "prometheus-adapter", "heapster")

Calls = dict[str, Callable[[], Read[Any]]]  # by the name of what they read in an Evidence


class Cluster:
    """Reads the evidence about one cluster, but for its kubelets: the rounds in their order, each once."""

    def __init__(
        self, api: Transport, *, namespace: str | None = None, timeout: float | None = None, tick: Tick | None = None
    ) -> None:
        """Nothing is asked yet.

        Args:
            api: the way to the API server.
            namespace: whose pods and autoscalers are looked at; None for those of all namespaces.
            timeout: seconds for one read; by default READ_TIMEOUT.
            tick: is called with how many reads of the present round are done, and of how many.
        """
        self._asking = Asking(api, timeout)
        self._namespace = namespace
        self._tick = tick

    def first(self) -> Evidence:
        """What depends on nothing. Raises MetricsError if the API server cannot be asked at all."""
        asking, api = self._asking, self._asking.objects
        evidence = Evidence(tool_version=kubectl_metrics.__version__)
        connect(asking, evidence)
        name = Later(lambda: user(asking))
        # The long lists; nothing else waits for them.
        self._long = (
            Later(self._pods),
            Later(lambda: asking.metrics("pods", objects.PodMetrics, self._namespace)),
        )
        self._fill(
            evidence,
            {
                "discovery": lambda: read(
                    f"get /apis/{GROUP}", lambda: asking.get(f"/apis/{GROUP}"), object_decoder(objects.APIGroup)
                ),
                "api_services": lambda: kept(
                    asking.listed(
                        "list apiservices.apiregistration.k8s.io",
                        api.apiregistration.list_api_service,
                        objects.APIService,
                    ),
                    is_noteworthy,
                ),
                "authentication": lambda: asking.config_map("extension-apiserver-authentication"),
                "root_ca": lambda: asking.config_map("kube-root-ca.crt"),
                "namespaces": lambda: kept(
                    asking.listed("list namespaces", api.core.list_namespace, objects.Namespace), is_terminating
                ),
                "control_plane": lambda: asking.pods(SYSTEM, "component=kube-apiserver"),
                "kube_proxies": lambda: asking.pods(SYSTEM, "k8s-app=kube-proxy"),
                "tunnels": lambda: asking.pods(SYSTEM, "k8s-app=konnectivity-agent"),
                "deployments": self._providers,
                "cluster_role_bindings": lambda: asking.listed(
                    "list clusterrolebindings.rbac.authorization.k8s.io",
                    api.rbac.list_cluster_role_binding,
                    objects.Binding,
                ),
                "role_bindings": lambda: asking.listed(
                    f"list rolebindings.rbac.authorization.k8s.io in {SYSTEM}",
                    api.rbac.list_namespaced_role_binding,
                    objects.Binding,
                    SYSTEM,
                ),
                "csrs": lambda: asking.listed(
                    "list certificatesigningrequests.certificates.k8s.io",
                    api.certificates.list_certificate_signing_request,
                    objects.CSR,
                    at_most=_MANY,
                    field_selector="spec.signerName=kubernetes.io/kubelet-serving",
                ),
                "hpas": self._autoscalers,
                "nodes": lambda: asking.listed("list nodes", api.core.list_node, objects.Node),
                "node_metrics": lambda: asking.metrics("nodes", objects.NodeMetrics),
            },
        )
        evidence.connected.user = name.result()
        return evidence

    def second(self, evidence: Evidence) -> None:
        """What depends on which Service the APIService names."""
        asking, api = self._asking, self._asking.objects
        facts = Facts(evidence)
        if not evidence.api_services.ok:
            namespace, name = SYSTEM, "metrics-server"  # where it usually is
        elif facts.reference is not None:
            namespace, name = facts.reference.namespace, facts.reference.name
        else:
            namespace, name = facts.namespace, ""
        calls: Calls = {
            "network_policies": lambda: asking.listed(
                f"list networkpolicies.networking.k8s.io in {namespace}",
                api.networking.list_namespaced_network_policy,
                objects.NetworkPolicy,
                namespace,
            ),
            "events": lambda: asking.listed(
                f"list events in {namespace}",
                api.core.list_namespaced_event,
                objects.Event,
                namespace,
                at_most=_EVENTS,
            ),
            "deployments": lambda: merged(
                [
                    asking.listed(
                        f"list deployments.apps in {namespace}",
                        api.apps.list_namespaced_deployment,
                        objects.Deployment,
                        namespace,
                        at_most=FEW,
                    ),
                    evidence.deployments,
                ],
                lambda one: one.key,
            ),
        }
        if name:
            calls["service"] = lambda: asking.one(
                f"get services in {namespace}",
                api.core.read_namespaced_service,
                objects.Service,
                *(name, namespace),
            )
            calls["endpoint_slices"] = lambda: asking.listed(
                f"list endpointslices.discovery.k8s.io in {namespace}",
                api.discovery.list_namespaced_endpoint_slice,
                objects.EndpointSlice,
                namespace,
                label_selector=f"kubernetes.io/service-name={name}",
            )
        if any("eks.amazonaws.com" in key for node in evidence.nodes.value or () for key in node.metadata.labels or ()):
            calls["aws_auth"] = lambda: asking.config_map("aws-auth")
        self._fill(evidence, calls)

    def third(self, evidence: Evidence, *, logs: bool = False) -> None:
        """What depends on whose pods they are: the pods, their account and its roles, health, logs."""
        asking, api = self._asking, self._asking.objects
        evidence.service_pods = server.pods(asking, evidence)
        facts = Facts(evidence)
        pods = facts.pods if evidence.service_pods.ok else []
        found = deployment(facts)
        name = found.metadata.name if found is not None else "metrics-server"
        evidence.events = events_about(evidence.events, {pod.metadata.name for pod in pods}, name)
        account = _account(facts)
        evidence.cluster_role_bindings = kept(evidence.cluster_role_bindings, account.is_bound)
        evidence.role_bindings = kept(evidence.role_bindings, account.is_bound)
        named = {one.role_ref.name for one in evidence.role_bindings.value or ()}
        calls: Calls = {
            "service_account": lambda: asking.one(
                f"get serviceaccounts in {account.namespace}",
                api.core.read_namespaced_service_account,
                objects.Object,
                *(account.name, account.namespace),
            ),
            "cluster_roles": lambda: server.cluster_roles(asking, evidence),
            "roles": lambda: kept(
                asking.listed(
                    f"list roles.rbac.authorization.k8s.io in {SYSTEM}",
                    api.rbac.list_namespaced_role,
                    objects.Role,
                    SYSTEM,
                ),
                lambda one: one.metadata.name in named,
            ),
        }
        if pods:
            calls["readyz"] = lambda: server.health(asking, facts, "readyz")
            calls["livez"] = lambda: server.health(asking, facts, "livez")
        if logs and pods:
            calls["logs"] = lambda: server.logs(asking, pods[:_LOGS])
        self._fill(evidence, calls)

    def last(self, evidence: Evidence) -> None:
        """What was asked for in the first round and takes long: the pods and their metrics."""
        pods, metrics = self._long
        evidence.pods, evidence.pod_metrics = pods.result(), metrics.result()
        if evidence.pods.partial:
            # The rest would be half the memory, and nothing could be compared with it.
            known = {pod.key for pod in evidence.pods.get()}
            evidence.pod_metrics = kept(evidence.pod_metrics, lambda one: one.key in known)

    def _fill(self, evidence: Evidence, calls: Mapping[str, Callable[[], Read[Any]]]) -> None:
        """One round."""
        results = gather(in_thread, calls.values(), workers=_WORKERS, most=_MOST, tick=self._tick)
        for name, result in zip(calls, results, strict=True):
            if isinstance(result, MetricsError):
                result = Read(what=name, state=FAILED, message=result.message)
            setattr(evidence, name, result)

    def _pods(self) -> Read[list[objects.Pod]]:
        asking, core, namespace = self._asking, self._asking.objects.core, self._namespace
        if namespace is None:
            return asking.listed("list pods", core.list_pod_for_all_namespaces, objects.Pod, at_most=_MANY)
        what = f"list pods in {namespace}"
        return asking.listed(what, core.list_namespaced_pod, objects.Pod, namespace, at_most=_MANY)

    def _autoscalers(self) -> Read[list[objects.HPA]]:
        asking, api, namespace = self._asking, self._asking.objects.autoscaling, self._namespace
        what = "list horizontalpodautoscalers.autoscaling"
        if namespace is None:
            method = api.list_horizontal_pod_autoscaler_for_all_namespaces
            return asking.listed(what, method, objects.HPA, at_most=_MANY)
        method = api.list_namespaced_horizontal_pod_autoscaler
        return asking.listed(f"{what} in {namespace}", method, objects.HPA, namespace, at_most=_MANY)

    def _providers(self) -> Read[list[objects.Deployment]]:
        """What usually answers for metrics.k8s.io, or once did, by its labels."""
        names = ",".join(_PROVIDERS)
        return merged(
            [
                self._asking.listed(
                    "list deployments.apps",
                    self._asking.objects.apps.list_deployment_for_all_namespaces,
                    objects.Deployment,
                    label_selector=f"{label} in ({names})",
                    at_most=FEW,
                )
                for label in LABELS
            ],
            lambda one: one.key,
        )


def _account(facts: Facts) -> Account:
    """metrics-server's ServiceAccount; where neither Deployments nor pods can be read, the usual one."""
    try:
        return facts.account
    except Unknown:
        return Account(SYSTEM, "metrics-server")
