"""Kubeconfigs for the users of a cluster. Pure: a document in, a document out."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.simcluster.pki import KeyPair


def kubeconfig(
    server: str, ca: bytes, user: str, credential: str | KeyPair | None, namespace: str | None, cluster: dict[str, Any]
) -> str:
    """A kubeconfig as JSON, which is YAML: with a token, a client certificate or nothing; ``cluster`` is merged in."""
    secret: dict[str, Any] = {}
    if isinstance(credential, KeyPair):
        secret = {
            "client-certificate-data": _base64(credential.certificate),
            "client-key-data": _base64(credential.key),
        }
    elif credential is not None:
        secret = {"token": credential}
    context = {"cluster": "sim", "user": user, **({"namespace": namespace} if namespace else {})}
    merged = {"server": server, "certificate-authority-data": _base64(ca), **cluster}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sim", "cluster": {key: value for key, value in merged.items() if value is not None}}],
        "users": [{"name": user, "user": secret}],
        "contexts": [{"name": "sim", "context": context}],
        "current-context": "sim",
    }
    return json.dumps(document, indent=2) + "\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
