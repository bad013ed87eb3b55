"""Certificate authorities and what they sign: all keys are P-256, everything stays in memory.

``ssl`` wants a server's key as a file; ``server_context`` writes one and unlinks it before it returns.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: an expired client certificate must become a 401, not a TLS alert


class _TlsSocket(ssl.SSLSocket):
    """Closes itself when the peer has gone before the handshake; ``ssl`` would leave that to the garbage collector."""

    def getpeername(self) -> Any:
        try:
            return super().getpeername()
        except OSError as error:
            self.close()
            raise ConnectionResetError("the peer has gone") from error


class KeyPair(NamedTuple):
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority."""

    def __init__(self, name: str, lifetime: tuple[datetime.timedelta, datetime.timedelta] = (-DAY, 365 * DAY)) -> None:
        """``lifetime`` is when it begins and ends to be valid, from now on."""
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _sign(self._name, self._name, self._key, self._key, lifetime=lifetime, authority=True)
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM)

    def client(self, user: str, groups: Sequence[str] = (), expired: bool = False) -> KeyPair:
        """A client certificate: the user is its common name, the groups are its organizations."""
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
        return self._issue(x509.Name(attributes), (), expired, ExtendedKeyUsageOID.CLIENT_AUTH)

    def server(self, name: str, names: Iterable[str], expired: bool = False) -> KeyPair:
        """A serving certificate for DNS names and IP addresses."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._issue(subject, names, expired, ExtendedKeyUsageOID.SERVER_AUTH)

    def _issue(self, subject: x509.Name, names: Iterable[str], expired: bool, usage: x509.ObjectIdentifier) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        lifetime = (-30 * DAY, -DAY) if expired else (-DAY, 30 * DAY)
        certificate = _sign(subject, self._name, key, self._key, lifetime=lifetime, names=names, usage=usage)
        return KeyPair(
            certificate.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    lifetime: tuple[datetime.timedelta, datetime.timedelta],
    names: Iterable[str] = (),
    usage: x509.ObjectIdentifier | None = None,
    authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + lifetime[0])
        .not_valid_after(now + lifetime[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_key_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    alternatives = [_general_name(name) for name in names]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Pki:
    """The authorities of one cluster, and the certificates of its servers and users."""

    def __init__(self) -> None:
        self.cluster = Authority("kubernetes")

    @functools.cached_property
    def front_proxy(self) -> Authority:
        """The authority by whose certificates an aggregated API server knows the API server."""
        return Authority("front-proxy-ca")

    @functools.cached_property
    def kubelets(self) -> Authority:
        """An authority for kubelets' serving certificates that is not the cluster's."""
        return Authority("kubelet-ca")

    @functools.cached_property
    def strangers(self) -> Authority:
        """An authority whose client certificates nobody accepts."""
        return Authority("somebody-else")

    def serving(self, kind: str, name: str, address: str) -> KeyPair:
        """A node's serving certificate of one of the kinds in ``objects.Serving``."""
        if kind == "self-signed":  # what a kubelet makes for itself: its own CA, no IP address
            own = Authority(f"{name}-ca@1795460335")
            pair = own.server(f"{name}@1795460335", [name])
            return pair._replace(certificate=pair.certificate + own.pem)
        authority = self.kubelets if kind == "other-ca" else self.cluster
        names = {"wrong-name": ["another-node", "192.0.2.1"], "dns-only": [name]}.get(kind, [name, address])
        return authority.server(f"system:node:{name}", names, expired=kind == "expired")

    def server_context(self, pair: KeyPair) -> ssl.SSLContext:
        """The TLS side of a server that asks for client certificates and does not insist.

        Certificates of strangers and expired ones pass the handshake, as with a real server, which looks at
        them afterwards and answers 401; ``authenticate`` tells them apart.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslsocket_class = _TlsSocket
        with_key_file(context, pair)
        context.set_alpn_protocols(["http/1.1"])
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
        context.load_verify_locations(cadata=(self.cluster.pem + self.strangers.pem).decode())
        return context

    def client_context(self, pair: KeyPair) -> ssl.SSLContext:
        """The TLS side of the API server when it asks a kubelet: by default it verifies nothing."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.sslsocket_class = _TlsSocket
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with_key_file(context, pair)
        return context


def with_key_file(context: ssl.SSLContext, pair: KeyPair) -> None:
    """Load a certificate with its key through a file that is gone when this returns."""
    descriptor, path = tempfile.mkstemp(prefix="simcluster-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pair.certificate + pair.key)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
