"""metrics-server and everything around it, as kubeadm and the components.yaml of metrics-server 0.9.0 leave a cluster.

pipeline = install(cluster)
pipeline.deployment["spec"]["replicas"] = 0  # every object is live
cluster.pods.pop(pipeline.pod.key)
pipeline.endpoint_slice["endpoints"] = []

All of it is healthy. What belongs together in a real cluster does not follow by itself here: who breaks a thing also
says what the controllers would have made of it.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.simcluster.clock import SECOND
from tests.simcluster.cluster import SimCluster
from tests.simcluster.formats import rfc3339
from tests.simcluster.objects import MI, MILLICORE, Container, Pod
from tests.simcluster.pki import DAY, Authority
from tests.simcluster.store import Object, uid_of

NAMESPACE = "kube-system"
NAME = "metrics-server"
API_SERVICE = "v1beta1.metrics.k8s.io"
PROXY_NAME = "https:metrics-server:https"
"""The service as it is called in the path of the API server's proxy."""
IMAGE = "registry.k8s.io/metrics-server/metrics-server:v0.9.0"
ARGS = (
    "--cert-dir=/tmp",
    "--secure-port=10250",
    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
    "--kubelet-use-node-status-port",
    "--metric-resolution=15s",
)
_HASH = "5888495b8d"
_RBAC = "rbac.authorization.k8s.io"
_LABELS = {"k8s-app": NAME}
_BOOTSTRAPPING = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_LOG = """\
I1123 21:48:07.412031       1 serving.go:380] Generated self-signed cert (/tmp/apiserver.crt, /tmp/apiserver.key)
I1123 21:48:07.911284       1 handler.go:288] Adding GroupVersion metrics.k8s.io v1beta1 to ResourceManager
I1123 21:48:08.020117       1 secure_serving.go:211] Serving securely on [::]:10250
"""


@dataclass
class Pipeline:
    """What ``install`` has put into a cluster. The objects are the stored ones: change them, and they are served so."""

    cluster: SimCluster
    pod: Pod
    deployment: Object
    replica_set: Object
    service: Object
    endpoint_slice: Object
    api_service: Object
    service_account: Object
    authentication: Object
    """ConfigMap extension-apiserver-authentication."""
    role: Object
    """ClusterRole system:metrics-server."""
    binding: Object
    """ClusterRoleBinding system:metrics-server."""
    delegator: Object
    """ClusterRoleBinding metrics-server:system:auth-delegator."""
    auth_reader: Object
    """RoleBinding metrics-server-auth-reader."""

    @property
    def container(self) -> Container:
        """The one container of the pod."""
        return self.pod.containers[0]

    def front_proxy_valid(self, begin: datetime.timedelta = -DAY, end: datetime.timedelta = 365 * DAY) -> None:
        """Give the request header CA another life time, counted from now; in the past: it has expired."""
        self.authentication["data"]["requestheader-client-ca-file"] = Authority(
            "front-proxy-ca", (begin, end)
        ).pem.decode()

    def unavailable(self, reason: str, message: str) -> None:
        """The APIService is not Available, for that reason, and metrics.k8s.io answers 503."""
        self.cluster.metrics.unavailable = (reason, message)


def install(cluster: SimCluster, node: str | None = None) -> Pipeline:
    """Put a healthy pipeline into a cluster that has nodes; the pod runs on the first of them, or on ``node``."""
    node = node or next(iter(cluster.nodes))
    begin = cluster.nodes[node].started
    pod = Pod(
        f"{NAME}-{_HASH}-vw65w",
        NAMESPACE,
        node,
        [_container()],
        {**_LABELS, "pod-template-hash": _HASH},
        age=(cluster.clock.now() - begin) / SECOND,
        owner=("ReplicaSet", f"{NAME}-{_HASH}"),
        service_account=NAME,
        edit=_finish_pod,
    )
    cluster.add(pod)
    cluster.log(pod.key, _LOG)
    for path in ("/livez", "/readyz", "/healthz"):
        cluster.behind(NAMESPACE, PROXY_NAME, path, "ok")
    _namespaces(cluster, begin)
    objects = cluster.objects
    _add(cluster, begin, _rbac())
    own = _object("v1", "ServiceAccount", NAME, NAMESPACE, labels=_LABELS)
    parts = (own, _deployment(begin), _replica_set(), _service(), _endpoint_slice(pod), _api_service(begin))
    account, deployment, replica_set, service, endpoint_slice, api_service = _add(cluster, begin, parts)
    (authentication,) = _add(cluster, begin, [_authentication(cluster)])
    return Pipeline(
        cluster,
        pod,
        deployment,
        replica_set,
        service,
        endpoint_slice,
        api_service,
        account,
        authentication,
        role=objects.get("ClusterRole", "system:metrics-server"),
        binding=objects.get("ClusterRoleBinding", "system:metrics-server"),
        delegator=objects.get("ClusterRoleBinding", "metrics-server:system:auth-delegator"),
        auth_reader=objects.get("RoleBinding", "metrics-server-auth-reader", NAMESPACE),
    )


def _object(version: str, kind: str, name: str, namespace: str | None = None, **more: Any) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": dict(more.pop("labels", {}))}
    metadata.update(more.pop("metadata", {}))
    return {"apiVersion": version, "kind": kind, "metadata": {k: v for k, v in metadata.items() if v}, **more}


def _add(cluster: SimCluster, begin: int, things: Iterable[Object]) -> list[Object]:
    for thing in things:
        thing["metadata"].setdefault("creationTimestamp", rfc3339(begin))
    return [cluster.objects.add(thing) for thing in things]


def _owned(kind: str, name: str) -> Object:
    version = {"Service": "v1"}.get(kind, "apps/v1")
    owner = {"apiVersion": version, "kind": kind, "name": name, "uid": uid_of(kind, name, NAMESPACE)}
    return {"ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}]}


# ---- what runs -------------------------------------------------------------------------------------------------------


def _container() -> Container:
    return Container(
        NAME,
        cpu=4 * MILLICORE,
        memory=21 * MI,
        image=IMAGE,
        requests={"cpu": "100m", "memory": "200Mi"},
        spec={
            "args": list(ARGS),
            "imagePullPolicy": "IfNotPresent",
            "ports": [{"name": "https", "containerPort": 10250, "protocol": "TCP"}],
            "livenessProbe": {"httpGet": {"path": "/livez", "port": "https", "scheme": "HTTPS"}, "periodSeconds": 10},
            "readinessProbe": {
                "httpGet": {"path": "/readyz", "port": "https", "scheme": "HTTPS"},
                "initialDelaySeconds": 20,
                "periodSeconds": 10,
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumeMounts": [{"mountPath": "/tmp", "name": "tmp-dir"}],
        },
    )


def _pod_spec() -> Object:
    return {
        "dnsPolicy": "ClusterFirst",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "priorityClassName": "system-cluster-critical",
        "volumes": [{"emptyDir": {}, "name": "tmp-dir"}],
    }


def _finish_pod(shown: Object) -> None:
    shown["spec"].update(_pod_spec())


def _template() -> Object:
    container = _container()
    spec = {
        "containers": [
            {
                "name": container.name,
                "image": container.image,
                "resources": {"requests": dict(container.requests)},
                **container.spec,
            }
        ],
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "serviceAccount": NAME,
        "serviceAccountName": NAME,
        **_pod_spec(),
    }
    return {"metadata": {"labels": dict(_LABELS)}, "spec": spec}


def _deployment(begin: int) -> Object:
    moment = {"lastTransitionTime": rfc3339(begin), "lastUpdateTime": rfc3339(begin)}
    return _object(
        "apps/v1",
        "Deployment",
        NAME,
        NAMESPACE,
        labels=_LABELS,
        metadata={"generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}},
        spec={
            "replicas": 1,
            "selector": {"matchLabels": dict(_LABELS)},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}, "type": "RollingUpdate"},
            "template": _template(),
        },
        status={
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
            "conditions": [
                {
                    "type": "Available",
                    "status": "True",
                    **moment,
                    "reason": "MinimumReplicasAvailable",
                    "message": "Deployment has minimum availability.",
                },
                {
                    "type": "Progressing",
                    "status": "True",
                    **moment,
                    "reason": "NewReplicaSetAvailable",
                    "message": f'ReplicaSet "{NAME}-{_HASH}" has successfully progressed.',
                },
            ],
        },
    )


def _replica_set() -> Object:
    labels = {**_LABELS, "pod-template-hash": _HASH}
    template = _template()
    template["metadata"]["labels"] = dict(labels)
    return _object(
        "apps/v1",
        "ReplicaSet",
        f"{NAME}-{_HASH}",
        NAMESPACE,
        labels=labels,
        metadata={
            "generation": 1,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            **_owned("Deployment", NAME),
        },
        spec={"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        status={
            "observedGeneration": 1,
            "replicas": 1,
            "fullyLabeledReplicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
        },
    )


# ---- how it is reached -----------------------------------------------------------------------------------------------


def _service() -> Object:
    return _object(
        "v1",
        "Service",
        NAME,
        NAMESPACE,
        labels=_LABELS,
        spec={
            "clusterIP": "10.96.52.153",
            "clusterIPs": ["10.96.52.153"],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"appProtocol": "https", "name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}],
            "selector": dict(_LABELS),
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        status={"loadBalancer": {}},
    )


def _endpoint_slice(pod: Pod) -> Object:
    target = {"kind": "Pod", "name": pod.name, "namespace": pod.namespace, "uid": pod.uid}
    return _object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        f"{NAME}-f56nt",
        NAMESPACE,
        labels={
            **_LABELS,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": NAME,
        },
        metadata={"generateName": f"{NAME}-", "generation": 1, **_owned("Service", NAME)},
        addressType="IPv4",
        endpoints=[
            {
                "addresses": [pod.pod_ip],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": pod.node,
                "targetRef": target,
            }
        ],
        ports=[{"appProtocol": "https", "name": "https", "port": 10250, "protocol": "TCP"}],
    )


def _api_service(begin: int) -> Object:
    return _object(
        "apiregistration.k8s.io/v1",
        "APIService",
        API_SERVICE,
        labels=_LABELS,
        spec={
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": NAME, "namespace": NAMESPACE, "port": 443},
        },
        status={
            "conditions": [
                {
                    "type": "Available",
                    "status": "True",
                    "lastTransitionTime": rfc3339(begin),
                    "reason": "Passed",
                    "message": "all checks passed",
                }
            ]
        },
    )


# ---- who may what ----------------------------------------------------------------------------------------------------


def _rules(*rules: tuple[str, str, str]) -> list[Object]:
    """(group, resources, verbs); spaces separate several."""
    return [
        {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}
        for group, resources, verbs in rules
    ]


def _bound(kind: str, name: str, role_kind: str, role: str, namespace: str | None = None) -> Object:
    return _object(
        f"{_RBAC}/v1",
        kind,
        name,
        namespace,
        labels=_LABELS,
        roleRef={"apiGroup": _RBAC, "kind": role_kind, "name": role},
        subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
    )


def _rbac() -> list[Object]:
    aggregated = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in ("admin", "edit", "view")}
    reader = _rules(("", "configmaps", "get list watch"))
    reader[0]["resourceNames"] = ["extension-apiserver-authentication"]
    roles = (
        ("system:metrics-server", _LABELS, (("", "nodes/metrics", "get"), ("", "pods nodes", "get list watch"))),
        ("system:aggregated-metrics-reader", {**_LABELS, **aggregated},
         (("metrics.k8s.io", "pods nodes", "get list watch"),)),
        ("system:auth-delegator", _BOOTSTRAPPING, (("authentication.k8s.io", "tokenreviews", "create"),
                                                   ("authorization.k8s.io", "subjectaccessreviews", "create"))),
        ("cluster-admin", _BOOTSTRAPPING, (("*", "*", "*"),)),
    )  # fmt: skip
    return [
        *(
            _object(f"{_RBAC}/v1", "ClusterRole", name, labels=labels, rules=_rules(*rules))
            for name, labels, rules in roles
        ),
        _object(
            f"{_RBAC}/v1",
            "Role",
            "extension-apiserver-authentication-reader",
            NAMESPACE,
            labels=_BOOTSTRAPPING,
            rules=reader,
        ),
        _bound("ClusterRoleBinding", "system:metrics-server", "ClusterRole", "system:metrics-server"),
        _bound("ClusterRoleBinding", "metrics-server:system:auth-delegator", "ClusterRole", "system:auth-delegator"),
        _bound(
            "RoleBinding",
            "metrics-server-auth-reader",
            "Role",
            "extension-apiserver-authentication-reader",
            NAMESPACE,
        ),
    ]


def _authentication(cluster: SimCluster) -> Object:
    return _object(
        "v1",
        "ConfigMap",
        "extension-apiserver-authentication",
        NAMESPACE,
        data={
            "client-ca-file": cluster.ca_pem.decode(),
            "requestheader-allowed-names": json.dumps(["front-proxy-client"]),
            "requestheader-client-ca-file": cluster.pki.front_proxy.pem.decode(),
            "requestheader-extra-headers-prefix": json.dumps(["X-Remote-Extra-"]),
            "requestheader-group-headers": json.dumps(["X-Remote-Group"]),
            "requestheader-username-headers": json.dumps(["X-Remote-User"]),
        },
    )


def _namespaces(cluster: SimCluster, begin: int) -> None:
    """All that there are pods in, and the usual ones; the cluster's CA in each, and a lease for each node."""
    names = {"default", "kube-node-lease", "kube-public", NAMESPACE, *(pod.namespace for pod in cluster.pods.values())}
    for name in sorted(names):
        namespace = _object(
            "v1",
            "Namespace",
            name,
            labels={"kubernetes.io/metadata.name": name},
            spec={"finalizers": ["kubernetes"]},
            status={"phase": "Active"},
        )
        roots = _object("v1", "ConfigMap", "kube-root-ca.crt", name, data={"ca.crt": cluster.ca_pem.decode()})
        _add(cluster, begin, [namespace, roots])
    renewed = rfc3339(cluster.clock.now()).replace("Z", ".000000Z")
    for node in cluster.nodes:
        spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": renewed}
        _add(cluster, begin, [_object("coordination.k8s.io/v1", "Lease", node, "kube-node-lease", spec=spec)])
