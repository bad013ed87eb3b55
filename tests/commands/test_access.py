"""How kubelets are reached: addresses, ports, certificates, rights, direct and through the API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_metrics.connection.kubefile import MAX_FILE
from tests.harness import Tool, invalid_is_unknown, tool
from tests.simcluster import CORE_READER, PROXY_READER, Fault, Node, Pod, SimCluster, User, allow

UNKNOWN = ["<unknown>"] * 4


def cluster_of(*nodes: Node) -> SimCluster:
    return SimCluster(nodes=nodes, pods=[Pod("web", "shop", nodes[0].name)], metrics_versions=())


def kubelets(cluster: SimCluster) -> set[str]:
    return {request.server for request in cluster.requests} - {"api"}


def proxied(cluster: SimCluster) -> list[str]:
    return [request.path for request in cluster.asked("api") if "/proxy/" in request.path]


@pytest.fixture(params=["self-signed", "wrong-name", "expired", "other-ca"])
def bad(request: pytest.FixtureRequest) -> Iterator[SimCluster]:
    """node-a is in order, node-b's certificate is not."""
    with cluster_of(Node("node-a"), Node("node-b", serving=request.param)) as running:
        yield running


_REASONS = {
    "self-signed": "x509: certificate signed by unknown authority",
    "other-ca": "x509: certificate signed by unknown authority",
    "wrong-name": "x509: certificate is valid for",
    "expired": "x509: certificate has expired or is not yet valid",
}


def test_direct_does_not_trust_it(bad: SimCluster) -> None:
    result = tool(bad)("nodes", "--kubelet-access", "direct")
    assert (result.status, result.rows[0][0], result.rows[1]) == (0, "node-a", ["node-b", *UNKNOWN])
    assert f"no usage of node node-b: {bad.nodes['node-b'].listen}:{bad.kubelet_port}: " in result.err
    assert _REASONS[bad.nodes["node-b"].serving] in result.err
    # Nothing was said to a kubelet that could not prove who it is.
    assert not bad.asked("node-b")


def test_auto_takes_the_proxy_for_it(bad: SimCluster) -> None:
    result = tool(bad)("nodes")
    assert (result.status, [row[0] for row in result.rows]) == (0, ["node-a", "node-b"])
    assert UNKNOWN[0] not in result.out
    assert result.err == (
        "note: metrics.k8s.io is not served by this cluster (no metrics-server is registered); usage is computed from "
        "the kubelets; 1 of 2 kubelets were asked through the API server (nodes/proxy); "
        "'kubectl metrics diagnose' looks for the cause\n"
    )
    assert proxied(bad) == ["/api/v1/nodes/node-b/proxy/stats/summary"]


def test_insecure_tls_takes_it_as_it_is(bad: SimCluster) -> None:
    result = tool(bad)("nodes", "--kubelet-insecure-tls", "--kubelet-access", "direct")
    assert (result.status, [row[0] for row in result.rows]) == (0, ["node-a", "node-b"])
    assert UNKNOWN[0] not in result.out
    assert not proxied(bad)


def test_proxy_only(bad: SimCluster) -> None:
    result = tool(bad)("nodes", "--kubelet-access", "proxy")
    assert (result.status, len(result.rows)) == (0, 2)
    assert len(proxied(bad)) == 2
    assert "through" not in result.err


def test_a_certificate_for_any_of_the_nodes_names_is_the_nodes() -> None:
    """No IP in the certificate, and the IP is dialled: what fails metrics-server with "doesn't contain any IP SANs"."""
    with cluster_of(Node("node-a", serving="dns-only")) as cluster:
        result = tool(cluster)("nodes", "--kubelet-access", "direct")
        assert (result.status, [row[0] for row in result.rows]) == (0, ["node-a"])


def test_a_ca_for_the_kubelets(tmp_path: Path) -> None:
    with cluster_of(Node("node-a", serving="other-ca")) as cluster:
        authority = tmp_path / "kubelets.pem"
        authority.write_bytes(cluster.kubelet_ca_pem)
        arguments = ["nodes", "--kubelet-access", "direct", "--kubelet-certificate-authority", str(authority)]
        assert tool(cluster)(*arguments).status == 0
        authority.write_text("nothing")
        assert "certificate" in tool(cluster)(*arguments).err


@pytest.mark.parametrize("flag", ["--kubelet-certificate-authority", "--kubelet-client-certificate"])
def test_a_file_for_the_kubelets_that_is_none(flag: str, admin: Tool, tmp_path: Path) -> None:
    """No more of it is read than there can be in one: /dev/zero has no end."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(MAX_FILE + 1)
    arguments = ["nodes", "--kubelet-client-key", str(large)] if "client" in flag else ["nodes"]
    result = admin(*arguments, flag, str(large))
    assert (result.status, result.err) == (1, f"error: cannot open {large}: larger than 16 MiB\n")
    result = admin(*arguments, flag, str(tmp_path / "absent"))
    assert (result.status, result.err) == (1, f"error: cannot open {tmp_path}/absent: no such file or directory\n")


def test_a_client_certificate_for_the_kubelets(tmp_path: Path) -> None:
    with cluster_of(Node("node-a")) as cluster:
        cluster.users["lister"] = User(rules=CORE_READER)
        cluster.users["scraper"] = User(rules=(allow("get", "nodes/stats"),))
        pair = cluster.client_certificate("scraper")
        (tmp_path / "crt").write_bytes(pair.certificate)
        (tmp_path / "key").write_bytes(pair.key)
        files = ["--kubelet-client-certificate", str(tmp_path / "crt"), "--kubelet-client-key", str(tmp_path / "key")]
        lister = tool(cluster, "lister")
        assert lister("nodes", *files).status == 0
        (asked,) = cluster.asked("node-a")
        assert asked.user == "scraper"
        assert "authorization" not in asked.headers
        result = lister("nodes", *files[:2])
        assert (result.status, result.err) == (
            2,
            "error: --kubelet-client-certificate and --kubelet-client-key go together\n",
        )


@pytest.mark.parametrize("cert", [True, False])
def test_the_same_credentials_as_for_the_api_server(cert: bool) -> None:
    with cluster_of(Node("node-a")) as cluster:
        cluster.users["reader"] = User(rules=(*CORE_READER, allow("get", "nodes/stats")))
        assert tool(cluster, "reader", cert=cert)("nodes", "--kubelet-access", "direct").status == 0
        assert [request.user for request in cluster.asked("node-a")] == ["reader"]


class TestAddresses:
    def test_the_next_type_is_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        invalid_is_unknown(monkeypatch)
        with SimCluster(nodes=0) as cluster:
            cluster.metrics.versions = ()
            node = Node("node-a")
            cluster.add(node)
            node.addresses = [("Hostname", "no-such-host.invalid"), ("InternalIP", node.listen)]
            only = tool(cluster)("nodes", "--kubelet-access", "direct", "--kubelet-preferred-address-types", "Hostname")
            assert only.status == 3
            assert "no such host" in only.err
            both = tool(cluster)(
                "nodes", "--kubelet-access", "direct", "--kubelet-preferred-address-types", "Hostname,InternalIP"
            )
            assert both.status == 0

    def test_no_address_of_the_wanted_types(self) -> None:
        with cluster_of(Node("node-a")) as cluster:
            result = tool(cluster)(
                "nodes", "--kubelet-access", "direct", "--kubelet-preferred-address-types", "ExternalIP,ExternalDNS"
            )
            assert result.status == 3
            assert "no address matched types [ExternalIP ExternalDNS]" in result.err

    def test_ipv6(self) -> None:
        with cluster_of(Node("node-a", listen="::1", addresses=[("InternalIP", "::1")])) as cluster:
            result = tool(cluster)("nodes", "--kubelet-access", "direct")
            assert (result.status, [row[0] for row in result.rows]) == (0, ["node-a"])
            assert kubelets(cluster) == {"node-a"}

    def test_ports(self) -> None:
        with cluster_of(Node("node-a", port=1)) as cluster:
            direct = ("nodes", "--kubelet-access", "direct")
            assert "connection refused" in tool(cluster)(*direct).err
            assert tool(cluster)(*direct, "--kubelet-port", str(cluster.kubelet_port)).status == 0
            cluster.nodes["node-a"].port = None
            assert tool(cluster)(*direct).status == 0
            for flag in ("--no-kubelet-use-node-status-port", "--kubelet-use-node-status-port=false"):
                assert ":10250: " in tool(cluster)(*direct, flag).err
            for flag in ("--kubelet-use-node-status-port=true", "--no-kubelet-use-node-status-port=0"):
                assert tool(cluster)(*direct, flag).status == 0

    def test_unknown_types(self) -> None:
        with cluster_of(Node("node-a")) as cluster:
            for types in ("Internal", "", "InternalIP,Foo"):
                result = tool(cluster)("nodes", "--kubelet-preferred-address-types", types)
                assert (result.status, result.out) == (2, "")
                assert "is not one of InternalIP, Hostname" in result.err


def test_the_read_only_port() -> None:
    with cluster_of(Node("node-a", read_only_port=True)) as cluster:
        result = tool(cluster)(
            "nodes", "--deprecated-kubelet-completely-insecure", "--kubelet-port", str(cluster.read_only_port)
        )
        assert (result.status, [row[0] for row in result.rows]) == (0, ["node-a"])
        (asked,) = cluster.asked("node-a")
        assert "authorization" not in asked.headers
        result = tool(cluster)("nodes", "--deprecated-kubelet-completely-insecure")
        assert ":10255: " in result.err


class TestRights:
    def test_stats_only(self) -> None:
        with cluster_of(Node("node-a")) as cluster:
            cluster.users["s"] = User(rules=(*CORE_READER, allow("get", "nodes/stats")))
            assert tool(cluster, "s")("nodes").status == 0
            assert not proxied(cluster)

    def test_metrics_only(self) -> None:
        with cluster_of(Node("node-a")) as cluster:
            cluster.users["m"] = User(rules=(*CORE_READER, allow("get", "nodes/metrics")))
            assert tool(cluster, "m")("nodes", "--window", "200ms").status == 0
            assert [request.path for request in cluster.asked("node-a")] == ["/metrics/resource"] * 2
            # one connection for both scrapes
            assert cluster.connections["node-a"] == 1

    def test_a_window_where_the_series_are_said_to_be_at_the_path_of_the_summary(self) -> None:
        """What the node says of its kubelet is believed; what is there has no series, and that is told."""
        path = {"metrics.k8s.io/resource-metrics-path": "/stats/summary"}
        with (
            cluster_of(Node("node-a")) as cluster,
            cluster.fault(
                "api", Fault.edit(lambda nodes: nodes["items"][0]["metadata"].update(annotations=path)), "/api/v1/nodes"
            ),
        ):
            result = tool(cluster)("nodes", "--window", "50ms")
        assert (result.status, result.out) == (3, "")
        assert "no usage from the kubelets: node node-a: " in result.err

    def test_proxy_only(self) -> None:
        with cluster_of(Node("node-a")) as cluster:
            cluster.users["p"] = User(rules=(*CORE_READER, *PROXY_READER))
            result = tool(cluster, "p")("nodes")
            assert result.status == 0
            assert "1 of 1 kubelets were asked through the API server" in result.err
            assert tool(cluster, "p")("nodes", "--kubelet-access", "direct").status == 3

    def test_none(self) -> None:
        with cluster_of(Node("node-a")) as cluster:
            cluster.users["n"] = User(rules=CORE_READER)
            result = tool(cluster, "n")("nodes")
            assert (result.status, result.out) == (3, "")
            for part in ("user=n", "subresource", 'cannot get resource "nodes/proxy"'):
                assert part in result.err
            assert len(result.err.splitlines()) == 2

    def test_a_kubelet_that_does_not_know_the_user(self) -> None:
        with cluster_of(Node("node-a")) as cluster, cluster.fault("node-a", Fault.status(401, html=True), times=1):
            result = tool(cluster)("nodes")
            assert result.status == 0
            assert "through the API server" in result.err


class TestImpersonation:
    def test_kubelets_would_see_the_real_user(self) -> None:
        with cluster_of(Node("node-a")) as cluster:
            cluster.users["friend"] = User(rules=CORE_READER)
            admin = tool(cluster)
            refused = admin("nodes", "--as", "friend")
            assert refused.status == 3
            assert 'User "friend" cannot get resource "nodes/proxy"' in refused.err
            cluster.users["friend"] = User(rules=(*CORE_READER, *PROXY_READER))
            assert admin("nodes", "--as", "friend").status == 0
            # The kubelet was asked by the API server alone.
            assert {request.user for request in cluster.asked("node-a")} == {"kube-apiserver-kubelet-client"}
            result = admin("nodes", "--as", "friend", "--kubelet-access", "direct")
            assert (result.status, result.out) == (2, "")
            assert "kubelets know no impersonation" in result.err


def test_unreachable_nodes_are_not_tried_one_timeout_after_another() -> None:
    names = [f"node-{number}" for number in range(1, 201)]
    nodes = [Node(name) for name in names]
    with SimCluster(nodes=nodes, metrics_versions=()) as cluster, cluster.fault("kubelets", Fault.unreachable()):
        result = tool(cluster)("nodes", "--kubelet-access", "direct", "--kubelet-request-timeout", "500ms")
    assert result.status == 3
    assert "not tried: the first" in result.err
    assert "(and 199 more without usage)" in result.err


def test_a_missing_node_is_a_row_and_a_line(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("node-b", Fault.refuse()):
        nodes = admin("nodes", "--source", "kubelet")
        strict = admin("nodes", "--source", "kubelet", "--strict")
        pods = admin("pods", "-n", "shop", "--source", "kubelet")
    assert (nodes.status, nodes.rows[-1]) == (0, ["node-b", *UNKNOWN])
    (line,) = nodes.err.splitlines()
    assert line.startswith("warning: no usage of node node-b: ")
    assert "connection refused" in line
    assert "through the API server: " in line
    assert strict.status == 4
    assert [row[0] for row in pods.rows] == ["web-1"]
    (line,) = pods.err.splitlines()
    assert line.startswith("warning: no usage of 2 pods on node-b (shop/db-0, shop/web-2): ")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"port": 99999}, "99999 is not a port"),
        ({"port": -1}, "-1 is not a port"),
        ({"addresses": [("InternalIP", "a b")]}, "its address 'a b' is neither an IP address nor a host name"),
        ({"addresses": [("InternalIP", "[::1")]}, "neither an IP address nor a host name"),
        ({"addresses": [("InternalIP", "127.0.0.1:80/evil?@x")]}, "neither an IP address nor a host name"),
        ({"addresses": [("InternalIP", "fe80::1%../x")]}, "neither an IP address nor a host name"),
        ({"addresses": [("Hostname", "x" * 300)]}, "neither an IP address nor a host name"),
    ],
)
def test_a_node_may_say_anything_of_itself(
    cluster: SimCluster, admin: Tool, changes: dict[str, object], reason: str
) -> None:
    """A node's status is written by the node: it must not cost the others, nor choose a URL."""
    node = cluster.nodes["node-b"]
    before = {name: getattr(node, name) for name in changes}
    for name, value in changes.items():
        setattr(node, name, value)
    try:
        result = admin("nodes", "--source", "kubelet", "--kubelet-access", "direct")
    finally:
        for name, value in before.items():
            setattr(node, name, value)
    assert (result.status, [row[0] for row in result.rows]) == (0, ["node-a", "node-c", "node-b"])
    assert reason in result.err


def test_an_odd_address_beside_a_good_one(cluster: SimCluster, admin: Tool) -> None:
    node = cluster.nodes["node-b"]
    before = node.addresses
    node.addresses = [("InternalIP", "a b"), ("InternalIP", node.listen)]
    try:
        result = admin("nodes", "node-b", "--source", "kubelet", "--kubelet-access", "direct")
    finally:
        node.addresses = before
    assert (result.status, result.err) == (0, "")


def test_a_kubelet_that_hangs_hangs_through_the_proxy_too(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("node-b", Fault.hang()):
        result = admin("nodes", "--source", "kubelet", "--kubelet-request-timeout", "3s")
    assert result.status == 0
    assert "no answer within" in result.err
    assert "through the API server" not in result.err


def test_files_of_the_command_line_are_looked_at_first(tmp_path: Path) -> None:
    with cluster_of(Node("node-a")) as cluster:
        odd = tmp_path / "odd.pem"
        odd.write_text("no certificate")
        for arguments in (
            ["--kubelet-certificate-authority", str(odd)],
            ["--kubelet-client-certificate", str(odd), "--kubelet-client-key", str(odd)],
            ["--kubelet-certificate-authority", str(tmp_path / "nothing")],
        ):
            result = tool(cluster)("nodes", *arguments)
            assert (result.status, result.out) == (1, "")
            assert str(tmp_path) in result.err
            assert not cluster.requests
