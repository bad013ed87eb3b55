"""TLS contexts that verify as Go does, and the check of a server's name.

Strategy: one ``SSLContext`` for each set of trust and client certificate, shared by all connections that need it. The
context verifies the chain; the name is checked by ``check_name``, because a kubelet may answer to any of several
names of its node and OpenSSL knows only one.

Facts
- Go takes any certificate of the pool for an anchor, also an intermediate or the server's own (crypto/x509 Verify):
  VERIFY_X509_PARTIAL_CHAIN. It accepts CAs without key identifiers or key usage, which VERIFY_X509_STRICT refuses.
- Go skips what it cannot parse in a CA bundle and fails only if nothing is left (AppendCertsFromPEM).
- OpenSSL wants the client certificate and key as files. On Linux it gets a file without a name, in memory; elsewhere
  one that only the user may read and that is unlinked before anything else happens.
- OpenSSL asks on the terminal for the password of an encrypted key, unless it is given a callback.
"""

from __future__ import annotations

import os
import re
import ssl
from typing import TYPE_CHECKING

from kubectl_metrics.errors import KubeconfigError
from kubectl_metrics.wire import servername

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", re.ASCII)
_KEY = re.compile(rb"-----BEGIN ((?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY)-----")

# Where systems keep their roots, for a Python that was built to look elsewhere (the list of crypto/x509/root_linux.go).
_SYSTEM_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class NameMismatch(Exception):
    """The certificate is good, but for somebody else; the message is Go's."""


class _EncryptedKey(Exception):
    pass


def client_context(
    *,
    authorities: bytes | None,
    insecure: bool = False,
    certificate: tuple[bytes, bytes] | None = None,
) -> ssl.SSLContext:
    """A context for connections as a client.

    Args:
        authorities: the certificates to trust, PEM; None for the system's roots.
        insecure: verify nothing. The user has to have asked for that.
        certificate: of the client: certificate with its chain, and key, both PEM.

    Raises:
        KubeconfigError: ``authorities`` or ``certificate`` cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # see check_name
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    if insecure:
        context.verify_mode = ssl.CERT_NONE
    elif authorities is None:
        _load_system_roots(context)
    else:
        _load_authorities(context, authorities)
    if certificate is not None:
        _load_certificate(context, *certificate)
    return context


def check_name(cert: Mapping[str, object], names: Sequence[str]) -> None:
    """Check that a certificate is for one of ``names``.

    Args:
        cert: as ``SSLSocket.getpeercert()`` gives it.
        names: host names and IP addresses (IPv6 with or without brackets and zone), any of which is enough.

    Raises:
        NameMismatch: it is for none of them.
    """
    dns: list[str] = []
    ips: list[str] = []
    entries = cert.get("subjectAltName", ())
    for kind, value in entries if isinstance(entries, tuple) else ():
        if kind == "DNS":
            dns.append(value)
        elif kind == "IP Address":
            ips.append(value)
    if words := servername.mismatch(dns, ips, names):
        raise NameMismatch(words)


def _load_system_roots(context: ssl.SSLContext) -> None:
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    paths = ssl.get_default_verify_paths()  # honours SSL_CERT_FILE and SSL_CERT_DIR
    if context.cert_store_stats()["x509_ca"] or paths.capath:
        return
    for path in _SYSTEM_ROOTS:
        if os.path.isfile(path):
            context.load_verify_locations(cafile=path)
            return


def _load_authorities(context: ssl.SSLContext, authorities: bytes) -> None:
    blocks = [block.decode("ascii") for block in _CERTIFICATE.findall(authorities)]
    try:
        context.load_verify_locations(cadata="\n".join(blocks))
        return
    except (ssl.SSLError, ValueError):
        pass  # at least one is broken: take those that are not
    loaded = 0
    for block in blocks:
        try:
            context.load_verify_locations(cadata=block)
        except (ssl.SSLError, ValueError):
            continue
        loaded += 1
    if not loaded:
        raise KubeconfigError("unable to load root certificates: unable to parse bytes as PEM block")


def _load_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    if b"-----BEGIN" not in certificate:
        raise KubeconfigError("tls: failed to find any PEM data in certificate input")
    if b"-----BEGIN" not in key:
        raise KubeconfigError("tls: failed to find any PEM data in key input")
    # Each file for what it is there for, as in Go (X509KeyPair in crypto/tls/tls.go): a key in the certificate's file
    # would be found first, and an authority in the key's file be taken for the client's certificate.
    chain = b"\n".join(_CERTIFICATE.findall(certificate))
    if not chain:
        raise KubeconfigError('tls: failed to find "CERTIFICATE" PEM block in certificate input')
    pem = _private_key(key) + b"\n" + chain + b"\n"
    try:
        if not _load_from_memory(context, pem):
            _load_from_file(context, pem)
    except ssl.SSLError as error:
        raise KubeconfigError(_certificate_problem(error)) from None
    except OSError as error:
        raise KubeconfigError(
            f"the client certificate cannot be given to OpenSSL in a temporary file: {error.strerror or error}",
            hint="set TMPDIR to a folder that can be written",
        ) from None
    except _EncryptedKey:
        raise KubeconfigError(
            "tls: the client key is encrypted with a password, which kubeconfigs do not support",
            hint="decrypt it, e.g. with: openssl pkey -in KEY -out NEW-KEY",
        ) from None
    except ValueError as error:
        raise KubeconfigError(_certificate_problem(error)) from None


def _private_key(key: bytes) -> bytes:
    """The first private key in a file, from BEGIN to END. Raises KubeconfigError if there is none."""
    for begin in _KEY.finditer(key):
        end = b"-----END " + begin[1] + b"-----"
        dashes = key.find(b"-----", begin.end())  # and no further: nothing is looked at twice
        if key.startswith(end, dashes):
            return key[begin.start() : dashes + len(end)]
    raise KubeconfigError('tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input')


def _load_from_memory(context: ssl.SSLContext, pem: bytes) -> bool:
    """Load from a file without a name; False where the system has none."""
    if not hasattr(os, "memfd_create"):
        return False
    try:
        descriptor = os.memfd_create("client-certificate")
    except OSError:  # an old kernel, a sandbox
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        path = f"/proc/self/fd/{descriptor}"
        if not os.path.exists(path):
            return False
        context.load_cert_chain(path, password=_refuse)
    return True


def _load_from_file(context: ssl.SSLContext, pem: bytes) -> None:
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="kubectl-metrics-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        context.load_cert_chain(path, password=_refuse)
    finally:
        os.unlink(path)


def _refuse() -> str:
    raise _EncryptedKey


def _certificate_problem(error: Exception) -> str:
    reason = getattr(error, "reason", None) or ""
    # The last: the certificate has been read, but the key is one of another algorithm.
    if reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
        return "tls: private key does not match public key"
    if reason.endswith(("_TOO_SMALL", "_TOO_WEAK")):
        what = reason.lower().replace("_", " ")
        return f"tls: this system's OpenSSL refuses the client certificate as too weak ({what})"
    detail = f" (OpenSSL: {reason.lower().replace('_', ' ')})" if reason else ""
    return f"tls: failed to parse the client certificate or its key{detail}"
