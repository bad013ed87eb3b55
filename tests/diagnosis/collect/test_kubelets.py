"""Probing kubelets: real TLS and real sockets, on loopback, with faults on demand."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import pytest

from kubectl_metrics.connection.tls import client_context
from kubectl_metrics.connection.transport import Transport
from kubectl_metrics.diagnosis import objects
from kubectl_metrics.diagnosis.collect.choosing import choose, core_node
from kubectl_metrics.diagnosis.collect.kubelets import Authorities, probe
from kubectl_metrics.diagnosis.probe import KubeletAuthentication, KubeletProbe
from kubectl_metrics.errors import KubeconfigError
from kubectl_metrics.sources.access import Kubelets
from kubectl_metrics.sources.objects import get_nodes
from kubectl_metrics.sources.query import KubeletOptions, NodesQuery
from kubectl_metrics.wire import core
from tests.simcluster import (
    CORE_READER,
    KUBELET_READER,
    PROXY_READER,
    Container,
    Fault,
    Node,
    Pod,
    SimCluster,
    User,
    allow,
)

LONG = 20.0  # seconds, which only a hang takes


def look(
    cluster: SimCluster,
    *,
    user: str = "admin",
    insecure: bool = False,
    ours: bytes | None = None,
    theirs: bytes | None = None,
    deep: bool = False,
    closely: Sequence[str] = (),
    options: KubeletOptions | None = None,
) -> dict[str, KubeletProbe]:
    """All kubelets of a cluster, as one user."""
    token = f"Bearer {cluster.token(user)}"
    api = Transport(cluster.url, context=client_context(authorities=cluster.ca_pem), authorization=token)
    trusted = ours or cluster.ca_pem
    kubelets = Kubelets(
        api,
        options or KubeletOptions(timeout=LONG),
        lambda: client_context(authorities=trusted, insecure=insecure),
        token,
    )
    authorities = Authorities(ours=trusted, theirs=theirs or cluster.ca_pem, insecure=insecure)
    with contextlib.closing(api):
        nodes = get_nodes(api, NodesQuery())
        found = probe(nodes, kubelets, authorities, deep=deep, closely=closely)
    assert [one.node for one in found] == [node.name for node in nodes]
    return {one.node: one for one in found}


def only(cluster: SimCluster, **how: object) -> KubeletProbe:
    (found,) = look(cluster, **how).values()  # type: ignore[arg-type]  # they are those of look
    return found


def statuses(found: KubeletProbe) -> list[tuple[str, int, bool]]:
    return [(one.path, one.status, one.proxied) for one in found.answers]


def one_node(serving: str = "cluster-ca", **more: object) -> SimCluster:
    node = Node("node-a", serving=serving, **more)  # type: ignore[arg-type]  # they are those of Node
    return SimCluster(nodes=[node], pods=[Pod("web", "shop", "node-a", [Container("app"), Container("log")])])


# ---- what is seen of a kubelet in order ----


def test_one_connection_tells_everything() -> None:
    with one_node() as cluster:
        before = cluster.connections["node-a"]
        found = only(cluster)
        assert cluster.connections["node-a"] == before + 1
        (attempt,) = found.attempts
        (answer,) = found.answers
    assert (attempt.type, attempt.address, attempt.port) == (
        "InternalIP",
        cluster.nodes["node-a"].listen,
        cluster.kubelet_port,
    )
    assert (attempt.failure, attempt.message, attempt.trusted) == ("", "", True)
    assert 0 < attempt.seconds < LONG
    certificate = attempt.certificate
    assert certificate is not None
    assert (certificate.subject, certificate.issuer) == ("CN=system:node:node-a", "CN=kubernetes")
    assert (certificate.dns_names, certificate.ip_addresses) == (["node-a"], [cluster.nodes["node-a"].listen])
    assert (certificate.self_signed, certificate.not_after[:2], certificate.not_after[-1]) == (False, "20", "Z")
    assert (answer.path, answer.status, answer.proxied, answer.by_api) == ("/metrics/resource", 200, False, False)
    assert answer.content_type.startswith("text/plain")
    assert answer.date.endswith("GMT")
    assert answer.asked.endswith("Z")
    scrape = found.scrape
    assert scrape is not None
    assert (scrape.containers, scrape.pods, scrape.unparsable, scrape.scrape_error) == (2, 1, "", 0.0)
    assert scrape.node_cpu is not None and scrape.node_memory is not None and scrape.newest is not None
    assert abs(scrape.newest / 1000 - time.time()) < LONG
    assert found.authentication is None


def test_another_path() -> None:
    with one_node(annotations={"metrics.k8s.io/resource-metrics-path": "metrics/own"}) as cluster:
        assert statuses(only(cluster)) == [("/metrics/own", 404, False)]
    with one_node(annotations={"metrics.k8s.io/resource-metrics-path": "/metrics/own"}) as cluster:
        assert statuses(only(cluster)) == [("/metrics/own", 200, False)]


def test_in_depth() -> None:
    with (
        one_node() as cluster,
        cluster.fault(
            "node-a",
            Fault.body(
                b'{"kubeletconfig": {"serverTLSBootstrap": true, "authentication": {"webhook": {"enabled": false},'
                b' "anonymous": {"enabled": true}, "x509": {"clientCAFile": "/etc/ca.crt"}}}}'
            ),
            "/configz",
        ),
    ):
        found = only(cluster, deep=True)
    assert statuses(found) == [
        ("/metrics/resource", 200, False),
        ("/healthz", 200, False),
        ("/configz", 200, False),
    ]
    assert found.authentication == KubeletAuthentication(
        webhook=False, anonymous=True, client_ca_file="/etc/ca.crt", server_tls_bootstrap=True
    )


def test_some_in_depth() -> None:
    with SimCluster(nodes=3) as cluster:
        found = look(cluster, closely=["node-2"])
    assert {name: len(one.answers) for name, one in found.items()} == {"node-1": 1, "node-2": 3, "node-3": 1}


@pytest.mark.parametrize("body", [b"[]", b'{"kubeletconfig": {"authentication": 7}}', b"<html>"])
def test_a_configuration_that_is_none(body: bytes) -> None:
    with one_node() as cluster, cluster.fault("node-a", Fault.body(body), "/configz"):
        found = only(cluster, deep=True)
    assert (found.authentication, found.answers[-1].status) == (None, 200)


@pytest.mark.parametrize(
    ("fault", "seconds", "failure", "more"),
    [
        (Fault.reset(), LONG, "connection-lost", [("/configz", 200, "")]),
        (Fault.hang(), 3.0, "no-answer", []),  # which takes the time in which more could be asked
    ],
    ids=["reset", "hang"],
)
def test_in_depth_without_an_answer(
    fault: Fault, seconds: float, failure: str, more: list[tuple[str, int, str]]
) -> None:
    with one_node() as cluster, cluster.fault("node-a", fault, "/healthz"):
        found = only(cluster, deep=True, options=KubeletOptions(timeout=seconds, access="direct"))
    assert [(one.path, one.status, one.failure) for one in found.answers] == [
        ("/metrics/resource", 200, ""),
        ("/healthz", 0, failure),
        *more,
    ]


# ---- certificates ----

CERTIFICATES = {
    "self-signed": ("certificate-untrusted", False),
    "other-ca": ("certificate-untrusted", False),
    "wrong-name": ("certificate-name", True),
    "expired": ("certificate-expired", True),
}


@pytest.mark.parametrize("serving", CERTIFICATES)
def test_a_bad_certificate_is_read_and_nothing_is_said(serving: str) -> None:
    with one_node(serving) as cluster:
        found = only(cluster)
        assert not [one for one in cluster.asked("node-a") if one.user != "kube-apiserver-kubelet-client"]
    (attempt,) = found.attempts
    failure, trusted = CERTIFICATES[serving]
    assert (attempt.failure, attempt.trusted) == (failure, trusted)
    assert attempt.message.startswith("x509: ")
    assert attempt.certificate is not None
    assert (attempt.certificate.ip_addresses == [attempt.address]) == (serving in ("other-ca", "expired"))
    assert statuses(found) == [("/metrics/resource", 200, True)]
    assert found.scrape is not None and found.scrape.containers == 2


def test_what_takes_another_connection() -> None:
    """One that was refused, one to read the certificate, and the API server's."""
    for serving, connections in (("self-signed", 3), ("wrong-name", 2)):
        with one_node(serving) as cluster:
            before = cluster.connections["node-a"]
            only(cluster)
            assert cluster.connections["node-a"] == before + connections


@pytest.mark.parametrize("serving", CERTIFICATES)
def test_what_is_not_verified_by_us_is_described_all_the_same(serving: str) -> None:
    """With --kubelet-insecure-tls, and where only the API server asks."""
    with one_node(serving) as cluster:
        insecure = only(cluster, insecure=True)
        proxied = only(cluster, options=KubeletOptions(timeout=LONG, access="proxy"))
    for found in (insecure, proxied):
        (attempt,) = found.attempts
        assert (attempt.failure, attempt.trusted) == CERTIFICATES[serving]
        assert attempt.message.startswith("x509: ")
        assert attempt.certificate is not None
    assert statuses(insecure) == [("/metrics/resource", 200, False)]
    assert statuses(proxied) == [("/metrics/resource", 200, True)]


def test_a_good_one_that_is_not_verified() -> None:
    with one_node("dns-only") as cluster:
        (attempt,) = only(cluster, insecure=True).attempts
    assert (attempt.failure, attempt.trusted) == ("", True)


def test_metrics_server_has_another_ca_than_we_have() -> None:
    with one_node("other-ca") as cluster:
        found = only(cluster, ours=cluster.kubelet_ca_pem)
        assert (found.attempts[0].failure, found.attempts[0].trusted) == ("", False)
        assert statuses(found) == [("/metrics/resource", 200, False)]
        found = only(cluster, theirs=cluster.kubelet_ca_pem)
        assert (found.attempts[0].failure, found.attempts[0].trusted) == ("certificate-untrusted", True)
        assert statuses(found) == [("/metrics/resource", 200, True)]
        # A bundle is one whatever its lines look like, and one that cannot be read says nothing about trust.
        found = only(cluster, theirs=b"\n# a comment\n" + cluster.ca_pem.replace(b"\n", b"\r\n"))
        assert found.attempts[0].trusted is False
        found = only(cluster, theirs=b"garbage")
        assert found.attempts[0].trusted is None and found.attempts[0].certificate is not None


def test_options_that_cannot_be_used() -> None:
    with one_node() as cluster, pytest.raises(KubeconfigError, match="unable to load root certificates"):
        look(cluster, ours=b"garbage")


def test_plain_http() -> None:
    with one_node(read_only_port=True) as cluster:
        found = only(cluster, options=KubeletOptions(timeout=LONG, secure=False, port=cluster.read_only_port))
        assert statuses(found) == [("/metrics/resource", 200, False)]
    assert (found.attempts[0].failure, found.attempts[0].certificate) == ("", None)


# ---- no connection ----


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.refuse(), "connection-refused"),
        (Fault.reset_handshake(), "connection-lost"),
        (Fault.plain_http(), "tls"),
    ],
)
def test_no_connection(fault: Fault, failure: str) -> None:
    by_number = KubeletOptions(timeout=LONG, address_types=("InternalIP",))  # nobody waits for a name server here
    with one_node() as cluster, cluster.fault("node-a", fault):
        found = only(cluster, options=by_number)
    attempt = found.attempts[0]
    assert (attempt.failure, attempt.certificate, attempt.trusted) == (failure, None, None)
    # The API server has no better luck, and says so itself.
    (answer,) = found.answers
    assert (answer.status, answer.proxied, answer.by_api) == (503, True, True)
    assert answer.message.startswith("error trying to reach service: ")


def test_no_connection_and_no_other_way() -> None:
    with one_node() as cluster, cluster.fault("node-a", Fault.refuse()):
        for access in ("direct", "proxy"):
            found = only(cluster, options=KubeletOptions(timeout=LONG, access=access))
            assert found.attempts[0].failure == "connection-refused"
            assert len(found.answers) == (access == "proxy")


def test_the_next_address() -> None:
    nobodys = "127.1.1.1"  # other servers of these tests have their ports at 127.0.0.1
    with one_node(addresses=[("InternalIP", nobodys), ("Hostname", "no host name"), ("ExternalIP", "")]) as cluster:
        node = cluster.nodes["node-a"]
        node.addresses.append(("ExternalIP", node.listen))
        found = only(cluster, options=KubeletOptions(timeout=LONG, port=cluster.kubelet_port))
    first, second = found.attempts
    assert (first.type, first.address, first.failure) == ("InternalIP", nobodys, "connection-refused")
    assert (second.type, second.address, second.failure) == ("ExternalIP", node.listen, "")
    assert statuses(found) == [("/metrics/resource", 200, False)]


def test_no_address_and_no_port() -> None:
    with one_node(addresses=[("Hostname", "no host name")]) as cluster:
        found = only(cluster)
        assert (found.attempts, statuses(found)) == ([], [("/metrics/resource", 200, True)])
    with one_node() as cluster:
        found = only(cluster, options=KubeletOptions(timeout=LONG, port=0))
        assert (found.attempts, [one.proxied for one in found.answers]) == ([], [True])


# ---- no answer, or not that one ----


def test_a_kubelet_that_hangs() -> None:
    with one_node() as cluster, cluster.fault("node-a", Fault.hang()):
        found = only(cluster, options=KubeletOptions(timeout=3.0))
    (attempt,) = found.attempts
    assert (attempt.failure, attempt.trusted) == ("", True)
    assert attempt.certificate is not None
    # It would hang there too.
    (answer,) = found.answers
    assert (answer.status, answer.failure, answer.proxied) == (0, "no-answer", False)
    assert "no answer within 3s" in answer.message


def test_a_kubelet_that_answers_something_else() -> None:
    with one_node() as cluster:
        with cluster.fault("node-a", Fault.raw(b"SSH-2.0-OpenSSH\r\n")):
            (answer,) = only(cluster).answers
            assert (answer.status, answer.failure) == (0, "not-http")
        with cluster.fault("node-a", Fault.status(500, html=True, message="x" * 1000)):
            (answer,) = only(cluster).answers
            assert (answer.status, answer.by_api, answer.scrape) == (500, False, None)
            assert answer.message.startswith("<html>") and len(answer.message) <= 300
        with cluster.fault("node-a", Fault.body(b"<html>", "text/html")):
            found = only(cluster)
            assert found.scrape is not None and "line 1" in found.scrape.unparsable
            assert found.answers[0].content_type == "text/html"


def test_a_status_of_a_kubelets_own() -> None:
    """What answers directly is never the API server."""
    status = b'{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": 500}'
    with one_node() as cluster, cluster.fault("node-a", Fault.body(status, "application/json", 500)):
        (answer,) = only(cluster).answers
    assert (answer.status, answer.proxied, answer.by_api, answer.message) == (500, False, False, "no")


def test_rights() -> None:
    with one_node() as cluster:
        cluster.users |= {
            "reader": User(rules=(*CORE_READER, *KUBELET_READER)),
            "nobody": User(rules=CORE_READER),
            "proxied": User(rules=(*CORE_READER, *PROXY_READER)),
            "stats": User(rules=(*CORE_READER, allow("get", "nodes/stats"))),
        }
        found = only(cluster, user="reader", deep=True)
        assert statuses(found)[0] == ("/metrics/resource", 200, False)
        # The kubelet refuses, and then the API server does.
        assert statuses(found)[1:3] == [("/healthz", 403, False), ("/healthz", 403, True)]
        assert [one.by_api for one in found.answers[1:3]] == [False, True]
        assert found.answers[1].message.startswith("Forbidden (user=reader, verb=get, resource=nodes, ")
        assert 'User "reader" cannot get' in found.answers[2].message
        found = only(cluster, user="stats")
        assert [(one.status, one.proxied, one.by_api) for one in found.answers] == [
            (403, False, False),
            (403, True, True),
        ]
        assert "nodes/proxy" in found.answers[1].message
        found = only(cluster, user="proxied")
        assert statuses(found)[-1][1:] == (200, True)
        found = only(cluster, user="stats", options=KubeletOptions(timeout=LONG, access="direct"))
        assert [one.status for one in found.answers] == [403]


def test_an_unknown_user() -> None:
    with one_node() as cluster, cluster.fault("node-a", Fault.body(b"Unauthorized", "text/plain", 401)):
        found = only(cluster)
    assert [(one.status, one.message, one.proxied, one.by_api) for one in found.answers] == [
        (401, "Unauthorized", False, False),
        (401, "Unauthorized", True, False),
    ]


# ---- many ----


@pytest.fixture(scope="module")
def many() -> Sequence[Node]:
    return [Node(f"node-{number:03}") for number in range(200)]


def test_two_hundred_that_are_well(many: Sequence[Node]) -> None:
    with SimCluster(nodes=many) as cluster:
        found = look(cluster)
        assert all(statuses(one) == [("/metrics/resource", 200, False)] for one in found.values())
        assert sum(cluster.connections.values()) <= 200 + 8


def test_two_hundred_that_cannot_be_reached(many: Sequence[Node]) -> None:
    with SimCluster(nodes=many) as cluster, cluster.fault("kubelets", Fault.unreachable()):
        started = time.monotonic()
        found = look(cluster, options=KubeletOptions(timeout=1.0))
        taken = time.monotonic() - started
    assert {one.attempts[0].failure for one in found.values() if one.attempts} == {"timeout"}
    assert sum(bool(one.attempts) for one in found.values()) >= 5
    assert taken < 25  # one after the other, they would take 200 s


def test_what_there_is_no_time_for_is_not_tried(many: Sequence[Node]) -> None:
    with SimCluster(nodes=many[:40]) as cluster, cluster.fault("kubelets", Fault.hang_handshake()):
        started = time.monotonic()
        found = look(cluster, options=KubeletOptions(timeout=1.0))
        taken = time.monotonic() - started
    assert {one.failure for each in found.values() for one in each.attempts} == {"timeout"}
    # Not one of the API server's sixteen ways is waited for twice.
    assert sum(bool(one.answers) for one in found.values()) <= 16
    assert taken < 25


# ---- pure ----


def test_choice() -> None:
    nodes = [core.Node(core.ObjectMeta(f"node-{number}")) for number in range(1000)]
    assert choose(nodes[:3], ["node-1"], 20) == (nodes[:3], "all 3")
    some = [f"node-{number}" for number in range(0, 1000, 100)]
    chosen, text = choose(nodes, some, 20)
    assert text == "20 of 1000: 10 of 10 without metrics, 10 of 990 with metrics"
    assert len(chosen) == 20 and {node.name for node in chosen} >= set(some)
    assert chosen == sorted(chosen, key=nodes.index)
    chosen, text = choose(nodes, [node.name for node in nodes[:900]], 20)
    assert text == "20 of 1000: 18 of 900 without metrics, 2 of 100 with metrics"
    assert [node.name for node in chosen][:2] == ["node-0", "node-50"]  # evenly, not the first ones
    chosen, text = choose(nodes, [node.name for node in nodes], 20)
    assert (len(chosen), text) == (20, "20 of 1000: 20 of 1000 without metrics, 0 of 0 with metrics")


def test_nodes_of_the_evidence() -> None:
    node = objects.Node(
        metadata=objects.Metadata(name="n", annotations=objects.Annotations(metrics_path="/own")),
        status=objects.NodeStatus(
            addresses=[objects.Address(type="InternalIP", address="192.0.2.1")],
            daemon_endpoints=objects.DaemonEndpoints(kubelet_endpoint=objects.KubeletEndpoint(port=10260)),
        ),
    )
    assert core_node(node) == core.Node(
        core.ObjectMeta("n", annotations=core.Annotations("/own")),
        status=core.NodeStatus(
            addresses=[core.NodeAddress("InternalIP", "192.0.2.1")],
            daemon_endpoints=core.DaemonEndpoints(core.DaemonEndpoint(10260)),
        ),
    )
    assert core_node(objects.Node()).metadata.annotations is None
