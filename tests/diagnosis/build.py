"""A healthy cluster as evidence, to be broken in one point: three nodes of kubeadm's, metrics-server 0.9.0, one shop.

``healthy()`` is new each time and everything in it may be changed in place, only a Read is replaced:
``evidence.nodes.value[0].status...`` or ``evidence.service = absent("get services/metrics-server in kube-system")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.evidence import ABSENT, FAILED, OK, REFUSED, Connected, Evidence, Health, Read
from kubectl_metrics.diagnosis.findings import Finding, Verdict
from kubectl_metrics.diagnosis.objects.network import EndpointPort
from kubectl_metrics.diagnosis.probe import (
    Answer,
    Attempt,
    Certificate,
    KubeletAuthentication,
    KubeletProbe,
    Scrape,
)

T = TypeVar("T")

NOW = datetime(2026, 3, 2, 10, 0, 0, tzinfo=timezone.utc)
NODES = ("node-a", "node-b", "node-c")
PLACE = "kube-system"
SERVER_POD = "metrics-server-5888495b8d-vw65w"
SERVER_LABELS = {"k8s-app": "metrics-server"}
SERVER_ARGS = (
    "--cert-dir=/tmp",
    "--secure-port=10250",
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    "--kubelet-use-node-status-port",
    "--metric-resolution=15s",
)


# ---- reads ----


def ok(value: T, what: str = "read it", partial: str = "") -> Read[T]:
    """A question that was answered."""
    return Read(what=what, state=OK, value=value, status=200, partial=partial, seconds=0.01)


def absent(what: str) -> Read[T]:
    """A question that was answered with 404."""
    return Read(what=what, state=ABSENT, status=404, message="not found")


def refused(what: str) -> Read[T]:
    """A question that this user may not ask."""
    return Read(what=what, state=REFUSED, status=403, message=f"forbidden: {what}")


def failed(what: str, status: int = 503, message: str = "service unavailable", failure: str = "") -> Read[T]:
    """A question that got no proper answer; status 0 and a failure if it got none at all."""
    return Read(what=what, state=FAILED, status=status, message=message, failure=failure)


# ---- times and certificates ----


def at(**ago: float) -> str:
    """RFC 3339, so and so long before NOW: ``at(minutes=5)``; negative for what is to come."""
    return (NOW - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def pem(name: str, *, days: float = 3650, since: float = 30) -> str:
    """A self-signed certificate, valid from ``since`` days before NOW until ``days`` after it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=since))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


# ---- the cluster ----


def healthy() -> Evidence:
    """All that there is to read of a cluster in which everything works."""
    evidence = Evidence(
        collected_at=at(),
        tool_version="0.0.0",
        connected=Connected(
            server="192.0.2.1:6443",
            date=NOW.strftime("%a, %d %b %Y %H:%M:%S GMT"),
            asked=at(),
            seconds=0.012,
            user="kubernetes-admin",
        ),
        version=ok(k8s.Version(git_version="v1.34.4", platform="linux/amd64"), "get /version"),
        kubelets=[kubelet(name) for name in NODES],
        kubelets_chosen="all 3",
    )
    _registration(evidence)
    _server(evidence)
    _rbac(evidence)
    evidence.nodes = ok([node(name) for name in NODES], "list nodes")
    evidence.csrs = ok([], "list certificatesigningrequests")
    pods = [server_pod(), *(shop_pod(name) for name in NODES)]
    evidence.pods = ok(pods, "list pods")
    evidence.node_metrics = ok([node_metrics(name) for name in NODES], "list nodes.metrics.k8s.io")
    evidence.pod_metrics = ok([pod_metrics(pod) for pod in pods], "list pods.metrics.k8s.io")
    evidence.hpas = ok([hpa()], "list horizontalpodautoscalers")
    return evidence


def _registration(evidence: Evidence) -> None:
    evidence.discovery = ok(
        k8s.APIGroup(name="metrics.k8s.io", versions=[k8s.GroupVersion(version="v1beta1")]), "get /apis/metrics.k8s.io"
    )
    evidence.api_services = ok([api_service()], "list apiservices")
    evidence.authentication = ok(
        k8s.ConfigMap(
            metadata=k8s.Metadata(name="extension-apiserver-authentication", namespace=PLACE),
            data={
                "client-ca-file": pem("kubernetes"),
                "requestheader-allowed-names": '["front-proxy-client"]',
                "requestheader-client-ca-file": pem("front-proxy-ca"),
                "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
                "requestheader-group-headers": '["X-Remote-Group"]',
                "requestheader-username-headers": '["X-Remote-User"]',
            },
        ),
        "get configmaps/extension-apiserver-authentication in kube-system",
    )
    evidence.root_ca = ok(
        k8s.ConfigMap(
            metadata=k8s.Metadata(name="kube-root-ca.crt", namespace=PLACE), data={"ca.crt": pem("kubernetes")}
        ),
        "get configmaps/kube-root-ca.crt in kube-system",
    )
    evidence.namespaces = ok([], "list namespaces")
    evidence.control_plane = ok([api_server_pod()], "list pods in kube-system")
    evidence.kube_proxies = ok([kube_proxy_pod(name) for name in NODES], "list pods in kube-system")
    evidence.tunnels = ok([], "list pods in kube-system")


def _server(evidence: Evidence) -> None:
    evidence.service = ok(
        k8s.Service(
            metadata=k8s.Metadata(name="metrics-server", namespace=PLACE, labels=dict(SERVER_LABELS)),
            spec=k8s.ServiceSpec(
                type="ClusterIP",
                cluster_ip="10.96.81.101",
                ip_families=["IPv4"],
                selector=dict(SERVER_LABELS),
                ports=[k8s.ServicePort(name="https", port=443, target_port="https")],
            ),
        ),
        "get services/metrics-server in kube-system",
    )
    evidence.endpoint_slices = ok([endpoint_slice()], "list endpointslices in kube-system")
    evidence.service_pods = ok([server_pod()], "list pods in kube-system")
    evidence.deployments = ok([deployment()], "list deployments")
    evidence.events = ok([], "list events in kube-system")
    evidence.network_policies = ok([], "list networkpolicies in kube-system")
    evidence.readyz = ok(Health(status=200, text="readyz check passed"), "get services/proxy in kube-system")
    evidence.livez = ok(Health(status=200, text="livez check passed"), "get services/proxy in kube-system")


def _rbac(evidence: Evidence) -> None:
    evidence.service_account = ok(
        k8s.Object(metadata=k8s.Metadata(name="metrics-server", namespace=PLACE)),
        "get serviceaccounts/metrics-server in kube-system",
    )
    evidence.cluster_role_bindings = ok(
        [
            binding("metrics-server:system:auth-delegator", "ClusterRole", "system:auth-delegator"),
            binding("system:metrics-server", "ClusterRole", "system:metrics-server"),
        ],
        "list clusterrolebindings",
    )
    evidence.role_bindings = ok(
        [binding("metrics-server-auth-reader", "Role", "extension-apiserver-authentication-reader", PLACE)],
        "list rolebindings in kube-system",
    )
    evidence.cluster_roles = ok(
        [
            role(
                "system:auth-delegator",
                rule(["create"], ["tokenreviews"], ["authentication.k8s.io"]),
                rule(["create"], ["subjectaccessreviews"], ["authorization.k8s.io"]),
            ),
            role(
                "system:metrics-server",
                rule(["get"], ["nodes/metrics"]),
                rule(["get", "list", "watch"], ["pods", "nodes"]),
            ),
        ],
        "get clusterroles",
    )
    reader = role("extension-apiserver-authentication-reader", rule(["get", "list", "watch"], ["configmaps"]))
    reader.metadata.namespace = PLACE
    assert reader.rules is not None
    reader.rules[0].resource_names = ["extension-apiserver-authentication"]
    evidence.roles = ok([reader], "get roles in kube-system")


# ---- its objects ----


def condition(kind: str, status: str = "True", reason: str = "", message: str = "", since: str = "") -> k8s.Condition:
    """A condition, since an hour if nothing else is said."""
    return k8s.Condition(
        type=kind, status=status, reason=reason, message=message, last_transition_time=since or at(hours=1)
    )


def api_service(version: str = "v1beta1") -> k8s.APIService:
    """metrics-server's, as its manifest has it."""
    return k8s.APIService(
        metadata=k8s.Metadata(
            name=f"{version}.metrics.k8s.io", labels=dict(SERVER_LABELS), creation_timestamp=at(days=9)
        ),
        spec=k8s.APIServiceSpec(
            group="metrics.k8s.io",
            version=version,
            service=k8s.ServiceReference(namespace=PLACE, name="metrics-server", port=443),
            insecure_skip_tls_verify=True,
        ),
        status=k8s.APIServiceStatus(conditions=[condition("Available", "True", "Passed", "all checks passed")]),
    )


def endpoint_slice(ready: bool = True) -> k8s.EndpointSlice:
    """That of metrics-server's Service, with its one pod."""
    return k8s.EndpointSlice(
        metadata=k8s.Metadata(
            name="metrics-server-c6dmn", namespace=PLACE, labels={"kubernetes.io/service-name": "metrics-server"}
        ),
        address_type="IPv4",
        endpoints=[
            k8s.Endpoint(
                addresses=["10.244.0.4"],
                conditions=k8s.EndpointConditions(ready=ready, serving=ready, terminating=False),
                target_ref=k8s.TargetRef(kind="Pod", namespace=PLACE, name=SERVER_POD),
                node_name="node-a",
            )
        ],
        ports=[EndpointPort(name="https", port=10250)],
    )


def server_container(*more: str) -> k8s.Container:
    """metrics-server's container, with more arguments."""
    return k8s.Container(
        name="metrics-server",
        image="registry.k8s.io/metrics-server/metrics-server:v0.9.0",
        args=[*SERVER_ARGS, *more],
        resources=k8s.Resources(requests={"cpu": "100m", "memory": "200Mi"}),
        ports=[k8s.ContainerPort(name="https", container_port=10250)],
        liveness_probe=k8s.Probe(http_get=k8s.HTTPGet(path="/livez", port="https")),
        readiness_probe=k8s.Probe(http_get=k8s.HTTPGet(path="/readyz", port="https"), initial_delay_seconds=20),
    )


def server_pod_spec(*more: str) -> k8s.PodSpec:
    """The pod's specification, without a node."""
    return k8s.PodSpec(
        service_account_name="metrics-server",
        node_selector={"kubernetes.io/os": "linux"},
        containers=[server_container(*more)],
    )


def server_pod(name: str = SERVER_POD, *more: str) -> k8s.Pod:
    """metrics-server's pod, ready, on node-a."""
    found = pod(PLACE, name, "node-a", "10.244.0.4", labels={**SERVER_LABELS, "pod-template-hash": "5888495b8d"})
    found.metadata.owner_references = [k8s.Owner(kind="ReplicaSet", name="metrics-server-5888495b8d")]
    found.spec = server_pod_spec(*more)
    found.spec.node_name = "node-a"
    found.status.container_statuses = [
        running("metrics-server", "registry.k8s.io/metrics-server/metrics-server:v0.9.0")
    ]
    return found


def deployment(name: str = "metrics-server", *more: str, namespace: str = PLACE) -> k8s.Deployment:
    """metrics-server's Deployment, with more arguments."""
    return k8s.Deployment(
        metadata=k8s.Metadata(
            name=name, namespace=namespace, labels=dict(SERVER_LABELS), creation_timestamp=at(days=9)
        ),
        spec=k8s.WorkloadSpec(
            replicas=1,
            selector=k8s.LabelSelector(match_labels=dict(SERVER_LABELS)),
            template=k8s.PodTemplate(metadata=k8s.Metadata(labels=dict(SERVER_LABELS)), spec=server_pod_spec(*more)),
        ),
        status=k8s.WorkloadStatus(
            replicas=1,
            ready_replicas=1,
            available_replicas=1,
            conditions=[
                condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
                condition("Progressing", "True", "NewReplicaSetAvailable", "has successfully progressed."),
            ],
        ),
    )


def running(name: str, image: str = "") -> k8s.ContainerStatus:
    """The status of a container that has run for two hours."""
    return k8s.ContainerStatus(
        name=name,
        ready=True,
        image=image,
        state=k8s.ContainerState(running=k8s.Running(started_at=at(hours=2))),
    )


def pod(namespace: str, name: str, node_name: str, address: str = "", labels: dict[str, str] | None = None) -> k8s.Pod:
    """A pod with one container, "main", that has run for two hours and is ready."""
    return k8s.Pod(
        metadata=k8s.Metadata(name=name, namespace=namespace, labels=labels, creation_timestamp=at(hours=2)),
        spec=k8s.PodSpec(
            node_name=node_name,
            service_account_name="default",
            containers=[
                k8s.Container(
                    name="main",
                    image="registry.example/main:1",
                    resources=k8s.Resources(requests={"cpu": "100m", "memory": "64Mi"}),
                )
            ],
        ),
        status=k8s.PodStatus(
            phase="Running",
            start_time=at(hours=2),
            pod_ip=address,
            conditions=[condition("PodScheduled"), condition("Ready"), condition("ContainersReady")],
            container_statuses=[running("main", "registry.example/main:1")],
        ),
    )


def shop_pod(node_name: str) -> k8s.Pod:
    """A pod of the Deployment shop/web: "web-node-a" on node-a."""
    number = NODES.index(node_name)
    return pod("shop", f"web-{node_name}", node_name, f"10.244.{number}.9", labels={"app": "web"})


def api_server_pod(node_name: str = "node-a", *more: str) -> k8s.Pod:
    """The static pod of a kube-apiserver as kubeadm makes it."""
    found = pod(PLACE, f"kube-apiserver-{node_name}", node_name, "192.0.2.11", labels={"component": "kube-apiserver"})
    found.spec.host_network = True
    found.spec.containers = [
        k8s.Container(
            name="kube-apiserver",
            image="registry.k8s.io/kube-apiserver:v1.34.4",
            command=[
                "kube-apiserver",
                "--advertise-address=192.0.2.11",
                "--client-ca-file=/etc/kubernetes/pki/ca.crt",
                "--proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt",
                "--proxy-client-key-file=/etc/kubernetes/pki/front-proxy-client.key",
                "--requestheader-allowed-names=front-proxy-client",
                "--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt",
                "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                "--requestheader-group-headers=X-Remote-Group",
                "--requestheader-username-headers=X-Remote-User",
                "--service-cluster-ip-range=10.96.0.0/12",
                *more,
            ],
        )
    ]
    found.status.container_statuses = [running("kube-apiserver")]
    return found


def kube_proxy_pod(node_name: str) -> k8s.Pod:
    """kube-proxy's pod on a node."""
    found = pod(PLACE, f"kube-proxy-{node_name}", node_name, address(node_name), labels={"k8s-app": "kube-proxy"})
    found.spec.host_network = True
    return found


def address(node_name: str) -> str:
    """The InternalIP of a node."""
    return f"192.0.2.{11 + NODES.index(node_name)}"


def node(name: str) -> k8s.Node:
    """A node that is ready; node-a is the control plane."""
    labels = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name}
    if name == "node-a":
        labels["node-role.kubernetes.io/control-plane"] = ""
    number = NODES.index(name)
    return k8s.Node(
        metadata=k8s.Metadata(name=name, labels=labels, creation_timestamp=at(days=9)),
        spec=k8s.NodeSpec(pod_cidr=f"10.244.{number}.0/24", pod_cidrs=[f"10.244.{number}.0/24"]),
        status=k8s.NodeStatus(
            addresses=[
                k8s.Address(type="InternalIP", address=address(name)),
                k8s.Address(type="Hostname", address=name),
            ],
            conditions=[
                k8s.Condition(
                    type="Ready",
                    status="True",
                    reason="KubeletReady",
                    message="kubelet is posting ready status",
                    last_transition_time=at(days=9),
                    last_heartbeat_time=at(minutes=2),
                )
            ],
            daemon_endpoints=k8s.DaemonEndpoints(kubelet_endpoint=k8s.KubeletEndpoint(port=10250)),
            node_info=k8s.NodeInfo(
                kubelet_version="v1.34.4",
                operating_system="linux",
                architecture="amd64",
                os_image="Debian GNU/Linux 12 (bookworm)",
                container_runtime_version="containerd://1.7.27",
            ),
            allocatable={"cpu": "2", "memory": "24632892Ki"},
            capacity={"cpu": "2", "memory": "24684092Ki"},
        ),
    )


def kubelet(node_name: str) -> KubeletProbe:
    """A kubelet with a certificate of the cluster's CA that answers with everything."""
    return KubeletProbe(
        node=node_name,
        attempts=[
            Attempt(
                type="InternalIP",
                address=address(node_name),
                port=10250,
                trusted=True,
                certificate=Certificate(
                    subject=f"CN=system:node:{node_name},O=system:nodes",
                    issuer="CN=kubernetes",
                    dns_names=[node_name],
                    ip_addresses=[address(node_name)],
                    not_before=at(days=30),
                    not_after=at(days=-335),
                ),
                seconds=0.004,
            )
        ],
        answers=[
            Answer(
                path="/metrics/resource",
                status=200,
                content_type="text/plain; version=0.0.4; charset=utf-8",
                date=NOW.strftime("%a, %d %b %Y %H:%M:%S GMT"),
                asked=at(),
                seconds=0.021,
                scrape=scrape(),
            )
        ],
        authentication=KubeletAuthentication(
            webhook=True, anonymous=False, client_ca_file="/etc/kubernetes/pki/ca.crt", server_tls_bootstrap=True
        ),
    )


def scrape() -> Scrape:
    """What /metrics/resource of a healthy kubelet says."""
    recently = round((NOW - timedelta(seconds=5)).timestamp() * 1000)
    return Scrape(
        node_cpu=7465.88,
        node_memory=814665728.0,
        node_timestamp=recently,
        containers=2,
        pods=2,
        newest=recently,
        scrape_error=0.0,
    )


def node_metrics(name: str) -> k8s.NodeMetrics:
    """What metrics-server says of a node."""
    return k8s.NodeMetrics(
        metadata=k8s.Metadata(name=name),
        timestamp=at(seconds=12),
        window="20.033s",
        usage={"cpu": "228264409n", "memory": "798168Ki"},
    )


def pod_metrics(of: k8s.Pod) -> k8s.PodMetrics:
    """What metrics-server says of a pod."""
    return k8s.PodMetrics(
        metadata=k8s.Metadata(name=of.metadata.name, namespace=of.metadata.namespace),
        timestamp=at(seconds=12),
        window="15.003s",
        containers=[
            k8s.ContainerMetrics(name=one.name, usage={"cpu": "2897763n", "memory": "18908Ki"})
            for one in of.spec.containers or ()
        ],
    )


def hpa() -> k8s.HPA:
    """An autoscaler of shop/web that works."""
    return k8s.HPA(
        metadata=k8s.Metadata(name="web", namespace="shop"),
        spec=k8s.HPASpec(
            scale_target_ref=k8s.ScaleTarget(kind="Deployment", name="web"),
            metrics=[k8s.MetricSpec(type="Resource", resource=k8s.ResourceMetric(name="cpu"))],
        ),
        status=k8s.HPAStatus(
            conditions=[
                condition("AbleToScale", "True", "ReadyForNewScale"),
                condition("ScalingActive", "True", "ValidMetricFound"),
            ]
        ),
    )


def binding(name: str, kind: str, of: str, namespace: str = "") -> k8s.Binding:
    """A binding of a role to metrics-server's ServiceAccount; with a namespace a RoleBinding."""
    return k8s.Binding(
        metadata=k8s.Metadata(name=name, namespace=namespace),
        subjects=[k8s.Subject(kind="ServiceAccount", name="metrics-server", namespace=PLACE)],
        role_ref=k8s.RoleRef(kind=kind, name=of),
    )


def role(name: str, *rules: k8s.PolicyRule) -> k8s.Role:
    """A ClusterRole."""
    return k8s.Role(metadata=k8s.Metadata(name=name), rules=list(rules))


def rule(verbs: Sequence[str], resources: Sequence[str], groups: Sequence[str] = ("",)) -> k8s.PolicyRule:
    """A rule of a role."""
    return k8s.PolicyRule(verbs=list(verbs), api_groups=list(groups), resources=list(resources))


# ---- what has gone wrong ----


def lose(evidence: Evidence, *names: str) -> None:
    """metrics-server has nothing of these nodes and of the pods on them any more."""
    gone = {one.key for one in evidence.pods.value or () if one.spec.node_name in names}
    nodes = [one for one in evidence.node_metrics.value or () if one.metadata.name not in names]
    pods = [one for one in evidence.pod_metrics.value or () if one.key not in gone]
    evidence.node_metrics = ok(nodes, "list nodes.metrics.k8s.io")
    evidence.pod_metrics = ok(pods, "list pods.metrics.k8s.io")


# ---- reading the verdict ----


def of(verdict: Verdict, check_id: str) -> Finding:
    """The one finding of a check."""
    (found,) = [one for one in verdict.findings if one.id == check_id]
    return found


def roots(verdict: Verdict) -> list[str]:
    """The ids of what is nobody's symptom, in order, without what only explains."""
    return [one.id for one in verdict.findings if one.symptom_of is None and one.severity.value != "info"]


def without_metrics(
    evidence: Evidence, reason: str = "FailedDiscoveryCheck", message: str = "service unavailable"
) -> None:
    """metrics.k8s.io does not answer and the API server holds it for unavailable, as it does in most faults."""
    service = evidence.api_services.get()[0]
    service.status.conditions = [condition("Available", "False", reason, message)]
    evidence.node_metrics = failed("list nodes.metrics.k8s.io")
    evidence.pod_metrics = failed("list pods.metrics.k8s.io")
