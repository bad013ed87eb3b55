"""What an exec plugin writes.

It is given to what judges it when the plugin has ended: running a plugin for each input would be slow.
"""

from __future__ import annotations

from kubectl_metrics.connection.config import ClientConfig, ExecConfig
from kubectl_metrics.connection.credentials import Credentials
from kubectl_metrics.connection.execplugin import GROUP, _exec_info, _Failure, _judge
from kubectl_metrics.connection.expiry import explain
from kubectl_metrics.connection.yamltext import YAMLTextError, parse
from kubectl_metrics.errors import CredentialError
from tests.fuzz.seeds import NOW

_HEAD = b'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{'
SEEDS = (
    _HEAD + b'"token":"t","expirationTimestamp":"2999-01-01T00:00:00Z"}}',
    _HEAD + b'"clientCertificateData":"c","clientKeyData":"k"}}',
    b"apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus: {token: a.eyJleHAiOjF9.c}\n",
)
_CONFIG = ClientConfig(server="https://h")


def read(data: bytes) -> bool:
    plugin = ExecConfig(command="p", api_version=f"{GROUP}/v1", provide_cluster_info=True, cluster_config=_yaml(data))
    fail = _Failure(plugin, _CONFIG)
    try:
        _exec_info(plugin, _CONFIG, False, fail)
        status = _judge(data, plugin, fail)
    except CredentialError:
        return False
    explain(Credentials(authorization=f"Bearer {status.token}", certificate=status.certificate), NOW)
    return True


def _yaml(data: bytes) -> object:
    try:
        return parse(data)
    except YAMLTextError:
        return None
