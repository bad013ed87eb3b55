"""Nodes, pods and APIServices as the API server shows them. Pure.

Objects have no kind and apiVersion here: the items of a list have none, and a single object gets them from the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simcluster.formats import rfc3339
from tests.simcluster.objects import Container, Node, Pod
from tests.simcluster.store import BY_KIND, uid_of

Object = dict[str, Any]


def _metadata(name: str, uid: str, created: int, **more: Any) -> Object:
    metadata = {"name": name, "uid": uid, "resourceVersion": "1065", "creationTimestamp": rfc3339(created), **more}
    return {key: value for key, value in metadata.items() if value}


def node_object(node: Node, now: int, kubelet_port: int) -> Object:
    """A v1 Node."""
    port = kubelet_port if node.port is None else node.port
    spec: Object = {"podCIDR": node.pod_cidr, "podCIDRs": [node.pod_cidr]} if node.pod_cidr else {}
    taints = []
    if node.unschedulable:
        spec["unschedulable"] = True
        taints.append(("unschedulable", "NoSchedule"))
    if not node.ready:
        key = "unreachable" if node.ready is None else "not-ready"
        taints += [(key, "NoSchedule"), (key, "NoExecute")]
    if taints:
        spec["taints"] = [
            {"key": f"node.kubernetes.io/{key}", "effect": effect, "timeAdded": rfc3339(node.started)}
            for key, effect in taints
        ]
    info = {
        "architecture": node.arch,
        "bootID": node.uid,
        "containerRuntimeVersion": "containerd://1.7.27",
        "kernelVersion": "6.1.0-31-amd64",
        "kubeProxyVersion": "",
        "kubeletVersion": node.kubelet_version,
        "machineID": node.uid.replace("-", ""),
        "operatingSystem": node.os,
        "osImage": "Debian GNU/Linux 12 (bookworm)",
        "systemUUID": node.uid,
    }
    if node.swap_capacity is not None:
        info["swap"] = {"capacity": node.swap_capacity}  # type: ignore[assignment]
    shown = {
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
    if node.edit is not None:
        node.edit(shown)
    return shown


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
        "serviceAccount": pod.service_account,
        "serviceAccountName": pod.service_account,
        "schedulerName": "default-scheduler",
    }
    status: Object = {"phase": pod.phase, "conditions": _pod_conditions(pod)}
    if pod.reason and pod.node is not None:
        status["reason"] = pod.reason
    if pod.node is not None:
        spec["nodeName"] = pod.node
        status["startTime"] = rfc3339(pod.created)
        status["containerStatuses"] = [_container_status(container, pod) for container in pod.containers]
        if host:
            status.update(hostIP=host, hostIPs=[{"ip": host}])
        if pod.pod_ip and pod.phase == "Running":
            status.update(podIP=pod.pod_ip, podIPs=[{"ip": pod.pod_ip}])
    metadata = _metadata(
        pod.name,
        pod.uid,
        pod.created,
        namespace=pod.namespace,
        labels=dict(pod.labels),
        ownerReferences=_owners(pod),
    )
    shown = {"metadata": metadata, "spec": spec, "status": {**status, "qosClass": _quality(pod)}}
    if pod.edit is not None:
        pod.edit(shown)
    return shown


def _owners(pod: Pod) -> list[Object]:
    if pod.owner is None:
        return []
    kind, name = pod.owner
    known = BY_KIND.get(kind)
    owner = {
        "apiVersion": known.group_version if known else "apps/v1",
        "kind": kind,
        "name": name,
        "uid": uid_of(kind, name, pod.namespace),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return [owner]


def _quality(pod: Pod) -> str:
    wanted = [resources for c in pod.containers for resources in (c.requests, c.limits)]
    if not any(wanted):
        return "BestEffort"
    full = all(c.limits and {**c.limits, **c.requests} == dict(c.limits) and len(c.limits) > 1 for c in pod.containers)
    return "Guaranteed" if full else "Burstable"


def _pod_conditions(pod: Pod) -> list[Object]:
    moment = {"lastProbeTime": None, "lastTransitionTime": rfc3339(pod.created)}
    if pod.node is None:
        why = {"reason": "Unschedulable", "message": pod.reason or "0/0 nodes are available."}
        return [{"type": "PodScheduled", "status": "False", **moment, **why}]
    running = pod.running
    unready = [c.name for c in pod.containers if c not in running or c.ready is False]
    why = {}
    if pod.phase == "Succeeded":
        why = {"reason": "PodCompleted"}
    elif unready:
        names = " ".join(unready)
        why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{names}]"}
    ready = str(not why)
    return [
        {"type": "PodReadyToStartContainers", "status": str(pod.phase == "Running"), **moment},
        {"type": "Initialized", "status": "True", **moment},
        {"type": "Ready", "status": ready, **moment, **why},
        {"type": "ContainersReady", "status": ready, **moment, **why},
        {"type": "PodScheduled", "status": "True", **moment},
    ]


def _container_spec(container: Container) -> Object:
    resources = {"requests": dict(container.requests), "limits": dict(container.limits)}
    return {
        "name": container.name,
        "image": container.image or f"registry.example/{container.name}:1",
        "resources": {key: value for key, value in resources.items() if value},
        **container.spec,
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
                "finishedAt": rfc3339(pod.created),
            }
        }
    else:
        state = {"waiting": {"reason": container.waiting or "ContainerCreating"}}
        if container.waiting_message:
            state["waiting"]["message"] = container.waiting_message
    return {
        "name": container.name,
        "state": state,
        "lastState": {"terminated": dict(container.last)} if container.last else {},
        "ready": runs and container.ready is not False,
        "started": runs,
        "restartCount": container.restarts,
        "image": container.image or f"registry.example/{container.name}:1",
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
