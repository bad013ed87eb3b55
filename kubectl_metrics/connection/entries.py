"""One cluster entry and one user entry, with the flags laid over them and the files they name read.

Facts
- ``certificate-authority-data``, ``client-certificate-data`` and ``client-key-data`` win over the files of the same
  name.
- A file that a flag names is relative to the working directory, one in a kubeconfig to the kubeconfig's folder.
- A server without a scheme is https where a CA, a client certificate or insecure-skip-tls-verify is configured, else
  http (client-go rest/url_utils.go, DefaultServerUrlFor).

Where we differ, on purpose: kubectl asks which of the two it is before it has looked at any of those (ClientConfig in
client-go tools/clientcmd/client_config.go), and so speaks plain HTTP, without credentials, to every server without a
scheme. Whoever names a CA wants TLS.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kubectl_metrics.connection.config import AuthProvider, ClientConfig, ExecConfig, Impersonation, UserConfig
from kubectl_metrics.connection.kubefile import RawCluster, RawUser, describe, read_bytes
from kubectl_metrics.errors import KubeconfigError

if TYPE_CHECKING:
    from kubectl_metrics.connection.config import Overrides
    from kubectl_metrics.connection.kubefile import Entry, RawExec

EXEC_EXTENSION = "client.authentication.k8s.io/exec"
PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def cluster(
    overrides: Overrides, entry: Entry | None, *, default_server: str, client_certificate: bool
) -> ClientConfig:
    """The cluster's half of the configuration: all but context, namespace and user.

    Args:
        overrides: the flags.
        entry: the chosen cluster, None where only flags say something.
        default_server: for when neither names one.
        client_certificate: whether the user has one.

    Raises:
        KubeconfigError: no server, a bad URL, or a CA that cannot be read.
    """
    raw = entry.decode(RawCluster) if entry else RawCluster()
    where = f'cluster "{entry.name}" in {entry.origin}' if entry else "the command line"
    server = overrides.server or raw.server or ("" if entry else default_server)
    if not server:
        raise KubeconfigError(f"no server found for {where}")

    # getCluster in client-go tools/clientcmd/client_config.go: either flag replaces all that the file says about trust.
    if overrides.certificate_authority or overrides.insecure_skip_tls_verify:
        insecure = overrides.insecure_skip_tls_verify
        authority = _file(
            overrides.certificate_authority or "",
            "certificate-authority",
            "--certificate-authority",
        )
    else:
        insecure = raw.insecure_skip_tls_verify
        authority = _material(
            entry,
            "certificate-authority",
            raw.certificate_authority_data,
            raw.certificate_authority,
        )
    if insecure and authority is not None:
        raise KubeconfigError(f"specifying a root certificates file with the insecure flag is not allowed ({where})")
    server_name = raw.tls_server_name
    if overrides.tls_server_name or overrides.server:
        server_name = overrides.tls_server_name or ""
    return ClientConfig(
        server=server_url(server, tls=insecure or authority is not None or client_certificate),
        certificate_authority=authority,
        insecure=insecure,
        tls_server_name=server_name or None,
        proxy_url=_proxy_url(raw.proxy_url, where),
        disable_compression=raw.disable_compression,
        request_timeout=overrides.request_timeout,
    )


def has_certificate(overrides: Overrides, entry: Entry | None) -> bool:
    """Whether a client certificate is configured, without reading it."""
    if overrides.client_certificate:
        return True
    return bool(entry and (entry.value.get("client-certificate") or entry.value.get("client-certificate-data")))


def user(overrides: Overrides, entry: Entry | None, cluster_entry: Entry | None, server: str) -> UserConfig:
    """The user's half.

    Args:
        overrides: the flags.
        entry: the chosen user, None for anonymous or where only flags say something.
        cluster_entry: for what it tells exec plugins.
        server: the normalized URL; over plain http nothing but impersonation is looked at.

    Raises:
        KubeconfigError: contradictions, or files that cannot be read.
    """
    raw = entry.decode(RawUser) if entry else RawUser()
    name = entry.name if entry else ""
    impersonate = _impersonation(overrides, raw, name)
    if server.startswith("http:"):
        return UserConfig(name=name, impersonate=impersonate)
    if overrides.token:
        certificate, key = _certificate(overrides, None, RawUser())
        return UserConfig(
            name=name,
            token=overrides.token,
            certificate=certificate,
            key=key,
            impersonate=impersonate,
        )
    where = f'user "{name}" in {entry.origin}' if entry else "the command line"
    # The same contradictions that validateAuthInfo refuses (client-go tools/clientcmd/validation.go).
    if raw.token and (raw.username or raw.password):
        raise KubeconfigError(
            f"more than one authentication method found for {where}; found [token basicAuth], only one is allowed"
        )
    if raw.token_file and (raw.username or raw.password):  # HTTPWrappersForConfig, transport/round_trippers.go
        raise KubeconfigError(f"username/password or bearer token may be set, but not both: {where}")
    if raw.exec and raw.auth_provider:
        raise KubeconfigError(f"authProvider cannot be provided in combination with an exec plugin for {where}")
    certificate, key = _certificate(overrides, entry, raw)
    provider = raw.auth_provider
    return UserConfig(
        name=name,
        certificate=certificate,
        key=key,
        token=raw.token or None,
        token_file=entry.path(raw.token_file) if entry and raw.token_file else None,
        username=raw.username,
        password=raw.password,
        exec=_exec(raw.exec, entry, cluster_entry) if raw.exec and entry else None,
        auth_provider=AuthProvider(provider.name, provider.config) if provider else None,
        impersonate=impersonate,
    )


def server_url(server: str, *, tls: bool) -> str:
    """``server`` as scheme://host[:port][/prefix], without a slash at the end.

    Args:
        server: a URL, or host[:port].
        tls: whether a server without a scheme is https.

    Raises:
        KubeconfigError: it is neither.
    """
    text = server if "://" in server else f"http{'s' if tls else ''}://{server}"
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0  # a port that is none raises ValueError
    except ValueError:
        parts, usable = urlsplit(""), False
    if not usable or re.search(r"[\x00-\x20\x7f]", server):
        raise KubeconfigError(f"host must be a URL or a host:port pair: {_unquoted(server)!r}")
    if parts.scheme not in ("http", "https"):
        raise KubeconfigError(f'unsupported protocol scheme "{parts.scheme}" of the server')
    if "@" in parts.netloc:
        raise KubeconfigError(
            f"the URL of the server {parts.hostname} holds a user name or password, which is not supported"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _unquoted(url: str) -> str:
    """``url`` without what might be a password."""
    return re.sub(r"//.*@", "//***@", url)[:200]


def _impersonation(overrides: Overrides, raw: RawUser, name: str) -> Impersonation | None:
    user = overrides.impersonate_user or raw.impersonate
    uid = overrides.impersonate_uid or raw.impersonate_uid
    groups = overrides.impersonate_groups or raw.impersonate_groups
    extra = tuple(raw.impersonate_extra.items())
    if user:
        return Impersonation(user, uid, groups, extra)
    if uid or groups or extra:
        raise KubeconfigError(f"requesting uid, groups or user-extra for {name} without impersonating a user")
    return None


def _certificate(overrides: Overrides, entry: Entry | None, raw: RawUser) -> tuple[bytes | None, bytes | None]:
    if overrides.client_certificate:
        certificate = _file(overrides.client_certificate, "client-certificate", "--client-certificate")
    else:
        certificate = _material(entry, "client-certificate", raw.client_certificate_data, raw.client_certificate)
    if certificate is None:  # a key alone is ignored, as by kubectl
        return None, None
    if overrides.client_key:
        key = _file(overrides.client_key, "client-key", "--client-key")
    else:
        key = _material(entry, "client-key", raw.client_key_data, raw.client_key)
    if key is None:
        who = f'user "{entry.name}" in {entry.origin}' if entry else "the command line"
        raise KubeconfigError(
            f"client-key-data or client-key must be specified for {who} to use the clientCert authentication method"
        )
    return certificate, key


def _exec(raw: RawExec, entry: Entry, cluster_entry: Entry | None) -> ExecConfig:
    config: object = None
    extensions = cluster_entry.value.get("extensions") if cluster_entry else None
    for extension in extensions if isinstance(extensions, list) else ():
        if isinstance(extension, dict) and extension.get("name") == EXEC_EXTENSION:
            config = extension.get("extension")
    return ExecConfig(
        command=entry.path(raw.command) if os.path.dirname(raw.command) else raw.command,
        args=raw.args,
        env=tuple((variable.name, variable.value) for variable in raw.env),
        api_version=raw.api_version,
        install_hint=raw.install_hint,
        provide_cluster_info=raw.provide_cluster_info,
        interactive_mode=raw.interactive_mode,
        cluster_config=config,
    )


def _material(entry: Entry | None, field: str, data: str, path: str) -> bytes | None:
    """PEM bytes from ``<field>-data`` (base64), else from the file ``<field>``, else None."""
    if entry is None:
        return None
    where = f'{entry.kind} "{entry.name}" in {entry.origin}'
    if data:
        import base64

        try:  # Go's decoder, too, skips line ends and nothing else
            return base64.b64decode(data.replace("\n", "").replace("\r", ""), validate=True)
        except ValueError:
            raise KubeconfigError(f"{field}-data of {where} is not base64") from None
    return _file(entry.path(path), field, where) if path else None


def _file(path: str, what: str, where: str) -> bytes | None:
    if not path:
        return None
    try:
        return read_bytes(path)
    except OSError as error:
        # The sentence is validateClusterInfo's and validateAuthInfo's.
        raise KubeconfigError(f"unable to read {what} {path} for {where} due to {describe(error, path)}") from None


def _proxy_url(url: str, where: str) -> str | None:
    if not url:
        return None
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise KubeconfigError(f"invalid 'proxy-url' for {where}: could not parse it") from None
    if parts.scheme not in PROXY_SCHEMES:
        raise KubeconfigError(
            f"invalid 'proxy-url' for {where}: unsupported scheme \"{parts.scheme}\", must be http, https, or socks5"
        )
    if not usable:
        raise KubeconfigError(f"invalid 'proxy-url' for {where}: no host in it")
    return url
