"""Names in certificates, trust, and client certificates that leave nothing behind."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kubectl_metrics.connection import tls
from kubectl_metrics.errors import KubeconfigError


def test_the_names_of_a_certificate() -> None:
    """As getpeercert() gives it; the rules are wire.servername's."""
    shown = {
        "subject": ((("commonName", "cn.example"),),),
        "subjectAltName": (("DNS", "a"), ("IP Address", "10.0.0.1")),
    }
    tls.check_name(shown, ["a"])
    tls.check_name(shown, ["b", "10.0.0.1"])
    with pytest.raises(tls.NameMismatch, match=r"^x509: certificate is valid for a, 10\.0\.0\.1, not cn\.example$"):
        tls.check_name(shown, ["cn.example"])


def test_no_certificate_matches_nothing() -> None:
    with pytest.raises(tls.NameMismatch):
        tls.check_name({}, ["a.example"])


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """A handshake without a network."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_side=False),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    assert not ends


def serving(*pems: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls._load_certificate(context, b"".join(pems[:-1]), pems[-1])
    return context


def chain(leaf: trustme.LeafCert) -> list[bytes]:
    return [pem.bytes() for pem in leaf.cert_chain_pems]


def test_every_certificate_of_the_bundle_is_an_anchor(ca: trustme.CA) -> None:
    """Go takes the server's own certificate, and an intermediate, for anchors; OpenSSL's default does not."""
    intermediate = ca.create_child_ca()
    leaf = intermediate.issue_cert("a.example")
    pems = [*chain(leaf), leaf.private_key_pem.bytes()]
    for anchor in (ca.cert_pem.bytes(), intermediate.cert_pem.bytes(), pems[0]):
        shake_hands(tls.client_context(authorities=anchor), serving(*pems))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tls.client_context(authorities=trustme.CA().cert_pem.bytes()), serving(*pems))


def test_a_ca_without_key_usage_is_good_enough() -> None:
    """As made by "openssl req -x509" in many a how-to; VERIFY_X509_STRICT refuses it."""
    key, ca_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    base = trustme.CA()
    issued = x509.load_pem_x509_certificate(base.cert_pem.bytes())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bare CA")])

    def build(subject: x509.Name, public: ec.EllipticCurvePublicKey, ca: bool) -> bytes:
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=subject,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=issued.not_valid_before_utc.replace(tzinfo=None),
            not_valid_after=issued.not_valid_after_utc.replace(tzinfo=None),
        )
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        signed = builder.sign(ca_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    ca_pem = build(name, ca_key.public_key(), True)
    leaf = build(x509.Name([]), key.public_key(), False)
    context = tls.client_context(authorities=ca_pem)
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    shake_hands(context, serving(leaf, pem_of(key)))


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    form = serialization.PrivateFormat.TraditionalOpenSSL if password else serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


OTHER_KEY = pem_of(ec.generate_private_key(ec.SECP256R1()))


def test_context_speaks_http_1() -> None:
    context = tls.client_context(authorities=None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("a").configure_cert(server)
    server.set_alpn_protocols(["h2", "http/1.1"])
    insecure = tls.client_context(authorities=None, insecure=True)
    shake_hands(insecure, server)


@pytest.mark.parametrize("around", [b"", b"# K\xc3\xbcche \xff\n"])
def test_bundle_with_remarks(around: bytes, ca: trustme.CA) -> None:
    pem = ca.cert_pem.bytes()
    context = tls.client_context(authorities=around + pem + around + pem)
    assert context.cert_store_stats()["x509_ca"] == 1


def test_what_cannot_be_parsed_is_skipped(ca: trustme.CA) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(b"nonsense") + b"\n-----END CERTIFICATE-----\n"
    context = tls.client_context(authorities=broken + ca.cert_pem.bytes() + broken)
    assert context.cert_store_stats()["x509_ca"] == 1
    with pytest.raises(KubeconfigError, match="unable to load root certificates"):
        tls.client_context(authorities=broken)


@pytest.mark.parametrize("pem", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"])
def test_no_authority(pem: bytes) -> None:
    """Above all it must not become "the system's roots"."""
    with pytest.raises(KubeconfigError, match="unable to load root certificates"):
        tls.client_context(authorities=pem)


# ---- client certificates ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(ca: trustme.CA) -> tuple[bytes, bytes]:
    leaf = ca.issue_cert("admin@example")
    return chain(leaf)[0], leaf.private_key_pem.bytes()


def test_client_certificate_leaves_no_file(
    pair: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    descriptors = len(os.listdir("/proc/self/fd"))
    tls.client_context(authorities=None, insecure=True, certificate=pair)
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("good", [True, False])
def test_client_certificate_without_memory_files(
    good: bool, pair: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: a file of which nothing is left, whether or not OpenSSL likes it."""
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes = []
    real = os.unlink

    def unlink(path: str) -> None:
        modes.append(os.stat(path).st_mode & 0o777)
        real(path)

    monkeypatch.setattr(os, "unlink", unlink)
    if good:
        tls.client_context(authorities=None, insecure=True, certificate=pair)
    else:
        with pytest.raises(KubeconfigError):
            tls.client_context(authorities=None, insecure=True, certificate=(pair[0], OTHER_KEY))
    assert modes == [0o600]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "reason"), [("nothing", "No such file or directory"), ("file", "Not a directory"), ("/dev/full", "")]
)
def test_client_certificate_without_a_place_for_it(
    folder: str, reason: str, pair: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / folder))
    with pytest.raises(KubeconfigError, match=f"in a temporary file: {reason}") as raised:
        tls.client_context(authorities=None, insecure=True, certificate=pair)
    assert raised.value.hint == "set TMPDIR to a folder that can be written"


def test_client_certificate_errors(pair: tuple[bytes, bytes], ca: trustme.CA) -> None:
    cert, key = pair
    other = ca.issue_cert("other@example").private_key_pem.bytes()
    loaded = load_pem_private_key(key, None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    broken = b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
    nonsense = b"-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n"
    cases = [
        (b"x", key, "failed to find any PEM data in certificate input"),
        (cert, b"x", "failed to find any PEM data in key input"),
        (key, key, 'failed to find "CERTIFICATE" PEM block in certificate input'),
        (cert, other, "private key does not match public key"),
        (cert, pem_of(rsa.generate_private_key(65537, 2048)), "private key does not match public key"),
        (cert, pem_of(loaded, b"password"), "the client key is encrypted"),
        (cert, cert, 'failed to find PEM block with type ending in "PRIVATE KEY" in key input'),
        (cert, key[:-20], 'failed to find PEM block with type ending in "PRIVATE KEY" in key input'),
        (cert, nonsense, "failed to parse the client certificate or its key"),
        (broken, key, "failed to parse the client certificate or its key"),
    ]
    for certificate_pem, key_pem, words in cases:
        with pytest.raises(KubeconfigError) as caught:
            tls.client_context(authorities=None, insecure=True, certificate=(certificate_pem, key_pem))
        assert words in str(caught.value)


def test_certificate_and_key_in_one_file(pair: tuple[bytes, bytes]) -> None:
    cert, key = pair
    for combined in (cert + key, key + cert):
        tls.client_context(authorities=None, insecure=True, certificate=(combined, combined))


def test_of_the_keys_file_only_the_key_counts(
    ca: trustme.CA, pair: tuple[bytes, bytes], server_context: ssl.SSLContext
) -> None:
    """The authority beside the key, or the parameters of its curve before it: Go passes over both."""
    cert, key = pair
    server_context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(server_context)
    authority = ca.cert_pem.bytes()
    curve = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    for file in (authority + key, key + authority, curve + key, b"Bag Attributes: \xff\n" + key, key + OTHER_KEY):
        client = tls.client_context(authorities=authority, certificate=(cert, file))
        shake_hands(client, server_context)


def test_many_beginnings_of_a_key_are_passed_over_at_once(pair: tuple[bytes, bytes]) -> None:
    """A search from each of them to the end of the file would take hours."""
    beginnings = b"-----BEGIN PRIVATE KEY-----\nA" * 500_000
    tls.client_context(authorities=None, insecure=True, certificate=(pair[0], beginnings + b"\n" + pair[1]))


def test_system_roots_by_environment(ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "roots.pem").write_bytes(ca.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert tls.client_context(authorities=None).cert_store_stats()["x509_ca"] == 1
