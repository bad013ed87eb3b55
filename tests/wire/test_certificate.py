"""Certificates, with cryptography as the oracle, and Go for the way it prints names."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import ipaddress
from collections.abc import Sequence
from datetime import datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.wire.certificate import Certificate, parse, parse_all, validity

PEM = trustme.CA(organization_name="x" * 60).cert_pem.bytes()
KEY = ec.generate_private_key(ec.SECP256R1())
SAN = b"\x06\x03\x55\x1d\x11"

Attributes = Sequence[tuple[x509.ObjectIdentifier, str]]


def issue(
    subject: Attributes = ((NameOID.COMMON_NAME, "a"),),
    issuer: Attributes = ((NameOID.COMMON_NAME, "ca"),),
    *extensions: x509.ExtensionType,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(KEY.public_key())
        .serial_number(5)
        .not_valid_before(datetime(2024, 2, 3, 4, 5, 6, tzinfo=dt.timezone.utc))
        .not_valid_after(datetime(2055, 1, 1, tzinfo=dt.timezone.utc))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(KEY, hashes.SHA256())


def name(attributes: Attributes) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(data: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(data) + b"-----END CERTIFICATE-----\n"


def tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def sequence(content: bytes) -> bytes:
    return tlv(0x30, content)


def attribute(oid: bytes, kind: int, value: bytes) -> bytes:
    return tlv(0x31, sequence(tlv(0x06, oid) + tlv(kind, value)))


def handmade(subject: bytes, rest: bytes = b"") -> bytes:
    """A certificate with a subject (without its own SEQUENCE) and with what follows it."""
    times = tlv(0x17, b"240203040506Z") * 2
    fields = tlv(0x02, b"\x05") + sequence(b"") + sequence(b"") + sequence(times) + sequence(subject) + rest
    return sequence(sequence(fields))


@pytest.mark.parametrize(
    "until", ["2049-12-31T23:59:59+00:00", "2050-01-01T00:00:00+00:00", "9999-12-31T00:00:00+00:00"]
)
def test_validity(until: str) -> None:
    leaf = trustme.CA().issue_cert("a", not_after=datetime.fromisoformat(until))
    chain = leaf.cert_chain_pems[0].bytes()
    oracle = x509.load_pem_x509_certificate(chain)
    assert validity(chain) == (oracle.not_valid_before_utc, oracle.not_valid_after_utc)


def test_the_first_of_several() -> None:
    assert validity(b"text\n" + PEM + trustme.CA().cert_pem.bytes()) == validity(PEM)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x02\x01\x01",
        b"\x30\x00",
        b"\x30\x02\x30\x00",
        b"\x30\x05\x30",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x0a\x30\x08\x02\x00\x02\x00\x02\x00\x02\x00",
        b"\x30\x0a\x30\x08\x02\x00\x02\x00\x30\x00\x30\x00",
        b"\x30\x0c\x30\x0a\x02\x00\x02\x00\x30\x00\x30\x00\x30\x00",
        b"\x30\x0e\x30\x0c\x02\x00\x02\x00\x30\x00\x30\x02\x02\x00\x30\x00",
        b"\x30\x0f\x30\x0d\x02\x00\x02\x00\x30\x00\x30\x03\x17\x01x\x30\x00",
    ],
)
def test_what_is_no_certificate(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|validity|time data"):
        validity(pem(der))
    with pytest.raises(ValueError, match=r"certificate|validity|time data"):
        parse(der)


@pytest.mark.parametrize("text", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"])
def test_what_is_no_pem(text: bytes) -> None:
    with pytest.raises(ValueError, match="not a PEM certificate"):
        validity(text)
    with pytest.raises(ValueError, match="not a PEM certificate"):
        parse_all(text)


@given(st.data())
def test_damaged_certificates_are_read_or_refused(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(PEM) - 1))
    damaged = bytearray(PEM)
    damaged[position] = data.draw(st.sampled_from(b"AZaz09+/=\n-"))
    with contextlib.suppress(ValueError):
        begins, ends = validity(bytes(damaged))
        assert begins.tzinfo == ends.tzinfo


def test_all_of_it() -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName("node-a"),
            x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
            x509.RFC822Name("somebody@example.com"),
            x509.DNSName("*.example.com"),
            x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
            x509.IPAddress(ipaddress.ip_address("::ffff:192.0.2.7")),
        ]
    )
    subject = ((NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, "system:node:a"))
    constraints = x509.BasicConstraints(ca=False, path_length=None)
    assert parse(der(issue(subject, ((NameOID.COMMON_NAME, "kubernetes"),), constraints, names))) == Certificate(
        subject="CN=system:node:a,O=system:nodes",
        issuer="CN=kubernetes",
        dns_names=("node-a", "*.example.com"),
        ip_addresses=("192.0.2.1", "2001:db8::1", "192.0.2.7"),
        not_before=datetime(2024, 2, 3, 4, 5, 6, tzinfo=dt.timezone.utc),
        not_after=datetime(2055, 1, 1, tzinfo=dt.timezone.utc),
    )


def test_self_signed() -> None:
    assert parse(der(issue(issuer=((NameOID.COMMON_NAME, "a"),)))).self_signed
    assert not parse(der(issue())).self_signed


def test_a_certificate_without_names() -> None:
    found = parse(der(issue()))
    assert (found.dns_names, found.ip_addresses) == ((), ())


# As Go's pkix.Name.String() has printed them.
@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ((), ""),
        (
            ((NameOID.COMMON_NAME, "x"), (NameOID.ORGANIZATION_NAME, "b"), (NameOID.ORGANIZATION_NAME, "a")),
            "CN=x,O=b+O=a",
        ),
        (((NameOID.COMMON_NAME, "first"), (NameOID.COMMON_NAME, '#a,b+c"\\<>; ')), r"CN=\#a\,b\+c\"\\\<\>\;\ "),
        (((NameOID.COMMON_NAME, " "),), r"CN=\ "),
        (((NameOID.COMMON_NAME, " é "),), "CN=\\ é\\ "),
        (
            (
                (NameOID.COUNTRY_NAME, "DE"),
                (NameOID.STATE_OR_PROVINCE_NAME, "BE"),
                (NameOID.LOCALITY_NAME, "B"),
                (NameOID.STREET_ADDRESS, "s"),
                (NameOID.POSTAL_CODE, "1"),
                (NameOID.ORGANIZATION_NAME, "o"),
                (NameOID.ORGANIZATIONAL_UNIT_NAME, "u"),
                (NameOID.COMMON_NAME, "c"),
                (NameOID.SERIAL_NUMBER, "9"),
                (NameOID.USER_ID, "someone"),
                (NameOID.TITLE, "Dr"),
            ),
            "SERIALNUMBER=9,CN=c,OU=u,O=o,POSTALCODE=1,STREET=s,L=B,ST=BE,C=DE,"
            # Not what Go says: it encodes these values anew, and we show how they are encoded.
            "2.5.4.12=#0c024472,0.9.2342.19200300.100.1.1=#0c07736f6d656f6e65",
        ),
        (((NameOID.USER_ID, "u" * 200),), "0.9.2342.19200300.100.1.1=#0c81c8" + "75" * 200),
    ],
)
def test_names_as_go_prints_them(subject: Attributes, text: str) -> None:
    assert parse(der(issue(subject))).subject == text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [(0x1E, "käse".encode("utf-16-be"), "käse"), (0x13, b"plain", "plain"), (0x14, b"k\xe4se", "käse")],
)
def test_kinds_of_strings(kind: int, value: bytes, text: str) -> None:
    assert parse(handmade(attribute(b"\x55\x04\x03", kind, value))).subject == f"CN={text}"


@pytest.mark.parametrize(
    "subject",
    [
        b"\x30\x00",  # no SET
        b"\x30\x03\x02\x01\x05",
        b"\x31\x03\x02\x01\x05",  # no SEQUENCE in it
        b"\x31\x05\x30\x03\x02\x01\x05",  # a type and no value
        b"\x31\x08\x30\x06\x02\x01\x05\x0c\x01a",  # no OID
        b"\x31\x07\x30\x05\x06\x00\x0c\x01a",  # an OID of nothing
        b"\x31\x09\x30\x07\x06\x02\x55\x84\x0c\x01a",  # one that breaks off
    ],
)
def test_names_that_are_none(subject: bytes) -> None:
    if subject == b"\x30\x00":
        assert parse(handmade(subject)).subject == ""
        return
    with pytest.raises(ValueError, match="a certificate with"):
        parse(handmade(subject))


@pytest.mark.parametrize(
    "extension",
    [
        SAN + b"\x01\x01\xff",  # critical, and no value
        SAN + b"\x04\x00",
        SAN + b"\x04\x02\x31\x00",
        SAN + b"\x04\x06\x30\x04\x87\x02\x01\x02",  # an address of two bytes
    ],
)
def test_alternative_names_that_are_none(extension: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|address"):
        parse(handmade(b"", sequence(b"") + tlv(0xA3, sequence(sequence(extension)))))


@pytest.mark.parametrize(
    "extension", [b"", b"\x02\x01\x05", b"\x30\x05" + SAN, sequence(b"\x06\x03\x55\x1d\x13\x04\x00")]
)
def test_extensions_that_are_none_of_our_business(extension: bytes) -> None:
    assert parse(handmade(b"", sequence(b"") + tlv(0xA3, sequence(extension)) + sequence(b""))).dns_names == ()


def test_a_bundle() -> None:
    first, second = der(issue()), der(issue(((NameOID.COMMON_NAME, "b"),)))
    text = b"# comment\n" + pem(first) + pem(b"garbage") + pem(second)
    assert [one.subject for one in parse_all(text)] == ["CN=a", "CN=b"]
    with pytest.raises(ValueError, match="certificate"):
        parse_all(pem(b"garbage"))


ALL = der(
    issue(
        ((NameOID.ORGANIZATION_NAME, "o"), (NameOID.COMMON_NAME, "c"), (NameOID.TITLE, "t")),
        ((NameOID.COMMON_NAME, "kubernetes"),),
        x509.SubjectAlternativeName([x509.DNSName("a"), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]),
    )
)


@given(st.integers(0, len(ALL) - 1), st.integers(0, 255))
def test_damaged_der_is_read_or_refused(position: int, byte: int) -> None:
    damaged = ALL[:position] + bytes((byte,)) + ALL[position + 1 :]
    with contextlib.suppress(ValueError):
        assert parse(damaged).not_after.tzinfo is dt.timezone.utc


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(data)
    with contextlib.suppress(ValueError):
        parse(b"\x30\x82" + len(data).to_bytes(2, "big") + data)


@given(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable()))
def test_any_common_name(value: str) -> None:
    """cryptography prints by RFC 4514, which escapes a NUL too and leaves no other difference to Go's RFC 2253."""
    found = parse(der(issue(((NameOID.ORGANIZATION_NAME, "o"), (NameOID.COMMON_NAME, value)))))
    unescaped = found.subject.removeprefix("CN=").removesuffix(",O=o")
    assert "".join(unescaped[i] for i in _plain(unescaped)) == value


def _plain(text: str) -> list[int]:
    """The positions of the characters that are not there to escape another."""
    positions, index = [], 0
    while index < len(text):
        index += text[index] == "\\"
        positions.append(index)
        index += 1
    return positions
