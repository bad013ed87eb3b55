"""The serving certificate of metrics-server, as the API server verifies it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.checks.remedy import kubectl, patch
from kubectl_metrics.diagnosis.facts.certificates import lifetime
from kubectl_metrics.diagnosis.facts.complaint import Kind, complaints
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import APIService
from kubectl_metrics.wire.certificate import parse_all
from kubectl_metrics.wire.metrics_list import GROUP

_TRUST = "https://kubernetes.io/docs/tasks/extend-kubernetes/setup-extension-api-server/"
_BEFORE = ("KM2", "KM401", "KM402")
_EDIT = kubectl(
    "edit",
    "apiservice",
    f"v1beta1.{GROUP}",
    note="spec.caBundle: the CA that has signed metrics-server's certificate, PEM in base64",
)
_SOON = 14  # days: what cert-manager issues for 90 days is renewed 30 days before its end


@check(
    "KM306",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The API server does not trust metrics-server's serving certificate",
    why="The APIService wants the certificate verified (insecureSkipTLSVerify is not set), and spec.caBundle is not "
    "the CA that has signed it. One that metrics-server makes itself is new at each start and can never be verified.",
    remedy=_EDIT,
    link=_TRUST,
    needs=(),
    after=_BEFORE,
    because=("KM312",),
)
def untrusted(facts: Facts) -> Iterator[Fault]:
    """Expired ones too. It is seen in answers to requests only: the API server's own check verifies nothing."""
    proofs = complaints(facts, Kind.CERTIFICATE_AUTHORITY)
    if proofs:
        yield Fault(evidence=proofs + list(_trust(facts)), remedy=_remedy(facts))
        return
    proofs = complaints(facts, Kind.CERTIFICATE_TIME)
    if not proofs:
        return
    remedy = _remedy(facts)
    if not _is_self_made(facts) and facts.evidence.deployments.ok and facts.deployment is not None:
        meta = facts.deployment.metadata
        remedy = kubectl(
            "rollout",
            "restart",
            f"deployment/{meta.name}",
            namespace=meta.namespace,
            note="after its certificate has been renewed",
        )
    yield Fault(
        evidence=proofs + list(_trust(facts)),
        title="metrics-server's serving certificate has expired or is not yet valid",
        remedy=remedy,
    )


@check(
    "KM307",
    Severity.ERROR,
    Category.AGGREGATION,
    title="metrics-server's serving certificate is for another name",
    why="The API server asks for NAME.NAMESPACE.svc and verifies that the certificate is for that name. One that "
    "metrics-server makes itself is for localhost, so with it insecureSkipTLSVerify has to be true.",
    remedy=patch(
        "apiservice",
        f"v1beta1.{GROUP}",
        {"spec": {"insecureSkipTLSVerify": True, "caBundle": None}},
        note="as in metrics-server's manifest; or give it a certificate for that name",
    ),
    link=_TRUST,
    needs=(),
    after=_BEFORE,
)
def wrong_name(facts: Facts) -> Iterator[Fault]:
    """It comes before the question who has signed it: an unknown CA is not seen then."""
    proofs = complaints(facts, Kind.CERTIFICATE_NAME)
    if not proofs:
        return
    remedy = ""
    if _is_self_made(facts):
        remedy = _remedy(facts)
    elif facts.evidence.api_services.ok and facts.reference is not None:
        name = f"{facts.reference.name}.{facts.reference.namespace}.svc"
        remedy = f"issue the certificate of --tls-cert-file again, with the DNS name {name} in it"
    yield Fault(evidence=proofs + list(_trust(facts)), remedy=remedy)


@check(
    "KM312",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The CA in the APIService's caBundle has expired",
    why="The API server verifies metrics-server's certificate with the certificates in spec.caBundle. Once the last of "
    "them has expired nothing can be verified.",
    remedy=_EDIT,
    link=_TRUST,
    needs=("api_services",),
    after=("KM203",),
)
def ca_bundle(facts: Facts) -> Iterator[Fault]:
    """Where requests are answered it is a warning: an API server that runs has what it once read."""
    found = facts.api_service
    if found is None or not found.spec.ca_bundle:
        return
    name = f"APIService {found.metadata.name}"
    worst = Severity.ERROR if facts.fails else Severity.WARNING
    try:
        life = lifetime(base64.b64decode(found.spec.ca_bundle), facts, _SOON)
    except (ValueError, binascii.Error) as error:
        proofs = [Proof(name, "spec.caBundle", str(error))]
        if facts.fails:
            yield Fault(evidence=proofs, title="The APIService's caBundle holds no certificate that can be read")
        return
    if life is None:
        return
    proofs = [Proof(name, "spec.caBundle", life.text)]
    if life.over:
        yield Fault(evidence=proofs, severity=worst)
    elif life.early:
        yield Fault(evidence=proofs, severity=worst, title="The CA in the APIService's caBundle is not yet valid")
    elif life.soon:
        yield Fault(
            evidence=proofs,
            severity=Severity.WARNING,
            title="The CA in the APIService's caBundle expires within two weeks",
        )


def _is_self_made(facts: Facts) -> bool:
    """Whether metrics-server makes its certificate itself, as far as its flags are known."""
    try_flags = facts.evidence.deployments.ok or facts.evidence.service_pods.ok
    flags = facts.flags if try_flags else None
    return flags is not None and "tls-cert-file" not in flags.given


def _remedy(facts: Facts) -> str:
    """Not to verify what cannot be verified, as metrics-server's own manifest has it; else the right CA."""
    found = facts.api_service if facts.evidence.api_services.ok else None
    name = found.metadata.name if found else f"v1beta1.{GROUP}"
    if _is_self_made(facts):
        note = "as in metrics-server's manifest: it makes its certificate itself"
        if found is not None and found.spec.ca_bundle:
            note = (
                "switches verification off; to keep it, give metrics-server a certificate of caBundle's CA "
                "(--tls-cert-file, --tls-private-key-file)"
            )
        return patch(
            "apiservice",
            name,
            {"spec": {"insecureSkipTLSVerify": True, "caBundle": None}},
            note=note,
        )
    return _EDIT


def _trust(facts: Facts) -> Iterator[Proof]:
    """What the APIService says about trust."""
    found = facts.api_service if facts.evidence.api_services.ok else None
    if found is None:
        return
    name = f"APIService {found.metadata.name}"
    yield Proof(name, "spec.insecureSkipTLSVerify", "true" if found.spec.insecure_skip_tls_verify else "false")
    yield Proof(name, "spec.caBundle", _authorities(found))


def _authorities(found: APIService) -> str:
    if not found.spec.ca_bundle:
        return "none: only what the API server's machine trusts"
    try:
        known = parse_all(base64.b64decode(found.spec.ca_bundle))
    except (ValueError, binascii.Error) as error:
        return str(error)
    return "; ".join(one.subject or "no subject" for one in known)
