"""Certificates for the servers of these tests."""

from __future__ import annotations

import ssl

import pytest
import trustme

from kubectl_metrics.connection import tls


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_certificate(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("127.0.0.1", "::1", "localhost", "node.example", "*.wild.example")


@pytest.fixture
def server_context(server_certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server that is who it says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def trusting(ca: trustme.CA) -> ssl.SSLContext:
    """A client that trusts the CA of these tests."""
    return tls.client_context(authorities=ca.cert_pem.bytes())
