"""/configz of a kubelet."""

from __future__ import annotations

from kubectl_metrics.diagnosis.collect.configz import authentication

SEEDS = (
    b'{"kubeletconfig":{"authentication":{"x509":{"clientCAFile":"/ca.crt"},"webhook":{"enabled":true},'
    b'"anonymous":{"enabled":false}},"serverTLSBootstrap":true}}',
    b"{}",
)


def read(data: bytes) -> bool:
    return authentication(data) is not None
