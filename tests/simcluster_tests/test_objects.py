"""Objects without a behaviour of their own, reviews, logs, the service proxy, and the healthy pipeline."""

from __future__ import annotations

import email.utils
import http.client
import json
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography import x509

from tests.simcluster import (
    CORE_READER,
    SECOND,
    Container,
    ManualClock,
    Node,
    Pod,
    SimCluster,
    User,
    allow,
    pipeline,
    shapes,
    uid_of,
)
from tests.simcluster.messages import Request, Response, failure
from tests.simcluster.pki import DAY
from tests.simcluster.store import KINDS, Kind
from tests.simcluster_tests.client import Answer, Client, read

SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def service(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace, **more}}


def post(client: Client, path: str, body: Any, user: str = "admin", **headers: str) -> Answer:
    connection: http.client.HTTPSConnection = client.connect(client.cluster.url)
    sent = {
        "Authorization": f"Bearer {client.cluster.token(user)}",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    try:
        connection.request("POST", path, body=body if isinstance(body, bytes) else json.dumps(body), headers=sent)
        return read(connection)
    finally:
        connection.close()


def root(kind: Kind) -> str:
    return f"/apis/{kind.group_version}" if kind.group else "/api/v1"


# ---- the store -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=[kind.kind for kind in KINDS])
def test_every_kind(kind: Kind, cluster: SimCluster, client: Client) -> None:
    namespaces = ("b", "a") if kind.namespaced else ("",)
    for namespace in namespaces:
        metadata = {"name": "zz", **({"namespace": namespace} if namespace else {})}
        cluster.objects.add(
            {"apiVersion": kind.group_version, "kind": kind.kind, "metadata": metadata, "spec": {"x": 1}}
        )
    listed = client.api(f"{root(kind)}/{kind.plural}").json
    assert (listed["kind"], listed["apiVersion"]) == (f"{kind.kind}List", kind.group_version)
    ours = [item for item in listed["items"] if item["metadata"]["name"] == "zz"]
    assert [item["metadata"].get("namespace", "") for item in ours] == sorted(namespaces)
    assert all(sorted(item) == ["metadata", "spec"] for item in ours)
    where = f"{root(kind)}/namespaces/a/{kind.plural}" if kind.namespaced else f"{root(kind)}/{kind.plural}"
    one = client.api(f"{where}/zz").json
    assert (one["kind"], one["apiVersion"], one["spec"]) == (kind.kind, kind.group_version, {"x": 1})
    assert one["metadata"]["uid"] == uid_of(kind.kind, "zz", "a" if kind.namespaced else "")
    assert sorted(one["metadata"]) >= ["creationTimestamp", "name"]
    if kind.namespaced:
        assert len(client.api(where).json["items"]) == 1
    gone = client.api(f"{where}/nobody")
    qualified = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    assert (gone.status, gone.json["reason"], gone.json["message"]) == (
        404,
        "NotFound",
        f'{qualified} "nobody" not found',
    )
    served = {entry["name"]: entry for entry in client.api(root(kind)).json["resources"]}
    assert (served[kind.plural]["kind"], served[kind.plural]["namespaced"]) == (kind.kind, kind.namespaced)
    cluster.users["bob"] = User()
    refused = client.api(where, "bob")
    place = 'in the namespace "a"' if kind.namespaced else "at the cluster scope"
    assert refused.status == 403
    assert refused.json["message"] == (
        f'{qualified} is forbidden: User "bob" cannot list resource "{kind.plural}" in API group "{kind.group}" {place}'
    )


def test_objects_are_live(cluster: SimCluster, client: Client) -> None:
    path = "/api/v1/namespaces/shop/services/web"
    added = cluster.objects.add(service("web"))
    assert cluster.objects.get("Service", "web", "shop") is added
    added["spec"] = {"clusterIP": "10.96.0.9"}
    assert client.api(path).json["spec"] == {"clusterIP": "10.96.0.9"}
    cluster.objects.remove("Service", "web", "shop")
    assert client.api(path).status == 404
    assert cluster.objects.find("Service", "web", "shop") is None
    with pytest.raises(KeyError):
        cluster.objects.get("Service", "web", "shop")


@pytest.mark.parametrize(
    "thing",
    [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "a"}},
        {"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "a"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "namespace": "a"}},
    ],
)
def test_what_is_not_served_is_not_stored(thing: dict[str, Any], cluster: SimCluster) -> None:
    with pytest.raises(ValueError, match=r"Secret|Deployment|Service|Namespace"):
        cluster.objects.add(thing)


def test_selectors_and_pages(cluster: SimCluster, client: Client) -> None:
    for number in range(7):
        cluster.objects.add(service(f"s{number}", labels={"odd": str(number % 2)}))
    odd = urllib.parse.urlencode({"labelSelector": "odd=1", "limit": 2})
    first = client.api(f"/api/v1/services?{odd}").json
    assert [item["metadata"]["name"] for item in first["items"]] == ["s1", "s3"]
    assert first["metadata"]["remainingItemCount"] == 1
    cluster.objects.remove("Service", "s1", "shop")  # all pages are of one moment
    second = client.api(f"/api/v1/services?{odd}&continue={first['metadata']['continue']}").json
    assert [item["metadata"]["name"] for item in second["items"]] == ["s5"]
    assert "continue" not in second["metadata"]
    assert len(client.api("/api/v1/services?fieldSelector=metadata.name%3Ds3").json["items"]) == 1
    bad = client.api("/apis/apps/v1/deployments?fieldSelector=spec.replicas%3D1")
    assert (bad.status, bad.json["message"]) == (
        400,
        '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    )


def test_events_by_the_object_they_are_about(cluster: SimCluster, client: Client) -> None:
    for number, name in enumerate(("p", "q")):
        cluster.objects.add(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"e{number}", "namespace": "shop"},
                "involvedObject": {"kind": "Pod", "name": name, "namespace": "shop"},
                "type": "Warning",
            }
        )
    wanted = urllib.parse.quote("involvedObject.kind=Pod,involvedObject.name=q,type!=Normal")
    items = client.api(f"/api/v1/namespaces/shop/events?fieldSelector={wanted}").json["items"]
    assert [item["metadata"]["name"] for item in items] == ["e1"]
    assert client.api("/api/v1/events?fieldSelector=x%3Dy").json["message"] == "field label not supported: x"


def test_stored_pods_and_nodes_stand_beside_the_simulated_ones(cluster: SimCluster, client: Client) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod-1", "namespace": "shop", "labels": {"a": "b"}}}
    cluster.objects.add({**pod, "status": {"phase": "Failed"}})
    items = client.api("/api/v1/namespaces/shop/pods").json["items"]
    assert [(i["metadata"]["name"], i["status"]["phase"]) for i in items] == [("pod-1", "Failed"), ("pod-3", "Running")]
    assert client.api("/api/v1/namespaces/shop/pods/pod-1").json["status"] == {"phase": "Failed"}
    assert len(client.api("/api/v1/pods?labelSelector=a").json["items"]) == 1
    assert len(client.api("/api/v1/pods?fieldSelector=status.phase%3DRunning").json["items"]) == 3


def test_permission_for_a_namespace_is_asked_in_it(cluster: SimCluster, client: Client) -> None:
    cluster.users["bob"] = User(rules=(allow("get", "namespaces", namespace="shop"),))
    cluster.objects.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    assert client.api("/api/v1/namespaces/shop", "bob").status == 200
    assert client.api("/api/v1/namespaces/other", "bob").json["message"] == (
        'namespaces "other" is forbidden: User "bob" cannot get resource "namespaces" in API group "" '
        'in the namespace "other"'
    )


def test_the_version_and_the_date_are_what_one_says(cluster: SimCluster, client: Client) -> None:
    cluster.version = {"gitVersion": "v1.29.3-eks-a5ec690"}
    answer = client.api("/version")
    assert answer.json == {"major": "1", "minor": "29", "gitVersion": "v1.29.3-eks-a5ec690"}
    now = cluster.clock.now() // SECOND
    assert email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp() == now
    cluster.skew["api"] = -300
    assert email.utils.parsedate_to_datetime(client.api("/version/").headers["date"]).timestamp() == now - 300
    assert email.utils.parsedate_to_datetime(client.kubelet("/healthz").headers["date"]).timestamp() == now


# ---- pods and nodes --------------------------------------------------------------------------------------------------


def test_what_a_node_says_about_itself() -> None:
    nodes = [
        Node("w", os="windows", arch="arm64", kubelet_version="v1.20.1"),
        Node("down", ready=None, unschedulable=True),
        Node("own", edit=lambda node: node["spec"].update(podCIDR="fd00::/64")),
    ]
    with SimCluster(nodes, clock=ManualClock()) as cluster:
        down, own, windows = Client(cluster).api("/api/v1/nodes").json["items"]
    info = windows["status"]["nodeInfo"]
    assert (info["operatingSystem"], info["architecture"], info["kubeletVersion"]) == ("windows", "arm64", "v1.20.1")
    assert windows["metadata"]["labels"]["kubernetes.io/os"] == "windows"
    assert windows["spec"] == {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"]}
    assert [(t["key"].partition("/")[2], t["effect"]) for t in down["spec"]["taints"]] == [
        ("unschedulable", "NoSchedule"),
        ("unreachable", "NoSchedule"),
        ("unreachable", "NoExecute"),
    ]
    assert own["spec"]["podCIDR"] == "fd00::/64"


def test_what_a_pod_says_about_itself() -> None:
    killed = {"reason": "OOMKilled", "exitCode": 137}
    crashing = Container("c", waiting="CrashLoopBackOff", waiting_message="back-off 5m0s", last=killed, restarts=7)
    pods = [
        Pod("a", node="n", containers=[Container("x", ready=False), crashing], owner=("ReplicaSet", "a-1")),
        Pod("b", phase="Pending", reason="0/1 nodes are available: 1 Insufficient cpu."),
    ]
    with SimCluster([Node("n")], pods, clock=ManualClock()) as cluster:
        first, second = Client(cluster).api("/api/v1/pods").json["items"]
    (owner,) = first["metadata"]["ownerReferences"]
    assert (owner["apiVersion"], owner["kind"], owner["name"]) == ("apps/v1", "ReplicaSet", "a-1")
    conditions = {condition["type"]: condition for condition in first["status"]["conditions"]}
    assert conditions["Ready"]["status"] == "False"
    assert conditions["Ready"]["message"] == "containers with unready status: [x c]"
    x, c = first["status"]["containerStatuses"]
    assert (x["ready"], x["started"], c["ready"]) == (False, True, False)
    assert c["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
    assert (c["lastState"], c["restartCount"]) == ({"terminated": killed}, 7)
    assert first["status"]["podIP"]
    (unscheduled,) = second["status"]["conditions"]
    assert (unscheduled["reason"], unscheduled["message"]) == (
        "Unschedulable",
        "0/1 nodes are available: 1 Insufficient cpu.",
    )


# ---- reviews ---------------------------------------------------------------------------------------------------------


def test_who_am_i(cluster: SimCluster, client: Client) -> None:
    cluster.users["bob"] = User(groups=("staff",))
    answer = post(client, WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, "bob")
    assert (answer.status, answer.json["kind"]) == (201, "SelfSubjectReview")
    assert answer.json["status"]["userInfo"] == {"username": "bob", "groups": ["staff", "system:authenticated"]}
    impersonated = post(client, WHO, {}, "admin", Impersonate_User="bob")
    assert impersonated.json["status"]["userInfo"]["username"] == "bob"
    assert client.api(WHO, user=None).status == 403
    assert client.api(WHO, "bob").status == 405


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        ({"verb": "list", "resource": "nodes"}, True),
        ({"verb": "list", "resource": "pods", "namespace": "shop"}, True),
        ({"verb": "watch", "resource": "nodes"}, False),
        ({"verb": "get", "resource": "pods", "subresource": "log", "namespace": "shop", "name": "x"}, True),
        ({"verb": "get", "resource": "pods", "subresource": "log", "namespace": "other"}, False),
        ({"verb": "get", "resource": "services", "subresource": "proxy", "namespace": "shop", "name": "s"}, True),
        ({"verb": "get", "resource": "services", "subresource": "proxy", "namespace": "shop", "name": "t"}, False),
        ({"verb": "list", "resource": "nodes", "group": "metrics.k8s.io"}, False),
    ],
)
def test_what_may_i(attributes: dict[str, str], allowed: bool, cluster: SimCluster, client: Client) -> None:
    rules = (
        *CORE_READER,
        allow("get", "pods/log", namespace="shop"),
        allow("get", "services/proxy", namespace="shop", names=["s"]),
    )
    cluster.users["bob"] = User(rules=rules)
    review = {"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
    answer = post(client, SELF, review, "bob")
    assert (answer.status, answer.json["status"]["allowed"]) == (201, allowed)
    assert answer.json["spec"] == review["spec"]
    assert post(client, SELF, review).json["status"]["allowed"]  # an administrator


def test_other_reviews(cluster: SimCluster, client: Client) -> None:
    cluster.users["bob"] = User()
    for path, allowed in (("/version", True), ("/metrics", False)):
        spec = {"nonResourceAttributes": {"verb": "get", "path": path}}
        assert post(client, SELF, {"spec": spec}, "bob").json["status"]["allowed"] == allowed
    assert post(client, SELF, {}).json["reason"] == "Invalid"
    assert post(client, SELF, b"nonsense").status == 400
    groups = {group["name"] for group in client.api("/apis").json["groups"]}
    assert {"authentication.k8s.io", "authorization.k8s.io", "metrics.k8s.io", "apps"} <= groups


# ---- logs and the service proxy --------------------------------------------------------------------------------------


def test_logs(cluster: SimCluster, client: Client) -> None:
    cluster.add(Pod("two", "shop", "node-1", [Container("a"), Container("b", waiting="ContainerCreating")]))
    cluster.log("shop/pod-1", "one\ntwo\nthree\n")
    cluster.log("shop/pod-1", "panic\n", previous=True)
    path = "/api/v1/namespaces/shop/pods/pod-1/log"
    assert client.api(path).text == "one\ntwo\nthree\n"
    assert client.api(f"{path}?tailLines=1&container=app").text == "three\n"
    assert client.api(f"{path}?tailLines=2&limitBytes=5").text == "two\nt"
    assert client.api(f"{path}?previous=true").text == "panic\n"
    other = "/api/v1/namespaces/shop/pods/two/log"
    messages = [
        (f"{other}", "a container name must be specified for pod two, choose one of: [a b]"),
        (f"{other}?container=x", "container x is not valid for pod two"),
        (f"{other}?container=b", 'container "b" in pod "two" is waiting to start: ContainerCreating'),
        (f"{other}?container=a&previous=true", 'previous terminated container "a" in pod "two" not found'),
    ]
    for url, message in messages:
        answer = client.api(url)
        assert (answer.status, answer.json["message"]) == (400, message)
    assert client.api("/api/v1/namespaces/shop/pods/x/log").json["message"] == 'pods "x" not found'
    cluster.users["bob"] = User(rules=CORE_READER)
    assert client.api(path, "bob").json["message"] == (
        'pods "pod-1" is forbidden: User "bob" cannot get resource "pods/log" in API group "" in the namespace "shop"'
    )


def test_behind_a_service(cluster: SimCluster, client: Client) -> None:
    made = pipeline.install(cluster)
    path = "/api/v1/namespaces/kube-system/services/https:metrics-server:https/proxy"
    assert client.api(f"{path}/readyz").text == "ok"
    assert client.api(f"{path}/unknown").status == 404
    cluster.behind("kube-system", pipeline.PROXY_NAME, "/readyz", "[-]metric-storage-ready failed\n", 500)
    assert client.api(f"{path}/readyz").status == 500
    error = failure(503, "ServiceUnavailable", "error trying to reach service: dial tcp 10.64.0.2:10250: i/o timeout")
    cluster.behind("kube-system", pipeline.PROXY_NAME, "/readyz", error)
    assert client.api(f"{path}/readyz").json["reason"] == "ServiceUnavailable"

    def echo(request: Request) -> Response:
        return Response(200, json.dumps(request.query).encode())

    cluster.behind("kube-system", pipeline.PROXY_NAME, "/metrics", echo)
    assert client.api(f"{path}/metrics?a=b").json == {"a": "b"}
    cluster.users["bob"] = User(rules=CORE_READER)
    assert client.api(f"{path}/readyz", "bob").json["message"] == (
        'services "https:metrics-server:https" is forbidden: User "bob" cannot get resource "services/proxy" '
        'in API group "" in the namespace "kube-system"'
    )
    made.endpoint_slice["endpoints"][0]["conditions"]["ready"] = False
    assert client.api(f"{path}/readyz").json["message"] == (
        'no endpoints available for service "https:metrics-server:https"'
    )
    cluster.objects.remove("Service", "metrics-server", "kube-system")
    assert client.api(f"{path}/readyz").json["message"] == 'services "metrics-server" not found'


# ---- the pipeline ----------------------------------------------------------------------------------------------------


def test_the_pipeline_fits_together(cluster: SimCluster, client: Client) -> None:
    made = pipeline.install(cluster)
    base = "/api/v1/namespaces/kube-system"
    selector = urllib.parse.quote("k8s-app=metrics-server")
    (pod,) = client.api(f"{base}/pods?labelSelector={selector}").json["items"]
    (replica_set,) = client.api(f"/apis/apps/v1/replicasets?labelSelector={selector}").json["items"]
    (deployment,) = client.api(f"/apis/apps/v1/deployments?labelSelector={selector}").json["items"]
    web = client.api(f"{base}/services/metrics-server").json
    wanted = urllib.parse.quote("kubernetes.io/service-name=metrics-server")
    (endpoints,) = client.api(f"/apis/discovery.k8s.io/v1/endpointslices?labelSelector={wanted}").json["items"]
    assert pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]
    assert replica_set["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"]
    assert endpoints["metadata"]["ownerReferences"][0]["uid"] == web["metadata"]["uid"]
    (endpoint,) = endpoints["endpoints"]
    assert endpoint["addresses"] == [pod["status"]["podIP"]]
    assert endpoint["targetRef"]["uid"] == pod["metadata"]["uid"]
    assert (
        endpoint["conditions"]["ready"] and endpoints["ports"][0]["name"] == web["spec"]["ports"][0]["name"] == "https"
    )
    assert {c["type"]: c["status"] for c in pod["status"]["conditions"]}["Ready"] == "True"
    inside = pod["spec"]["containers"][0]
    template = deployment["spec"]["template"]["spec"]
    assert inside == template["containers"][0] == replica_set["spec"]["template"]["spec"]["containers"][0]
    assert set(template) <= set(pod["spec"])
    assert inside["args"] == list(pipeline.ARGS)
    assert pod["metadata"]["creationTimestamp"] == deployment["metadata"]["creationTimestamp"]
    roots = client.api(f"{base}/configmaps/kube-root-ca.crt").json["data"]["ca.crt"]
    assert roots.encode() == cluster.ca_pem
    for kind, name in (("clusterroles", "system:metrics-server"), ("clusterrolebindings", "system:metrics-server"),
                       ("clusterroles", "system:auth-delegator"), ("clusterroles", "system:aggregated-metrics-reader"),
                       ("clusterrolebindings", "metrics-server:system:auth-delegator"),
                       ("namespaces/kube-system/rolebindings", "metrics-server-auth-reader"),
                       ("namespaces/kube-system/roles", "extension-apiserver-authentication-reader")):  # fmt: skip
        assert client.api(f"/apis/rbac.authorization.k8s.io/v1/{kind}/{name}").status == 200
    for path in ("certificates.k8s.io/v1/certificatesigningrequests", "autoscaling/v2/horizontalpodautoscalers",
                 "networking.k8s.io/v1/networkpolicies"):  # fmt: skip
        assert client.api(f"/apis/{path}").json["items"] == []
    assert {n["metadata"]["name"] for n in client.api("/api/v1/namespaces").json["items"]} >= {"shop", "kube-system"}
    assert "Serving securely" in client.api(f"{base}/pods/{made.pod.name}/log").text
    assert len(client.api("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases").json["items"]) == 2


def test_the_api_service_follows_the_metrics_api(cluster: SimCluster, client: Client) -> None:
    made = pipeline.install(cluster)
    path = f"/apis/apiregistration.k8s.io/v1/apiservices/{pipeline.API_SERVICE}"
    del made.api_service["spec"]["insecureSkipTLSVerify"]
    assert "insecureSkipTLSVerify" not in client.api(path).json["spec"]
    made.unavailable("MissingEndpoints", "no endpoints")
    found = client.api(path).json
    assert found["status"]["conditions"][0]["status"] == "False"
    assert "insecureSkipTLSVerify" not in found["spec"]
    assert client.api("/apis/metrics.k8s.io/v1beta1/nodes").status == 503
    cluster.metrics.unavailable = None
    assert client.api(path).json["status"]["conditions"][0]["status"] == "True"
    cluster.metrics.versions = ()
    assert client.api(path).status == 404
    other = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.apps"},
        "spec": {},
    }
    cluster.objects.add(other)
    assert len(client.api("/apis/apiregistration.k8s.io/v1/apiservices").json["items"]) == 1


def test_the_front_proxys_ca_can_have_expired(cluster: SimCluster, client: Client) -> None:
    made = pipeline.install(cluster)
    path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"

    def days_left() -> float:
        pem = client.api(path).json["data"]["requestheader-client-ca-file"].encode()
        return (x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp() - time.time()) / 86400

    assert days_left() > 300
    made.front_proxy_valid(end=-DAY, begin=-2 * DAY)
    assert days_left() < 0


def test_a_large_cluster_is_turned_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def count(pod: Pod, nodes: Mapping[str, Node]) -> dict[str, Any]:
        shown.append(pod.name)
        return build(pod, nodes)

    build = shapes.pod_object
    monkeypatch.setattr(shapes, "pod_object", count)
    with SimCluster([Node(f"n{n}") for n in range(300)], pods_per_node=0, clock=ManualClock()) as cluster:
        for number in range(9000):
            cluster.add(Pod(f"p{number}", "many", f"n{number % 300}"))
        client, token, seen = Client(cluster), "", 0
        while True:
            page = client.api(f"/api/v1/pods?limit=500&fieldSelector=status.phase%3DRunning&continue={token}").json
            seen += len(page["items"])
            token = page["metadata"].get("continue", "")
            if not token:
                break
        assert seen == 9000
        assert len(shown) == 9000  # each was made once, for the page it is on
