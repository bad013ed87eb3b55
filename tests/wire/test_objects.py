"""JSON from an API server and from kubelets: real shapes, and everything else that may come instead."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire import core, metrics_list, status, summary
from kubectl_metrics.wire.metrics_list import ContainerMetrics, Metadata, NodeMetrics, PodMetrics, Usage
from kubectl_metrics.wire.quantity import Bytes, Nanocores

NODE = {
    "metadata": {"name": "node-a", "creationTimestamp": "2026-11-23T19:06:03Z", "labels": {"a": "b"}},
    "timestamp": "2026-11-23T19:05:56Z",
    "window": "20.038s",
    "usage": {"cpu": "189609888n", "memory": "739436Ki"},
}
POD = {
    "metadata": {"name": "store-0", "namespace": "shop"},
    "timestamp": "2026-11-23T19:05:56Z",
    "window": "15s",
    "containers": [{"name": "db", "usage": {"cpu": "22m", "memory": "98Mi", "swap": "4Ki"}}],
}


def _list(kind: str, *items: object) -> bytes:
    return json.dumps({"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "items": items}).encode()


def test_nodes() -> None:
    item = NodeMetrics(
        Metadata("node-a"), "2026-11-23T19:05:56Z", "20.038s", Usage(Nanocores(189609888), Bytes(739436 * 1024))
    )
    assert metrics_list.node_list(_list("NodeMetricsList", NODE)) == [item]
    assert metrics_list.node(json.dumps({"kind": "NodeMetrics", **NODE}).encode()) == metrics_list._Node(
        item.metadata, item.timestamp, item.window, item.usage, kind="NodeMetrics"
    )


@pytest.mark.parametrize("cpu", ["22000000n", "22m", "22000u", "0.022", "+22m", "22000000.0n", "022000000n"])
@pytest.mark.parametrize("memory", ["1024Ki", "1Mi", "1048576", "1048576000m", "01024Ki", "1024.0Ki"])
def test_quantities_in_any_form(cpu: str, memory: str) -> None:
    (item,) = metrics_list.node_list(_list("NodeMetricsList", {**NODE, "usage": {"cpu": cpu, "memory": memory}}))
    assert (item.usage.cpu, item.usage.memory) == (22_000_000, 1 << 20)


def test_pods() -> None:
    usage = Usage(Nanocores(22_000_000), Bytes(98 << 20), Bytes(4096))
    item = PodMetrics(Metadata("store-0", "shop"), "2026-11-23T19:05:56Z", "15s", (ContainerMetrics("db", usage),))
    assert metrics_list.pod_list(_list("PodMetricsList", POD)) == [item]
    assert metrics_list.pod(json.dumps({"kind": "PodMetrics", **POD}).encode()).containers == item.containers


@pytest.mark.parametrize("items", ["null", "[]"])
def test_go_writes_an_empty_list_in_two_ways(items: str) -> None:
    assert metrics_list.node_list(b'{"kind":"NodeMetricsList","items":' + items.encode() + b"}") == []
    assert metrics_list.pod_list(b'{"items":' + items.encode() + b"}") == []
    assert core.node_list(b'{"items":' + items.encode() + b"}") == []
    assert core.pod_page(b'{"items":' + items.encode() + b"}") == ([], "")


def test_usage_that_is_left_out_is_zero_as_in_kubectl() -> None:
    (item,) = metrics_list.node_list(b'{"items":[{"metadata":{"name":"a"}}]}')
    assert item.usage == Usage(Nanocores(0), Bytes(0))


def test_null_is_what_is_left_out_as_in_go() -> None:
    first = b'{"metadata":{"name":"a"},"timestamp":null,"window":null,%s}'
    second = b'{"metadata":{"name":"b"},%s}'
    usage = b'"usage":{"cpu":"5n","memory":"1Ki"}'
    nodes = metrics_list.node_list(b'{"items":[' + first % b'"usage":null' + b"," + second % usage + b"]}")
    assert [(one.metadata.name, one.usage.cpu) for one in nodes] == [("a", 0), ("b", 5)]
    containers = b'"containers":[{"name":"x",' + usage + b"}]"
    pods = metrics_list.pod_list(b'{"items":[' + first % b'"containers":null' + b"," + second % containers + b"]}")
    assert [(one.metadata.name, len(one.containers)) for one in pods] == [("a", 0), ("b", 1)]
    (node,) = core.node_list(b'{"items":[{"metadata":{"name":"a"},"status":{"daemonEndpoints":null}}]}')
    assert node.status.daemon_endpoints.kubelet_endpoint.Port == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the answer is empty"),
        (b"   ", "the answer is empty"),
        (b" " * 1000, "the answer is blank"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"  <HTML>", "web page"),
        (b"garbage", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"kind":"\xff"}', "the answer is not UTF-8$"),
        (b'{"kind":"\xc3', "not JSON .*truncated"),  # in the middle of a character
        (b'{"kind":"NodeMetricsList","items":[', "not JSON"),
        (b'{"kind":"Status"}', "kind 'Status' instead of NodeMetricsList"),
        (b"[]", "Expected `object`"),
        (b'{"items":[null]}', r"\$\.items\[0\]"),
        (b'{"items":[{"metadata":null}]}', "missing required field `metadata` - at `\\$\\.items\\[0\\]`"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"cpu":"x"},"timestamp":null}]}', "'x' is not a quantity"),
        (b'{"items":[{"usage":null,"x":' + b"[" * 100_000, "nested too deeply"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"cpu":"abc"}}]}', "'abc' is not a quantity"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"cpu":"-1"}}]}', "negative"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"cpu":1.5}}]}', "1.5 is not a quantity"),
        ('{"items":[{"metadata":{"name":"a"},"usage":{"cpu":"\u0661n"}}]}'.encode(), "is not a quantity"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"cpu":"n"}}]}', "'n' is not a quantity"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"memory":"1_0Ki"}}]}', "'1_0Ki' is not a quantity"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"memory":"-1Ki"}}]}', "'-1Ki' is negative"),
        (b'{"items":[{"metadata":{"name":"a"},"usage":{"memory":true}}]}', "True is not a quantity"),
        (b'{"items":[{"metadata":{"name":7}}]}', "Expected `str`"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_list_of_nodes_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        metrics_list.node_list(body)


_DECODERS: list[Callable[[bytes], object]] = [
    metrics_list.node_list,
    metrics_list.pod_list,
    metrics_list.node,
    metrics_list.pod,
    core.node_list,
    core.pod_page,
    core.node,
    core.pod,
    summary.summary,
    status.group_versions,
    status.unavailable_reason,
    status.names_an_object,
    lambda body: status.error(500, body, "x"),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "items", "metadata", "name", "usage", "cpu", "status", "node", "pods", "conditions"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("decode", _DECODERS)
@given(body=st.binary(max_size=40) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_decoded_or_refused(decode: Callable[[bytes], object], body: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode(body)


@pytest.mark.parametrize("decode", [core.node, metrics_list.node, summary.summary, status.group_versions])
def test_text_that_is_not_utf_8(decode: Callable[[bytes], object]) -> None:
    with pytest.raises(DecodeError, match="the answer is not UTF-8"):
        decode(
            b'{"metadata": {"name": "a"}, "node": {"nodeName": "\xff"}, "kind": "\xff", '
            b'"versions": [{"version": "\xff"}]}'
        )


def test_encode_is_what_the_api_serves() -> None:
    (node,) = metrics_list.node_list(_list("NodeMetricsList", NODE))
    (pod,) = metrics_list.pod_list(_list("PodMetricsList", POD))
    document: dict[str, Any] = json.loads(metrics_list.encode(node, "v1beta1"))
    assert document["apiVersion"] == "metrics.k8s.io/v1beta1"
    assert document["kind"] == "NodeMetrics"
    assert document["metadata"]["name"] == "node-a"
    assert document["usage"] == NODE["usage"]
    assert metrics_list.node(metrics_list.encode(node, "v1")).usage == node.usage
    again = metrics_list.pod_list(metrics_list.encode_list("PodMetricsList", [pod], "v1beta1"))
    assert again == [pod]
    assert json.loads(metrics_list.encode(pod, "v1"))["containers"] == POD["containers"]


def test_discovery_documents() -> None:
    assert status.group_versions(metrics_list.encode_group("v1beta1")) == ["v1beta1"]
    resources = json.loads(metrics_list.encode_resources("v1beta1"))["resources"]
    assert [(entry["name"], entry["namespaced"]) for entry in resources] == [("nodes", False), ("pods", True)]


def test_a_node_and_a_pod() -> None:
    node = core.node(
        json.dumps(
            {
                "kind": "Node",
                "metadata": {"name": "a", "annotations": {"x": "y"}},
                "status": {
                    "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                    "allocatable": {"cpu": "1930m", "memory": "24Gi", "pods": "110"},
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": 10251}},
                    "nodeInfo": {"swap": {"capacity": 1024}},
                },
            }
        ).encode()
    )
    assert node.name == "a"
    assert node.status.allocatable == core.Resources(Nanocores(1_930_000_000), Bytes(24 << 30))
    assert node.status.daemon_endpoints.kubelet_endpoint.Port == 10251
    assert node.status.node_info.swap == core.Swap(1024)
    body = (
        b'{"kind":"Pod","metadata":{"name":"p","namespace":"n"},"spec":{"nodeName":"a"},"status":{"phase":"Running"}}'
    )
    pod = core.pod(body)
    assert (pod.key, pod.spec.node_name, pod.status.phase) == (("n", "p"), "a", "Running")


def test_pages() -> None:
    body = b'{"kind":"%s","metadata":{"continue":"next"},"items":[{"metadata":{"name":"p","namespace":"n"}}]}'
    for kind in (b"PodList", b"PartialObjectMetadataList"):
        items, more = core.pod_page(body % kind)
        assert [pod.key for pod in items] == [("n", "p")]
        assert more == "next"
    with pytest.raises(DecodeError, match="instead of PodList"):
        core.pod_page(body % b"NodeList")


@pytest.mark.parametrize(
    ("code", "body", "text"),
    [
        (
            403,
            b'{"kind":"Status","reason":"Forbidden","message":"nodes is forbidden: User \\"x\\" cannot list"}',
            'Error from server (Forbidden): nodes is forbidden: User "x" cannot list',
        ),
        (
            401,
            b'{"kind":"Status","reason":"Unauthorized","message":"Unauthorized"}',
            "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
        ),
        (
            401,
            b"",
            "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
        ),
        (
            404,
            b"404 page not found\n",
            "Error from server (NotFound): the server could not find the requested resource (get x)",
        ),
        (403, b"<html>no</html>", "Error from server (Forbidden): the request was forbidden (get x)"),
        (403, b"Forbidden (user=a)", "Error from server (Forbidden): Forbidden (user=a) (get x)"),
        (
            500,
            b"boom",
            'Error from server (InternalError): an error on the server ("boom") '
            "has prevented the request from succeeding (get x)",
        ),
        (502, b"<html>", "502 and a web page"),
        (
            503,
            b"service unavailable\n",
            "Error from server (ServiceUnavailable): the server is currently unable to handle the request (get x)",
        ),
        (504, b"", "unable to return a response in the time allotted"),
        (429, b"", "Error from server (TooManyRequests): the server has received too many requests"),
        (302, b"", "Error from server: the server answered 302 and wants to redirect; that is not followed (get x)"),
        (
            418,
            b"",
            "Error from server: the server responded with the status code 418 "
            "but did not return more information (get x)",
        ),
        (500, b'{"kind":"Status"}', "an error on the server"),
    ],
)
def test_errors_as_kubectl_prints_them(code: int, body: bytes, text: str) -> None:
    assert text in str(status.error(code, body, "get x"))


@pytest.mark.parametrize(
    "body",
    [
        b"a\nb " * 10_000,
        json.dumps({"kind": "Status", "message": "a\nb " * 10_000, "reason": "c\nd " * 10_000}).encode(),
    ],
)
def test_an_error_is_short_and_on_one_line(body: bytes) -> None:
    message = str(status.error(500, body, ""))
    assert "\n" not in message
    assert len(message) < 1300
    assert not message.endswith(")")


def test_names_an_object() -> None:
    assert status.names_an_object(b'{"kind":"Status","details":{"name":"x","kind":"pods"}}')
    assert not status.names_an_object(b'{"kind":"Status","details":{}}')
    assert not status.names_an_object(b"404 page not found")


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        (None, ""),
        ([{"type": "Available", "status": "True", "reason": "Passed"}], ""),
        ([{"type": "Other", "status": "False", "reason": "X"}], ""),
        (
            [{"type": "Available", "status": "False", "reason": "ServiceNotFound", "message": "gone"}],
            "ServiceNotFound: gone",
        ),
        ([{"type": "Available", "status": "Unknown", "reason": "Odd"}], "Odd"),
    ],
)
def test_unavailable_reason(conditions: object, reason: str) -> None:
    assert status.unavailable_reason(json.dumps({"status": {"conditions": conditions}}).encode()) == reason
