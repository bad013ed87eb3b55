"""Everything a verdict rests on, and nothing else: what was read, what was refused, what failed.

Facts
- A read that this user may not make, or that failed, is no fault of the cluster's: ``Read.get`` raises Unknown, and
  the check that needed it is reported as not checked, with the right that it takes.
- Encoded as JSON an ``Evidence`` is a bundle (see ``bundle``); judged again it gives the same verdict.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from kubectl_metrics.diagnosis import objects
from kubectl_metrics.diagnosis.objects import Kube
from kubectl_metrics.diagnosis.probe import KubeletProbe

T = TypeVar("T")

OUT_OF_TIME = "out-of-time"  # why something failed: --timeout, and nobody else's fault
OK, ABSENT, REFUSED, FAILED, NOT_ASKED = "ok", "absent", "refused", "failed", "notAsked"


class Unknown(Exception):
    """A check needs what could not be read; ``read`` tells what and why."""

    def __init__(self, read: Read[object]) -> None:
        super().__init__(read.what)
        self.read = read


class Read(msgspec.Struct, Generic[T], rename="camel", omit_defaults=True, kw_only=True, frozen=True):
    """The outcome of one question to the API server."""

    what: str = ""  # the right it takes: "list nodes", "get configmaps in kube-system"
    state: str = NOT_ASKED
    value: T | None = None
    status: int = 0  # HTTP, where there was an answer
    failure: str = ""  # a FailureKind's value, where there was none
    message: str = ""  # why there is no value
    partial: str = ""  # what is missing from the value: "the first 10000 of 150000"
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.state == OK

    @property
    def absent(self) -> bool:
        """Whether the server said that there is no such thing (404)."""
        return self.state == ABSENT

    @property
    def known(self) -> bool:
        """Whether it is known what there is, nothing being an answer too."""
        return self.state in (OK, ABSENT)

    def get(self) -> T:
        """The value. Raises Unknown if there is none."""
        if self.value is None:
            raise Unknown(self)  # type: ignore[arg-type]  # whatever T is
        return self.value


class Connected(Kube):
    """The API server as it was reached from here."""

    server: str = ""  # host:port
    date: str = ""  # its Date header, RFC 9110
    asked: str = ""  # when by our clock, RFC 3339, in the middle of that request
    seconds: float = 0.0
    direct: bool = True  # False: through a proxy, so the Date may be somebody else's
    user: str = ""  # who we are, as the server sees it; "" if it does not tell


class Log(Kube):
    """The end of one container's log; only with --logs."""

    pod: str = ""
    container: str = ""
    previous: bool = False  # of the run before the last restart
    lines: list[str] = msgspec.field(default_factory=list)


class Health(Kube):
    """The answer of metrics-server's own /readyz or /livez, through the Service's proxy."""

    status: int = 0
    text: str = ""


class Evidence(Kube):
    """What was collected. The names of the reads are what checks declare as their ``needs``."""

    collected_at: str = ""  # RFC 3339, our clock
    tool_version: str = ""
    connected: Connected = msgspec.field(default_factory=Connected)

    version: Read[objects.Version] = msgspec.field(default_factory=Read)
    discovery: Read[objects.APIGroup] = msgspec.field(default_factory=Read)  # /apis/metrics.k8s.io
    api_services: Read[list[objects.APIService]] = msgspec.field(
        default_factory=Read
    )  # metrics.k8s.io's, and all that are not available
    authentication: Read[objects.ConfigMap] = msgspec.field(
        default_factory=Read
    )  # kube-system/extension-apiserver-authentication
    root_ca: Read[objects.ConfigMap] = msgspec.field(
        default_factory=Read
    )  # kube-system/kube-root-ca.crt, the same in all namespaces
    aws_auth: Read[objects.ConfigMap] = msgspec.field(
        default_factory=Read
    )  # kube-system/aws-auth, only where nodes are EKS's
    namespaces: Read[list[objects.Namespace]] = msgspec.field(default_factory=Read)  # those that are terminating
    control_plane: Read[list[objects.Pod]] = msgspec.field(
        default_factory=Read
    )  # kube-system, component=kube-apiserver
    kube_proxies: Read[list[objects.Pod]] = msgspec.field(default_factory=Read)  # kube-system, k8s-app=kube-proxy
    tunnels: Read[list[objects.Pod]] = msgspec.field(default_factory=Read)  # kube-system, k8s-app=konnectivity-agent

    service: Read[objects.Service] = msgspec.field(default_factory=Read)  # the one that the APIService names
    endpoint_slices: Read[list[objects.EndpointSlice]] = msgspec.field(default_factory=Read)  # of that Service
    service_pods: Read[list[objects.Pod]] = msgspec.field(
        default_factory=Read
    )  # all pods of the Service's namespace that could be metrics-server
    deployments: Read[list[objects.Deployment]] = msgspec.field(
        default_factory=Read
    )  # metrics-servers, adapters, Heapster, wherever they are
    events: Read[list[objects.Event]] = msgspec.field(default_factory=Read)  # about metrics-server's pods, newest last
    network_policies: Read[list[objects.NetworkPolicy]] = msgspec.field(
        default_factory=Read
    )  # of the Service's namespace
    readyz: Read[Health] = msgspec.field(default_factory=Read)
    livez: Read[Health] = msgspec.field(default_factory=Read)
    logs: Read[list[Log]] = msgspec.field(default_factory=Read)

    service_account: Read[objects.Object] = msgspec.field(default_factory=Read)  # metrics-server's
    cluster_role_bindings: Read[list[objects.Binding]] = msgspec.field(default_factory=Read)
    role_bindings: Read[list[objects.Binding]] = msgspec.field(default_factory=Read)  # of kube-system
    cluster_roles: Read[list[objects.Role]] = msgspec.field(
        default_factory=Read
    )  # those bound to metrics-server's ServiceAccount
    roles: Read[list[objects.Role]] = msgspec.field(default_factory=Read)  # of kube-system, bound likewise

    nodes: Read[list[objects.Node]] = msgspec.field(default_factory=Read)
    csrs: Read[list[objects.CSR]] = msgspec.field(default_factory=Read)  # signer kubernetes.io/kubelet-serving
    kubelets: list[KubeletProbe] = msgspec.field(default_factory=list)  # of those that were asked
    in_depth: str = ""  # the node whose kubelet alone was asked, and asked for everything
    kubelets_chosen: str = ""  # how they were chosen: "all 3", "100 of 5000: every one without metrics among ..."

    pods: Read[list[objects.Pod]] = msgspec.field(default_factory=Read)  # all pods, up to a limit (see ``partial``)
    node_metrics: Read[list[objects.NodeMetrics]] = msgspec.field(default_factory=Read)
    pod_metrics: Read[list[objects.PodMetrics]] = msgspec.field(default_factory=Read)
    hpas: Read[list[objects.HPA]] = msgspec.field(default_factory=Read)
