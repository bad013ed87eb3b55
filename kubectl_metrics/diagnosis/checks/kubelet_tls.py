"""The serving certificates of kubelets, as metrics-server judges them, and the requests for new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl
from kubectl_metrics.diagnosis.facts.pipeline import Facts, milliseconds
from kubectl_metrics.diagnosis.facts.vantage import (
    Proofs,
    any_answered,
    graded,
    kubelet,
    rests_on,
    told_by_api,
    unscraped,
    verifying,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import CSR, condition
from kubectl_metrics.diagnosis.probe import Certificate
from kubectl_metrics.wire import servername

_BOOTSTRAP = "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/#kubelet-serving-certs"
_SIGNERS = "https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/"
_ROTATION = "https://kubernetes.io/docs/tasks/tls/certificate-rotation/"
_CURE = (
    "systemctl restart kubelet  # on these nodes, with serverTLSBootstrap: true in /var/lib/kubelet/config.yaml; then "
    "kubectl get csr, kubectl certificate approve NAME (in a test cluster --kubelet-insecure-tls will do)"
)
_CERTIFICATES = "the kubelets' certificates"
_DAY = 86400.0
_SOON = 14 * _DAY
_ROTATED = 0.1  # what is left of a lifetime when every rotation should have been: the kubelet's is due at 10 to 30 %
_PATIENCE = 180.0  # seconds that an approver or a signer may take
_IMPATIENCE = 10.0  # the same where there is no certificate yet
_USER = "system:node:"


# ---- certificates ----


def _bad(facts: Facts) -> Iterator[tuple[str, str, list[Proof]]]:
    """The certificates that metrics-server refuses: node, the first reason in Go's order of importance, evidence."""
    if verifying(facts) is None:
        return
    for probe in facts.evidence.kubelets:
        node = facts.nodes_by_name.get(probe.node)
        found = probe.certificate
        if node is None or found is None:
            continue
        trusted = next(one.trusted for one in probe.attempts if one.certificate is not None)
        dialled = facts.dialled(node)
        mismatch = _mismatch(found, dialled[1]) if dialled is not None else ""
        named = [Proof(f"Node {probe.node}", f"status.addresses[{dialled[0]}].address", dialled[1])] if dialled else []
        if _expired(facts, found):
            yield probe.node, "expired", [_proof(probe.node, "valid", f"{found.not_before} to {found.not_after}")]
        elif trusted is False and _judges(facts):
            yield probe.node, "untrusted", [_proof(probe.node, "issuer", found.issuer or "(empty)")]
        elif mismatch and dialled is not None and servername.is_ip(dialled[1]) and not found.ip_addresses:
            yield probe.node, "no-ip", [_proof(probe.node, "subjectAltName", _names(found)), *named]
        elif mismatch:
            yield probe.node, "other-name", [_proof(probe.node, "subjectAltName", _names(found)), *named]


def _shown(facts: Facts) -> bool:
    """Whether we have seen a certificate, or metrics-server looks at none, or its metrics prove that it is content.

    The latter counts where the kubelets answer through the API server, as they do for whoever has no route to them.
    """
    if verifying(facts) is None or any(one.certificate is not None for one in facts.evidence.kubelets):
        return True
    return any_answered(facts) and all(unscraped(facts, name) is False for name in facts.probes)


def _judges(facts: Facts) -> bool:
    """Whether what we have verified with is what metrics-server verifies with."""
    flags = verifying(facts)
    return flags is not None and not flags.certificate_authority and facts.evidence.root_ca.ok


def _of(facts: Facts, reason: str) -> Proofs:
    return {name: proofs for name, why, proofs in _bad(facts) if why == reason}


@check(
    "KM723",
    Severity.ERROR,
    Category.KUBELETS,
    title="Certificates of kubelets are for no IP address",
    why="metrics-server dials these nodes by IP address, and their certificates name host names only: x509: cannot "
    "validate certificate for ... because it doesn't contain any IP SANs.",
    remedy=_CURE,
    link=_BOOTSTRAP,
    needs=("nodes",),
)
@rests_on(_shown, _CERTIFICATES)
def no_ip(facts: Facts) -> Iterator[Fault]:
    """Signed by the right CA: what the kubelet makes for itself is KM725's matter."""
    yield from graded(facts, _of(facts, "no-ip"), measured=Severity.WARNING)


@check(
    "KM724",
    Severity.ERROR,
    Category.KUBELETS,
    title="Certificates of kubelets are for other addresses than those dialled",
    why="The certificate was issued when the node had another address, or for another one of its addresses: x509: "
    "certificate is valid for ..., not ....",
    remedy=_CURE,
    link=_BOOTSTRAP,
    needs=("nodes",),
    because=("KM703",),
)
@rests_on(_shown, _CERTIFICATES)
def other_name(facts: Facts) -> Iterator[Fault]:
    """Host names included, where metrics-server dials those."""
    yield from graded(facts, _of(facts, "other-name"), measured=Severity.WARNING)


@check(
    "KM725",
    Severity.ERROR,
    Category.KUBELETS,
    title="Certificates of kubelets are not signed by the cluster's CA",
    why="By default a kubelet makes a certificate for itself, which nobody can verify: x509: certificate signed by "
    "unknown authority. metrics-server trusts the CA in the ConfigMap kube-root-ca.crt.",
    remedy=_CURE,
    link=_BOOTSTRAP,
    needs=("nodes", "root_ca"),
)
@rests_on(_shown, _CERTIFICATES)
def untrusted(facts: Facts) -> Iterator[Fault]:
    """With a CA of its own (--kubelet-certificate-authority) nobody can tell from outside."""
    yield from graded(facts, _of(facts, "untrusted"), measured=Severity.WARNING)


@check(
    "KM726",
    Severity.ERROR,
    Category.KUBELETS,
    title="Certificates of kubelets have expired or are not yet valid",
    why="The certificate was not renewed in time, or a clock is wrong. metrics-server may go on for a while over "
    "connections that it already has.",
    remedy="timedatectl; systemctl restart kubelet  # on these nodes, with rotateCertificates: true and "
    "serverTLSBootstrap: true in /var/lib/kubelet/config.yaml; then kubectl get csr, kubectl certificate approve NAME",
    link=_ROTATION,
    needs=("nodes",),
    because=("KM727", "KM728"),
)
@rests_on(_shown, _CERTIFICATES)
def expired(facts: Facts) -> Iterator[Fault]:
    """By the API server's clock, where it has shown one."""
    yield from graded(facts, _of(facts, "expired"), measured=Severity.WARNING)


@check(
    "KM729",
    Severity.WARNING,
    Category.KUBELETS,
    title="Certificates of kubelets expire soon and were not renewed",
    why="A kubelet that renews its serving certificate does so when 70 to 90 % of its lifetime are over. These are "
    "past that; once they have expired metrics-server refuses them.",
    remedy="kubectl get csr  # pending ones of signer kubernetes.io/kubelet-serving: kubectl certificate approve "
    "NAME; else on these nodes: serverTLSBootstrap: true in /var/lib/kubelet/config.yaml, systemctl restart kubelet",
    link=_ROTATION,
    needs=("nodes",),
    because=("KM727", "KM728"),
)
@rests_on(_shown, _CERTIFICATES)
def expiring(facts: Facts) -> Iterator[Fault]:
    """Only what metrics-server trusts now can be lost."""
    if verifying(facts) is None:
        return
    refused = {name for name, _, _ in _bad(facts)}
    seen = {}
    for probe in facts.evidence.kubelets:
        found = probe.certificate
        begins, ends = (milliseconds(found.not_before), milliseconds(found.not_after)) if found else (None, None)
        if found is None or begins is None or ends is None or probe.node in refused:
            continue
        left = (ends - facts.now) / 1000
        if left < min(_SOON, (ends - begins) / 1000 * _ROTATED):
            seen[probe.node] = [_proof(probe.node, "notAfter", f"{found.not_after}, in {_span(left)}")]
    yield from graded(facts, seen, missing=Severity.WARNING, measured=Severity.WARNING)


def _expired(facts: Facts, found: Certificate) -> bool:
    begins, ends = milliseconds(found.not_before), milliseconds(found.not_after)
    return (ends is not None and facts.now > ends) or (begins is not None and facts.now < begins)


def _mismatch(found: Certificate, address: str) -> str:
    """Go's words if a certificate is not for an address; "" if it is."""
    return servername.mismatch(found.dns_names, found.ip_addresses, [address])


def _names(found: Certificate) -> str:
    names = [*(f"DNS:{name}" for name in found.dns_names), *(f"IP:{one}" for one in found.ip_addresses)]
    return ", ".join(names[:10]) or "none"


def _proof(name: str, field: str, value: str) -> Proof:
    return Proof(kubelet(name), f"certificate: {field}", value)


def _span(seconds: float) -> str:
    return f"{seconds / _DAY:.0f} days" if seconds >= 2 * _DAY else f"{seconds / 3600:.0f} hours"


# ---- requests for certificates ----


@check(
    "KM727",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets wait for the approval of their certificates",
    why="With serverTLSBootstrap a kubelet asks the API server for its serving certificate. Kubernetes does not "
    "approve such requests by itself; until somebody does, a new kubelet has none at all: remote error: tls: internal "
    "error.",
    remedy="kubectl get csr --field-selector spec.signerName=kubernetes.io/kubelet-serving  # look at each, then: "
    "kubectl certificate approve NAME",
    link=_SIGNERS,
    needs=("csrs", "nodes"),
)
def pending(facts: Facts) -> Iterator[Fault]:
    """The newest request of each node, if it has waited for longer than an approver takes."""
    waiting = {
        name: one
        for name, one in _newest(facts).items()
        if not one.status.conditions
        and (facts.age(one.metadata.creation_timestamp) or 0) > (_IMPATIENCE if _bare(facts, name) else _PATIENCE)
    }
    seen = {
        name: [
            Proof(
                f"CertificateSigningRequest {one.metadata.name}",
                "status.conditions",
                f"none since {one.metadata.creation_timestamp}, for {name}",
            )
        ]
        for name, one in waiting.items()
    }

    def approve(names: Sequence[str]) -> str:
        requests = [waiting[name].metadata.name for name in names[:10]]
        return kubectl("certificate", "approve", *requests, note="after a look at: kubectl describe csr NAME")

    yield from _graded(facts, seen, approve)


@check(
    "KM728",
    Severity.ERROR,
    Category.KUBELETS,
    title="Requests of kubelets for certificates were denied or never signed",
    why="kube-controller-manager signs what was approved, if it has the cluster's CA with its key "
    "(--cluster-signing-cert-file). What it refuses it marks as failed; the kubelet asks again later.",
    remedy="kubectl describe csr  # conditions; kubectl -n kube-system logs -l component=kube-controller-manager | "
    "grep -i csr",
    link=_SIGNERS,
    needs=("csrs", "nodes"),
)
def unsigned(facts: Facts) -> Iterator[Fault]:
    """The newest request of each node."""
    seen = {}
    for name, one in _newest(facts).items():
        if one.status.certificate:
            continue
        for kind in ("Denied", "Failed", "Approved"):
            found = condition(one.status.conditions, kind)
            if found is None:
                continue
            since = facts.age(found.last_transition_time or one.metadata.creation_timestamp)
            if kind != "Approved" or (since is not None and since > _PATIENCE):
                text = f"{found.reason}: {found.message}" if kind != "Approved" else "approved, and no certificate"
                field = f"status.conditions[{kind}]"
                seen[name] = [Proof(f"CertificateSigningRequest {one.metadata.name}", field, f"{text}, for {name}")]
            break
    yield from _graded(facts, seen)


def _graded(facts: Facts, seen: Proofs, remedy: Callable[[Sequence[str]], str] | None = None) -> Iterator[Fault]:
    """Where metrics-server verifies nothing and has metrics, it can do without."""
    calm = Severity.WARNING if verifying(facts) is not None else Severity.INFO
    yield from graded(facts, seen, measured=calm, remedy=remedy)


def _bare(facts: Facts, name: str) -> bool:
    """Whether a kubelet has no certificate at all, and so can make no connection."""
    probe = facts.probes.get(name)
    return probe is not None and ("tls: " in told_by_api(probe) or any(one.failure == "tls" for one in probe.attempts))


def _newest(facts: Facts) -> Mapping[str, CSR]:
    """The newest request of each node that there is."""
    found: dict[str, CSR] = {}
    for one in sorted(facts.evidence.csrs.get(), key=lambda one: one.metadata.creation_timestamp or ""):
        name = one.spec.username.removeprefix(_USER)
        ours = one.spec.signer_name == "kubernetes.io/kubelet-serving" and one.spec.username.startswith(_USER)
        if ours and name in facts.nodes_by_name:
            found[name] = one
    return found
