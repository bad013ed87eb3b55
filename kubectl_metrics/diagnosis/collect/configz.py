"""/configz of a kubelet: how it authenticates, and nothing else that is in it."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.probe import KubeletAuthentication
from kubectl_metrics.errors import MetricsError
from kubectl_metrics.wire.decode import decoder


class _Switch(msgspec.Struct):
    enabled: bool | None = None


class _X509(msgspec.Struct, rename="camel"):
    client_ca_file: str | None = msgspec.field(name="clientCAFile", default=None)


class _Authentication(msgspec.Struct):
    webhook: _Switch = msgspec.field(default_factory=_Switch)
    anonymous: _Switch = msgspec.field(default_factory=_Switch)
    x509: _X509 = msgspec.field(default_factory=_X509)


class _Configuration(msgspec.Struct):
    authentication: _Authentication = msgspec.field(default_factory=_Authentication)
    server_tls_bootstrap: bool | None = msgspec.field(name="serverTLSBootstrap", default=None)


class _Configz(msgspec.Struct):
    """/configz: only this much, the rest is nobody's business."""

    kubeletconfig: _Configuration = msgspec.field(default_factory=_Configuration)


_configz = decoder(_Configz)


def authentication(body: bytes) -> KubeletAuthentication | None:
    """What /configz says; None if it is something else."""
    try:
        found = _configz(body, "configz").kubeletconfig
    except MetricsError:
        return None
    return KubeletAuthentication(
        webhook=found.authentication.webhook.enabled,
        anonymous=found.authentication.anonymous.enabled,
        client_ca_file=found.authentication.x509.client_ca_file or "",
        server_tls_bootstrap=found.server_tls_bootstrap,
    )
