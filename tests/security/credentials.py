"""Every kind of credential that a kubeconfig can hold, with what of it must not be seen by just anybody."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import ssl
from pathlib import Path
from typing import Any

from tests.simcluster.pki import Pki

KINDS = ("token", "token-file", "token-flag", "basic", "certificate", "exec-token", "exec-certificate", "impersonation")


@dataclasses.dataclass
class Credential:
    """A user entry, flags that belong to it, and its secrets."""

    user: dict[str, Any]
    flags: list[str] = dataclasses.field(default_factory=list)
    texts: list[str] = dataclasses.field(default_factory=list)  # secret texts
    certificate: bytes = b""  # DER: no secret, but shown to nobody who is not verified
    key: bytes = b""  # PEM
    plugin_ran: Path | None = None  # the file that an exec plugin leaves behind

    def found_in(self, heard: bytes) -> list[str]:
        """The secrets that occur in what somebody has heard: as they are, as base64 or as hexadecimal digits."""
        found = [text for text in self.texts if any(form in heard for form in _forms(text.encode()))]
        if self.key:
            lines = self.key.decode().splitlines()[1:-1]
            raw = base64.b64decode("".join(lines))
            if raw in heard or any(line.encode() in heard for line in lines):
                found.append("the private key")
        return found

    def arrived(self, said: bytes, certificates: list[bytes]) -> bool:
        """Whether all that says who somebody is has come to a server that may know it."""
        return len(self.found_in(said)) == len(self.texts) and (
            not self.certificate or self.certificate in certificates
        )


def _forms(secret: bytes) -> list[bytes]:
    forms = [secret, secret.hex().encode()]
    for shift in range(3):  # wherever in a text it stands: the characters that depend on nothing but it
        encoded = base64.b64encode(bytes(shift) + secret)
        forms.append(encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4])
    return forms


def make(kind: str, pki: Pki, folder: Path) -> Credential:
    """A credential of a kind, with secrets that nobody else has."""
    secret = f"s3cret-{secrets.token_hex(16)}"
    pair = pki.cluster.client("alice")
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
    if kind == "token":
        return Credential({"token": secret}, texts=[secret])
    if kind == "token-file":
        (folder / "token").write_text(secret)
        return Credential({"tokenFile": str(folder / "token")}, texts=[secret])
    if kind == "token-flag":
        return Credential({}, ["--token", secret], [secret])
    if kind == "basic":
        return Credential({"username": "alice", "password": secret}, texts=[secret])
    if kind == "certificate":
        data = {"client-certificate-data": pair.certificate, "client-key-data": pair.key}
        user = {name: base64.b64encode(value).decode() for name, value in data.items()}
        return Credential(user, certificate=der, key=pair.key)
    if kind == "exec-token":
        return _exec(folder, {"token": secret}, Credential({}, texts=[secret]))
    if kind == "exec-certificate":
        status = {"clientCertificateData": pair.certificate.decode(), "clientKeyData": pair.key.decode()}
        return _exec(folder, status, Credential({}, certificate=der, key=pair.key))
    names = [f"{part}-{secrets.token_hex(16)}" for part in ("user", "group", "uid", "extra")]
    acting = {"as": names[0], "as-groups": [names[1]], "as-uid": names[2], "as-user-extra": {"e": names[3:]}}
    return Credential({"token": secret, **acting}, texts=[secret, *names])


def _exec(folder: Path, status: dict[str, str], credential: Credential) -> Credential:
    document = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    (folder / "credential.json").write_text(json.dumps(document))
    credential.plugin_ran = folder / "ran"
    credential.user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "/bin/sh",
            "args": ["-c", f"echo ran > '{credential.plugin_ran}'; cat '{folder}/credential.json'"],
            "interactiveMode": "Never",
        }
    }
    return credential
