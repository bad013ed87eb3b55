"""Faults of the metrics pipeline, made one at a time in the project's own cluster and undone again.

Each is a context manager that changes the cluster, waits until the change is to be seen, and puts everything back. It
does not wait until metrics come again, which takes up to half a minute; that is for ``Ward`` to do, which has faults of
one kind follow each other: what comes second is not hidden by what the first has left behind.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import ipaddress
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.kit import METRICS, Kit, wait_for

SYSTEM = ("-n", "kube-system")
APISERVICE = ("apiservice", "v1beta1.metrics.k8s.io")
SERVICE = (*SYSTEM, "service", "metrics-server")
DEPLOYMENT = (*SYSTEM, "deployment", "metrics-server")
PODS = (*SYSTEM, "pods", "-l", "k8s-app=metrics-server")
IMAGE = "localhost/kmcluster/metrics-server"
WORKLOAD = "localhost/kmcluster/workload:1"

Object = dict[str, Any]
Injection = Callable[[Kit], AbstractContextManager[None]]


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way in which metrics break."""

    name: str
    expected: str  # the id of the first finding
    ward: str
    inject: Injection
    severity: str
    needs_logs: bool  # what metrics-server has logged is all that tells it from something else
    remedy_cures: bool  # it is a command that can be run as it is printed: without an editor, the Internet or a thought
    fleeting: bool = False  # it may be over before anybody has looked

    def __call__(self, kit: Kit) -> AbstractContextManager[None]:
        return self.inject(kit)

    def __str__(self) -> str:
        return self.name


FAULTS: dict[str, Fault] = {}


def fault(
    expected: str,
    ward: str,
    *,
    severity: str = "error",
    needs_logs: bool = False,
    remedy_cures: bool = False,
    fleeting: bool = False,
) -> Callable[[Callable[[Kit], Iterator[None]]], Injection]:
    """Puts a context manager into the registry, under its own name."""

    def register(function: Callable[[Kit], Iterator[None]]) -> Injection:
        inject = contextmanager(function)
        name = function.__name__.replace("_", "-")
        FAULTS[name] = Fault(name, expected, ward, inject, severity, needs_logs, remedy_cures, fleeting)
        return inject

    return register


class Ward:
    """Where the cluster lies while faults of one kind are made in it, one after the other."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self._name = ""
        self._base = ExitStack()

    def enter(self, name: str) -> None:
        """Makes the cluster ready for a fault of that ward; "" is the cluster in good health, whatever was before."""
        if name and name == self._name:
            return
        self._base.close()
        if name not in BASES:
            recovered(self.kit)
        self._name = name
        if name in BASES:
            self._base.enter_context(BASES[name](self.kit))


# ---- seeing and changing --------------------------------------------------------------------------------------------


def recovered(kit: Kit) -> None:
    """Waits until the cluster is as it was before any fault."""
    # A pod that has crashed a few times would be started again only after a while.
    if kit.must(*SYSTEM, "get", "pods", "-l", "k8s-app=metrics-server", "-o", "json").count("CrashLoopBackOff"):
        kit.must(*SYSTEM, "delete", "pods", "-l", "k8s-app=metrics-server", "--wait=false")
    wait_for("the metrics of both nodes", lambda: node_served(kit, "node-a") and node_served(kit, "node-b"))
    wait_for("one metrics-server", lambda: len(server_pods(kit)) == 1)
    wait_for("all that there was", lambda: kit.reason() == "Passed" and kit.all_pods_served())


def node_served(kit: Kit, node: str) -> bool:
    return kit.served(f"{METRICS}/nodes/{node}") is not None


def server_pods(kit: Kit) -> list[Object]:
    pods: list[Object] = json.loads(kit.must("get", *PODS, "-o", "json"))["items"]
    return pods


def waiting(kit: Kit) -> set[str]:
    """Why the containers of metrics-server do not run."""
    statuses = [status for pod in server_pods(kit) for status in pod["status"].get("containerStatuses", [])]
    return {status["state"]["waiting"]["reason"] for status in statuses if "waiting" in status["state"]}


def ready(kit: Kit) -> bool:
    pods = server_pods(kit)
    return len(pods) == 1 and all(
        one["ready"] for one in pods[0]["status"].get("containerStatuses", [{"ready": False}])
    )


def unavailable(kit: Kit, reason: str) -> None:
    """Waits until the APIService is unavailable for that reason."""
    wait_for(reason, lambda: kit.reason() == reason)


def looked_at_again(kit: Kit, reason: str, *, every: float = 1) -> None:
    """The same where the API server would look only after 30 seconds: it looks at what has just been changed.

    Changed again before it has written down what it saw, it starts all over.
    """
    touched = [0.0]

    def found() -> bool:
        if time.monotonic() - touched[-1] > every:
            touched.append(time.monotonic())
            kit.must("annotate", *APISERVICE, "--overwrite", f"touched={len(touched)}")
        return kit.reason() == reason

    wait_for(reason, found)


def patch(kit: Kit, target: Sequence[str], *operations: Object) -> None:
    flags, names = (target[:2], target[2:]) if target[0] == "-n" else ((), target)
    kit.must(*flags, "patch", *names, "--type=json", "-p", json.dumps(operations))


def put(path: str, value: object) -> Object:
    """An operation of a JSON patch, for a member that may be there or not."""
    return {"op": "add", "path": path, "value": value}


def without(path: str) -> Object:
    return {"op": "remove", "path": path}


@contextmanager
def saved(kit: Kit, *targets: Sequence[str]) -> Iterator[None]:
    """Puts objects back, whatever has become of them."""
    before = [json.loads(kit.must("get", *target, "-o", "json")) for target in targets]
    for one in before:
        one.pop("status", None)
        for name in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"):
            one["metadata"].pop(name, None)
    try:
        yield
    finally:
        for one in before:
            text = json.dumps(one)
            if kit.kubectl("replace", "-f", "-", stdin=text).status != 0:
                kit.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)
                kit.must("create", "-f", "-", stdin=text)


@contextmanager
def created(kit: Kit, *objects: Object) -> Iterator[None]:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    try:
        kit.must("create", "-f", "-", stdin=text)
        yield
    finally:
        kit.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


def pod_template(name: str, **container: object) -> Object:
    """Of pods that do next to nothing."""
    app = {"name": "app", "image": WORKLOAD, "imagePullPolicy": "Never", "args": ["mem=4"], **container}
    spec = {"terminationGracePeriodSeconds": 1, "containers": [app]}
    return {"metadata": {"labels": {"app": name}}, "spec": spec}


def deployment(name: str, namespace: str) -> Object:
    spec = {"selector": {"matchLabels": {"app": name}}, "template": pod_template(name)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def running(kit: Kit, namespace: str, app: str) -> bool:
    selected = ("get", "pods", "-n", namespace, "-l", f"app={app}", "-o", "jsonpath={.items[*].status.phase}")
    return kit.must(*selected) == "Running"


# ---- who uses metrics -----------------------------------------------------------------------------------------------


def _seconds_running(kit: Kit) -> float:
    """How long metrics-server has run."""
    states = [one["state"] for pod in server_pods(kit) for one in pod["status"].get("containerStatuses", [])]
    started = [
        datetime.datetime.fromisoformat(one["running"]["startedAt"][:19] + "+00:00")
        for one in states
        if "running" in one
    ]
    return min(((datetime.datetime.now(datetime.timezone.utc) - one).total_seconds() for one in started), default=0.0)


@fault("KM806", "consumers", severity="info", fleeting=True)
def pod_too_young(kit: Kit) -> Iterator[None]:
    # In its own first minute metrics-server has not got everything, and nobody wonders.
    wait_for("a metrics-server that is not new", lambda: _seconds_running(kit) > 75)
    with created(kit, deployment("young", "default")):
        wait_for("the pod", lambda: running(kit, "default", "young"))
        yield


@fault("KM903", "consumers", severity="warning")
def autoscaler_of_pods_without_requests(kit: Kit) -> Iterator[None]:
    """Of which there are metrics already: one of the two containers of each has no requests."""
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "no-requests", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2,
            "maxReplicas": 2,
            "metrics": [{"type": "Resource", "resource": cpu}],
        },
    }
    with created(kit, autoscaler):
        why = "jsonpath={.status.conditions[?(@.type=='ScalingActive')].message}"
        shown = ("-n", "shop", "get", "hpa", "no-requests", "-o", why)
        wait_for("the autoscaler", lambda: "missing request" in kit.must(*shown))
        yield


# ---- registration and Service ---------------------------------------------------------------------------------------


@fault("KM202", "service")
def apiservice_deleted(kit: Kit) -> Iterator[None]:
    with saved(kit, APISERVICE):
        kit.must("delete", *APISERVICE)
        wait_for("its absence", lambda: kit.served("/apis/metrics.k8s.io") is None)
        yield


@fault("KM203", "service")
def apiservice_without_a_service(kit: Kit) -> Iterator[None]:
    with saved(kit, APISERVICE):
        kit.must("delete", *APISERVICE)
        spec = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100}
        local = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": APISERVICE[1]}}
        kit.must("create", "-f", "-", stdin=json.dumps({**local, "spec": spec}))
        unavailable(kit, "Local")
        yield


@fault("KM204", "service", remedy_cures=True)
def second_provider(kit: Kit) -> Iterator[None]:
    name = "prometheus-adapter"
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"selector": {"app": name}, "ports": [{"name": "https", "port": 443, "targetPort": 6443}]},
    }
    with created(kit, deployment(name, "kube-system"), service), saved(kit, APISERVICE):
        wait_for("the adapter", lambda: running(kit, "kube-system", name))
        patch(kit, APISERVICE, put("/spec/service/name", name))
        unavailable(kit, "FailedDiscoveryCheck")
        yield


@fault("KM401", "service", remedy_cures=True)
def apiservice_of_a_service_that_is_not_there(kit: Kit) -> Iterator[None]:
    with saved(kit, APISERVICE):
        patch(kit, APISERVICE, put("/spec/service/namespace", "monitoring"))
        unavailable(kit, "ServiceNotFound")
        yield


@fault("KM402", "service", remedy_cures=True)
def apiservice_of_another_port(kit: Kit) -> Iterator[None]:
    with saved(kit, APISERVICE):
        patch(kit, APISERVICE, put("/spec/service/port", 8443))
        unavailable(kit, "ServicePortError")
        yield


@fault("KM403", "service", remedy_cures=True)
def selector_of_no_pod(kit: Kit) -> Iterator[None]:
    with saved(kit, SERVICE):
        patch(kit, SERVICE, put("/spec/selector", {"k8s-app": "metrics-servr"}))
        unavailable(kit, "MissingEndpoints")
        yield


@fault("KM403", "service")
def selector_of_no_pod_and_a_namespace_that_cannot_go(kit: Kit) -> Iterator[None]:
    with selector_of_no_pod(kit):
        try:
            kit.must("create", "namespace", "doomed")
            kit.must("delete", "namespace", "doomed", "--wait=false")
            condition = '{.status.conditions[?(@.type=="NamespaceDeletionDiscoveryFailure")].status}'
            shown = ("get", "namespace", "doomed", "-o", f"jsonpath={condition}")
            wait_for("the namespace's condition", lambda: kit.kubectl(*shown).stdout == "True")
            yield
        finally:
            # Only now can it be discovered again what there is to delete, in this namespace and in the tests' others.
            patch(kit, SERVICE, put("/spec/selector", {"k8s-app": "metrics-server"}))
            kit.must("delete", "namespace", "doomed", "--ignore-not-found")


@fault("KM405", "service")
def endpointslice_with_a_port_of_another_name(kit: Kit) -> Iterator[None]:
    (pod,) = server_pods(kit)
    metadata = {"name": "metrics-server-by-hand", "namespace": "kube-system"}
    by_hand = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": {"kubernetes.io/service-name": "metrics-server"}},
        "addressType": "IPv4",
        "ports": [{"name": "main-port", "port": 10250, "protocol": "TCP"}],
        "endpoints": [{"addresses": [pod["status"]["podIP"]], "conditions": {"ready": True}}],
    }
    with saved(kit, SERVICE):
        patch(kit, SERVICE, without("/spec/selector"))
        # What was made from the selector stays otherwise, and would serve.
        owned = ("endpointslices", "-l", "kubernetes.io/service-name=metrics-server")
        kit.must(*SYSTEM, "delete", "endpoints", "metrics-server")
        kit.must(*SYSTEM, "delete", *owned)
        with created(kit, by_hand):
            unavailable(kit, "MissingEndpoints")
            yield


@fault("KM407", "service", remedy_cures=True)
def target_port_where_nobody_listens(kit: Kit) -> Iterator[None]:
    with saved(kit, SERVICE):
        patch(kit, SERVICE, put("/spec/ports/0/targetPort", 9999))
        unavailable(kit, "FailedDiscoveryCheck")
        yield


@contextmanager
def unreachable(kit: Kit) -> Iterator[None]:
    """The API server's packets do not arrive at metrics-server."""
    (pod,) = server_pods(kit)
    packets = ("--source", "198.18.0.10", "--destination", pod["status"]["podIP"], "--protocol", "tcp")
    rule = ("FORWARD", *packets, "--dport", "10250", "--jump", "DROP")
    on = ("exec-on", pod["spec"]["nodeName"], "iptables")
    with saved(kit, APISERVICE):
        kit.control(*on, "--insert", *rule)
        try:
            looked_at_again(kit, "FailedDiscoveryCheck", every=15)  # it waits for an answer for 5 seconds
            yield
        finally:
            kit.control(*on, "--delete", *rule)
            looked_at_again(kit, "Passed", every=15)


@fault("KM303", "service")
def network_policy(kit: Kit) -> Iterator[None]:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny-ingress", "namespace": "kube-system"},
        "spec": {"podSelector": {"matchLabels": {"k8s-app": "metrics-server"}}, "policyTypes": ["Ingress"]},
    }
    with created(kit, policy), unreachable(kit):  # the kit has no CNI that would enforce it
        yield


# ---- RBAC -----------------------------------------------------------------------------------------------------------
# What is missing shows when metrics-server starts anew, or after minutes. It can be read at once.


@fault("KM601", "rbac", severity="warning", remedy_cures=True)
def auth_reader_missing(kit: Kit) -> Iterator[None]:
    binding = (*SYSTEM, "rolebinding", "metrics-server-auth-reader")
    with saved(kit, binding):
        kit.must(*SYSTEM, "delete", *binding[2:])
        yield


@fault("KM602", "rbac", remedy_cures=True)
def auth_delegator_missing(kit: Kit) -> Iterator[None]:
    binding = ("clusterrolebinding", "metrics-server:system:auth-delegator")
    with saved(kit, binding):
        kit.must("delete", *binding)
        yield


ROLE = ("clusterrole", "system:metrics-server")


@fault("KM603", "rbac", severity="warning", remedy_cures=True)
def nodes_metrics_not_allowed(kit: Kit) -> Iterator[None]:
    with saved(kit, ROLE):
        patch(kit, ROLE, without("/rules/0"))
        yield


@fault("KM604", "rbac", severity="warning", remedy_cures=True)
def pods_and_nodes_not_allowed(kit: Kit) -> Iterator[None]:
    with saved(kit, ROLE):
        patch(kit, ROLE, without("/rules/1"))
        yield


# ---- metrics-server's Deployment ------------------------------------------------------------------------------------

TEMPLATE = "/spec/template/spec"
CONTAINER = f"{TEMPLATE}/containers/0"
RECREATE = put("/spec/strategy", {"type": "Recreate"})  # or the old pod would go on serving


@contextmanager
def changed(kit: Kit, *operations: Object) -> Iterator[None]:
    """metrics-server's Deployment after a patch, its old pod gone."""
    old = {pod["metadata"]["name"] for pod in server_pods(kit)}
    with saved(kit, DEPLOYMENT):
        patch(kit, DEPLOYMENT, RECREATE, *operations)
        wait_for("the old pod to go", lambda: old.isdisjoint(pod["metadata"]["name"] for pod in server_pods(kit)))
        yield


def arguments(kit: Kit, *more: str, less: str | tuple[str, ...] = ()) -> Object:
    """Replaces the arguments of metrics-server; those that begin with ``less`` are left out."""
    path = "jsonpath={.spec.template.spec.containers[0].args}"
    given: list[str] = json.loads(kit.must("get", *DEPLOYMENT, "-o", path))
    return put(f"{CONTAINER}/args", [*(one for one in given if not one.startswith(less)), *more])


def measuring_often(kit: Kit, *more: str, less: tuple[str, ...] = ()) -> Object:
    """The same for a metrics-server whose metrics are waited for: there are none before its second round."""
    often = ("--metric-resolution=10s", "--kubelet-request-timeout=5s")  # the shortest that it takes
    return arguments(kit, *more, *often, less=("--metric-resolution", *less))


@fault("KM601", "pod")
def auth_reader_missing_at_a_start(kit: Kit) -> Iterator[None]:
    anew = put("/spec/template/metadata/annotations", {"started": "anew"})
    with auth_reader_missing(kit), crashing(kit, anew):
        yield


@fault("KM501", "pod", remedy_cures=True)
def scaled_to_zero(kit: Kit) -> Iterator[None]:
    with saved(kit, DEPLOYMENT):
        kit.must(*SYSTEM, "scale", "deployment", "metrics-server", "--replicas=0")
        wait_for("the pod's end", lambda: not server_pods(kit))
        unavailable(kit, "MissingEndpoints")
        yield


@fault("KM502", "pod")
def unschedulable(kit: Kit) -> Iterator[None]:
    with changed(kit, put(f"{TEMPLATE}/nodeSelector", {"no-such-label": "true"})):
        wait_for("the scheduler", lambda: "Unschedulable" in kit.must("get", *PODS, "-o", "json"))
        unavailable(kit, "MissingEndpoints")
        yield


@fault("KM503", "pod", remedy_cures=True)
def image_cannot_be_pulled(kit: Kit) -> Iterator[None]:
    with changed(kit, put(f"{CONTAINER}/image", f"{IMAGE}:no-such-tag")):
        wait_for("the kubelet", lambda: "ErrImageNeverPull" in waiting(kit))
        unavailable(kit, "MissingEndpoints")
        yield


@fault("KM506", "pod")
def readiness_probe_broken(kit: Kit) -> Iterator[None]:
    with changed(kit, put(f"{CONTAINER}/readinessProbe/httpGet/path", "/no-such-path")):
        wait_for("the pod", lambda: "running" in json.dumps([pod["status"] for pod in server_pods(kit)]))
        unavailable(kit, "MissingEndpoints")
        yield


@contextmanager
def crashing(kit: Kit, *operations: Object) -> Iterator[None]:
    with changed(kit, *operations):
        wait_for("the crash", lambda: "CrashLoopBackOff" in waiting(kit))
        unavailable(kit, "MissingEndpoints")
        yield


@fault("KM508", "pod")
def resolution_too_short(kit: Kit) -> Iterator[None]:
    with crashing(kit, arguments(kit, "--metric-resolution=5s", less="--metric-resolution")):
        yield


@fault("KM508", "pod")
def resolution_and_timeout_contradict_each_other(kit: Kit) -> Iterator[None]:
    flags = ("--metric-resolution=10s", "--kubelet-request-timeout=10s")
    with crashing(kit, arguments(kit, *flags, less="--metric-resolution")):
        yield


@fault("KM508", "pod")
def unknown_flag(kit: Kit) -> Iterator[None]:
    with crashing(kit, arguments(kit, "--no-such-flag")):
        yield


@fault("KM505", "pod")
def out_of_memory(kit: Kit) -> Iterator[None]:
    with crashing(kit, put(f"{CONTAINER}/resources", {"requests": {"memory": "12Mi"}, "limits": {"memory": "12Mi"}})):
        wait_for("the reason", lambda: "OOMKilled" in kit.must("get", *PODS, "-o", "json"))
        yield


@fault("KM509", "pod")
def port_of_the_kubelet(kit: Kit) -> Iterator[None]:
    with crashing(kit, put(f"{TEMPLATE}/hostNetwork", value=True)):
        yield


@contextmanager
def blind(kit: Kit, *operations: Object) -> Iterator[None]:
    """metrics-server runs and gets no metrics from anybody."""
    with changed(kit, *operations):
        logs = (*SYSTEM, "logs", "-l", "k8s-app=metrics-server", "--tail=-1")
        wait_for("a scrape", lambda: "Failed to scrape node" in kit.kubectl(*logs).stdout)
        unavailable(kit, "MissingEndpoints")
        yield


@fault("KM710", "pod", needs_logs=True)
def names_that_do_not_resolve(kit: Kit) -> Iterator[None]:
    flag = "--kubelet-preferred-address-types"
    with blind(kit, arguments(kit, f"{flag}=Hostname,InternalIP", less=flag)):
        yield


@fault("KM702", "pod")
def address_type_that_no_node_has(kit: Kit) -> Iterator[None]:
    flag = "--kubelet-preferred-address-types"
    with blind(kit, arguments(kit, f"{flag}=ExternalDNS", less=flag)):
        yield


@fault("KM515", "pod")
def read_only_port(kit: Kit) -> Iterator[None]:
    with blind(kit, arguments(kit, "--kubelet-port=10255", less="--kubelet-use-node-status-port")):
        yield


@fault("KM515", "pod")
def completely_insecure(kit: Kit) -> Iterator[None]:
    flags = arguments(kit, "--deprecated-kubelet-completely-insecure", less="--kubelet-insecure-tls")
    with blind(kit, flags):
        yield


@fault("KM511", "pod", severity="info")
def node_selector_that_leaves_a_node_out(kit: Kit) -> Iterator[None]:
    with changed(kit, measuring_often(kit, "--node-selector=kubernetes.io/hostname=node-a")):
        wait_for("node-a's metrics", lambda: kit.reason() == "Passed" and node_served(kit, "node-a"))
        yield


@fault("KM510", "pod", severity="info")
def old_version(kit: Kit) -> Iterator[None]:
    """By its name only: it works."""
    with saved(kit, ROLE), changed(kit, put(f"{CONTAINER}/image", f"{IMAGE}:v0.3.7"), measuring_often(kit)):
        patch(kit, ROLE, put("/rules/-", {"apiGroups": [""], "resources": ["nodes/stats"], "verbs": ["get"]}))
        wait_for("its metrics", lambda: kit.reason() == "Passed" and node_served(kit, "node-b"))
        yield


# ---- certificates ---------------------------------------------------------------------------------------------------

YEAR = datetime.timedelta(days=365)


class Authority:
    """A CA: the cluster's own, from files, or one made for a test."""

    def __init__(self, name: str, *, expired: bool = False) -> None:
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        self.certificate = _certificate(name, self.key.public_key(), name, self.key, expired=expired, authority=True)

    @classmethod
    def of_the_cluster(cls, kit: Kit) -> Authority:
        one = cls.__new__(cls)
        one.certificate = x509.load_pem_x509_certificate((pki(kit) / "ca.crt").read_bytes())
        one.key = serialization.load_pem_private_key((pki(kit) / "ca.key").read_bytes(), None)
        return one

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, folder: Path, name: str, *names: x509.GeneralName, expired: bool = False) -> tuple[Path, Path]:
        """The files of a serving certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject
        certificate = _certificate(name, key.public_key(), issuer, self.key, names=names, expired=expired)
        paths = folder / f"{name}.crt", folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return paths


def _certificate(
    subject: str,
    public_key: ec.EllipticCurvePublicKey,
    issuer: str | x509.Name,
    key: Any,
    *,
    names: Sequence[x509.GeneralName] = (),
    expired: bool = False,
    authority: bool = False,
) -> x509.Certificate:
    begin = datetime.datetime.now(datetime.timezone.utc) - (2 * YEAR if expired else datetime.timedelta(hours=1))
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer) if isinstance(issuer, str) else issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + YEAR)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def pki(kit: Kit) -> Path:
    return kit.kubeconfig.parent / "pki"


def verifying(authority: bytes) -> list[Object]:
    """The APIService's serving certificate is verified, with that CA. Its condition never tells how that ends."""
    bundle = base64.b64encode(authority).decode()
    return [put("/spec/insecureSkipTLSVerify", value=False), put("/spec/caBundle", bundle)]


def unverified(kit: Kit) -> None:
    """Waits until requests fail, and for that reason."""
    wait_for("503", lambda: kit.served(f"{METRICS}/nodes") is None)


@fault("KM307", "service", remedy_cures=True)
def serving_certificate_of_another_name(kit: Kit) -> Iterator[None]:
    with saved(kit, APISERVICE):
        patch(kit, APISERVICE, *verifying((pki(kit) / "ca.crt").read_bytes()))
        unverified(kit)
        yield


SERVING_CA = Authority("serving-ca")
EXPIRED_CA = Authority("expired-ca", expired=True)


@contextmanager
def proper_certificate(kit: Kit) -> Iterator[None]:
    """metrics-server with a certificate that is for its Service, signed by an authority that has expired."""
    secret = ("metrics-server-tls", *SYSTEM)
    crt, key = EXPIRED_CA.issue(pki(kit), "metrics-server", x509.DNSName("metrics-server.kube-system.svc"))
    mount = put(f"{CONTAINER}/volumeMounts/-", {"name": "tls", "mountPath": "/tls"})
    volume = put(f"{TEMPLATE}/volumes/-", {"name": "tls", "secret": {"secretName": "metrics-server-tls"}})
    flags = measuring_often(kit, "--tls-cert-file=/tls/tls.crt", "--tls-private-key-file=/tls/tls.key")
    try:
        kit.must("create", "secret", "tls", *secret, f"--cert={crt}", f"--key={key}")
        with changed(kit, flags, mount, volume):
            wait_for("its metrics", lambda: ready(kit) and kit.reason() == "Passed" and node_served(kit, "node-b"))
            yield
    finally:
        kit.must("delete", "secret", "--ignore-not-found", *secret)
        crt.unlink()
        key.unlink()


@fault("KM306", "serving-certificate")
def serving_certificate_of_another_authority(kit: Kit) -> Iterator[None]:
    with saved(kit, APISERVICE):
        patch(kit, APISERVICE, *verifying(SERVING_CA.pem()))
        unverified(kit)
        yield


@fault("KM312", "serving-certificate")
def ca_bundle_that_has_expired(kit: Kit) -> Iterator[None]:
    with saved(kit, APISERVICE):
        patch(kit, APISERVICE, *verifying(EXPIRED_CA.pem()))
        unverified(kit)
        yield


# ---- the front proxy's authority -----------------------------------------------------------------------------------

PUBLISHED = (*SYSTEM, "configmap", "extension-apiserver-authentication")


def published(kit: Kit, authority: str) -> None:
    """Waits until kube-apiserver tells those who serve aggregated APIs of that CA, and of no other.

    It adds to what it finds, and never takes anything away: so what it has written is deleted until it has read its
    file again.
    """

    def alone() -> bool:
        found = kit.kubectl("get", *PUBLISHED, "-o", "jsonpath={.data.requestheader-client-ca-file}")
        if found.status == 0 and found.stdout.strip() != authority.strip():
            kit.must("delete", *PUBLISHED, "--ignore-not-found")
            return False
        return found.status == 0

    wait_for("the CA of the front proxy", alone)


@contextmanager
def front_proxy_authority(kit: Kit, pem: bytes, *, is_published: bool = True) -> Iterator[None]:
    """Another CA in the file that kube-apiserver was started with, which it reads again whenever it changes."""
    path = pki(kit) / "front-proxy-ca.crt"
    before = path.read_bytes()
    with saved(kit, APISERVICE):
        try:
            path.write_bytes(pem)
            published(kit, pem.decode() if is_published else "")
            looked_at_again(kit, "FailedDiscoveryCheck")
            yield
        finally:
            path.write_bytes(before)
            published(kit, before.decode())
            looked_at_again(kit, "Passed")


@fault("KM309", "service")
def front_proxy_of_another_authority(kit: Kit) -> Iterator[None]:
    with front_proxy_authority(kit, Authority("other-front-proxy-ca").pem()):
        yield


@fault("KM310", "service")
def front_proxy_authority_expired(kit: Kit) -> Iterator[None]:
    with front_proxy_authority(kit, EXPIRED_CA.pem(), is_published=False):
        yield


# ---- kubelets -------------------------------------------------------------------------------------------------------


@contextmanager
def strict(kit: Kit) -> Iterator[None]:
    """metrics-server verifies the kubelets' certificates, and does not look at the port that a node reports.

    node-a is as it likes it. node-b's kubelet has signed its own certificate and so has no metrics all the while.
    """
    with changed(kit, measuring_often(kit, less=("--kubelet-insecure-tls", "--kubelet-use-node-status-port"))):
        wait_for("node-a's metrics", lambda: kit.reason() == "Passed" and node_served(kit, "node-a"))
        yield


NAME, ADDRESS = x509.DNSName("node-b"), x509.IPAddress(ipaddress.ip_address("198.18.0.12"))
ELSEWHERE = x509.IPAddress(ipaddress.ip_address("192.0.2.7"))


@contextmanager
def kubelet(
    kit: Kit, *settings: str, names: Sequence[x509.GeneralName] = (NAME, ADDRESS), expired: bool = False
) -> Iterator[None]:
    """node-b's kubelet with other settings, and a certificate of the cluster's CA."""
    paths = Authority.of_the_cluster(kit).issue(pki(kit), "node-b-other", *names, expired=expired)
    try:
        files = (f"tlsCertFile: {paths[0]}", f"tlsPrivateKeyFile: {paths[1]}")
        kit.control("kubelet", "node-b", "restart", *files, *settings)
        ping = ("get", "--raw", "/api/v1/nodes/node-b/proxy/healthz")
        wait_for("the kubelet", lambda: kit.kubectl(*ping).stdout == "ok")
        assert not node_served(kit, "node-b")
        yield
    finally:
        kit.control("kubelet", "node-b", "restart")
        for path in paths:
            path.unlink()


@fault("KM725", "node-b")
def kubelet_signed_its_own_certificate(kit: Kit) -> Iterator[None]:
    assert not node_served(kit, "node-b")
    yield


@fault("KM723", "node-b")
def kubelet_certificate_without_an_address(kit: Kit) -> Iterator[None]:
    with kubelet(kit, names=[NAME]):
        yield


@fault("KM724", "node-b")
def kubelet_certificate_of_another_address(kit: Kit) -> Iterator[None]:
    with kubelet(kit, names=[NAME, ELSEWHERE]):
        yield


@fault("KM726", "node-b")
def kubelet_certificate_expired(kit: Kit) -> Iterator[None]:
    with kubelet(kit, expired=True):
        yield


@fault("KM727", "node-b", remedy_cures=True)
def kubelet_certificate_not_approved(kit: Kit) -> Iterator[None]:
    try:
        kit.control("kubelet", "node-b", "restart", "serverTLSBootstrap: true")
        # Somebody may approve it, in the first ten seconds.
        wait_for("the request", lambda: "Pending" in kit.must("get", "csr"), held=11)
        yield
    finally:
        kit.control("kubelet", "node-b", "restart")
        kit.must("delete", "csr", "--all")
        for path in (kit.kubeconfig.parent / "node-b" / "certs").glob("kubelet-server-*"):
            path.unlink()  # what was approved would be taken the next time


def authentication(kit: Kit, *, anonymous: bool) -> str:
    who = {
        "anonymous": {"enabled": anonymous},
        "webhook": {"enabled": False},
        "x509": {"clientCAFile": str(pki(kit) / "ca.crt")},
    }
    return f"authentication: {json.dumps(who)}"


@fault("KM731", "node-b")
def kubelet_takes_no_tokens(kit: Kit) -> Iterator[None]:
    with kubelet(kit, authentication(kit, anonymous=False)):
        yield


@fault("KM732", "node-b")
def kubelet_takes_everybody_for_anonymous(kit: Kit) -> Iterator[None]:
    with kubelet(kit, authentication(kit, anonymous=True)):
        yield


@fault("KM706", "node-b")
def kubelet_on_another_port(kit: Kit) -> Iterator[None]:
    path = "jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}"

    def announced(port: str) -> None:
        wait_for(f"port {port}", lambda: kit.must("get", "node", "node-b", "-o", path) == port)

    try:
        with kubelet(kit, "port: 10350"):
            announced("10350")
            yield
    finally:
        announced("10250")  # a kubelet that is stopped before it has said so leaves the other one in its Node


@fault("KM721", "node-b")
def kubelet_stopped(kit: Kit) -> Iterator[None]:
    try:
        kit.control("kubelet", "node-b", "stop")
        yield
    finally:
        kit.control("kubelet", "node-b", "start")


@fault("KM722", "node-b")
def firewall(kit: Kit) -> Iterator[None]:
    rule = ("INPUT", "--protocol", "tcp", "--dport", "10250", "--jump", "DROP")
    kit.control("exec-on", "node-b", "iptables", "--insert", *rule)
    try:
        yield
    finally:
        kit.control("exec-on", "node-b", "iptables", "--delete", *rule)


# ---- kube-apiserver -------------------------------------------------------------------------------------------------
# After a restart of it everybody who watches comes back late, so these are the last.


@contextmanager
def apiserver(kit: Kit, *flags: str) -> Iterator[None]:
    """kube-apiserver with other flags, which it has told those who serve aggregated APIs."""

    def restart(reason: str, *flags: str) -> None:
        kit.control("kube-apiserver", "restart", *flags)
        # It adds to what it finds, and never takes anything away.
        kit.must("delete", *PUBLISHED, "--ignore-not-found")
        looked_at_again(kit, reason)

    with saved(kit, APISERVICE):
        try:
            restart("FailedDiscoveryCheck", *flags)
            yield
        finally:
            restart("Passed")


@fault("KM311", "kube-apiserver")
def front_proxy_name_not_allowed(kit: Kit) -> Iterator[None]:
    with apiserver(kit, "--requestheader-allowed-names=somebody-else"):
        yield


REQUEST_HEADERS = [
    f"--requestheader-{name}="
    for name in ("client-ca-file", "allowed-names", "username-headers", "group-headers", "extra-headers-prefix")
]


@fault("KM313", "kube-apiserver")
def aggregation_not_set_up(kit: Kit) -> Iterator[None]:
    with apiserver(kit, *REQUEST_HEADERS, "--proxy-client-cert-file=", "--proxy-client-key-file="):
        yield


# What has to be so before the faults of a ward, and is undone after the last of them.
BASES: dict[str, Injection] = {
    "serving-certificate": proper_certificate,
    "node-b": strict,
}
