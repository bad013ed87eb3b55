"""How to reach an HTTP server as this user: kubeconfig, credentials, TLS, HTTP.

``kubeconfig.load`` finds the configuration, ``credentials.resolve`` has the credentials, ``api_transport`` makes the
way to the API server of both. Everything is imported when it is needed: ``--help`` needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kubectl_metrics.connection.ahead import Ahead
    from kubectl_metrics.connection.config import ClientConfig
    from kubectl_metrics.connection.credentials import Credentials
    from kubectl_metrics.connection.deadlines import Total
    from kubectl_metrics.connection.transport import Transport


def api_transport(
    config: ClientConfig,
    credentials: Credentials,
    *,
    environ: Mapping[str, str],
    total: Total | None = None,
    trace: Callable[[str], None] | None = None,
    ahead: Ahead | None = None,
) -> Transport:
    """The way to the API server.

    Args:
        config: where it is and how it is verified.
        credentials: who we are.
        environ: for the proxy variables, where the kubeconfig names no proxy.
        total: time for all requests together.
        trace: gets one line for each request.
        ahead: what ``connect_ahead`` has begun.

    Raises:
        KubeconfigError: the CA or the client certificate cannot be used, or impersonation is asked for over plain HTTP,
            where the request would be made as somebody else.
    """
    from kubectl_metrics.connection import proxy, tls, transport
    from kubectl_metrics.errors import KubeconfigError

    secure = config.server.startswith("https:")
    if credentials.impersonation and not secure:
        raise KubeconfigError(f"impersonation needs https, and the server is {config.server}")
    context = None
    if secure:
        context = tls.client_context(
            authorities=config.certificate_authority,
            insecure=config.insecure,
            certificate=credentials.certificate,
        )
    return transport.Transport(
        config.server,
        context=context,
        names=(config.tls_server_name,) if config.tls_server_name else (),
        authorization=credentials.authorization,
        headers=credentials.impersonation,
        proxy_url=config.proxy_url or proxy.proxy_for(config.server, environ),
        timeout=transport.API_TIMEOUT if config.request_timeout is None else config.request_timeout,
        total=total,
        compress=not config.disable_compression,
        trace=trace,
        ahead=ahead,
    )


def connect_ahead(config: ClientConfig, *, environ: Mapping[str, str], count: int) -> Ahead | None:
    """Begin ``count`` connections to the API server, of which nobody knows yet how it is spoken to.

    None where there is a proxy on the way, or no TLS: what is said there is a matter of the transport.
    """
    from kubectl_metrics.connection import ahead, proxy

    if not config.server.startswith("https:") or config.proxy_url or proxy.proxy_for(config.server, environ):
        return None
    return ahead.Ahead(config.server, count)
