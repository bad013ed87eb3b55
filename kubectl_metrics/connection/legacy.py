"""Auth providers ("auth-provider" in a user): the ways to log in of the days before exec plugins.

Strategy: the official client's kubeconfig loader knows how to refresh their tokens, so a kubeconfig with nothing but
this user is given to it in memory. ``kubernetes`` is imported for nobody but such a user.

Facts
- kubectl removed gcp and azure in 1.26 and kept oidc. The client has gcp and oidc (and azure, in its older releases).
  For others, and for an id-token it cannot read, it goes on without credentials and says nothing: an error here.
- It refreshes an expired OIDC token over TLS that is not verified if the kubeconfig names no CA for the issuer
  (``_refresh_oidc``). It is therefore always told one.
- It writes refreshed tokens back where it read them: nowhere, for a kubeconfig in memory.
- Its refresh has no time limit, and a command of gcp has none: both are done by a thread that can be left behind.
- It logs to the root logger, and its exceptions quote what a command has printed: neither reaches the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_metrics.connection import threads
from kubectl_metrics.connection.config import LOGIN_TIMEOUT
from kubectl_metrics.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_metrics.connection.config import AuthProvider

_REMEDY = (
    "kubectl has removed this way to log in: use an exec plugin (for GKE gke-gcloud-auth-plugin, for Azure kubelogin)"
)
_OIDC_CA = ("idp-certificate-authority", "idp-certificate-authority-data")


def authorization(provider: AuthProvider, user: str, *, timeout: float = LOGIN_TIMEOUT) -> str:
    """The value of the Authorization header.

    Args:
        provider: its name and configuration.
        user: the kubeconfig's name of the user, for messages.
        timeout: seconds for all of it, whatever --request-timeout says: that is about the API server.

    Raises:
        CredentialError: the provider is not known, or gives no token, or not in time.
        MetricsError: there can be no thread for it.
    """
    of = f'auth provider "{provider.name}" of user "{user}"'
    hint = None if provider.name == "oidc" else _REMEDY
    settings = dict(provider.config)
    if provider.name == "oidc" and not any(settings.get(name) for name in _OIDC_CA):
        settings = {name: value for name, value in settings.items() if name not in _OIDC_CA}
        settings["idp-certificate-authority"] = _system_roots()
    try:
        login = threads.Later(lambda: _silently(provider.name, settings), "auth-provider")
        value, failure = login.result(seconds=timeout)
    except threads.TooLate:
        raise CredentialError(f"getting credentials: {of} gave no token within {timeout:g}s", hint=hint) from None
    if failure:
        raise CredentialError(f"getting credentials: {of} failed ({failure})", hint=hint)
    if not value:
        raise CredentialError(f"getting credentials: {of} gave no token", hint=hint)
    return value


def _silently(name: str, settings: dict[str, str]) -> tuple[str | None, str]:
    """What ``_ask`` gives, and the class of the exception if it has failed. What is left behind stays silent, too.

    Not the exception itself: its text may hold tokens, and it keeps calls that have files which nobody closes.
    """
    import gc
    import logging
    import warnings

    silenced = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return _ask(name, settings), ""
            except _failures() as error:
                failure = type(error).__name__
            gc.collect()  # these calls keep one another, too
            return None, failure
    finally:
        logging.disable(silenced)


def _ask(name: str, settings: dict[str, str]) -> str | None:
    from kubernetes import client, config

    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://localhost"}}],
        "users": [{"name": "u", "user": {"auth-provider": {"name": name, "config": settings}}}],
    }
    configuration = client.Configuration()
    load: Callable[..., None] = config.load_kube_config_from_dict
    load(document, client_configuration=configuration, persist_config=False)
    # The name of the security scheme: "BearerToken" in newer releases of the client, "authorization" in 29.
    value = configuration.api_key.get("BearerToken") or configuration.api_key.get("authorization")
    return value if isinstance(value, str) else None


def _failures() -> tuple[type[Exception], ...]:
    """What the loader and the libraries below it raise for a configuration or an issuer that is no good."""
    from http.client import HTTPException

    from kubernetes.client.exceptions import OpenApiException
    from kubernetes.config.config_exception import ConfigException
    from urllib3.exceptions import HTTPError

    found: list[type[Exception]] = [
        ConfigException,
        OpenApiException,
        HTTPError,
        HTTPException,
        OSError,  # with requests.RequestException
        ImportError,  # adal, for azure
        ValueError,  # a token or an answer that is not JSON
        LookupError,  # a setting that is missing
        TypeError,  # a setting of another kind
        AttributeError,  # no Google credentials (None)
    ]
    try:
        from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]
    except ImportError:  # newer clients may do without
        pass
    else:
        found.append(OAuth2Error)
    return tuple(found)


def _system_roots() -> str:
    """A file with the system's roots, else those of certifi (which the kubernetes package brings along)."""
    import ssl

    cafile = ssl.get_default_verify_paths().cafile
    if cafile:
        return cafile
    import certifi

    return str(certifi.where())
