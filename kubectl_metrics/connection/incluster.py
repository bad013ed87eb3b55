"""The configuration of a pod: its service account.

Facts (client-go rest/config.go InClusterConfig, tools/clientcmd/client_config.go inClusterClientConfig)
- The server is $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT; both and the token file must be there.
- The token is rotated by the kubelet: it is read by each command.
- The namespace is $POD_NAMESPACE, else the file beside the token, else "default".
- Of the flags, only the server, the token and the CA count here; we also let the namespace, impersonation and the TLS
  flags count, because a flag that is ignored is worse.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kubectl_metrics.connection import entries
from kubectl_metrics.connection.config import ClientConfig, UserConfig
from kubectl_metrics.connection.kubefile import describe, read_bytes
from kubectl_metrics.errors import KubeconfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kubectl_metrics.connection.config import Overrides


def possible(environ: Mapping[str, str], folder: Path) -> bool:
    """Whether this looks like the inside of a pod."""
    return bool(
        environ.get("KUBERNETES_SERVICE_HOST")
        and environ.get("KUBERNETES_SERVICE_PORT")
        and os.path.exists(folder / "token")  # False, too, where one may not look; Path.exists raises before 3.14
        and not os.path.isdir(folder / "token")
    )


def load(overrides: Overrides, environ: Mapping[str, str], folder: Path, namespace: str = "") -> ClientConfig:
    """The service account's configuration.

    Args:
        overrides: the flags.
        environ: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, POD_NAMESPACE.
        folder: with token, ca.crt and namespace.
        namespace: a kubeconfig without a server may still name one; a flag wins over it.

    Raises:
        KubeconfigError: ca.crt is there and cannot be read.
    """
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    if ":" in host:
        host = f"[{host}]"
    flags = entries.cluster(overrides, None, default_server=f"https://{host}:{port}", client_certificate=False)
    authority = flags.certificate_authority
    if authority is None and not flags.insecure:
        try:
            authority = read_bytes(folder / "ca.crt")
        except FileNotFoundError:
            authority = None  # client-go logs that and goes on with the system's roots
        except OSError as error:
            raise KubeconfigError(describe(error, folder / "ca.crt")) from None
    user = entries.user(overrides, None, None, flags.server)
    if user.token is None and user.certificate is None:
        user = UserConfig(token_file=str(folder / "token"), impersonate=user.impersonate)
    return ClientConfig(
        server=flags.server,
        namespace=overrides.namespace or namespace or pod_namespace(environ, folder),
        certificate_authority=authority,
        insecure=flags.insecure,
        tls_server_name=flags.tls_server_name,
        user=user,
        request_timeout=overrides.request_timeout,
    )


def pod_namespace(environ: Mapping[str, str], folder: Path) -> str:
    """The namespace of the pod, "default" where nobody says which.

    Args:
        environ: POD_NAMESPACE.
        folder: with the file ``namespace``.
    """
    if environ.get("POD_NAMESPACE"):
        return environ["POD_NAMESPACE"]
    try:
        text = read_bytes(folder / "namespace").decode("ascii", "replace").strip()
    except OSError:
        text = ""
    return text or "default"
