"""One kubelet in depth: each way to it, its certificate, its answers, what is in them."""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_metrics.diagnosis.probe import Answer, Attempt, Certificate, KubeletAuthentication, KubeletProbe, Scrape
from kubectl_metrics.output.prose import clean

_MESSAGE = 200  # characters of what a kubelet says


def rows(probe: KubeletProbe) -> list[tuple[str, str]]:
    """What was asked, and what came of it, in the order in which it was asked."""
    found = [*_attempts(probe.attempts)]
    if probe.certificate is not None:
        found.append(("certificate", _certificate(probe.certificate)))
    found += [(f"{one.path}{' by proxy' if one.proxied else ''}", _answer(one)) for one in probe.answers]
    if probe.scrape is not None:
        found.append(("series", _scrape(probe.scrape)))
    if probe.authentication is not None:
        found.append(("configuration", _authentication(probe.authentication)))
    return [(clean(name), clean(text)) for name, text in found]


def _attempts(attempts: list[Attempt]) -> Iterator[tuple[str, str]]:
    if not attempts:
        yield "addresses", "not asked directly"
    for one in attempts:
        host = f"[{one.address}]" if ":" in one.address else one.address
        how = one.message or one.failure or "connected"
        if one.trusted is not None and not one.failure:
            how += ", certificate of the cluster's CA" if one.trusted else ", certificate of another CA"
        yield f"{one.type} {host}:{one.port}", f"{how} ({1000 * one.seconds:.0f} ms)"


def _certificate(one: Certificate) -> str:
    names = ", ".join([*one.dns_names, *one.ip_addresses]) or "no name at all"
    issuer = "itself" if one.self_signed else one.issuer
    return f"for {names}; {one.subject}, signed by {issuer}; valid from {one.not_before} until {one.not_after}"


def _answer(one: Answer) -> str:
    if not one.status:
        return one.message[:_MESSAGE] or one.failure
    text = f"{one.status} in {1000 * one.seconds:.0f} ms"
    return f"{text}: {one.message[:_MESSAGE]}" if one.message else text


def _scrape(one: Scrape) -> str:
    if one.unparsable:
        return f"cannot be read: {one.unparsable[:_MESSAGE]}"
    node = "node CPU and memory" if one.node_cpu is not None and one.node_memory is not None else "no usage of the node"
    parts = [node, f"{one.containers} containers of {one.pods} pods"]
    if one.zero_containers:
        parts.append(f"zero: {', '.join(one.zero_containers[:5])}")
    if one.duplicates:
        parts.append(f"twice: {', '.join(one.duplicates[:5])}")
    if one.scrape_error:
        parts.append("the kubelet reports errors of its own (resource_scrape_error)")
    return "; ".join(parts)


def _authentication(one: KubeletAuthentication) -> str:
    switches = {
        "webhook": one.webhook,
        "anonymous": one.anonymous,
        "serverTLSBootstrap": one.server_tls_bootstrap,
    }
    parts = [f"{name} {'on' if value else 'off'}" for name, value in switches.items() if value is not None]
    return ", ".join([*parts, f"client CA {one.client_ca_file}" if one.client_ca_file else "no client CA"])
