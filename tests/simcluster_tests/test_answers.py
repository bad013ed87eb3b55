"""The answers have the shapes and the words of a real API server, metrics-server and kubelet."""

from __future__ import annotations

import http.client
import re

import pytest

from tests.simcluster import (
    CORE_READER,
    KUBELET_READER,
    MI,
    Container,
    ManualClock,
    Node,
    Pod,
    SimCluster,
    User,
    allow,
    steps,
)
from tests.simcluster_tests.client import Client

NODES = "/apis/metrics.k8s.io/v1beta1/nodes"
PODS = "/apis/metrics.k8s.io/v1beta1/pods"


def test_node_metrics_have_metrics_servers_shape(client: Client) -> None:
    listed = client.api(NODES).json
    assert {key: listed[key] for key in ("kind", "apiVersion", "metadata")} == {
        "kind": "NodeMetricsList",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {},
    }
    first = listed["items"][0]
    assert sorted(first) == ["metadata", "timestamp", "usage", "window"]
    assert first["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"
    assert first["usage"] == {"cpu": "250m", "memory": "2Gi"}
    assert first["window"] == "15s"


def test_all_three_sources_agree_to_the_nanocore() -> None:
    clock = ManualClock()
    pod = Pod("odd", "shop", "n", [Container("c", cpu=12_345_679, memory=1025 * 1024)], age=77.123456789)
    with SimCluster([Node("n")], [pod], clock=clock) as cluster:
        client = Client(cluster)
        (item,) = client.api(PODS).json["items"]
        assert item["containers"] == [{"name": "c", "usage": {"cpu": "12345679n", "memory": "1025Ki"}}]
        summary = client.kubelet("/stats/summary?only_cpu_and_memory=true", node="n").json
        assert summary["pods"][0]["containers"][0]["cpu"]["usageNanoCores"] == 12_345_679
        counters = []
        for _ in range(2):
            text = client.kubelet("/metrics/resource", node="n").text
            ((value, moment),) = re.findall(
                r"^container_cpu_usage_seconds_total\{.*\} (\S+) (\d+)$", text, re.MULTILINE
            )
            counters.append((round(float(value) * 1e9), int(moment)))
            clock.advance(15)
        (before, then), (after, now) = counters
        assert (after - before) * 1000 / (now - then) == 12_345_679


@pytest.mark.parametrize(
    ("pod", "shown"),
    [
        (Pod("young", age=5), False),
        (Pod("fresh", age=12), True),
        (Pod("done", phase="Succeeded"), False),
        (Pod("waiting", phase="Pending", node=None), False),
        (Pod("never-ran", containers=[Container(cpu=0)]), False),
        (Pod("idle-now", containers=[Container(cpu=steps((0, 10**6), (60, 0)))]), True),
        (Pod("one-young", containers=[Container("a"), Container("b", age=3)]), False),
        (Pod("one-crashing", containers=[Container("a"), Container("b", waiting="CrashLoopBackOff")]), True),
    ],
    ids=lambda value: value.name if isinstance(value, Pod) else "",
)
def test_metrics_server_shows_a_pod_when_all_its_containers_have_two_points(pod: Pod, shown: bool) -> None:
    with SimCluster(0, [pod], clock=ManualClock()) as cluster:
        assert len(Client(cluster).api(PODS).json["items"]) == shown


def test_a_restart_begins_the_counter_again(cluster: SimCluster, client: Client) -> None:
    cluster.restart("shop/pod-1")
    summary = client.kubelet("/stats/summary").json
    cpu = next(pod for pod in summary["pods"] if pod["podRef"]["name"] == "pod-1")["containers"][0]["cpu"]
    assert cpu["usageCoreNanoSeconds"] == 0
    assert "usageNanoCores" not in cpu


def test_the_metrics_api_can_have_gaps(cluster: SimCluster, client: Client) -> None:
    cluster.metrics.missing = {"node-2", "shop/pod-1"}
    assert [item["metadata"]["name"] for item in client.api(NODES).json["items"]] == ["node-1"]
    gone = client.api("/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/pod-1")
    assert (gone.status, gone.json["message"]) == (404, 'podmetrics.metrics.k8s.io "shop/pod-1" not found')
    cluster.metrics.empty = True
    assert client.api(PODS).json["items"] == []


def test_metrics_api_versions_come_and_go(cluster: SimCluster, client: Client) -> None:
    cluster.metrics.versions = ("v1", "v1beta1")
    group = client.api("/apis/metrics.k8s.io").json
    assert [version["version"] for version in group["versions"]] == ["v1", "v1beta1"]
    assert client.api("/apis/metrics.k8s.io/v1/nodes").json["apiVersion"] == "metrics.k8s.io/v1"
    cluster.metrics.unavailable = ("MissingEndpoints", "endpoints for service/metrics-server have no addresses")
    assert client.api(NODES).status == 503
    service = client.api("/apis/apiregistration.k8s.io/v1/apiservices/v1.metrics.k8s.io").json
    (condition,) = service["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "MissingEndpoints")
    cluster.metrics.versions = ()
    for path in ("/apis/metrics.k8s.io", NODES):
        answer = client.api(path)
        assert (answer.status, answer.text, answer.headers["content-type"]) == (
            404,
            "404 page not found\n",
            "text/plain; charset=utf-8",
        )


@pytest.mark.parametrize(
    ("path", "status", "message", "details"),
    [
        (f"{NODES}/x", 404, 'node "x" not found', {"name": "x", "kind": "node"}),
        (
            "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/x",
            404,
            'pods "x" not found',
            {"name": "x", "kind": "pods"},
        ),
        ("/api/v1/nodes/x", 404, 'nodes "x" not found', {"name": "x", "kind": "nodes"}),
        ("/api/v1/nodes/x/proxy/healthz", 404, 'nodes "x" not found', {"name": "x", "kind": "nodes"}),
        (
            "/apis/apiregistration.k8s.io/v1/apiservices/x",
            404,
            'apiservices.apiregistration.k8s.io "x" not found',
            {"name": "x", "group": "apiregistration.k8s.io", "kind": "apiservices"},
        ),
        ("/api/v1/things", 404, "the server could not find the requested resource", {}),
        ("/api/v1/pods?fieldSelector=a%3Db", 400, "field label not supported: a", None),
        (
            f"{PODS}?fieldSelector=a%3Db",
            400,
            '"a" is not a known field selector: only "metadata.name", "metadata.namespace"',
            None,
        ),
        (
            f"{PODS}?labelSelector=a%20b",
            400,
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
            None,
        ),
    ],
)
def test_errors_are_kubernetes_own(
    client: Client, path: str, status: int, message: str, details: dict[str, str] | None
) -> None:
    answer = client.api(path)
    assert answer.status == status
    assert answer.json["message"] == message
    assert answer.json.get("details") == details


def test_lists_are_cut_by_selectors_and_pages(client: Client) -> None:
    on_node_2 = client.api("/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-2").json["items"]
    assert [pod["metadata"]["name"] for pod in on_node_2] == ["pod-4", "pod-3"]  # default before shop
    first = client.api("/api/v1/nodes?limit=1").json
    assert first["metadata"]["remainingItemCount"] == 1
    second = client.api(f"/api/v1/nodes?limit=1&continue={first['metadata']['continue']}").json
    assert [second["items"][0]["metadata"]["name"], second["metadata"].get("continue")] == ["node-2", None]


def test_lists_of_metadata_alone(client: Client) -> None:
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    listed = client.api("/api/v1/namespaces/shop/pods", Accept=accept).json
    assert listed["kind"] == "PartialObjectMetadataList"
    assert sorted(listed["items"][0]) == ["apiVersion", "kind", "metadata"]


def test_lists_as_tables(client: Client) -> None:
    listed = client.api("/api/v1/namespaces/shop/pods", Accept="application/json;as=Table;g=meta.k8s.io;v=v1").json
    assert listed["kind"] == "Table"
    assert listed["columnDefinitions"][0]["format"] == "name"
    full = client.api("/api/v1/namespaces/shop/pods").json
    assert [row["cells"][0] for row in listed["rows"]] == [item["metadata"]["name"] for item in full["items"]]


def test_rbac_refuses_in_kubernetes_words(cluster: SimCluster, client: Client) -> None:
    cluster.users["bob"] = User(rules=(allow("list", "pods", "metrics.k8s.io", namespace="shop"),))
    assert client.api("/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", "bob").status == 200
    refused = client.api(NODES, "bob")
    assert refused.status == 403
    assert refused.json["message"] == (
        'nodes.metrics.k8s.io is forbidden: User "bob" cannot list resource "nodes" '
        'in API group "metrics.k8s.io" at the cluster scope'
    )
    assert client.api("/api/v1/namespaces/shop/pods/x", "bob").json["message"] == (
        'pods "x" is forbidden: User "bob" cannot get resource "pods" in API group "" in the namespace "shop"'
    )
    answer = client.kubelet("/stats/summary", "bob")
    assert answer.text == "Forbidden (user=bob, verb=get, resource=nodes, subresource(s)=[stats])\n"
    assert client.kubelet("/configz", "bob").text.endswith("subresource(s)=[configz proxy])\n")


def test_impersonation_needs_the_verb(cluster: SimCluster, client: Client) -> None:
    cluster.users["bob"] = User(rules=CORE_READER)
    assert client.api("/api/v1/nodes", Impersonate_User="bob").status == 200
    assert client.api(NODES, Impersonate_User="bob").status == 403
    assert (cluster.requests[-1].user, cluster.requests[-1].impersonated) == ("admin", "bob")
    assert 'cannot impersonate resource "users"' in client.api(NODES, "bob", Impersonate_User="admin").json["message"]


def test_authentication(cluster: SimCluster, client: Client) -> None:
    cluster.users["bob"] = User(groups=("staff",), rules=CORE_READER + KUBELET_READER)
    assert client.api("/api/v1/nodes", pair=cluster.client_certificate("bob")).status == 200
    assert client.kubelet("/metrics/resource", pair=cluster.client_certificate("bob")).status == 200
    for pair in (cluster.expired_client_certificate("bob"), cluster.foreign_client_certificate("bob")):
        assert client.api("/api/v1/nodes", pair=pair).json["message"] == "Unauthorized"
        assert client.kubelet("/healthz", pair=pair).text == "Unauthorized"
    assert client.api("/api/v1/nodes", Authorization="Bearer nonsense").status == 401
    assert 'User "system:anonymous"' in client.api("/api/v1/nodes", user=None).json["message"]


def test_the_proxy_asks_the_kubelet_with_its_own_certificate(cluster: SimCluster, client: Client) -> None:
    answer = client.api("/api/v1/nodes/node-2/proxy/stats/summary?only_cpu_and_memory=true")
    assert answer.json["node"]["nodeName"] == "node-2"
    (seen,) = cluster.asked("node-2")
    assert (seen.user, seen.query) == ("kube-apiserver-kubelet-client", {"only_cpu_and_memory": "true"})
    assert client.api(f"/api/v1/nodes/https:node-2:{cluster.kubelet_port}/proxy/healthz").text == "ok"
    cluster.users["bob"] = User(rules=KUBELET_READER)
    refused = client.api("/api/v1/nodes/node-2/proxy/healthz", "bob")
    assert 'cannot get resource "nodes/proxy"' in refused.json["message"]


def test_connections_are_kept_alive_and_counted(cluster: SimCluster, client: Client) -> None:
    connection = client.connect(cluster.url)
    for _ in range(3):
        connection.request("GET", "/version", headers={"Authorization": f"Bearer {cluster.token('admin')}"})
        connection.getresponse().read()
    connection.close()
    assert cluster.connections["api"] == 1
    assert len(cluster.asked("api", "/version")) == 3


def test_unusual_kubelets() -> None:
    annotations = {"metrics.k8s.io/resource-metrics-path": "/other"}
    nodes = [Node("six", listen="::1"), Node("open", read_only_port=True), Node("own-path", annotations=annotations)]
    with SimCluster(nodes, clock=ManualClock()) as cluster:
        client = Client(cluster)
        assert client.kubelet("/healthz", node="six").text == "ok"
        assert client.api("/api/v1/nodes/six/proxy/healthz").text == "ok"
        assert "node_cpu_usage_seconds_total" in client.kubelet("/other", node="own-path").text
        connection = http.client.HTTPConnection(cluster.nodes["open"].listen, cluster.read_only_port)
        connection.request("GET", "/stats/summary")
        assert connection.getresponse().status == 200
        connection.close()


def test_large_lists(client: Client, cluster: SimCluster) -> None:
    for number in range(3000):
        cluster.add(Pod(f"p-{number}", "many", "node-1", [Container(memory=number * MI + MI)], {"app": "x" * 60}))
    answer = client.api("/api/v1/pods")
    assert len(answer.json["items"]) == 3004
    assert len(answer.body) > 2_000_000
    assert client.api("/api/v1/pods", Accept_Encoding="gzip").headers["content-encoding"] == "gzip"
