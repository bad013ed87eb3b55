"""The objects that a diagnosis rests on, read through the generated API classes over our own connection.

Strategy: everything that can be asked at once is asked at once, in three rounds: what does not depend on anything; what
depends on which Service the APIService names; what depends on whose pods that Service selects. The kubelets are probed
beside the last two, and the long lists, of pods and of their metrics, are on their way all the time. A read that is
refused or fails is an outcome like any other; only when nothing at all could be had of the API server is that an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

import kubectl_metrics
from kubectl_metrics.connection.generated import ObjectAPI
from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.diagnosis import objects
from kubectl_metrics.diagnosis.collect.reading import kept, merged, object_decoder, outcome, read, read_list
from kubectl_metrics.diagnosis.evidence import (
    ABSENT,
    FAILED,
    OK,
    Connected,
    Evidence,
    Health,
    Log,
    Read,
)
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.objects import condition
from kubectl_metrics.errors import ConnectionFailed, MetricsError
from kubectl_metrics.sources.objects import checked
from kubectl_metrics.sources.parallel import Later, gather
from kubectl_metrics.wire.decode import decoder
from kubectl_metrics.wire.metrics_list import GROUP

T = TypeVar("T")
Tick = Callable[[int, int], None]

READ_TIMEOUT = 15.0  # seconds for one read, if nobody says otherwise
METRICS_TIMEOUT = 15.0  # seconds for metrics.k8s.io, which has 60 MB to say of 150,000 pods
PODS = 5000  # pods that are looked at; more of them would tell no more
_SYSTEM = "kube-system"
_WORKERS = 8
_ROLES = 50  # that are bound to one account
_LOG_LINES = 400
_KEPT_LINES = 60
_TROUBLE = ("error", "failed", "fail", "unable", "panic", "forbidden", "unauthorized", "timeout", "x509", "refused")
_PROVIDERS = ("metrics-server", "prometheus-adapter", "heapster")


class _User(msgspec.Struct):
    username: str = ""


class _UserInfo(msgspec.Struct, rename="camel"):
    user_info: _User = msgspec.field(default_factory=_User)


class _Review(msgspec.Struct):
    status: _UserInfo = msgspec.field(default_factory=_UserInfo)


_review = decoder(_Review)


class Cluster:
    """Reads the evidence about one cluster, but for its kubelets."""

    def __init__(
        self, api: Transport, *, namespace: str | None = None, timeout: float | None = None, tick: Tick | None = None
    ) -> None:
        """Nothing is asked yet.

        Args:
            api: the way to the API server.
            namespace: whose pods and autoscalers are looked at; None for those of all namespaces.
            timeout: seconds for one read; by default READ_TIMEOUT, and METRICS_TIMEOUT for metrics.k8s.io.
            tick: is called with how many reads of the present round are done, and of how many.
        """
        self._api = api
        self._objects = ObjectAPI(api)
        self._namespace = namespace
        self._timeout = timeout
        self._tick = tick

    # ---- the rounds ----

    def first(self) -> Evidence:
        """What depends on nothing. Raises MetricsError if the API server cannot be asked at all."""
        o = self._objects
        evidence = Evidence(tool_version=kubectl_metrics.__version__)
        connected = self._connect(evidence)
        user = Later(self._user)
        # The long lists; nothing else waits for them.
        self._long = Later(self._pods), Later(lambda: self._metrics("pods", objects.PodMetrics))
        selector = {"field_selector": "spec.signerName=kubernetes.io/kubelet-serving"}
        self._fill(
            evidence,
            {
                "discovery": lambda: read(
                    f"get /apis/{GROUP}", lambda: self._get(f"/apis/{GROUP}"), object_decoder(objects.APIGroup)
                ),
                "api_services": lambda: kept(
                    self._list(
                        "list apiservices.apiregistration.k8s.io",
                        lambda: o.apiregistration.list_api_service,
                        objects.APIService,
                    ),
                    _noteworthy,
                ),
                "authentication": lambda: self._config_map("extension-apiserver-authentication"),
                "root_ca": lambda: self._config_map("kube-root-ca.crt"),
                "namespaces": lambda: kept(
                    self._list("list namespaces", lambda: o.core.list_namespace, objects.Namespace), _terminating
                ),
                "control_plane": lambda: self._system_pods("component=kube-apiserver"),
                "kube_proxies": lambda: self._system_pods("k8s-app=kube-proxy"),
                "tunnels": lambda: self._system_pods("k8s-app=konnectivity-agent"),
                "deployments": self._providers,
                "cluster_role_bindings": lambda: self._list(
                    "list clusterrolebindings.rbac.authorization.k8s.io",
                    lambda: o.rbac.list_cluster_role_binding,
                    objects.Binding,
                ),
                "role_bindings": lambda: self._list(
                    f"list rolebindings.rbac.authorization.k8s.io in {_SYSTEM}",
                    lambda: o.rbac.list_namespaced_role_binding,
                    objects.Binding,
                    _SYSTEM,
                ),
                "csrs": lambda: self._list(
                    "list certificatesigningrequests.certificates.k8s.io",
                    lambda: o.certificates.list_certificate_signing_request,
                    objects.CSR,
                    at_most=5000,
                    **selector,
                ),
                "hpas": self._autoscalers,
                "nodes": lambda: self._list("list nodes", lambda: o.core.list_node, objects.Node),
                "node_metrics": lambda: self._metrics("nodes", objects.NodeMetrics),
            },
        )
        connected.user = user.result()
        evidence.connected = connected
        return evidence

    def second(self, evidence: Evidence) -> None:
        """What depends on which Service the APIService names."""
        o = self._objects
        facts = Facts(evidence)
        if not evidence.api_services.ok:
            namespace, name = "kube-system", "metrics-server"  # where it usually is
        elif facts.reference is not None:
            namespace, name = facts.reference.namespace, facts.reference.name
        else:
            namespace, name = _or(lambda: facts.namespace, "kube-system"), ""
        calls: dict[str, Callable[[], Read[Any]]] = {
            "network_policies": lambda: self._list(
                f"list networkpolicies.networking.k8s.io in {namespace}",
                lambda: o.networking.list_namespaced_network_policy,
                objects.NetworkPolicy,
                namespace,
            ),
            "events": lambda: self._list(
                f"list events in {namespace}",
                lambda: o.core.list_namespaced_event,
                objects.Event,
                namespace,
                at_most=2000,
            ),
            "deployments": lambda: merged(
                [
                    self._list(
                        f"list deployments.apps in {namespace}",
                        lambda: o.apps.list_namespaced_deployment,
                        objects.Deployment,
                        namespace,
                        at_most=500,
                    ),
                    evidence.deployments,
                ],
                lambda one: one.key,
            ),
        }
        if name:
            calls["service"] = lambda: self._one(
                f"get services in {namespace}",
                lambda: o.core.read_namespaced_service,
                objects.Service,
                name,
                namespace,
            )
            calls["endpoint_slices"] = lambda: self._list(
                f"list endpointslices.discovery.k8s.io in {namespace}",
                lambda: o.discovery.list_namespaced_endpoint_slice,
                objects.EndpointSlice,
                namespace,
                label_selector=f"kubernetes.io/service-name={name}",
            )
        if any("eks.amazonaws.com" in key for node in evidence.nodes.value or () for key in node.metadata.labels or ()):
            calls["aws_auth"] = lambda: self._config_map("aws-auth")
        self._fill(evidence, calls)

    def third(self, evidence: Evidence, *, logs: bool = False) -> None:
        """What depends on whose pods they are: the pods, their account and its roles, health, logs."""
        o = self._objects
        evidence.service_pods = self._server_pods(evidence)
        facts = Facts(evidence)
        nothing: list[objects.Pod] = []
        pods = _or(lambda: facts.pods, nothing)
        place, account = _or(lambda: facts.account, (_SYSTEM, "metrics-server"))
        mine = _bound_to(place, account)
        evidence.cluster_role_bindings = kept(evidence.cluster_role_bindings, mine)
        evidence.role_bindings = kept(evidence.role_bindings, mine)
        names = sorted({pod.metadata.name for pod in pods})
        _keep_events(evidence, facts, names)
        calls: dict[str, Callable[[], Read[Any]]] = {
            "service_account": lambda: self._one(
                f"get serviceaccounts in {place}",
                lambda: o.core.read_namespaced_service_account,
                objects.Object,
                account,
                place,
            ),
            "cluster_roles": lambda: self._roles(evidence),
            "roles": lambda: kept(
                self._list(
                    f"list roles.rbac.authorization.k8s.io in {_SYSTEM}",
                    lambda: o.rbac.list_namespaced_role,
                    objects.Role,
                    _SYSTEM,
                ),
                _named({one.role_ref.name for one in evidence.role_bindings.value or ()}),
            ),
        }
        if pods:
            calls["readyz"] = lambda: self._health(evidence, facts, "readyz")
            calls["livez"] = lambda: self._health(evidence, facts, "livez")
        if logs and pods:
            calls["logs"] = lambda: self._logs(pods[:3])
        self._fill(evidence, calls)

    def last(self, evidence: Evidence) -> None:
        """What was asked for in the first round and takes long: the pods and their metrics."""
        pods, metrics = self._long
        evidence.pods, evidence.pod_metrics = pods.result(), metrics.result()
        if evidence.pods.partial:
            # The rest would be half the memory, and nothing could be compared with it.
            known = {pod.key for pod in evidence.pods.get()}
            evidence.pod_metrics = kept(evidence.pod_metrics, lambda one: one.key in known)

    # ---- single reads ----

    def _connect(self, evidence: Evidence) -> Connected:
        """Asks for the version; that tells the clock, the round trip and whether there is a server at all."""
        seconds = self._timeout or READ_TIMEOUT
        objects_ = self._objects
        method = objects_.version.get_code  # imports the package, which is no part of the round trip
        response = objects_.read(method, timeout=seconds)
        now = datetime.now(timezone.utc)
        if response.status == 401:
            checked(response, "get /version")  # raises: nothing else would be answered either
        evidence.collected_at = _rfc3339(now)
        evidence.version = outcome("get /version", response, object_decoder(objects.Version))
        return Connected(
            server=self._api.server,
            date=response.headers.get("Date", ""),
            asked=_rfc3339(now - timedelta(seconds=response.seconds / 2)),
            seconds=round(response.seconds, 3),
            direct=not self._api.proxied,
        )

    def _user(self) -> str:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            method = self._objects.authentication.create_self_subject_review
            response = self._objects.read(method, body=body, timeout=self._timeout or READ_TIMEOUT)
            return _review(checked(response, "who we are"), "selfsubjectreviews").status.user_info.username
        except (MetricsError, AttributeError):  # before Kubernetes 1.28; before version 27 of the package
            return ""

    def _fill(self, evidence: Evidence, calls: Mapping[str, Callable[[], Read[Any]]]) -> None:
        results = gather(list(calls.values()), workers=_WORKERS, tick=self._tick)
        for name, result in zip(calls, results, strict=True):
            if isinstance(result, MetricsError):
                result = Read(what=name, state=FAILED, message=result.message)
            setattr(evidence, name, result)

    def _get(self, path: str, query: tuple[tuple[str, str], ...] = (), seconds: float | None = None) -> Response:
        return self._api.get(path, query, timeout=self._timeout or seconds or READ_TIMEOUT)

    def _ask(self, method: Callable[[], Any], *args: str, **kwargs: Any) -> Response:
        return self._objects.read(method(), *args, timeout=self._timeout or READ_TIMEOUT, **kwargs)

    def _one(self, what: str, method: Callable[[], Any], kind: type[T], *args: str) -> Read[T]:
        return read(what, lambda: self._ask(method, *args), object_decoder(kind))

    def _list(
        self, what: str, method: Callable[[], Any], kind: type[T], *args: str, at_most: int | None = None, **given: str
    ) -> Read[list[T]]:
        return read_list(what, lambda **page: self._ask(method, *args, **given, **page), kind, at_most=at_most)

    def _config_map(self, name: str) -> Read[objects.ConfigMap]:
        what, core = f"get configmaps in {_SYSTEM}", self._objects.core
        return self._one(what, lambda: core.read_namespaced_config_map, objects.ConfigMap, name, _SYSTEM)

    def _system_pods(self, selector: str) -> Read[list[objects.Pod]]:
        core = self._objects.core
        return self._list(
            f"list pods in {_SYSTEM}",
            lambda: core.list_namespaced_pod,
            objects.Pod,
            _SYSTEM,
            label_selector=selector,
            at_most=500,
        )

    def _pods(self) -> Read[list[objects.Pod]]:
        core, namespace = self._objects.core, self._namespace
        if namespace is None:
            return self._list("list pods", lambda: core.list_pod_for_all_namespaces, objects.Pod, at_most=PODS)
        what = f"list pods in {namespace}"
        return self._list(what, lambda: core.list_namespaced_pod, objects.Pod, namespace, at_most=PODS)

    def _autoscalers(self) -> Read[list[objects.HPA]]:
        api, namespace, what = self._objects.autoscaling, self._namespace, "list horizontalpodautoscalers.autoscaling"
        if namespace is None:
            method = "list_horizontal_pod_autoscaler_for_all_namespaces"
            return self._list(what, lambda: getattr(api, method), objects.HPA, at_most=PODS)
        what = f"{what} in {namespace}"
        method = "list_namespaced_horizontal_pod_autoscaler"
        return self._list(what, lambda: getattr(api, method), objects.HPA, namespace, at_most=PODS)

    def _providers(self) -> Read[list[objects.Deployment]]:
        """What usually answers for metrics.k8s.io, or once did, by its labels."""
        apps, named = self._objects.apps, ",".join(_PROVIDERS)
        return merged(
            [
                self._list(
                    "list deployments.apps",
                    lambda: apps.list_deployment_for_all_namespaces,
                    objects.Deployment,
                    label_selector=f"{label} in ({named})",
                    at_most=500,
                )
                for label in ("k8s-app", "app.kubernetes.io/name", "app")
            ],
            lambda one: one.key,
        )

    def _metrics(self, resource: str, kind: type[T]) -> Read[list[T]]:
        """metrics.k8s.io in the version that is served, v1beta1 if none is."""
        place = self._namespace if resource == "pods" else None
        what = f"list {resource}.{GROUP}" + (f" in {place}" if place else "")
        found: Read[list[T]] = Read(what=what)
        for version in ("v1beta1", "v1"):
            path = f"/apis/{GROUP}/{version}/" + (f"namespaces/{quote(place, safe='')}/" if place else "") + resource

            def ask(limit: int, path: str = path, **_: str) -> Response:
                del limit  # metrics-server knows no pages
                return self._get(path, seconds=METRICS_TIMEOUT)

            tried = read_list(what, ask, kind)
            if version == "v1beta1" or tried.ok:
                found = tried
            if tried.state != ABSENT:
                break
        return found

    def _server_pods(self, evidence: Evidence) -> Read[list[objects.Pod]]:
        """The pods that the Service selects, and those of the Deployment: not the same where a selector is wrong."""
        facts = Facts(evidence)
        wanted: dict[tuple[str, str], None] = {}
        service = evidence.service.value
        if service is not None and service.spec.selector:
            wanted[service.metadata.namespace, _selector(service.spec.selector)] = None
        deployment = _or(lambda: facts.deployment, None)
        if deployment is not None and deployment.spec.selector and deployment.spec.selector.match_labels:
            wanted[deployment.metadata.namespace, _selector(deployment.spec.selector.match_labels)] = None
        if not wanted:
            wanted[_or(lambda: facts.namespace, _SYSTEM), "k8s-app=metrics-server"] = None
        core = self._objects.core
        return merged(
            [
                self._list(
                    f"list pods in {namespace}",
                    lambda: core.list_namespaced_pod,
                    objects.Pod,
                    namespace,
                    label_selector=selector,
                    at_most=500,
                )
                for namespace, selector in wanted
            ],
            lambda one: one.key,
        )

    def _roles(self, evidence: Evidence) -> Read[list[objects.Role]]:
        """The ClusterRoles that are bound to metrics-server, one by one: all of them would be hundreds."""
        what = "get clusterroles.rbac.authorization.k8s.io"
        bindings = [*(evidence.cluster_role_bindings.value or ()), *(evidence.role_bindings.value or ())]
        names = sorted({one.role_ref.name for one in bindings if one.role_ref.kind == "ClusterRole"})
        rbac = self._objects.rbac
        roles = []
        for name in names[:_ROLES]:
            found = self._one(what, lambda: rbac.read_cluster_role, objects.Role, name)
            if found.value is None and not found.absent:
                return msgspec.structs.replace(found, value=None)  # type: ignore[arg-type]  # no value
            roles += [found.value] if found.value else []
        return Read(what=what, state=OK, value=roles, partial=f"the first {_ROLES}" if len(names) > _ROLES else "")

    def _health(self, evidence: Evidence, facts: Facts, check: str) -> Read[Health]:
        """metrics-server's own opinion, by the Service's proxy, or the pod's where the Service has no endpoint."""
        reference = _or(lambda: facts.reference, None)
        ready = any(
            one.conditions.ready is not False
            for part in evidence.endpoint_slices.value or ()
            for one in part.endpoints or ()
        )
        if ready and reference is not None and evidence.service.ok:
            what = f"get services/proxy in {reference.namespace}"
            ports = evidence.service.get().spec.ports or ()
            port_name = next((one.name for one in ports if one.port == reference.port), "") or reference.port
            place = f"{reference.namespace}/services/https:{reference.name}:{port_name}"
        else:
            pod = facts.pods[0]
            port = facts.flags.secure_port if facts.flags else 10250
            what = f"get pods/proxy in {pod.metadata.namespace}"
            place = f"{quote(pod.metadata.namespace)}/pods/https:{quote(pod.metadata.name)}:{port}"
        try:
            response = self._get(f"/api/v1/namespaces/{place}/proxy/{check}", (("verbose", ""),), METRICS_TIMEOUT)
        except ConnectionFailed as error:
            return Read(what=what, state=FAILED, failure=error.kind.value, message=error.message)
        text = response.body[:4000].decode("utf-8", "replace")
        if "check" in text and not text.startswith("{"):  # the opinion itself, whatever its status
            return Read(what=what, state=OK, value=Health(status=response.status, text=text), status=response.status)
        return outcome(what, response, lambda body, _: Health(status=200, text=body[:4000].decode("utf-8", "replace")))

    def _logs(self, pods: list[objects.Pod]) -> Read[list[Log]]:
        """The lines of the logs that speak of trouble."""
        logs: list[Log] = []
        what = "get pods/log"
        core = self._objects.core
        for pod in pods:
            what = f"get pods/log in {pod.metadata.namespace}"
            for status in pod.status.container_statuses or ():
                for previous in (False, True) if status.restart_count else (False,):
                    found = read(
                        what,
                        lambda pod=pod, status=status, previous=previous: self._ask(  # type: ignore[misc]  # defaults
                            lambda: core.read_namespaced_pod_log,
                            pod.metadata.name,
                            pod.metadata.namespace,
                            container=status.name,
                            previous=previous,
                            tail_lines=_LOG_LINES,
                            accept="*/*",
                        ),
                        lambda body, _: body.decode("utf-8", "replace").splitlines(),
                    )
                    if found.value is not None:
                        lines = [line[:1000] for line in found.value if _is_trouble(line)][-_KEPT_LINES:]
                        key = f"{pod.metadata.namespace}/{pod.metadata.name}"
                        logs.append(Log(pod=key, container=status.name, previous=previous, lines=lines))
                    elif not logs and found.state not in (ABSENT,) and found.status != 400:  # 400: not started yet
                        return msgspec.structs.replace(found, value=None)  # type: ignore[arg-type]  # no value
        return Read(what=what, state=OK, value=logs)


def _or(ask: Callable[[], T], otherwise: T) -> T:
    """What follows from the evidence, or something else where that could not be read."""
    from kubectl_metrics.diagnosis.evidence import Unknown

    try:
        return ask()
    except Unknown:
        return otherwise


def _noteworthy(one: objects.APIService) -> bool:
    found = condition(one.status.conditions, "Available")
    return one.spec.group == GROUP or (found is not None and found.status != "True")


def _terminating(one: objects.Namespace) -> bool:
    return one.status.phase == "Terminating" or one.metadata.deletion_timestamp is not None


def _named(names: set[str]) -> Callable[[objects.Role], bool]:
    return lambda one: one.metadata.name in names


def _bound_to(namespace: str, name: str) -> Callable[[objects.Binding], bool]:
    """Whether a binding is for a ServiceAccount, by itself or by one of the groups that it is in."""
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
    user = f"system:serviceaccount:{namespace}:{name}"

    def bound(binding: objects.Binding) -> bool:
        for one in binding.subjects or ():
            if one.kind == "ServiceAccount" and one.name == name:
                if (one.namespace or binding.metadata.namespace) == namespace:
                    return True
            elif (one.kind == "Group" and one.name in groups) or (one.kind == "User" and one.name == user):
                return True
        return False

    return bound


def _keep_events(evidence: Evidence, facts: Facts, pods: list[str]) -> None:
    """Only those about metrics-server's pods and what makes them, the newest 50."""
    deployment = _or(lambda: facts.deployment, None)
    name = deployment.metadata.name if deployment else "metrics-server"

    def about(event: objects.Event) -> bool:
        of = event.involved_object.name
        return of in pods or of == name or of.startswith(f"{name}-")

    events = kept(evidence.events, about)
    if events.value is not None:
        newest = sorted(events.value, key=lambda one: one.last_timestamp or one.event_time or "")[-50:]
        events = msgspec.structs.replace(events, value=newest)
    evidence.events = events


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _is_trouble(line: str) -> bool:
    """A line of klog's that is an error, a warning or fatal, or one that speaks of something that failed."""
    return line[:1] in "EWF" or any(word in line.lower() for word in _TROUBLE)


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
