"""Kubelets: whose credentials they accept, and whom they let read their metrics."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from kubectl_metrics.diagnosis.check import check
from kubectl_metrics.diagnosis.facts.pipeline import Facts
from kubectl_metrics.diagnosis.facts.vantage import (
    answer_proof,
    answered,
    any_status,
    evidence,
    graded,
    kubelet,
    metrics_answers,
    rests_on,
)
from kubectl_metrics.diagnosis.findings import Category, Fault, Proof, Severity
from kubectl_metrics.diagnosis.probe import Answer, KubeletProbe

_AUTHENTICATION = "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/"


@check(
    "KM731",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets do not accept tokens of ServiceAccounts",
    why="metrics-server shows its ServiceAccount's token. A kubelet can only check one if it may ask the API server: "
    "authentication.webhook.enabled in its configuration. Else the answer is 401 Unauthorized.",
    remedy="systemctl restart kubelet  # on these nodes, with authentication.webhook.enabled: true in "
    "/var/lib/kubelet/config.yaml",
    link=_AUTHENTICATION,
    needs=("nodes",),
)
@rests_on(any_status)
def unauthorized(facts: Facts) -> Iterator[Fault]:
    """A 401 to us proves it only where metrics-server has no luck either: our credentials may be the problem."""
    certain, seen = _by_credentials(facts, lambda one: one.status == 401, anonymous=False)
    yield from graded(facts, certain)
    yield from graded(facts, seen, unknown=None)


@check(
    "KM732",
    Severity.ERROR,
    Category.KUBELETS,
    title="Kubelets take everybody for anonymous",
    why="They ignore the credentials that are shown to them and let anybody in as system:anonymous, who may not do "
    "anything: authentication.webhook is off and authentication.anonymous on.",
    remedy="systemctl restart kubelet  # on these nodes, with authentication.webhook.enabled: true and "
    "authentication.anonymous.enabled: false in /var/lib/kubelet/config.yaml",
    link=_AUTHENTICATION,
    needs=("nodes",),
)
@rests_on(any_status)
def anonymous(facts: Facts) -> Iterator[Fault]:
    """Its answer to us names the user that it sees, if it cannot make anything of our credentials either."""
    certain, seen = _by_credentials(facts, _as_anonymous, anonymous=True)
    yield from graded(facts, certain)
    yield from graded(facts, seen, unknown=None)


@check(
    "KM733",
    Severity.INFO,
    Category.KUBELETS,
    title="This user may not read the metrics of kubelets, so they were not looked at",
    why="The kubelets, or the API server on the way to them, have refused us. That says nothing about metrics-server, "
    "which has rights of its own.",
    remedy="kubectl create clusterrole kubelet-metrics --verb=get --resource=nodes/metrics,nodes/stats  # and a "
    "clusterrolebinding for this user",
    link=_AUTHENTICATION,
    needs=("nodes",),
)
@rests_on(any_status)
def forbidden(facts: Facts) -> Iterator[Fault]:
    """By the kubelet for the path, by the API server for nodes/proxy."""
    seen = {}
    directly = False  # somebody has, so that the kubelets' own right is what is missing
    for probe in (each for each in facts.evidence.kubelets if not answered(each)):
        refusals = [
            one for one in probe.answers if one.status == 403 and one.path in _asked(probe) and not _as_anonymous(one)
        ]
        if refusals:
            seen[probe.node] = [answer_proof(probe.node, one) for one in refusals[:2]]
            directly = directly or any(not one.proxied for one in refusals)
    if not seen:
        return
    names = sorted(seen)
    user = facts.evidence.connected.user
    role, resources = ("kubelet-metrics", "nodes/metrics,nodes/stats") if directly else ("kubelet-proxy", "nodes/proxy")
    allow = f"kubectl create clusterrole {role} --verb=get --resource={resources}"
    bind = f"kubectl create clusterrolebinding {role} --clusterrole={role} --user={shlex.quote(user)}"
    remark = "" if directly else "with this right one can do more to the nodes than read their metrics"
    if not user:
        allow, bind = f"{allow}  # and a clusterrolebinding for this user", ""
        remark = f"; {remark}" if remark else ""
        yield Fault(evidence=evidence(seen, names), affected=names, remedy=allow + remark)
        return
    remedy = f"{allow} && {bind}" + (f"  # {remark}" if remark else "")
    yield Fault(evidence=evidence(seen, names), affected=names, remedy=remedy)


def _as_anonymous(answer: Answer) -> bool:
    return answer.status == 403 and "user=system:anonymous" in answer.message


def _by_credentials(
    facts: Facts, wanted: Callable[[Answer], bool], *, anonymous: bool
) -> tuple[dict[str, list[Proof]], dict[str, list[Proof]]]:
    """The kubelets that do not check tokens by their configuration, and those that answer as if.

    To somebody with a client certificate, as the API server has one, they answer all the same.
    """
    certain, seen = {}, {}
    for probe in facts.evidence.kubelets:
        found = next((one for one in metrics_answers(probe) if wanted(one)), None)
        proofs = [answer_proof(probe.node, found)] if found is not None else []
        known = probe.authentication
        if known is not None and known.webhook is False and (known.anonymous is True) is anonymous:
            fields = [("webhook", known.webhook), ("anonymous", known.anonymous)]
            certain[probe.node] = proofs + [
                Proof(kubelet(probe.node), f"configz: authentication.{name}.enabled", str(value).lower())
                for name, value in fields
                if value is not None
            ]
        elif found is not None:
            seen[probe.node] = proofs
    return certain, seen


def _asked(probe: KubeletProbe) -> frozenset[str]:
    return frozenset(one.path for by_api in (False, True) for one in metrics_answers(probe, by_api=by_api))
