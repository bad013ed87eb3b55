"""Servers that do not answer as they should: an error that says so, the right status, nothing else, no secret."""

from __future__ import annotations

import json

import pytest

from tests.harness import Result, Tool, tool
from tests.simcluster import Fault, SimCluster

METRICS = "/apis/metrics.k8s.io/v1beta1"
SOON = ("--request-timeout", "1s", "--kubelet-request-timeout", "1s")

# What a server may do instead of answering, and what the error must say about it.
BROKEN = {
    "refuse": (Fault.refuse(), "was refused - did you specify the right host or port?"),
    "reset-on-connect": (Fault.reset_handshake(), "connection reset"),
    "hang-in-handshake": (Fault.hang_handshake(), "timeout"),
    "hang": (Fault.hang(), "no answer within"),
    "hang-in-body": (Fault.hang("body"), "i/o timeout"),
    "drip-headers": (Fault.drip("headers"), "i/o timeout"),
    "drip-body": (Fault.drip("body", 0.2), "i/o timeout: only"),
    "plain-http": (Fault.plain_http(), "HTTP"),
    "garbage-for-http": (Fault.raw(b"\x00\x01\x02 garbage\r\n\r\n"), "HTTP"),
    "truncated": (Fault.truncated(5), "bytes"),
    "html": (Fault.body(b"<!DOCTYPE html><html></html>", "text/html"), "answered with a web page"),
    "half-json": (Fault.edit_text(lambda text: text[: len(text) // 2]), "not JSON"),
    "garbage": (Fault.body(b"\xff\xfe\x00"), "not JSON"),
    "empty": (Fault.body(b""), "the answer is empty"),
    "other-kind": (Fault.body(b'{"kind":"ConfigMap","metadata":{"name":"x"}}'), "kind 'ConfigMap' instead of"),
    "deep": (Fault.body(b'{"x":' + b"[" * 100_000), "nested too deeply"),
    "null-items": (Fault.edit(lambda document: document.update(items=[None])), "$.items[0]"),
    "redirect": (Fault.redirect("https://127.0.0.1:1/"), "wants to redirect"),
    "401": (Fault.status(401), "You must be logged in to the server"),
    "403": (Fault.status(403, message="no way"), "Error from server (Forbidden): no way"),
    "429": (Fault.status(429, retry_after=1), "Error from server (TooManyRequests)"),
    "500-html": (Fault.status(500, html=True), "500"),
}


def tidy(result: Result, cluster: SimCluster, lines: int = 2) -> None:
    """Nothing on stdout, a line or two on stderr, no traceback, no credential."""
    assert result.out == ""
    assert 1 <= len(result.err.splitlines()) <= lines
    assert "Traceback" not in result.err
    assert cluster.token("admin") not in result.err
    assert result.err.startswith(("error: ", "Error from server", "Unable to connect", "The connection to the server"))


@pytest.mark.parametrize("command", [["nodes"], ["pods", "-n", "shop"]])
@pytest.mark.parametrize("fault", BROKEN)
def test_the_metrics_api(cluster: SimCluster, admin: Tool, fault: str, command: list[str]) -> None:
    broken, text = BROKEN[fault]
    with cluster.fault("api", broken, path=METRICS):
        result = admin(*command, "--source", "api", *SOON)
    tidy(result, cluster)
    no_source = fault in (
        "hang",
        "hang-in-body",
        "drip-headers",
        "drip-body",
        "500-html",
        "truncated",
        "garbage-for-http",
    )
    assert result.status == (3 if no_source else 1)
    assert text in result.err or (no_source and result.err.startswith("error: Metrics API not available"))


@pytest.mark.parametrize("fault", BROKEN)
def test_the_nodes(cluster: SimCluster, admin: Tool, fault: str) -> None:
    broken, text = BROKEN[fault]
    with cluster.fault("api", broken, path="/api/v1/nodes"):
        result = admin("nodes", "--source", "api", *SOON)
    tidy(result, cluster)
    assert result.status == 1
    assert text in result.err


@pytest.mark.parametrize("command", [["nodes"], ["pods", "-n", "shop"]])
@pytest.mark.parametrize("fault", BROKEN)
def test_everything(cluster: SimCluster, admin: Tool, fault: str, command: list[str]) -> None:
    broken, _ = BROKEN[fault]
    with cluster.fault("api", broken):
        result = admin(*command, *SOON)
    tidy(result, cluster)
    assert result.status in (1, 3)


@pytest.mark.parametrize("access", ["direct", "auto"])
@pytest.mark.parametrize("fault", sorted(BROKEN.keys() - {"null-items"}))
def test_one_kubelet(cluster: SimCluster, admin: Tool, fault: str, access: str) -> None:
    """One bad kubelet costs its own row and nothing else."""
    broken, text = BROKEN[fault]
    with cluster.fault("node-b", broken):
        result = admin("nodes", "--source", "kubelet", "--kubelet-access", access, *SOON)
    assert result.status == 0
    assert [row[0] for row in result.rows] == ["node-a", "node-c", "node-b"]
    assert result.rows[-1][1:] == ["<unknown>"] * 4
    (line,) = [line for line in result.err.splitlines() if line.startswith("warning")]
    assert "node-b" in line
    expected = {"refuse": "connection refused", "403": "no way", "401": "provide credentials", "other-kind": "`node`"}
    expected |= {"redirect": "302", "429": "too many requests", "html": "web page"}
    assert expected.get(fault, text) in line
    assert cluster.token("admin") not in result.err


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            b'{"kind":"NodeMetricsList","items":[{"metadata":{"name":"node-a"},"usage":{"cpu":"abc"}}]}',
            "'abc' is not a quantity",
        ),
        (
            b'{"kind":"NodeMetricsList","items":[{"metadata":{"name":"node-a"},"usage":{"cpu":"-1"}}]}',
            "'-1' is negative",
        ),
        (
            b'{"kind":"NodeMetricsList","items":[{"metadata":{"name":"node-a"},"usage":{"cpu":"1e99"}}]}',
            "larger than any",
        ),
        (b'{"kind":"NodeMetricsList","items":{}}', "Expected `array | null`"),
    ],
)
def test_values(cluster: SimCluster, admin: Tool, body: bytes, text: str) -> None:
    with cluster.fault("api", Fault.body(body), path=METRICS):
        result = admin("nodes")
    tidy(result, cluster, lines=1)
    assert (result.status, text in result.err) == (1, True)


def test_a_hundred_megabytes_of_spaces(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("api", Fault.oversized(100 << 20), path=METRICS):
        result = admin("nodes", "--source", "api")
    tidy(result, cluster, lines=1)
    assert (result.status, "the answer is blank" in result.err) == (1, True)


def test_a_kubelet_with_too_much_to_say(cluster: SimCluster, admin: Tool) -> None:
    with cluster.fault("node-b", Fault.oversized(65 << 20)):
        result = admin("nodes", "--source", "kubelet", "--kubelet-access", "direct")
    assert result.status == 0
    assert "no usage of node node-b" in result.err
    assert "67108864 bytes" in result.err or "larger than" in result.err


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
    other = SimCluster(nodes=0)
    import base64

    config = cluster.kubeconfig(certificate_authority_data=base64.b64encode(other.ca_pem).decode())
    before = len(cluster.requests)
    result = Tool(config)("nodes")
    tidy(result, cluster, lines=2)
    assert (result.status, "x509: certificate signed by unknown authority" in result.err) == (1, True)
    assert len(cluster.requests) == before


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
