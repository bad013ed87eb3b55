"""How the API server proves to metrics-server who asks: the front proxy, its CA, its name, its headers.

Facts (k8s.io/apiserver pkg/authentication/request/x509, pkg/server/options/authentication.go)
- The API server presents --proxy-client-cert-file and names the user in headers. metrics-server believes the headers
  if the certificate is signed by requestheader-client-ca-file and its common name is one of
  requestheader-allowed-names (an empty list allows all), both read from the ConfigMap
  kube-system/extension-apiserver-authentication, which kube-apiserver writes from its flags.
- A certificate that no CA there has signed is answered with 401, and so is a name that is not allowed; unless
  client-ca-file has signed it: then its common name is the user who asks. Without a certificate it is system:anonymous.
- kube-apiserver leaves out of the ConfigMap CAs that have expired, and with the last of them all requestheader keys.
- Every user may discover, the anonymous one may not. So the API server's own check passes for the wrong user, fails
  with 403 for the anonymous one and with 401 for a certificate that is not believed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.facts.certificates import lifetime
from kubectl_metrics.diagnosis.facts.complaint import Kind, check_failed, complaints, status
from kubectl_metrics.diagnosis.facts.flags import parse
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.objects import Pod

_LAYER = "https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/"
_KNOWN_ISSUES = "https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md"
_MAP = "ConfigMap kube-system/extension-apiserver-authentication"
_BEFORE = ("KM2", "KM401", "KM402", "KM404")
_ANONYMOUS = "system:anonymous"
_SOON = 30  # days

# The names of front proxies' certificates: kubeadm and most others; kops, GKE; k3s, RKE2; RKE; OpenShift.
_USUAL_NAMES = frozenset(
    {
        "front-proxy-client",
        "aggregator",
        "apiserver-aggregator",
        "system:auth-proxy",
        "kube-apiserver-proxy-client",
        "kube-apiserver-proxy",
        "system:kube-apiserver-proxy",
        "system:openshift-aggregator",
    }
)
_FLAGS = (
    "proxy-client-cert-file",
    "proxy-client-key-file",
    "requestheader-client-ca-file",
    "requestheader-username-headers",
)
_USER = re.compile(r'User "(?P<user>[^"]*)" cannot ')
_REFUSED_NAME = re.compile(r"x509: subject with cn=\S* is not in the allowed list")


@check(
    "KM308",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The API server is not set up to pass requests on: no requestheader CA",
    why="metrics-server reads from the ConfigMap extension-apiserver-authentication how the API server proves who asks."
    " kube-apiserver fills it from its --requestheader-* flags, and they are not set.",
    remedy="add --requestheader-client-ca-file, --requestheader-allowed-names, --requestheader-*-headers and "
    "--proxy-client-cert-file, --proxy-client-key-file to the flags of each kube-apiserver",
    link=_LAYER,
    needs=("authentication",),
    because=("KM313",),
)
def no_request_header(facts: Facts) -> Iterator[Fault]:
    """A metrics-server that has been given the CA by a flag does without the ConfigMap."""
    if facts.answers or _has_certificate(facts):
        return
    if facts.evidence.authentication.absent:
        yield Fault(evidence=[Proof(_MAP, "metadata", "there is no such ConfigMap")])
        return
    data = facts.evidence.authentication.get().data or {}
    known = facts.flags.given if facts.evidence.deployments.ok and facts.flags is not None else {}
    missing = [
        key
        for key in ("requestheader-client-ca-file", "requestheader-username-headers")
        if key not in known and (not data.get(key, "").strip() or _names(data[key]) == [])
    ]
    if missing:
        yield Fault(evidence=[Proof(_MAP, f"data[{key}]", data.get(key) or "not there") for key in missing])


@check(
    "KM309",
    Severity.ERROR,
    Category.AGGREGATION,
    title="metrics-server rejects the API server's front-proxy certificate",
    why="It answers 401: the certificate that the API server presents (--proxy-client-cert-file) has expired, or the "
    "CA in requestheader-client-ca-file has not signed it, or not in the version that metrics-server has read.",
    remedy="kubeadm certs check-expiration  # on each control-plane node; renew front-proxy-client, restart "
    "kube-apiserver, then metrics-server",
    link=_KNOWN_ISSUES,
    needs=(),
    after=_BEFORE,
    because=("KM308", "KM310", "KM311", "KM313", "KM509", "KM902"),
)
def rejected(facts: Facts) -> Iterator[Fault]:
    """The client certificate itself cannot be read from anywhere; metrics-server's log says why it is rejected."""
    proofs = _unauthorized(facts)
    if proofs:
        yield Fault(evidence=[*proofs, *_authority(facts), *_log_lines(facts, re.compile(r"x509: "))])


@check(
    "KM310",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The CA of the front proxy has expired",
    why="metrics-server believes the API server only as long as the CA in requestheader-client-ca-file is valid. After "
    "that every request for metrics.k8s.io ends with 401.",
    remedy="renew front-proxy-ca and front-proxy-client on each control-plane node, then restart kube-apiserver and "
    "metrics-server  # kubeadm certs check-expiration",
    link="https://kubernetes.io/docs/setup/best-practices/certificates/",
    needs=("authentication",),
)
def authority_expired(facts: Facts) -> Iterator[Fault]:
    """In a bundle the one that is valid longest counts: old ones may stay in it after a rotation."""
    value = facts.evidence.authentication.value
    pem = (value.data or {}).get("requestheader-client-ca-file", "") if value else ""
    field = "data[requestheader-client-ca-file]"
    if not pem.strip():
        if value is not None and _has_certificate(facts):
            yield Fault(
                evidence=[
                    Proof(_MAP, field, "not there: one that has expired is not published"),
                    *_unauthorized(facts),
                ],
                title="No valid CA of the front proxy is published: it has probably expired",
            )
        return
    try:
        life = lifetime(pem.encode(), facts, _SOON)
    except ValueError as error:
        if not facts.answers:
            yield Fault(evidence=[Proof(_MAP, field, str(error))], title="The CA of the front proxy is no certificate")
        return
    if life is None:
        return
    proofs = [Proof(_MAP, field, life.text)]
    worst = Severity.WARNING if facts.answers else Severity.ERROR
    if life.over:
        yield Fault(evidence=proofs, severity=worst)
    elif life.early:
        yield Fault(evidence=proofs, severity=worst, title="The CA of the front proxy is not yet valid")
    elif life.soon:
        title = "The CA of the front proxy expires within 30 days"
        yield Fault(evidence=proofs, severity=Severity.WARNING, title=title)


@check(
    "KM311",
    Severity.ERROR,
    Category.AGGREGATION,
    title="The front proxy's name is not in requestheader-allowed-names",
    why="The API server presents a certificate whose common name is not one of requestheader-allowed-names. So "
    "metrics-server takes it for an ordinary user or rejects it, and does not see who really asks.",
    remedy="set --requestheader-allowed-names of each kube-apiserver to the common name of its proxy-client-cert-file "
    "(kubeadm: front-proxy-client), then restart metrics-server",
    link=_LAYER,
    needs=(),
    after=_BEFORE,
    because=("KM308", "KM313"),
)
def name_not_allowed(facts: Facts) -> Iterator[Fault]:
    """By the user who was refused in our place, by the log, or by names that no front proxy has."""
    allowed = list(_allowed(facts))
    proofs = [proof for user, proof in _refused_users(facts) if user != _ANONYMOUS]
    if proofs:
        yield Fault(evidence=proofs + allowed)
        return
    unauthorized = _unauthorized(facts)
    lines = _log_lines(facts, _REFUSED_NAME) if unauthorized else []
    if lines:
        yield Fault(evidence=unauthorized + allowed + lines)
    elif unauthorized and allowed and not _USUAL_NAMES & set(_names(allowed[0].value) or _USUAL_NAMES):
        yield Fault(
            evidence=unauthorized + allowed,
            title="The front proxy's name is probably not in requestheader-allowed-names",
        )


@check(
    "KM313",
    Severity.ERROR,
    Category.AGGREGATION,
    title="kube-apiserver lacks flags of the aggregation layer",
    why="To pass requests on to metrics-server kube-apiserver needs a client certificate (--proxy-client-cert-file and "
    "-key-file) and has to publish the CA and the headers that it uses (--requestheader-*).",
    remedy="add the missing flags to each kube-apiserver (kubeadm: /etc/kubernetes/manifests/kube-apiserver.yaml)",
    link=_LAYER,
    needs=(),
)
def flags_missing(facts: Facts) -> Iterator[Fault]:
    """By the flags, where the API server runs as a pod; else by metrics-server taking it for an anonymous user.

    That it also does where there is no ConfigMap, which is KM308's matter: without any CA it looks at no certificate.
    """
    if facts.answers:
        return
    anonymous = [proof for user, proof in _refused_users(facts) if user == _ANONYMOUS]
    if not anonymous and status(check_failed(facts)) == 403:
        anonymous = complaints(facts, Kind.STATUS)
    pods = facts.evidence.control_plane.value or []
    proofs = [proof for pod in pods for proof in _missing_flags(pod)]
    if proofs:
        yield Fault(evidence=proofs + anonymous)
    elif anonymous and not facts.evidence.authentication.absent:
        yield Fault(
            evidence=anonymous,
            title="kube-apiserver presents no client certificate to metrics-server",
        )
    elif facts.fails:
        facts.evidence.control_plane.get()


def _has_certificate(facts: Facts) -> bool:
    """Whether the API server presents a certificate: one that is not believed is answered with 401, none with 403."""
    return bool(_unauthorized(facts))


def _unauthorized(facts: Facts) -> list[Proof]:
    """Complaints that metrics-server answers 401."""
    found = complaints(facts, Kind.STATUS) if status(check_failed(facts)) == 401 else []
    for path, read in (("nodes", facts.evidence.node_metrics), ("pods", facts.evidence.pod_metrics)):
        if read.status == 401:
            found.append(Proof(f"GET {path}.metrics.k8s.io", "HTTP 401", read.message))
    return found


def _refused_users(facts: Facts) -> Iterator[tuple[str, Proof]]:
    """Whom metrics-server has refused in our place. The API server itself refuses nobody but us."""
    ours = facts.evidence.connected.user
    for path, read in (("nodes", facts.evidence.node_metrics), ("pods", facts.evidence.pod_metrics)):
        found = _USER.search(read.message) if read.status == 403 else None
        if found is None:
            continue
        user = found["user"]
        if (ours and user != ours) or (not ours and user in _USUAL_NAMES):
            message = f"{read.message} (we are {ours})" if ours else read.message
            yield user, Proof(f"GET {path}.metrics.k8s.io", "HTTP 403", message)


def _allowed(facts: Facts) -> Iterator[Proof]:
    value = facts.evidence.authentication.value
    names = (value.data or {}).get("requestheader-allowed-names", "") if value else ""
    if names:
        yield Proof(_MAP, "data[requestheader-allowed-names]", names)


def _authority(facts: Facts) -> Iterator[Proof]:
    yield from _allowed(facts)
    value = facts.evidence.authentication.value
    pem = (value.data or {}).get("requestheader-client-ca-file", "") if value else ""
    try:
        life = lifetime(pem.encode(), facts, _SOON)
    except ValueError:
        return
    if life is not None:
        yield Proof(_MAP, "data[requestheader-client-ca-file]", life.text)


def _log_lines(facts: Facts, pattern: re.Pattern[str]) -> list[Proof]:
    """The last line of metrics-server's log that speaks of an authentication, if it matches; only with --logs."""
    lines = [
        (log.pod, line)
        for log in facts.evidence.logs.value or ()
        for line in log.lines
        if "authenticate the request" in line
    ]
    return [Proof(f"Pod {pod}", "log", line) for pod, line in lines[-1:] if pattern.search(line)]


def _missing_flags(pod: Pod) -> Iterator[Proof]:
    for one in pod.spec.containers or ():
        words = [*(one.command or ()), *(one.args or ())]
        if not any("kube-apiserver" in word for word in words[:1]) or len(words) < 2:
            continue  # it may have its flags from a file
        given = parse(words)
        missing = [f"--{name}" for name in _FLAGS if not given.get(name)]
        if missing:
            name = f"Pod {pod.namespaced_name}"
            yield Proof(name, "spec.containers[].command", f"without {', '.join(missing)}")


def _names(text: str) -> list[str] | None:
    """A JSON list of strings, as the ConfigMap has them; None if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else None
