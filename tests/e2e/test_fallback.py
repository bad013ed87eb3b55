"""When metrics.k8s.io is absent, broken or empty, the tables come from the kubelets and stderr says why."""

from __future__ import annotations

import time

import pytest

from tests.e2e import tables
from tests.e2e.kit import Kit, Ran

pytestmark = pytest.mark.kit

INSECURE = "--kubelet-insecure-tls"


def _from_kubelets(ran: Ran) -> None:
    assert ran.status == 0, ran.stderr
    assert len(ran.complaints()) == 1, ran.stderr
    assert "computed from the kubelets" in ran.complaints()[0]


def _has_no_source(ran: Ran) -> None:
    assert (ran.status, ran.stdout) == (3, "")


# ---- the Service that the APIService names is gone ------------------------------------------------------------------


@pytest.mark.metrics_server("no-service")
@pytest.mark.parametrize("arguments", ["nodes", "nodes node-a", "pods -n shop", "pods -A --containers"])
def test_the_apiservices_own_reason_is_told(kit: Kit, arguments: str) -> None:
    ran = kit.ours(*arguments.split(), INSECURE)
    _from_kubelets(ran)
    assert "<unknown>" not in ran.stdout
    message = kit.must(
        "get", "apiservice", "v1beta1.metrics.k8s.io",
        "-o", "jsonpath={.status.conditions[?(@.type=='Available')].message}",
    )  # fmt: skip
    assert "ServiceNotFound" in ran.stderr or message in ran.stderr


@pytest.mark.metrics_server("no-service")
def test_source_api_is_an_error_while_the_service_is_gone(kit: Kit) -> None:
    ran = kit.ours("nodes", "--source=api")
    assert ran.status in (1, 3)
    assert ran.stdout == ""
    assert any(text in ran.stderr for text in ("ServiceNotFound", "unable to handle the request", "not available"))


# ---- metrics-server has just started --------------------------------------------------------------------------------


@pytest.mark.metrics_server("empty")
@pytest.mark.parametrize("arguments", ["nodes", "pods -n shop", "pods -A --sum"])
def test_an_api_that_is_still_empty(kit: Kit, arguments: str) -> None:
    ran = kit.ours(*arguments.split(), INSECURE)
    _from_kubelets(ran)
    assert tables.amounts(ran)


@pytest.mark.metrics_server("empty")
@pytest.mark.parametrize("arguments", ["nodes node-a", "pods -n shop store-0"])
def test_one_object_of_an_api_that_is_still_empty(kit: Kit, arguments: str) -> None:
    ran = kit.ours(*arguments.split(), INSECURE)
    assert ran.status == 0, ran.stderr
    assert len(tables.names(ran)) == 1


@pytest.mark.metrics_server("empty")
def test_a_namespace_without_pods_is_no_empty_api(kit: Kit) -> None:
    ran = kit.ours("pods", "-n", "default", INSECURE)
    assert "No resources found in default namespace." in ran.stderr
    assert (ran.status, ran.stdout) == (0, "")


@pytest.mark.metrics_server("empty")
def test_source_api_while_it_is_still_empty(kit: Kit) -> None:
    theirs, ours = kit.top("node")
    assert theirs.first_error() == "error: metrics not available yet"
    ours = kit.ours("nodes", "--source=api")
    assert ours.first_error() == theirs.first_error()
    assert (ours.status, ours.stdout) == (3, "")


# ---- no metrics-server ----------------------------------------------------------------------------------------------

OFF = pytest.mark.metrics_server("off")
ACCESS = pytest.mark.parametrize(
    "access", [(), ("--kubelet-access=proxy",), ("--kubelet-access=direct", INSECURE)], ids=["auto", "proxy", "direct"]
)


@OFF
@ACCESS
def test_the_nodes_are_those_of_before(kit: Kit, access: tuple[str, ...]) -> None:
    ran = kit.ours("nodes", *access)
    assert ran.status == 0
    assert ran.table()[0] == kit.before_off["node"].table()[0]
    assert tables.names(ran) == tables.names(kit.before_off["node"])
    assert tables.amounts(ran).keys() == tables.amounts(kit.before_off["node"]).keys()


@OFF
@ACCESS
@pytest.mark.parametrize("arguments", ["pod -A", "pod -A --containers"])
def test_the_pods_and_their_numbers_are_those_of_before(kit: Kit, arguments: str, access: tuple[str, ...]) -> None:
    theirs = kit.before_off[arguments]
    rows = [row for row in tables.names(theirs) if "metrics-server" not in " ".join(row)]
    expected = {row: tables.amounts(theirs)[row] for row in rows}
    differences = ["never compared"]
    for _ in range(20):
        ran = kit.ours("pods", *arguments.split()[1:], *access)
        assert ran.status == 0, ran.stderr
        assert ran.table()[0] == theirs.table()[0]
        assert tables.names(ran) == rows
        differences = tables.unlike(tables.amounts(ran), expected)
        if not differences:
            return
        time.sleep(3)
    pytest.fail("; ".join(differences))


@OFF
@pytest.mark.parametrize(
    "arguments", ["nodes", "pods -n shop", "nodes node-a --no-headers", "pods -A -l app=web --sum"]
)
def test_one_line_says_so(kit: Kit, arguments: str) -> None:
    ran = kit.ours(*arguments.split(), INSECURE)
    _from_kubelets(ran)
    assert "metrics" in ran.stderr.lower()


@OFF
@pytest.mark.parametrize(
    "arguments",
    [
        "node no-such-node",
        "pod -n shop no-such-pod",
        "node --sort-by=name",
        "pod -l 'a",
        "pod -n no-such-namespace",
        "pod -n shop -l no-such-label",
    ],
)
def test_ordinary_failures_stay_what_they_are(kit: Kit, arguments: str) -> None:
    kind, *rest = arguments.split()
    ran = kit.ours({"node": "nodes", "pod": "pods"}[kind], *rest)
    assert ran.stdout == ""
    expected = {
        "node no-such-node": 'Error from server (NotFound): nodes "no-such-node" not found',
        "pod -n shop no-such-pod": 'Error from server (NotFound): pods "no-such-pod" not found',
        "node --sort-by=name": "error: --sort-by accepts only cpu or memory",
        "pod -l 'a": "error: unable to parse requirement",
        "pod -n no-such-namespace": "No resources found in no-such-namespace namespace.",
        "pod -n shop -l no-such-label": "No resources found in shop namespace.",
    }[arguments]
    assert expected in ran.stderr
    assert ran.status == (0 if "No resources" in expected else 2 if rest[0] in ("--sort-by=name", "-l") else 1)


@OFF
@pytest.mark.parametrize(
    "flags", ["--sort-by=memory", "--sort-by=cpu", "-l app=web", "--field-selector spec.nodeName=node-a"]
)
def test_selecting_and_sorting(kit: Kit, flags: str) -> None:
    ran = kit.ours("pods", "-n", "shop", INSECURE, *flags.split())
    assert ran.status == 0
    values = tables.amounts(ran)
    if flags.startswith("--sort-by"):
        column = 0 if flags.endswith("cpu") else 1
        shown = [values[row][column] for row in tables.names(ran)]
        assert shown == sorted(shown, reverse=True)
        assert len(shown) == 3
    else:
        selected = kit.must("get", "pods", "-n", "shop", *flags.split(), "--no-headers")
        running = {row[0] for row in map(str.split, selected.splitlines()) if row[2] == "Running"}
        assert {name for (name,) in values} == running


@OFF
def test_source_api_says_what_kubectl_says(kit: Kit) -> None:
    for kind, command in (("node", "nodes"), ("pod", "pods")):
        theirs = kit.kubectl("top", kind)
        ours = kit.ours(command, "--source=api")
        assert ours.first_error() == theirs.first_error() == "error: Metrics API not available"
        _has_no_source(ours)


@OFF
def test_the_document_says_where_it_comes_from(kit: Kit) -> None:
    document = kit.ours("pods", "-n", "shop", "-o", "json", INSECURE).json()
    assert document["source"]["kind"] == "kubelet"
    assert [gap["name"] for gap in document["gaps"]] == ["crashing"]
    assert [item["name"].split("-")[0] for item in document["items"]] == ["store", "web", "web"]
    assert all(item["usage"]["memoryBytes"] > 1 << 20 for item in document["items"])


@OFF
def test_as_a_plugin_of_kubectl(kit: Kit) -> None:
    ran = kit.kubectl("metrics", "nodes", INSECURE)
    _from_kubelets(ran)


@OFF
def test_the_last_kubelet_is_gone_as_well(kit: Kit) -> None:
    with kit.stopped("node-a", "node-b"):
        _has_no_source(kit.ours("nodes", INSECURE))
        _has_no_source(kit.ours("pods", "-n", "shop", INSECURE))
        assert kit.ours("pods", "-n", "no-such-namespace").status == 0
