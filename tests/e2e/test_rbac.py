"""The roles in docs: with each of them its commands have all there is, and with one right less they say so."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import tables
from tests.e2e.kit import Ahead, Kit, Ran, wait_for

pytestmark = pytest.mark.kit

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "rbac"
NAMESPACE = "kubectl-metrics-rbac"
GROUP = "rbac.authorization.k8s.io"
METRICS = "/apis/metrics.k8s.io/v1beta1"
# node-b's kubelet has signed its own certificate.
DIRECT = "--kubelet-access=direct --kubelet-insecure-tls"


@dataclasses.dataclass(frozen=True)
class Role:
    """A file of docs, and what shows that a right in it is needed: a command, but for DIAGNOSE."""

    file: str
    needs: Mapping[str, str]
    namespace: str = ""  # where it is bound, for a Role

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(self.path.read_text("utf-8"))
        return document

    @property
    def path(self) -> Path:
        """Where the file is."""
        return DOCS / self.file if self is DIAGNOSE else FOLDER / self.file


def _kubelets(right: str, flags: str) -> dict[str, str]:
    return {
        "list nodes": f"nodes {flags}",
        "get nodes": f"pods -A {flags}",
        "list pods": f"pods -A {flags}",
        "get pods": f"pods -n shop store-0 {flags}",
        f"get {right}": f"nodes {flags}",
    }


ROLES = [
    Role(
        "nodes.yaml",
        {
            "list nodes.metrics.k8s.io": "nodes",
            "get nodes.metrics.k8s.io": "nodes node-a",
            "list nodes": "nodes",
            "get nodes": "nodes node-a",
        },
    ),
    Role(
        "pods.yaml",
        {
            "list pods.metrics.k8s.io": "pods -A",
            "get pods.metrics.k8s.io": "pods -n shop store-0",
            "list pods": "pods -A --field-selector=spec.nodeName=node-a",
        },
    ),
    Role(
        "pods-in-namespace.yaml",
        {
            "list pods.metrics.k8s.io": "pods -n shop",
            "get pods.metrics.k8s.io": "pods -n shop store-0",
            "list pods": "pods -n shop --field-selector=spec.nodeName=node-a",
        },
        namespace="shop",
    ),
    Role("kubelets-stats.yaml", _kubelets("nodes/stats", f"--source=kubelet {DIRECT}")),
    Role("kubelets-metrics.yaml", _kubelets("nodes/metrics", f"--window=15s {DIRECT}")),
    Role("kubelets-proxy.yaml", _kubelets("nodes/proxy", "--source=kubelet --kubelet-access=proxy")),
    Role(
        "raw.yaml",
        {
            "list nodes.metrics.k8s.io": f"raw {METRICS}/nodes",
            "get nodes.metrics.k8s.io": f"raw {METRICS}/nodes/node-a",
            "list pods.metrics.k8s.io": f"raw {METRICS}/namespaces/shop/pods",
            "get pods.metrics.k8s.io": f"raw {METRICS}/namespaces/shop/pods/store-0",
        },
    ),
]


# What is listed as not checked without each right of diagnose's role; "" where only a cluster that is broken, or not
# this one, gives a reason to use it.
DIAGNOSE = Role(
    "diagnose-reader.yaml",
    {
        "list nodes.metrics.k8s.io": "list nodes.metrics.k8s.io",
        "list pods.metrics.k8s.io": "list pods.metrics.k8s.io",
        "list apiservices.apiregistration.k8s.io": "list apiservices.apiregistration.k8s.io",
        "list nodes": "list nodes",
        "list pods": "list pods in kube-system",
        "list namespaces": "list namespaces",
        "list events": "list events in kube-system",
        "get services": "get services in kube-system",
        "get serviceaccounts": "get serviceaccounts in kube-system",
        "get configmaps extension-apiserver-authentication": "get configmaps in kube-system",
        "get configmaps kube-root-ca.crt": "get configmaps in kube-system",
        "get configmaps aws-auth": "",
        "list endpointslices.discovery.k8s.io": "list endpointslices.discovery.k8s.io in kube-system",
        "list deployments.apps": "list deployments.apps in kube-system",
        "list networkpolicies.networking.k8s.io": "list networkpolicies.networking.k8s.io in kube-system",
        "list clusterrolebindings.rbac.authorization.k8s.io": "list clusterrolebindings.rbac.authorization.k8s.io",
        "list rolebindings.rbac.authorization.k8s.io": "list rolebindings.rbac.authorization.k8s.io in kube-system",
        "list roles.rbac.authorization.k8s.io": "list roles.rbac.authorization.k8s.io in kube-system",
        "get clusterroles.rbac.authorization.k8s.io": "get clusterroles.rbac.authorization.k8s.io",
        "list certificatesigningrequests.certificates.k8s.io": "list certificatesigningrequests.certificates.k8s.io",
        "list horizontalpodautoscalers.autoscaling": "list horizontalpodautoscalers.autoscaling",
        "get nodes/metrics": "the kubelets' answers",
        "get nodes/healthz": "",
        "get nodes/configz": "",
        "get services/proxy": "",
        "get pods/log": "get pods/log in kube-system",
    },
)


def _split(rules: list[dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """A rule for each single right, by its words: "list pods.metrics.k8s.io"."""
    split = {}
    for rule in rules:
        names = rule.get("resourceNames", [""])
        for group, resource, verb, name in itertools.product(
            rule["apiGroups"], rule["resources"], rule["verbs"], names
        ):
            words = f"{verb} {resource}{group and '.' + group} {name}".strip()
            split[words] = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
            if name:
                split[words]["resourceNames"] = [name]
    return split


def _account(role: Role, without: str = "") -> str:
    """Each has an account of its own: for five minutes a kubelet remembers what somebody was allowed."""
    return re.sub("[^a-z]+", "-", f"{role.file.removesuffix('.yaml')} without {without}" if without else role.file)


def _objects(role: Role, name: str, rules: list[dict[str, list[str]]] | None) -> list[dict[str, Any]]:
    """An account, its binding, and its role if that is not the file's."""
    document = role.document()
    place = {"namespace": role.namespace} if role.namespace else {}
    objects: list[dict[str, Any]] = []
    if rules is not None:
        metadata = {"name": f"{NAMESPACE}-{name}", **place}
        objects.append(document | {"metadata": metadata, "rules": rules})
        document = objects[0]
    kind = document["kind"]
    account = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": f"{kind}Binding",
        "metadata": {"name": f"{NAMESPACE}-{name}", **place},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": document["metadata"]["name"]},
        "subjects": [account],
    }
    metadata = {"name": name, "namespace": NAMESPACE}
    return [*objects, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}, binding]


@pytest.fixture(scope="module")
def account(cluster: Kit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Gives the kubeconfig of the account that has a role, or a role without one right."""
    objects: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]
    for role in (*ROLES, DIAGNOSE):
        objects += _objects(role, _account(role), None)
        rights = _split(role.document()["rules"])
        for taken in rights:
            rest = [rule for right, rule in rights.items() if right != taken]
            objects += _objects(role, _account(role, taken), rest)
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    folder: Path = tmp_path_factory.mktemp("rbac")
    config = cluster.config()

    def kubeconfig(role: Role, without: str = "") -> str:
        name = _account(role, without)
        path = folder / name
        if not path.exists():
            token = cluster.must("-n", NAMESPACE, "create", "token", name, "--duration=1h")
            user = config["users"][0] | {"user": {"token": token}}
            path.write_text(json.dumps(config | {"users": [user]}))
        return str(path)

    files = [(["-n", role.namespace] if role.namespace else [], str(role.path)) for role in (*ROLES, DIAGNOSE)]
    cluster.kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=60s")  # of an earlier run
    try:
        for place, file in files:
            cluster.must(*place, "apply", "-f", file)
        cluster.must("apply", "-f", "-", stdin=manifest)
        for role in (*ROLES, DIAGNOSE):
            _granted(cluster, role, kubeconfig)
        yield kubeconfig
    finally:
        cluster.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=manifest)
        for place, file in files:
            cluster.kubectl(*place, "delete", "--ignore-not-found", "--wait=false", "-f", file)


def _granted(cluster: Kit, role: Role, kubeconfig: Callable[..., str]) -> None:
    """Waits until the API server knows of the last account of a role, by a right that has not been taken away."""
    *rights, last = _split(role.document()["rules"])
    right = next(right.split(" ") for right in rights if re.fullmatch(r"\w+ [a-z0-9.]+", right))
    where = ["-n", role.namespace] if role.namespace else []
    may = ("auth", "can-i", *right, *where, "--kubeconfig", kubeconfig(role, last))
    wait_for(f"the role of {role.file}", lambda: cluster.kubectl(*may).stdout == "yes\n")


def _shown(ran: Ran) -> object:
    """What an answer is about, without its numbers."""
    if not ran.stdout.startswith("{"):
        return tables.names(ran)
    document = ran.json()
    return [item["metadata"]["name"] for item in document.get("items", [document])]


def _gaps(ran: Ran) -> list[list[str]]:
    """What is said to be missing, without the reason: that of a pod that crashes again and again changes."""
    return [line.split(": ")[:2] for line in ran.stderr.splitlines()]


def test_each_file_has_its_role() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {role.file for role in ROLES}
    for role in (*ROLES, DIAGNOSE):
        assert _split(role.document()["rules"]).keys() == role.needs.keys()


COMMANDS = [(role, command) for role in ROLES for command in dict.fromkeys(role.needs.values())]


@pytest.fixture(scope="module")
def answers(cluster: Kit, account: Callable[..., str]) -> Ahead[tuple[str, str], tuple[Ran, Ran]]:
    """What an administrator and what the account with a role get, by the role's file and the command."""
    kubeconfigs = {role.file: account(role) for role in ROLES}

    def ask(question: tuple[str, str]) -> tuple[Ran, Ran]:
        file, command = question
        with ThreadPoolExecutor() as both:  # a window of 15 s then passes for both at once
            admin = both.submit(cluster.ours, *command.split())
            ours = cluster.ours(*command.split(), "--kubeconfig", kubeconfigs[file])
            return admin.result(), ours

    return Ahead(ask, [(role.file, command) for role, command in COMMANDS], at_once=4)


@pytest.mark.parametrize(
    ("role", "command"), [pytest.param(role, command, id=f"{role.file} {command}") for role, command in COMMANDS]
)
def test_nothing_is_missing(answers: Ahead[tuple[str, str], tuple[Ran, Ran]], role: Role, command: str) -> None:
    """The same rows as an administrator has, and no complaint."""
    admins, ours = answers[role.file, command]
    assert (ours.status, ours.complaints()) == (0, []), ours.stderr
    assert _gaps(ours) == _gaps(admins)
    assert "<unknown>" not in ours.stdout
    assert _shown(ours) == _shown(admins)


@pytest.mark.parametrize(
    ("role", "right"),
    [pytest.param(role, right, id=f"{role.file} without {right}") for role in ROLES for right in role.needs],
)
def test_one_right_less_is_refused_and_named(kit: Kit, account: Callable[..., str], role: Role, right: str) -> None:
    ran = kit.ours(*role.needs[right].split(), "--kubeconfig", account(role, right))
    assert ran.stdout == ""
    # The API server's refusal is an error; kubelets that refuse are a source without metrics.
    assert ran.status == (3 if "/" in right else 1)
    (line,) = ran.errors()
    assert "forbidden" in line.lower()
    verb, resource = right.split(" ")
    resource, _, group = resource.partition(".")
    node = re.search(r"verb=(\w+), resource=nodes, subresource\(s\)=\[(\w+)\]", line)
    if node:  # a kubelet's own words
        assert (node[1], f"nodes/{node[2]}") == (verb, resource)
    else:
        assert f'cannot {verb} resource "{resource}" in API group "{group}"' in line


@pytest.mark.parametrize("file", ["pods.yaml", "pods-in-namespace.yaml"])
def test_without_the_list_of_pods_there_is_a_table_that_cannot_name_what_is_missing(
    kit: Kit, account: Callable[..., str], file: str
) -> None:
    """What kubectl top shows to somebody with that right alone."""
    role = next(role for role in ROLES if role.file == file)
    theirs, ours = kit.top("pod", "-n", "shop", "--kubeconfig", account(role, "list pods"))
    assert ours.answer() == theirs.answer()
    assert ours.status == 0
    assert "crashing" in kit.ours("pods", "-n", "shop", "--kubeconfig", account(role)).stderr
    assert "crashing" not in ours.stderr


def _diagnosis(kit: Kit, kubeconfig: str) -> Ran:
    return kit.ours("diagnose", "--logs", "-o", "json", *DIRECT.split(), "--kubeconfig", kubeconfig)


def _verdict(ran: Ran) -> tuple[list[str], list[str]]:
    """What was found, and what is all right."""
    document = ran.json()
    return [one["id"] for one in document["findings"]], document["passed"]


def test_the_diagnosis_is_an_administrators(kit: Kit, account: Callable[..., str]) -> None:
    """At a moment at which nothing changes: what a log has to say grows old, for example."""
    admins, ours = kit.alike(
        lambda: _diagnosis(kit, str(kit.kubeconfig)), lambda: _diagnosis(kit, account(DIAGNOSE)), _verdict
    )
    assert ours.json()["notChecked"] == []
    assert _verdict(ours) == _verdict(admins)


MISSED = {right: missed for right, missed in DIAGNOSE.needs.items() if missed}


@pytest.fixture(scope="module")
def diagnoses(cluster: Kit, account: Callable[..., str]) -> Ahead[str, dict[str, Any]]:
    """By the right that is taken away. Each mostly waits."""
    return Ahead(lambda right: _diagnosis(cluster, account(DIAGNOSE, right)).json(), MISSED, at_once=4)


@pytest.mark.parametrize("right", MISSED)
def test_one_right_less_is_not_checked_and_named(diagnoses: Ahead[str, dict[str, Any]], right: str) -> None:
    missed = diagnoses[right]["notChecked"]
    assert MISSED[right] in {one["needs"] for one in missed}
    assert all("forbidden" in one["reason"] or "refuse this user" in one["reason"] for one in missed)
