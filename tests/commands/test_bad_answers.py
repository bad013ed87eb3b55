"""Servers that do not answer as they should, where tests/faults has no row for it."""

from __future__ import annotations

import base64
import json

import pytest

from tests.harness import Result, Tool, tool
from tests.simcluster import Fault, SimCluster

METRICS = "/apis/metrics.k8s.io/v1beta1"


def tidy(result: Result, cluster: SimCluster, lines: int = 2) -> None:
    """Nothing on stdout, a line or two on stderr, no traceback, no credential."""
    assert result.out == ""
    assert 1 <= len(result.err.splitlines()) <= lines
    assert "Traceback" not in result.err
    assert cluster.token("admin") not in result.err
    assert result.err.startswith(("error: ", "Error from server", "Unable to connect", "The connection to the server"))


def test_a_hundred_megabytes_of_spaces(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.oversized(100 << 20), path=METRICS):
        result = admin("nodes", "--source", "api")
    tidy(result, cluster, lines=1)
    assert (result.status, "the answer is blank" in result.err) == (1, True)


HOSTILE = "node-\x1b[2J\x1b]0;gotcha\x07\r\u202e"


def test_names_cannot_talk_to_the_terminal(cluster: SimCluster, admin: Tool) -> None:
    def rename(document: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        document["items"][0]["metadata"]["name"] = HOSTILE

    with cluster.fault("api", Fault.edit(rename), path=METRICS):
        nodes, pods = admin("nodes"), admin("pods", "-n", "shop")
        documents = admin("nodes", "-o", "yaml"), admin("nodes", "-o", "json")
    for result in (nodes, pods):
        assert result.status == 0
        assert r"node-\x1b[2J\x1b]0;gotcha\x07\r\u202e" in result.out
    assert HOSTILE in [item["name"] for item in json.loads(documents[1].out)["items"]]
    for result in (nodes, pods, *documents):
        assert all(character.isprintable() or character == "\n" for character in result.out + result.err)


def test_messages_cannot_talk_to_the_terminal(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.status(403, message=f"no {HOSTILE} way\nat all"), path=METRICS):
        result = admin("nodes")
    assert result.err.count("\n") == 1
    assert all(character.isprintable() or character == "\n" for character in result.err)


def test_the_wrong_ca(cluster: SimCluster) -> None:
    with SimCluster(nodes=1) as asked:  # nobody's else, whose last request may still be on its way
        config = asked.kubeconfig(certificate_authority_data=base64.b64encode(cluster.ca_pem).decode())
        result = Tool(config)("nodes")
    tidy(result, asked, lines=2)
    assert (result.status, "x509: certificate signed by unknown authority" in result.err) == (1, True)
    assert asked.requests == []


def test_expired_client_certificate(cluster: SimCluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("expired")
    pair = cluster.expired_client_certificate("admin")
    (folder / "crt").write_bytes(pair.certificate)
    (folder / "key").write_bytes(pair.key)
    result = tool(cluster, credentials=False)(
        "nodes", "--client-certificate", str(folder / "crt"), "--client-key", str(folder / "key")
    )
    tidy(result, cluster, lines=2)
    assert result.status == 1
    assert "You must be logged in to the server" in result.err
    assert "expired" in result.err


def test_what_echoes_the_token_in_an_answer_that_is_read(cluster: SimCluster, admin: Tool) -> None:
    """It is quoted by the error, and by what is made of the error: a hint, and a note."""
    token = cluster.token("admin")
    with (
        cluster.fault("api", Fault.status(404), "/apis/metrics.k8s.io"),
        cluster.fault("api", Fault.edit(lambda document: document.update(kind=token)), "/api/v1/nodes"),
    ):
        for command in (["nodes"], ["nodes", "--source", "kubelet"]):
            result = admin(*command)
            assert "kind 'REDACTED' instead of NodeList" in result.err
            assert token not in result.err


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        (
            "/apis/apiregistration.k8s.io/v1/apiservices/",
            {"status": {"conditions": [{"type": "Available", "status": "False", "reason": "X", "message": "got {}"}]}},
            "(X: got REDACTED)",
        ),
        ("/apis/metrics.k8s.io", {"versions": [{"version": "{}"}]}, "(only REDACTED is served)"),
    ],
)
def test_what_echoes_the_token_where_the_reason_is(
    cluster: SimCluster, admin: Tool, path: str, answer: dict[str, object], said: str
) -> None:
    token = cluster.token("admin")
    body = json.dumps(answer).replace("{}", token).encode()
    status = 404 if path == "/apis/metrics.k8s.io" else 503
    with (
        cluster.fault("api", Fault.body(body), path),
        cluster.fault("api", Fault.status(status), METRICS),
    ):
        result = admin("nodes")
    assert (result.status, said in result.err, token in result.err) == (0, True, False)
