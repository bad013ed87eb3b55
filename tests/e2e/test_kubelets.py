"""--source kubelet: the same numbers straight from the kubelets, over each way to them."""

from __future__ import annotations

import time

import pytest

from tests.e2e import tables
from tests.e2e.kit import Kit, Ran

pytestmark = pytest.mark.kit

# node-b's certificate is its own, so these are two ways to have both nodes.
BOTH = [("--kubelet-access=proxy",), ("--kubelet-access=direct", "--kubelet-insecure-tls")]


def _without_complaint(ran: Ran) -> None:
    assert (ran.status, ran.complaints()) == (0, [])


def _row(ran: Ran, name: str) -> list[str]:
    return next(row for row in ran.table() if row[0] == name)


@pytest.mark.parametrize("access", BOTH)
@pytest.mark.parametrize("arguments", [("node",), ("pod", "-A"), ("pod", "-n", "shop", "--containers")])
def test_the_numbers_agree_with_metrics_server(kit: Kit, access: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    kind, *rest = arguments
    # A node does whatever else the machine does, and at every moment something else.
    slack = (400, 200) if kind == "node" else (15, 1)
    differences = ["never compared"]
    for _ in range(20):
        theirs = kit.kubectl("top", kind, *rest)
        ours = kit.ours({"node": "nodes", "pod": "pods"}[kind], "--source=kubelet", *access, *rest)
        _without_complaint(ours)
        assert tables.names(ours) == tables.names(theirs)
        differences = tables.unlike(
            tables.amounts(ours), tables.amounts(theirs), millicores=slack[0], mebibytes=slack[1]
        )
        if not differences:
            return
        time.sleep(3)  # kubelet and metrics-server measure at different moments: another one
    pytest.fail("; ".join(differences))


def test_a_nodes_numbers_are_those_of_its_kubelet(kit: Kit) -> None:
    def statistics() -> tuple[float, float]:
        node = kit.served("/api/v1/nodes/node-a/proxy/stats/summary?only_cpu_and_memory=true")["node"]
        return node["cpu"]["usageNanoCores"] / 1e6, node["memory"]["workingSetBytes"] / (1 << 20)

    found = []
    for _ in range(30):
        before = statistics()
        ours = tables.amounts(kit.ours("nodes", "node-a", "--source=kubelet", *BOTH[1]))[("node-a",)]
        found.append((before, ours, statistics()))
        if all(0.9 * min(a, b) - 1 <= x <= 1.1 * max(a, b) + 1 for a, x, b in zip(*found[-1], strict=True)):
            return
    pytest.fail(f"never in between: {found}")


def test_a_window_is_measured_over_that_time(kit: Kit) -> None:
    started = time.monotonic()
    ran = kit.ours("pods", "-n", "shop", "--source=kubelet", "--window=15s", *BOTH[1])
    assert time.monotonic() - started > 10
    assert ran.status == 0
    assert tables.names(ran) == tables.names(kit.kubectl("top", "pod", "-n", "shop"))
    web = [cpu for (name,), (cpu, _) in tables.amounts(ran).items() if name.startswith("web-")]
    assert len(web) == 2
    assert all(10 <= cpu <= 60 for cpu in web), web  # two containers that want 35m


def test_only_the_kubelets_that_can_have_the_answer_are_asked(kit: Kit) -> None:
    """store-0 runs on one node; that the other node cannot be verified is of no interest then."""
    node = kit.must("-n", "shop", "get", "pod", "store-0", "-o", "jsonpath={.spec.nodeName}")
    ran = kit.ours("nodes", node, "--source=kubelet", *BOTH[1])
    _without_complaint(ran)
    other = {"node-a": "node-b", "node-b": "node-a"}[node]
    with kit.stopped(other):
        ran = kit.ours("pods", "-n", "shop", "store-0", "--source=kubelet", *BOTH[1])
    _without_complaint(ran)
    assert [row[0] for row in ran.table()] == ["NAME", "store-0"]


# ---- a certificate that nobody vouches for --------------------------------------------------------------------------


def test_a_certificate_of_its_own_is_not_believed(kit: Kit) -> None:
    ran = kit.ours("nodes", "--source=kubelet", "--kubelet-access=direct")
    assert ran.status == 0
    assert _row(ran, "node-b")[1:] == ["<unknown>"] * 4
    assert _row(ran, "node-a")[1].endswith("m")
    assert "node-b" in ran.stderr
    assert "certificate" in ran.stderr
    assert "--kubelet-insecure-tls" in ran.stderr  # the remedy
    assert "node-a" not in ran.stderr


def test_a_certificate_of_its_own_with_insecure_tls(kit: Kit) -> None:
    ran = kit.ours("nodes", "--source=kubelet", "--kubelet-access=direct", "--kubelet-insecure-tls")
    _without_complaint(ran)
    assert "<unknown>" not in ran.stdout


def test_a_certificate_of_its_own_by_way_of_the_api_server(kit: Kit) -> None:
    ran = kit.ours("nodes", "--source=kubelet", "--kubelet-access=proxy")
    _without_complaint(ran)
    assert "<unknown>" not in ran.stdout


def test_auto_goes_by_way_of_the_api_server_where_it_has_to(kit: Kit) -> None:
    ran = kit.ours("nodes", "--source=kubelet", "--kubelet-access=auto", "--strict")
    assert ran.status == 0
    assert "<unknown>" not in ran.stdout
    assert "node-b" in ran.stderr or "1 " in ran.stderr  # which, or how many
    assert "proxy" in ran.stderr


def test_a_certificate_of_its_own_is_a_gap_for_the_pods_as_well(kit: Kit) -> None:
    theirs = kit.must("get", "pods", "-n", "kube-system", "-l", "app=agent", "-o", "json")
    ran = kit.ours("pods", "-n", "kube-system", "-l", "app=agent", "--source=kubelet", "--kubelet-access=direct")
    assert ran.status == 0
    assert theirs
    assert len(tables.names(ran)) == 1
    assert "node-b" in ran.stderr
    strict = kit.ours("pods", "-n", "kube-system", "--source=kubelet", "--kubelet-access=direct", "--strict")
    assert strict.status == 4


def test_the_document_names_the_gap(kit: Kit) -> None:
    document = kit.ours("nodes", "--source=kubelet", "--kubelet-access=direct", "-o", "json").json()
    assert [item["name"] for item in document["items"]] == ["node-a"]
    assert [(gap["kind"], gap["name"], gap["reason"]) for gap in document["gaps"]] == [
        ("Node", "node-b", "certificate-untrusted")
    ]
    assert document["source"]["kind"] == "kubelet"


# ---- addresses and ports --------------------------------------------------------------------------------------------


def test_an_address_that_leads_nowhere_gives_way_to_the_next(kit: Kit) -> None:
    """Hostname is "node-a", which no name server knows here."""
    types = "--kubelet-preferred-address-types=Hostname,InternalIP"
    ran = kit.ours("nodes", "--source=kubelet", *BOTH[1], types)
    assert ran.status == 0
    assert "<unknown>" not in ran.stdout


def test_no_address_of_these_types(kit: Kit) -> None:
    types = "--kubelet-preferred-address-types=ExternalDNS"
    ran = kit.ours("nodes", "--source=kubelet", "--kubelet-access=direct", types)
    assert ran.status == 3
    assert "ExternalDNS" in ran.stderr


def test_a_port_on_which_nobody_listens(kit: Kit) -> None:
    ran = kit.ours("nodes", "--source=kubelet", "--kubelet-access=direct", "--kubelet-port=10999")
    assert ran.status == 3
    assert "refused" in ran.stderr


def test_a_kubelet_on_another_port(kit: Kit) -> None:
    with kit.kubelet_set("node-a", "port: 10350", port=10350):
        found = kit.ours("nodes", "node-a", "--source=kubelet", "--kubelet-access=direct")
        told = kit.ours("nodes", "node-a", "--source=kubelet", "--kubelet-access=direct", "--kubelet-port=10350")
        wrong = kit.ours("nodes", "node-a", "--source=kubelet", "--kubelet-access=direct", "--kubelet-port=10250")
    assert (found.status, found.stderr) == (0, "")
    assert told.status == 0
    assert wrong.status != 0 or "<unknown>" in wrong.stdout


# ---- a kubelet that is not there ------------------------------------------------------------------------------------


def test_a_stopped_kubelet(kit: Kit) -> None:
    with kit.stopped("node-b"):
        for access in BOTH:
            ran = kit.ours("nodes", "--source=kubelet", *access)
            assert _row(ran, "node-b")[1:] == ["<unknown>"] * 4
            assert _row(ran, "node-a")[1].endswith("m")
            assert "node-b" in ran.stderr
            assert "refused" in ran.stderr
            assert ran.status == 0
            assert kit.ours("nodes", "--source=kubelet", *access, "--strict").status == 4
            pods = kit.ours("pods", "-n", "shop", "--source=kubelet", *access)
            assert pods.status == 0
            assert 0 < len(tables.names(pods)) < 3
            assert "node-b" in pods.stderr

        # metrics-server forgets the node at its next round; the API's table then has a gap, too
        for _ in range(60):
            theirs = kit.kubectl("top", "node")
            if "<unknown>" in theirs.stdout:
                break
            time.sleep(1)
        theirs, ours = kit.top("node")
        assert "<unknown>" in theirs.stdout
        assert ours.stdout == theirs.stdout
        assert ours.status == 0
        assert ours.stderr.startswith(("1 ", "node-b")) or "node-b" in ours.stderr or " 1 " in ours.stderr
        assert kit.ours("nodes", "--strict").status == 4


def test_both_kubelets_stopped(kit: Kit) -> None:
    with kit.stopped("node-a", "node-b"):
        ran = kit.ours("nodes", "--source=kubelet", *BOTH[1])
        assert (ran.status, ran.stdout) == (3, "")
        assert "refused" in ran.stderr
