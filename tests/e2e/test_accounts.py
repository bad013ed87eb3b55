"""What service accounts with few rights get, from the API and from the kubelets."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import tables
from tests.e2e.kit import Ahead, Kit, Ran, wait_for

pytestmark = pytest.mark.kit

NAMESPACE = "kubectl-metrics-accounts"
LISTS = {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list"]}
# What each account may read besides the lists of nodes and pods.
KUBELET_RIGHTS = {"stats": ["nodes/stats"], "metrics": ["nodes/metrics"], "proxy": ["nodes/proxy"], "neither": []}
INSECURE = "--kubelet-insecure-tls"
As = Callable[[str], str]


@pytest.fixture(scope="session")
def account(cluster: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[As]:
    """Gives the kubeconfig of an account: one of KUBELET_RIGHTS, or "viewer", who may view the namespace shop."""
    group = "rbac.authorization.k8s.io"
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": NAMESPACE, "namespace": "shop"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "name": "viewer", "namespace": NAMESPACE}],
        },
    ]
    for name, resources in KUBELET_RIGHTS.items():
        metadata = {"name": f"{NAMESPACE}-{name}"}
        rules = [LISTS, *({"apiGroups": [""], "resources": [each], "verbs": ["get"]} for each in resources)]
        objects += [
            {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules},
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": metadata["name"]},
                "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
            },
        ]
    for name in (*KUBELET_RIGHTS, "viewer"):
        metadata = {"name": name, "namespace": NAMESPACE}
        objects.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    folder: Path = tmp_path_factory.mktemp("accounts")

    def kubeconfig(name: str) -> str:
        path = folder / name
        if not path.exists():
            config = cluster.config()
            token = cluster.must("-n", NAMESPACE, "create", "token", name, "--duration=1h")
            config["users"][0]["user"] = {"token": token}
            path.write_text(json.dumps(config))
        return str(path)

    def may(name: str, *what: str) -> bool:
        return cluster.kubectl("auth", "can-i", *what, "--kubeconfig", kubeconfig(name)).stdout == "yes\n"

    def all_may() -> bool:
        """The API server learns of each kind of object by a way of its own, and a kubelet remembers a refusal."""
        rights = {name: [one.partition("/")[2] for one in resources] for name, resources in KUBELET_RIGHTS.items()}
        return may("viewer", "list", "pods.metrics.k8s.io", "-n", "shop") and all(
            may(name, "list", "pods") and all(may(name, "get", "nodes", f"--subresource={one}") for one in subresources)
            for name, subresources in rights.items()
        )

    try:
        cluster.must("apply", "-f", "-", stdin=manifest)
        wait_for("the rights of all accounts", all_may)
        yield kubeconfig
    finally:
        cluster.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait", stdin=manifest)


# ---- with the metrics API -------------------------------------------------------------------------------------------


def test_a_viewer_of_one_namespace_has_its_pods(kit: Kit, account: As) -> None:
    for arguments in ("", "--containers", "--sum", "store-0"):
        theirs, ours = kit.top("pod", "-n", "shop", *arguments.split(), "--kubeconfig", account("viewer"))
        assert ours.answer() == theirs.answer()
        assert ours.status == 0


@pytest.mark.parametrize("arguments", ["node", "node node-a", "pod -A", "pod -n kube-system", "pod -n kube-system one"])
def test_a_viewer_of_one_namespace_has_nothing_else(kit: Kit, account: As, arguments: str) -> None:
    theirs, ours = kit.top(*arguments.split(), "--kubeconfig", account("viewer"))
    assert ours.first_error() == theirs.first_error()
    assert (ours.status, ours.stdout) == (1, "")


def test_no_right_to_the_api_is_an_error_and_no_reason_to_ask_the_kubelets(kit: Kit, account: As) -> None:
    theirs, ours = kit.top("node", "--kubeconfig", account("stats"))
    assert ours.first_error() == theirs.first_error()
    assert (ours.status, ours.stdout) == (1, "")


@pytest.mark.parametrize("name", ["stats", "metrics"])
def test_source_kubelet_needs_no_right_to_the_api(kit: Kit, account: As, name: str) -> None:
    ran = kit.ours("nodes", "--source=kubelet", INSECURE, "--kubeconfig", account(name))
    assert ran.status == 0
    assert "<unknown>" not in ran.stdout


# ---- without it -----------------------------------------------------------------------------------------------------

OFF = pytest.mark.metrics_server("off")


EITHER = ["stats", "metrics"]
TABLES = ["nodes", "nodes node-a", "pods -A", "pods -n shop --containers"]


@pytest.fixture(scope="module")
def tables_of(cluster: Kit, account: As) -> Ahead[tuple[str, str], Ran]:
    """By account and arguments. With the right to nodes/metrics alone each takes the 15 seconds of a window."""
    kubeconfigs = {name: account(name) for name in EITHER}

    def ask(question: tuple[str, str]) -> Ran:
        name, arguments = question
        return cluster.ours(*arguments.split(), INSECURE, "--kubelet-access=direct", "--kubeconfig", kubeconfigs[name])

    return Ahead(ask, itertools.product(EITHER, TABLES), at_once=len(TABLES))


@OFF
@pytest.mark.parametrize("name", EITHER)
@pytest.mark.parametrize("arguments", TABLES)
def test_either_right_will_do(kit: Kit, tables_of: Ahead[tuple[str, str], Ran], name: str, arguments: str) -> None:
    expected = kit.ours(*arguments.split(), INSECURE)
    ran = tables_of[name, arguments]
    assert ran.status == 0, ran.stderr
    assert tables.names(ran) == tables.names(expected)
    assert "<unknown>" not in ran.stdout


@OFF
def test_the_proxy_right_will_do_by_way_of_the_proxy(kit: Kit, account: As) -> None:
    ran = kit.ours("nodes", "--kubelet-access=proxy", "--kubeconfig", account("proxy"))
    assert ran.status == 0
    assert "<unknown>" not in ran.stdout


@OFF
def test_least_privilege_has_no_proxy_and_says_so(kit: Kit, account: As) -> None:
    """auto cannot verify node-b directly and may not go by way of the API server."""
    ran = kit.ours("nodes", "--kubelet-access=auto", "--kubeconfig", account("stats"))
    assert ran.status == 0
    assert next(row for row in ran.table() if row[0] == "node-b")[1:] == ["<unknown>"] * 4
    assert "node-b" in ran.stderr
    assert "nodes/proxy" in ran.stderr or "certificate" in ran.stderr
    assert kit.ours("nodes", "--strict", "--kubeconfig", account("stats")).status == 4


@OFF
@pytest.mark.parametrize("access", ["direct", "proxy", "auto"])
def test_neither_right(kit: Kit, account: As, access: str) -> None:
    ran = kit.ours("nodes", INSECURE, f"--kubelet-access={access}", "--kubeconfig", account("neither"))
    assert (ran.status, ran.stdout) == (3, "")
    assert ("nodes/proxy" if access == "proxy" else "stats") in ran.stderr
    assert "forbidden" in ran.stderr.lower()
    assert "token" not in ran.stderr.lower()


@OFF
def test_a_viewer_of_one_namespace_cannot_use_the_kubelets(kit: Kit, account: As) -> None:
    ran = kit.ours("pods", "-n", "shop", "--kubeconfig", account("viewer"))
    assert ran.stdout == ""
    assert ran.status in (1, 3)
    assert "nodes" in ran.stderr
    assert "forbidden" in ran.stderr.lower()
