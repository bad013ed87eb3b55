"""Nodes, pods and APIServices as the API server shows them. Pure.

Objects have no kind and apiVersion here: the items of a list have none, and a single object gets them from the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simcluster.formats import rfc3339
from tests.simcluster.objects import Container, Node, Pod

Object = dict[str, Any]
_KUBELET = "v1.34.4"


def _metadata(name: str, uid: str, created: int, **more: Any) -> Object:
    metadata = {"name": name, "uid": uid, "resourceVersion": "1065", "creationTimestamp": rfc3339(created), **more}
    return {key: value for key, value in metadata.items() if value}


def node_object(node: Node, now: int, kubelet_port: int) -> Object:
    """A v1 Node."""
    port = kubelet_port if node.port is None else node.port
    spec: Object = {}
    if node.unschedulable:
        spec = {
            "unschedulable": True,
            "taints": [
                {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": rfc3339(node.started)}
            ],
        }
    info = {
        "architecture": "amd64",
        "containerRuntimeVersion": "containerd://1.7.27",
        "kernelVersion": "6.1.0-31-amd64",
        "kubeProxyVersion": "",
        "kubeletVersion": _KUBELET,
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux 12 (bookworm)",
    }
    if node.swap_capacity is not None:
        info["swap"] = {"capacity": node.swap_capacity}  # type: ignore[assignment]
    return {
        "metadata": _metadata(
            node.name, node.uid, node.started, labels=node.all_labels, annotations=dict(node.annotations)
        ),
        "spec": spec,
        "status": {
            "capacity": dict(node.capacity),
            "allocatable": dict(node.allocatable),
            "conditions": _node_conditions(node, now),
            "addresses": [{"type": kind, "address": address} for kind, address in node.addresses],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "nodeInfo": info,
        },
    }


def _node_conditions(node: Node, now: int) -> list[Object]:
    moments = {"lastHeartbeatTime": rfc3339(now), "lastTransitionTime": rfc3339(node.started)}
    if node.ready is None:
        unknown = {
            "status": "Unknown",
            **moments,
            "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
        }
        return [{"type": kind, **unknown} for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")]
    conditions = [
        {"type": kind, "status": "False", **moments, "reason": reason, "message": message}
        for kind, reason, message in (
            ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        )
    ]
    reason, message = (
        ("KubeletReady", "kubelet is posting ready status") if node.ready else ("KubeletNotReady", "runtime is down")
    )
    return [*conditions, {"type": "Ready", "status": str(node.ready), **moments, "reason": reason, "message": message}]


def pod_object(pod: Pod, nodes: Mapping[str, Node]) -> Object:
    """A v1 Pod."""
    node = nodes.get(pod.node or "")
    host = pod.host_ip if pod.host_ip is not None else node.internal_ip if node else ""
    spec: Object = {
        "containers": [_container_spec(container) for container in pod.containers],
        "restartPolicy": "Always",
        "serviceAccountName": "default",
        "schedulerName": "default-scheduler",
    }
    status: Object = {"phase": pod.phase, "conditions": _pod_conditions(pod)}
    if pod.node is not None:
        spec["nodeName"] = pod.node
        status["startTime"] = rfc3339(pod.created)
        status["containerStatuses"] = [_container_status(container, pod) for container in pod.containers]
        if host:
            status.update(hostIP=host, hostIPs=[{"ip": host}])
    metadata = _metadata(pod.name, pod.uid, pod.created, namespace=pod.namespace, labels=dict(pod.labels))
    return {"metadata": metadata, "spec": spec, "status": {**status, "qosClass": "Burstable"}}


def _pod_conditions(pod: Pod) -> list[Object]:
    ready = pod.phase == "Running" and len(pod.running) == len(pod.containers)
    scheduled = pod.node is not None
    moment = {"lastProbeTime": None, "lastTransitionTime": rfc3339(pod.created)}
    return [
        {"type": "Initialized", "status": str(scheduled), **moment},
        {"type": "Ready", "status": str(ready), **moment},
        {"type": "ContainersReady", "status": str(ready), **moment},
        {"type": "PodScheduled", "status": str(scheduled), **moment},
    ]


def _container_spec(container: Container) -> Object:
    resources = {"requests": dict(container.requests), "limits": dict(container.limits)}
    return {
        "name": container.name,
        "image": f"registry.example/{container.name}:1",
        "resources": {key: value for key, value in resources.items() if value},
    }


def _container_status(container: Container, pod: Pod) -> Object:
    runs = container in pod.running
    state: Object
    if runs:
        state = {"running": {"startedAt": rfc3339(container.started)}}
    elif pod.phase in ("Succeeded", "Failed"):
        code = 0 if pod.phase == "Succeeded" else 1
        state = {
            "terminated": {
                "exitCode": code,
                "reason": "Error" if code else "Completed",
                "startedAt": rfc3339(pod.created),
            }
        }
    else:
        state = {"waiting": {"reason": container.waiting or "ContainerCreating"}}
    return {
        "name": container.name,
        "state": state,
        "lastState": {},
        "ready": runs,
        "started": runs,
        "restartCount": container.restarts,
        "image": f"registry.example/{container.name}:1",
        "imageID": "",
    }


def api_service_object(version: str, now: int, unavailable: tuple[str, str] | None) -> Object:
    """A v1 APIService for one version of metrics.k8s.io."""
    reason, message = unavailable or ("Passed", "all checks passed")
    name = f"{version}.metrics.k8s.io"
    return {
        "metadata": _metadata(name, "0557110a-5db6-48a4-a16b-03e21aabcae3", now, labels={"k8s-app": "metrics-server"}),
        "spec": {
            "service": {"namespace": "kube-system", "name": "metrics-server", "port": 443},
            "group": "metrics.k8s.io",
            "version": version,
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
        "status": {
            "conditions": [
                {
                    "type": "Available",
                    "status": "False" if unavailable else "True",
                    "lastTransitionTime": rfc3339(now),
                    "reason": reason,
                    "message": message,
                }
            ]
        },
    }
