"""From a user to headers and certificates."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from kubectl_metrics.connection import legacy
from kubectl_metrics.connection.config import AuthProvider, ClientConfig, ExecConfig, Impersonation, UserConfig
from kubectl_metrics.connection.credentials import Credentials, resolve
from kubectl_metrics.errors import CredentialError
from tests.connection.servers import Handler, Peer, Server, reply

FORBIDDEN = ExecConfig(command="/must/not/run", api_version="client.authentication.k8s.io/v1")


def of(**user: Any) -> Credentials:
    config = ClientConfig(server="https://x", user=UserConfig(name="me", **user))
    return resolve(config, environ={"PATH": "/usr/bin:/bin"}, interactive=False)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, Credentials()),
        ({"token": "t"}, Credentials("Bearer t")),
        ({"token": " t\n"}, Credentials("Bearer t")),
        ({"username": "u", "password": "p:ü"}, Credentials("Basic dTpwOsO8")),
        ({"password": "p"}, Credentials("Basic OnA=")),
        ({"certificate": b"C", "key": b"K"}, Credentials(certificate=(b"C", b"K"))),
        ({"certificate": b"C", "key": b"K", "token": "t"}, Credentials("Bearer t", (), (b"C", b"K"))),
        ({"certificate": b"C", "key": b"K", "exec": FORBIDDEN}, Credentials(certificate=(b"C", b"K"))),
        ({"token": "t", "exec": FORBIDDEN}, Credentials("Bearer t")),
        ({"username": "u", "exec": FORBIDDEN}, Credentials("Basic dTo=")),
        ({"token": "t", "auth_provider": AuthProvider("none", {})}, Credentials("Bearer t")),
    ],
)
def test_resolve(user: dict[str, Any], expected: Credentials) -> None:
    assert of(**user) == expected


def test_token_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    assert of(token_file=str(path), token="other").authorization == "Bearer first"
    path.write_text("second")
    assert of(token_file=str(path)).authorization == "Bearer second"
    path.write_text("\n")
    assert of(token_file=str(path), token="other").authorization == "Bearer other"
    path.unlink()
    assert of(token_file=str(path), token="other").authorization == "Bearer other"


def test_token_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with pytest.raises(CredentialError) as caught:
        of(token_file=str(path))
    assert str(caught.value) == (
        f'error: cannot read the token file of user "me": open {path}: no such file or directory'
    )
    path.write_text(" \n")
    with pytest.raises(CredentialError) as caught:  # and not a request by nobody
        of(token_file=str(path), exec=FORBIDDEN)
    assert str(caught.value) == f'error: the token file of user "me" is empty: {path}'
    path.write_bytes(b"\xffs3cret")
    with pytest.raises(CredentialError, match="is not text") as caught:
        of(token_file=str(path))
    assert "s3cret" not in str(caught.value)


def test_token_file_that_no_file_can_be() -> None:
    with pytest.raises(CredentialError, match=r"the token file of user \"me\": open a\x00b: invalid argument$"):
        of(token_file="a\0b")


@pytest.mark.parametrize("token", ["s3cret\nX-Evil: 1", "s3cret\x00", "s3crét"])
def test_token_that_is_no_header(token: str) -> None:
    with pytest.raises(CredentialError, match="characters that no HTTP header may have") as caught:
        of(token=token)
    assert "s3cret" not in str(caught.value)


def test_impersonation() -> None:
    who = Impersonation("ü", "1", ("a", "b"), (("acme.com/project%", ("x", "y")), ("Ü", ("z",)), ("scopes", ())))
    assert of(impersonate=who).impersonation == (
        ("Impersonate-User", "ü"),
        ("Impersonate-Uid", "1"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-acme.com%2Fproject%25", "x"),
        ("Impersonate-Extra-acme.com%2Fproject%25", "y"),
        ("Impersonate-Extra-%C3%9C", "z"),
    )


def test_impersonation_cannot_add_headers() -> None:
    with pytest.raises(CredentialError, match="control characters"):
        of(impersonate=Impersonation("u\r\nAuthorization: x"))


def test_exec_plugin(tmp_path: Path) -> None:
    status = {"token": "t", "clientCertificateData": "C", "clientKeyData": "K"}
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    plugin.chmod(0o755)
    config = ExecConfig(command=str(plugin), api_version="client.authentication.k8s.io/v1", interactive_mode="Never")
    assert of(exec=config) == Credentials("Bearer t", (), (b"C", b"K"))


def test_no_repr_shows_a_secret() -> None:
    credentials = Credentials("Bearer s3cret", (("Impersonate-User", "u"),), (b"s3cret", b"s3cret"))
    assert repr(credentials) == ("Credentials(authorization='Bearer', impersonation=1 headers, certificate=True)")


# ---- auth providers, through the official client ---------------------------------------------------------------------


def jwt(expiry: float) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return ".".join([part({"alg": "none"}), part({"exp": int(expiry), "sub": "me"}), "c2ln"])


def test_oidc_token() -> None:
    token = jwt(time.time() + 3600)
    provider = AuthProvider("oidc", {"id-token": token, "idp-issuer-url": "https://127.0.0.1:1"})
    assert of(auth_provider=provider).authorization == f"Bearer {token}"


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("azure", {"tenant-id": "s3cret"},  # the client's release 29 knows it, newer ones do not
         'auth provider "azure" of user "me" '),
        ("unknown", {}, 'auth provider "unknown" of user "me" gave no token'),
        ("oidc", {}, 'auth provider "oidc" of user "me" failed (ConfigException)'),
        ("oidc", {"id-token": "s3cret"}, 'auth provider "oidc" of user "me" gave no token'),
        ("oidc", {"id-token": "a.s3cret.b"}, 'auth provider "oidc" of user "me" '),
        ("oidc", {"id-token": jwt(0), "idp-issuer-url": "https://127.0.0.1:1", "refresh-token": "s3cret",
                  "client-id": "c", "client-secret": "s3cret"}, 'auth provider "oidc" of user "me" failed ('),
        ("gcp", {"cmd-path": "/bin/false", "cmd-args": "s3cret"}, 'auth provider "gcp" of user "me" failed ('),
        ("gcp", {"cmd-path": "/bin/echo", "cmd-args": "s3cret"}, 'auth provider "gcp" of user "me" failed ('),
    ],
    ids=lambda _: "x",
)  # fmt: skip
def test_auth_provider_fails(
    name: str, settings: dict[str, str], words: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CredentialError) as caught:
        of(auth_provider=AuthProvider(name, settings))
    assert caught.value.message.startswith(f"getting credentials: {words}")
    assert "s3cret" not in str(caught.value)
    assert (caught.value.hint is None) is (name == "oidc")
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []  # without a handler, Python prints warnings


def answering_as_issuer(tokens: list[str]) -> Handler:
    """An OpenID provider that gives a new id-token for a refresh token."""

    def handle(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if request.method == "GET":
                url = f"{peer.server.url}/token"
                peer.send(reply(json.dumps({"token_endpoint": url}).encode(), headers=("Connection: close",)))
                return
            left = int(request.get("Content-Length") or 0)
            tokens.append(peer.sock.recv(left).decode())
            answer = {"id_token": "new.id.token", "refresh_token": "next", "access_token": "a", "token_type": "Bearer"}
            json_type = "Content-Type: application/json"
            peer.send(reply(json.dumps(answer).encode(), headers=(json_type, "Connection: close")))
            return

    return handle


def expired(issuer: str, **more: str) -> AuthProvider:
    settings = {"id-token": jwt(0), "idp-issuer-url": issuer, "refresh-token": "r3fresh"}
    return AuthProvider("oidc", {**settings, "client-id": "c", "client-secret": "s3cret", **more})


def test_oidc_refresh(ca: trustme.CA, server_context: ssl.SSLContext) -> None:
    asked: list[str] = []
    pem = base64.b64encode(ca.cert_pem.bytes()).decode()
    with Server(answering_as_issuer(asked), context=server_context) as server:
        provider = expired(server.url, **{"idp-certificate-authority-data": pem})
        assert of(auth_provider=provider).authorization == "Bearer new.id.token"
    assert "refresh_token=r3fresh" in asked[0]
    assert provider.config["refresh-token"] == "r3fresh"


def test_oidc_refresh_only_over_verified_tls(server_context: ssl.SSLContext) -> None:
    """The official client by itself would not verify here."""
    asked: list[str] = []
    with Server(answering_as_issuer(asked), context=server_context) as server, pytest.raises(CredentialError):
        of(auth_provider=expired(server.url))
    assert server.requests == []


def test_oidc_refresh_at_an_issuer_that_is_silent(ca: trustme.CA, server_context: ssl.SSLContext) -> None:
    pem = base64.b64encode(ca.cert_pem.bytes()).decode()
    with Server(Peer.hang, context=server_context) as server:
        provider = expired(server.url, **{"idp-certificate-authority-data": pem})
        with pytest.raises(CredentialError) as caught:
            legacy.authorization(provider, "me", timeout=0.3)
    assert caught.value.message == 'getting credentials: auth provider "oidc" of user "me" gave no token within 0.3s'
    for left_behind in threading.enumerate():  # it ends with the server
        if left_behind.name == "auth-provider":
            left_behind.join()


def test_gcp_command(tmp_path: Path) -> None:
    answer = {"credential": {"access_token": "t", "token_expiry": "2999-01-01T00:00:00Z"}}
    plugin = tmp_path / "gcloud"
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    plugin.chmod(0o755)
    settings = {"cmd-path": str(plugin), "cmd-args": "x"}
    assert of(auth_provider=AuthProvider("gcp", settings)).authorization == "Bearer t"
