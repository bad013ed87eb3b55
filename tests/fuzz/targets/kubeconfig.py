"""A kubeconfig, down to the way to the API server. No plugin is run and nothing is connected to."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path

from kubectl_metrics.connection import api_transport, credentials, expiry, kubeconfig
from kubectl_metrics.connection.config import Overrides
from kubectl_metrics.errors import CredentialError, KubeconfigError
from tests.fuzz.seeds import CERTIFICATE, NOW

_CA = base64.b64encode(CERTIFICATE)
SEEDS = (
    b"""\
apiVersion: v1
kind: Config
current-context: c
contexts:
- name: c
  context: {cluster: k, user: u, namespace: n}
clusters:
- name: k
  cluster: &k
    server: https://[fd00::1]:6443/prefix
    tls-server-name: kubernetes
    certificate-authority-data: """
    + _CA
    + b"""
    proxy-url: socks5://proxy:1080
- name: other
  cluster:
    <<: *k
    server: http://127.0.0.1:8080
users:
- name: u
  user:
    token: abc.eyJleHAiOjF9.x
    as: somebody
    as-groups: [g, h]
    as-user-extra: {reason: ["x y"]}
preferences: {}
""",
    b'{"current-context":"c","contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],"clusters":[{"name":"k",'
    b'"cluster":{"server":"h:1","insecure-skip-tls-verify":true,"extensions":[{"name":'
    b'"client.authentication.k8s.io/exec","extension":{"a":1}}]}}],"users":[{"name":"u","user":{"exec":{"command":"./p",'
    b'"apiVersion":"client.authentication.k8s.io/v1","args":["a"],"env":[{"name":"E","value":"v"}],"interactiveMode":'
    b'"Never","provideClusterInfo":true}}}]}',
    b"""\
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://example.com"}}]
users: [{name: u, user: {username: "n", password: "p\\u00e4"}}]
""",
    b"clusters: [{name: k, cluster: {server: 'https://h'}}]\ncontexts: [{name: c, context: {cluster: k}}]\n"
    b"current-context: c\n",
)


def read(data: bytes) -> bool:
    descriptor, path = tempfile.mkstemp()
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        return _load(path)
    finally:
        os.unlink(path)


def _load(path: str) -> bool:
    try:
        config = kubeconfig.load(Overrides(kubeconfig=path), {}, Path(path), service_account=Path(path))
        if config.user.exec is None and config.user.auth_provider is None:
            who = credentials.resolve(config, environ={}, interactive=False)
            expiry.explain(who, NOW)
            api_transport(config, who, environ={})
    except (KubeconfigError, CredentialError):
        return False
    return True
