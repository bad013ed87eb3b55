"""What metrics-server's ServiceAccount may do. Rights count, not the names of the roles that give them.

Facts
- The process reads configmaps/extension-apiserver-authentication when it starts, and ends if it may not
  (k8s.io/apiserver pkg/server/options/authentication.go). Flags can make that unnecessary.
- It asks the API server about each user with a SubjectAccessReview, but not about the group system:masters: an
  administrator's requests succeed while everybody else's, and the autoscaler's, are refused.
- Kubelets ask the API server whether it may get nodes/metrics (nodes/stats before 0.6), and remember a yes for five
  minutes.
- Who is authorized otherwise than by RBAC cannot be seen; so a missing right is a warning only while all is well. That
  our own requests are answered does not tell for reviews: it takes somebody who cannot be in system:masters.
- A ClusterRole that others have too is none to be changed: they would have the rights as well, and of one that is
  aggregated a controller takes them away again.
- Only bindings for the account are read. One for another account may have the manifest's name; so bindings for an
  account that is not the manifest's get names of their own.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import patch
from kubectl_metrics.diagnosis.evidence import Read, Unknown
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.rules import Account, Grants, Right
from kubectl_metrics.diagnosis.facts.serverpods import serving, short, works
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Role, is_true

_MANIFEST = "https://github.com/kubernetes-sigs/metrics-server/blob/master/manifests/base/rbac.yaml"
_KUBELET_AUTHORIZATION = (
    "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/#kubelet-authorization"
)
_DELEGATION = "https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/"

_SYSTEM = "kube-system"
_CONFIG_MAP = "extension-apiserver-authentication"
_READER = "extension-apiserver-authentication-reader"
_DELEGATOR = "system:auth-delegator"
_OWN = "system:metrics-server"
_ACCOUNT = Account(_SYSTEM, "metrics-server")  # the manifest's
_BOOTSTRAPPING = "kubernetes.io/bootstrapping"  # a label of what the API server makes itself
_AGGREGATED_TO = "rbac.authorization.k8s.io/aggregate-to-"  # the beginning of labels: its rules become others' too
_NEW = "metrics-server-resources"  # nobody else's name: neither such a role nor such a binding is in the way
_BEFORE_NODES_METRICS = (0, 5)

AUTHENTICATION = (Right("get", "configmaps", name=_CONFIG_MAP, namespace=_SYSTEM),)
REVIEWS = (Right("create", "subjectaccessreviews", "authorization.k8s.io"),)
OBJECTS = tuple(Right(verb, resource) for resource in ("nodes", "pods") for verb in ("list", "watch"))
_CLUSTER = ("cluster_role_bindings", "cluster_roles")
_BOTH = (*_CLUSTER, "role_bindings", "roles")


class _Judgement:
    """The account, what it was given, and what of some rights it lacks."""

    def __init__(self, facts: Facts, rights: Sequence[Right], reads: Sequence[str] = _CLUSTER) -> None:
        """Raises Unknown where it lacks something as far as can be seen, and not everything could be seen."""
        evidence = facts.evidence
        self.account = facts.account
        self.grants = Grants(
            self.account,
            cluster_bindings=evidence.cluster_role_bindings.value or (),
            bindings=(evidence.role_bindings.value or ()) if reads is _BOTH else (),
            cluster_roles=evidence.cluster_roles.value or (),
            roles=(evidence.roles.value or ()) if reads is _BOTH else (),
        )
        self.known_roles = {one.metadata.name for one in evidence.cluster_roles.value or ()}
        self.lacking = self.grants.missing(rights)
        if self.lacking:
            for name in reads:
                read: Read[Any] = getattr(evidence, name)
                if not read.ok or read.partial:
                    raise Unknown(read)

    @property
    def option(self) -> str:
        """kubectl's option for a binding to the account."""
        return shlex.quote(f"--serviceaccount={self.account.namespace}:{self.account.name}")

    def proofs(self) -> list[Proof]:
        """What it lacks, and why as far as that can be seen: a role that is not there, nothing bound at all."""
        found = [Proof(str(self.account), "may not", short(", ".join(str(one) for one in self.lacking)))]
        for one in self.grants.dangling():
            kind = "RoleBinding" if one.metadata.namespace else "ClusterRoleBinding"
            value = f"{one.role_ref.name}, which does not exist"
            found.append(Proof(f"{kind} {one.metadata.name}", "roleRef.name", short(value)))
        bound = sorted({one.role_ref.name for one in self.grants.direct})
        found.append(Proof(str(self.account), "bound to", short(", ".join(bound) or "nothing")))
        return found

    def binding(self, name: str) -> str:
        """What a new binding is called that has this name in the manifest."""
        return name if self.account == _ACCOUNT else f"{name}:{self.account.namespace}:{self.account.name}"

    def bind_reader(self) -> str:
        """The command that lets it read how the API server authenticates itself."""
        name = shlex.quote(self.binding("metrics-server-auth-reader"))
        return f"kubectl -n {_SYSTEM} create rolebinding {name} --role={_READER} {self.option}"

    def bind_delegator(self) -> str:
        """The command that lets it ask what users may do."""
        name = shlex.quote(self.binding(f"metrics-server:{_DELEGATOR}"))
        return f"kubectl create clusterrolebinding {name} --clusterrole={_DELEGATOR} {self.option}"

    def own_role(self) -> Role | None:
        """The ClusterRole that is metrics-server's own and nobody else's, if there is one and it is bound."""
        roles = [
            role
            for binding, role in self.grants.reaching("")
            if role is not None and self.account.is_named(binding) and _is_own(role)
        ]
        return min(roles, key=lambda one: one.metadata.name, default=None)

    def cure(self, resources: str, verbs: str) -> str:
        """The command that gives it rights on resources of the core group."""
        own = self.own_role()
        if own is not None:
            rule = {"apiGroups": [""], "resources": resources.split(","), "verbs": verbs.split(",")}
            path, value = ("/rules/-", rule) if own.rules else ("/rules", [rule])
            return patch("clusterrole", own.metadata.name, [{"op": "add", "path": path, "value": value}])
        needed = ",".join(["nodes", "pods", "nodes/metrics", *(["nodes/stats"] if "nodes/stats" in resources else [])])
        missing = next((one.role_ref.name for one in self.grants.dangling() if not one.metadata.namespace), "")
        if missing:
            return f"kubectl create clusterrole {shlex.quote(missing)} --verb=get,list,watch --resource={needed}"
        if _OWN in self.known_roles:  # only roles that something binds are read
            name = shlex.quote(self.binding(_OWN))
            return f"kubectl create clusterrolebinding {name} --clusterrole={_OWN} {self.option}"
        return (
            f"kubectl create clusterrole {_NEW} --verb=get,list,watch --resource={needed} && "
            f"kubectl create clusterrolebinding {_NEW} --clusterrole={_NEW} {self.option}"
        )


def _is_own(role: Role) -> bool:
    """Whether nobody but metrics-server has a ClusterRole, by its name and by what is made of it."""
    labels = role.metadata.labels or {}
    return (
        "metrics-server" in role.metadata.name
        and role.aggregation_rule is None
        and _BOOTSTRAPPING not in labels
        and not any(key.startswith(_AGGREGATED_TO) for key in labels)
    )


def _uses(facts: Facts, *names: str) -> bool:
    """Whether metrics-server has one of these flags, so that its ServiceAccount is not what counts."""
    flags = facts.flags
    return flags is None or any(flags.given.get(name, "false").lower() not in ("false", "f", "0", "") for name in names)


@check(
    "KM601",
    Severity.ERROR,
    Category.RBAC,
    title="metrics-server may not read how the API server authenticates itself",
    why="When it starts it reads the ConfigMap extension-apiserver-authentication in kube-system, to tell the API "
    "server from others, and ends if it may not. The RoleBinding metrics-server-auth-reader in kube-system allows "
    "that.",
    remedy="kubectl -n kube-system create rolebinding metrics-server-auth-reader "
    "--role=extension-apiserver-authentication-reader --serviceaccount=kube-system:metrics-server",
    link=_MANIFEST,
    needs=("role_bindings",),
    because=("KM605",),
)
def authentication(facts: Facts) -> Iterator[Fault]:
    """A process that runs goes on: for it this is a warning, until it is started again."""
    if _uses(facts, "authentication-skip-lookup", "authentication-kubeconfig", "requestheader-client-ca-file"):
        return
    found = _Judgement(facts, AUTHENTICATION, _BOTH)
    if not found.lacking:
        return
    known = facts.evidence.service_pods.ok
    running = serving(facts) if known else facts.evidence.node_metrics.ok
    yield Fault(
        evidence=found.proofs(),
        severity=Severity.WARNING if running else None,
        remedy=found.bind_reader(),
    )


@check(
    "KM602",
    Severity.ERROR,
    Category.RBAC,
    title="metrics-server may not ask the API server what users may do",
    why="It asks with a SubjectAccessReview for each user, except for administrators of the group system:masters: "
    "their requests succeed while those of other users and of autoscalers fail. ClusterRole system:auth-delegator "
    "allows it.",
    remedy="kubectl create clusterrolebinding metrics-server:system:auth-delegator "
    "--clusterrole=system:auth-delegator --serviceaccount=kube-system:metrics-server",
    link=_DELEGATION,
    needs=_CLUSTER,
    because=("KM605",),
)
def delegation(facts: Facts) -> Iterator[Fault]:
    """An error although our own requests may succeed, unless those of somebody do about whom it has to ask."""
    if _uses(facts, "authorization-kubeconfig"):
        return
    found = _Judgement(facts, REVIEWS)
    if found.lacking:
        others = _served_others(facts)
        yield Fault(
            evidence=found.proofs() + others,
            severity=Severity.WARNING if others else None,
            remedy=found.bind_delegator(),
        )


def _served_others(facts: Facts) -> list[Proof]:
    """Who gets metrics and is not in system:masters: a ServiceAccount never is, the controller of autoscalers neither.

    An autoscaler counts that has nothing else to go by than metrics.k8s.io.
    """
    if not facts.answers:
        return []
    user = facts.evidence.connected.user
    if user.startswith("system:serviceaccount:"):
        return [Proof("GET metrics.k8s.io", "answered for", short(user))]
    for one in facts.evidence.hpas.value or ():
        kinds = {metric.type for metric in one.spec.metrics or ()}
        if kinds and kinds <= {"Resource", "ContainerResource"} and is_true(one.status.conditions, "ScalingActive"):
            name = f"HorizontalPodAutoscaler {one.namespaced_name}"
            return [Proof(name, "status.conditions[ScalingActive]", "True: its controller gets metrics")]
    return []


@check(
    "KM603",
    Severity.ERROR,
    Category.RBAC,
    title="metrics-server may not read the kubelets' metrics",
    why="A kubelet asks the API server whether metrics-server may get nodes/metrics (nodes/stats before 0.6) and "
    "answers 403 if not. It remembers a yes for five minutes, so metrics vanish some time after the right. An old "
    "ClusterRole with a new image has this effect.",
    remedy='kubectl patch clusterrole system:metrics-server --type=json -p \'[{"op":"add","path":"/rules/-","value":'
    '{"apiGroups":[""],"resources":["nodes/metrics"],"verbs":["get"]}}]\'',
    link=_KUBELET_AUTHORIZATION,
    needs=_CLUSTER,
    because=("KM604", "KM605"),
)
def kubelets(facts: Facts) -> Iterator[Fault]:
    """With a client certificate, or without any credentials, the account's rights do not count."""
    if _uses(facts, "kubeconfig", "kubelet-client-certificate", "deprecated-kubelet-completely-insecure"):
        return
    version = facts.image_version
    resource = "nodes/stats" if version is not None and version <= _BEFORE_NODES_METRICS else "nodes/metrics"
    found = _Judgement(facts, [Right("get", resource)])
    if found.lacking:
        yield Fault(
            title=f"metrics-server may not get {resource}",
            evidence=found.proofs(),
            severity=Severity.WARNING if works(facts) else None,
            remedy=found.cure(resource, "get"),
        )


@check(
    "KM604",
    Severity.ERROR,
    Category.RBAC,
    title="metrics-server may not list and watch nodes and pods",
    why="It must know which nodes to ask and which pods there are. Without that it never begins to serve; one that "
    "runs already learns of no new nodes and pods.",
    remedy="kubectl create clusterrolebinding system:metrics-server --clusterrole=system:metrics-server "
    "--serviceaccount=kube-system:metrics-server",
    link=_MANIFEST,
    needs=_CLUSTER,
    because=("KM605",),
)
def objects(facts: Facts) -> Iterator[Fault]:
    """Mostly the whole ClusterRole or its binding is missing, and the kubelets' metrics with it."""
    if _uses(facts, "kubeconfig"):
        return
    found = _Judgement(facts, OBJECTS)
    if found.lacking:
        resources = ",".join(sorted({one.resource for one in found.lacking}))
        yield Fault(
            evidence=found.proofs(),
            severity=Severity.WARNING if works(facts) else None,
            remedy=found.cure(resources, "get,list,watch"),
        )


@check(
    "KM605",
    Severity.ERROR,
    Category.RBAC,
    title="metrics-server's ServiceAccount does not exist",
    why="Its pods run as this account. Without it no new pod is created, and the API server refuses the tokens of "
    "those that run. An account that nothing is bound to has the same effect: bindings name an account and its "
    "namespace.",
    remedy="kubectl -n kube-system create serviceaccount metrics-server",
    link=_MANIFEST,
    needs=("service_account",),
)
def account(facts: Facts) -> Iterator[Fault]:
    """Not there, or there and bound to nothing, as after a change of serviceAccountName or of the namespace."""
    if facts.flags is None:
        return
    own = facts.account
    if facts.evidence.service_account.absent:
        yield Fault(
            evidence=[Proof(str(own), "metadata.name", "no such ServiceAccount")],
            remedy=f"kubectl -n {shlex.quote(own.namespace)} create serviceaccount {shlex.quote(own.name)}",
        )
        return
    evidence = facts.evidence
    if _uses(facts, "kubeconfig") or not all(getattr(evidence, one).ok for one in _BOTH):
        return
    found = _Judgement(facts, (*AUTHENTICATION, *REVIEWS, *OBJECTS), _BOTH)
    if found.grants.direct or len(found.lacking) < len(AUTHENTICATION) + len(REVIEWS) + len(OBJECTS):
        return
    yield Fault(
        title="Nothing is bound to metrics-server's ServiceAccount",
        evidence=[
            Proof(_workload(facts), "spec.template.spec.serviceAccountName", short(own.name)),
            Proof(str(own), "bound to", "nothing"),
        ],
        remedy=_give_account(facts, found),
    )


def _give_account(facts: Facts, found: _Judgement) -> str:
    """In the manifest's namespace the manifest's account; an account elsewhere, or that one itself, its bindings."""
    own = found.account
    if own.namespace == _ACCOUNT.namespace and own.name != _ACCOUNT.name:
        return (
            f"kubectl -n {shlex.quote(own.namespace)} set serviceaccount {_short_target(facts)} {_ACCOUNT.name}  "
            "# the account that the bindings are for"
        )
    return " && ".join((found.bind_reader(), found.bind_delegator(), found.cure("nodes,pods", "get,list,watch")))


def _workload(facts: Facts) -> str:
    return facts.deployment_name if facts.evidence.deployments.ok else "Pod"


def _short_target(facts: Facts) -> str:
    found = facts.deployment if facts.evidence.deployments.ok else None
    return shlex.quote(f"deployment/{found.metadata.name}") if found is not None else "deployment/metrics-server"
