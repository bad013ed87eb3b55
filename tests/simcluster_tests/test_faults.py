"""Every fault does to a client what its name says, and closing the cluster ends them all."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import socket
import ssl
import threading
import time

import pytest

from tests.simcluster import Fault, Gate, ManualClock, Node, SimCluster
from tests.simcluster_tests.client import Client

SOON = 0.2  # seconds without an answer; the right one would come before, or on a busy machine be missed as well


def test_refused(cluster: SimCluster, client: Client) -> None:
    with cluster.fault("node-1", Fault.refuse()):
        with pytest.raises(ConnectionRefusedError):
            client.kubelet("/healthz")
        answer = client.api("/api/v1/nodes/node-1/proxy/healthz")
        where = f"{cluster.nodes['node-1'].listen}:{cluster.kubelet_port}"
        assert (answer.status, answer.json["message"]) == (
            503,
            f"error trying to reach service: dial tcp {where}: connect: connection refused",
        )
        assert client.kubelet("/healthz", node="node-2").status == 200
    assert client.kubelet("/healthz").status == 200


def test_unreachable(cluster: SimCluster, client: Client) -> None:
    with cluster.fault("kubelets", Fault.unreachable()), pytest.raises(TimeoutError):
        client.kubelet("/healthz", timeout=SOON)
    assert client.kubelet("/healthz").status == 200


@pytest.mark.parametrize(
    "fault",
    [
        Fault.hang_handshake(),
        Fault.drip_handshake(interval=60),
        Fault.hang(),
        Fault.hang("head"),
        Fault.hang("headers"),
        Fault.hang("body"),
        Fault.drip("headers", interval=60),
        Fault.drip("body", interval=60),
        Fault.delay(60),
    ],
    ids=lambda fault: str(fault.name),
)
def test_silence(cluster: SimCluster, client: Client, fault: Fault) -> None:
    cluster.fault("api", fault)
    with pytest.raises(TimeoutError):
        client.api("/version", timeout=SOON)


def test_held_until_enough_are_there(cluster: SimCluster, client: Client) -> None:
    gate = Gate(2)
    cluster.fault(["api", "node-1"], Fault.held(gate))
    connection = client.connect(cluster.kubelet_url("node-1"))
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        while not gate.came:
            time.sleep(0.001)
        connection.sock.settimeout(SOON)
        with pytest.raises(TimeoutError):
            connection.getresponse()
    assert gate.most == 1
    assert client.api("/version").status == 200  # the first one still waits
    assert client.kubelet("/healthz").text == "ok"
    assert (gate.most, len(gate.came)) == (2, 3)


def test_a_drip_is_complete_in_the_end(cluster: SimCluster, client: Client) -> None:
    cluster.fault("node-1", Fault.drip("headers", interval=0))
    assert client.kubelet("/healthz").text == "ok"


@pytest.mark.parametrize(
    "fault",
    [Fault.reset_handshake(), Fault.reset(), Fault.reset("head"), Fault.reset("headers"), Fault.reset("body")],
    ids=lambda fault: str(fault.name),
)
def test_resets(cluster: SimCluster, client: Client, fault: Fault) -> None:
    cluster.fault("api", fault)
    connection = client.connect(cluster.url)
    with contextlib.closing(connection), pytest.raises(ConnectionResetError):
        _ask_and_drain(connection, cluster.token("admin"))


def _ask_and_drain(connection: http.client.HTTPSConnection, token: str) -> None:
    connection.request("GET", "/version", headers={"Authorization": f"Bearer {token}"})
    while socket.socket.recv(connection.sock, 65536):  # below TLS: Python's ssl takes a reset for an end of file
        pass


def test_plain_http_on_the_tls_port(cluster: SimCluster, client: Client) -> None:
    cluster.fault("api", Fault.plain_http())
    with pytest.raises(ssl.SSLError):
        client.api("/version")


def test_other_handshakes(cluster: SimCluster, client: Client) -> None:
    with cluster.fault("api", Fault.raw_handshake(b"SSH-2.0-OpenSSH_9.2\r\n")), pytest.raises(ssl.SSLError):
        client.api("/version")
    with cluster.fault("api", Fault.beneath_tls(b"garbage")), pytest.raises(ssl.SSLError):
        client.api("/version")
    expired = Fault.tls(lambda name, at: cluster.pki.server_context(cluster.pki.serving("expired", name, at)))
    with cluster.fault("api", expired), pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        client.api("/version")
    assert client.api("/version").status == 200


def test_plain_http_to_a_tls_port(cluster: SimCluster) -> None:
    with socket.create_connection((cluster.nodes["node-1"].listen, cluster.kubelet_port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"Client sent an HTTP request to an HTTPS server." in sock.recv(1000)


def test_errors_limited_by_path_and_number(cluster: SimCluster, client: Client) -> None:
    fault = Fault.status(429, retry_after=1)
    handle = cluster.fault("api", fault, path="/apis/metrics.k8s.io", times=1)
    assert client.api("/version").status == 200
    refused = client.api("/apis/metrics.k8s.io")
    assert (refused.status, refused.headers["retry-after"], refused.json["reason"]) == (429, "1", "TooManyRequests")
    assert client.api("/apis/metrics.k8s.io").status == 200
    assert handle.hits == 1


def test_other_answers(cluster: SimCluster, client: Client) -> None:
    def answer(fault: Fault) -> tuple[int, bytes]:
        with cluster.fault("api", fault):
            got = client.api("/api/v1/nodes")
            return got.status, got.body

    assert answer(Fault.status(502, html=True, message="Bad Gateway"))[1].startswith(b"<html>")
    assert answer(Fault.body(b"{}", status=201)) == (201, b"{}")
    assert b'"items": []' in answer(Fault.empty_list())[1]
    assert answer(Fault.edit_text(lambda text: text[:5])) == (200, b'{"kin')
    assert answer(Fault.redirect("https://127.0.0.1:1/"))[0] == 302
    assert len(answer(Fault.oversized(3_000_001))[1]) == 3_000_001
    assert len(answer(Fault.oversized(3_000_001, announced=False))[1]) == 3_000_001
    assert answer(Fault.edit_bytes(lambda body: body[:3]))[1] == b'{"k'
    assert answer(Fault.edit_text(lambda _: "\u00f6", "latin-1"))[1] == b"\xf6"
    assert answer(Fault.headers({"Content-Length": "5"}))[1] == b'{"kin'
    bomb = answer(Fault.gzip_bomb(8))[1]
    assert len(bomb) < 16384
    assert gzip.decompress(bomb) == b" " * (8 << 20)


def test_broken_answers(cluster: SimCluster, client: Client) -> None:
    with cluster.fault("api", Fault.raw(b"SSH-2.0-OpenSSH_9.2\r\n")), pytest.raises(http.client.BadStatusLine):
        client.api("/version")
    with cluster.fault("api", Fault.endless(b"", b"x" * 65536)), pytest.raises(http.client.LineTooLong):
        client.api("/version")
    with cluster.fault("api", Fault.truncated(3)), pytest.raises(http.client.IncompleteRead):
        client.api("/version")


def test_faults_of_a_kubelet_reach_those_who_come_through_the_proxy(cluster: SimCluster, client: Client) -> None:
    path = "/api/v1/nodes/node-1/proxy/stats/summary"
    with cluster.fault("node-1", Fault.reset()):
        assert client.api(path).json["message"].startswith("error trying to reach service: ")
    with cluster.fault("node-1", Fault.truncated(3)), pytest.raises(http.client.IncompleteRead):
        client.api(path)


@pytest.mark.parametrize(
    ("serving", "complaint"),
    [
        ("self-signed", "self-signed certificate"),
        ("wrong-name", "IP address mismatch"),
        ("dns-only", "IP address mismatch"),
        ("expired", "certificate has expired"),
        ("other-ca", "unable to get local issuer certificate"),
    ],
)
def test_serving_certificates(serving: str, complaint: str) -> None:
    with SimCluster([Node("n", serving=serving)]) as cluster:  # type: ignore[arg-type]
        with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
            Client(cluster).kubelet("/healthz", node="n")
        assert Client(cluster).api("/api/v1/nodes/n/proxy/healthz").text == "ok"


def test_closing_ends_everything_at_once() -> None:
    files = len(os.listdir("/proc/self/fd"))
    before = set(threading.enumerate())
    cluster = SimCluster(nodes=4, clock=ManualClock()).start()
    client = Client(cluster)
    hanging = []
    for number, fault in enumerate((Fault.hang_handshake(), Fault.hang("body"), Fault.drip(interval=60)), 1):
        cluster.fault(f"node-{number}", fault)
        url = f"{cluster.kubelet_url(f'node-{number}')}/healthz"
        hanging.append(threading.Thread(target=_ignore_errors, args=(client, url)))
    cluster.fault("node-4", Fault.unreachable())
    for number in range(1, 5):
        url = f"{cluster.url}/api/v1/nodes/node-{number}/proxy/healthz"
        hanging.append(threading.Thread(target=_ignore_errors, args=(client, url)))
    for thread in hanging:
        thread.start()
    while len(cluster.asked("api")) < 4 or [cluster.connections[f"node-{n}"] for n in (1, 2, 3)] != [2, 2, 2]:
        time.sleep(0.001)
    cluster.close()
    for thread in hanging:
        thread.join()
    assert [t.name for t in set(threading.enumerate()) - before if t.name.startswith("simcluster")] == []
    assert len(os.listdir("/proc/self/fd")) == files


def _ignore_errors(client: Client, url: str) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        client.get(url)


def test_hundreds_of_connections_at_once(cluster: SimCluster, client: Client) -> None:
    connections = [client.connect(cluster.url) for _ in range(200)]
    for connection in connections:
        connection.connect()
    for connection in connections:
        connection.request("GET", "/version", headers={"Authorization": f"Bearer {cluster.token('admin')}"})
    assert {connection.getresponse().status for connection in connections} == {200}
    for connection in connections:
        connection.close()
