"""All checks, in the order of the pipeline. Ids of checks that are gone stay in RETIRED, so that nobody reuses them."""

from __future__ import annotations

from types import ModuleType

from kubectl_metrics.diagnosis.check import Check
from kubectl_metrics.diagnosis.checks import (
    access,
    aggregation,
    aggregation_tls,
    consumers,
    data,
    data_pods,
    endpoints,
    front_proxy,
    kubelet_rights,
    kubelet_tls,
    kubelets,
    node_addresses,
    nodes,
    providers,
    rbac,
    registration,
    server,
    server_flags,
    server_image,
    server_logs,
    server_runs,
    server_size,
    service,
)

RETIRED: frozenset[str] = frozenset()

_MODULES: tuple[ModuleType, ...] = (
    access,
    registration,
    providers,
    aggregation,
    aggregation_tls,
    front_proxy,
    service,
    endpoints,
    server,
    server_runs,
    server_flags,
    server_image,
    server_size,
    server_logs,
    rbac,
    nodes,
    node_addresses,
    kubelets,
    kubelet_rights,
    kubelet_tls,
    data,
    data_pods,
    consumers,
)

CHECKS: dict[str, Check] = {
    check.id: check
    for check in sorted(
        (value for module in _MODULES for value in vars(module).values() if isinstance(value, Check)),
        key=lambda check: check.id,
    )
}
