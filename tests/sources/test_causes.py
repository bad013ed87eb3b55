"""The likely cause in plain words, from the APIService's own reason or the text of a 503."""

from __future__ import annotations

import pytest

from kubectl_metrics.sources.causes import likely


@pytest.mark.parametrize(
    ("detail", "cause"),
    [
        ('ServiceNotFound: service/metrics-server in "kube-system" is not present', "does not exist"),
        ('ServicePortError: service/x in "y" is not listening on port 8443', "no such port"),
        ('MissingEndpoints: endpointslices for service/x in "y" have no addresses with port name "https"', "is ready"),
        ('EndpointsNotFound: cannot find endpointslices for service/x in "y"', "is ready"),
        (
            "FailedDiscoveryCheck: failing or missing response from https://10.0.0.1:9999/apis: "
            'Get "https://10.0.0.1:9999/apis": dial tcp 10.0.0.1:9999: connect: connection refused',
            "does not listen",
        ),
        ("FailedDiscoveryCheck: failing or missing response from https://10.0.0.1:443/: i/o timeout", "does not reach"),
        ("error trying to reach service: tls: failed to verify certificate: x509: certificate is valid for a", "not a"),
        ("FailedDiscoveryCheck: bad status from https://10.0.0.1:443/apis/metrics.k8s.io/v1beta1: 401", "as it should"),
        ("i/o timeout: no answer within 30s", "does not answer, or"),
        ("i/o timeout: only 5 of 100 bytes within 30s", "to the end"),
    ],
)
def test_likely(detail: str, cause: str) -> None:
    assert cause in likely(detail)


def test_nothing_is_made_up() -> None:
    assert likely("the server is currently unable to handle the request") == ""
    assert likely("") == ""
