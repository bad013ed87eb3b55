"""The values of this layer: what the flags say, what a kubeconfig says, and what comes of both.

No repr shows a secret, so none can get into a log or a traceback.
"""

from __future__ import annotations

import msgspec

from kubectl_metrics.errors import UsageError
from kubectl_metrics.wire.time import parse_duration

LOGIN_TIMEOUT = 120.0  # seconds for a program or an issuer to give credentials, where nobody sits at a terminal
MAX_TIMEOUT = 10 * 365 * 86400.0  # seconds, as good as no limit; more overflows the timers of some platforms


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """kubectl's connection flags; what was not given stays empty. Paths are relative to the working directory."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    server: str | None = None
    token: str | None = None
    namespace: str | None = None
    impersonate_user: str | None = None  # --as
    impersonate_groups: tuple[str, ...] = ()  # --as-group
    impersonate_uid: str | None = None  # --as-uid
    certificate_authority: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    request_timeout: float | None = None  # seconds, MAX_TIMEOUT = no limit; see parse_timeout

    def __repr__(self) -> str:  # the token
        return f"Overrides(kubeconfig={self.kubeconfig!r}, context={self.context!r})"


class Impersonation(msgspec.Struct, frozen=True):
    """Whom to act as (--as and the kubeconfig's as, as-uid, as-groups, as-user-extra)."""

    user: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


class ExecConfig(msgspec.Struct, frozen=True, kw_only=True):
    """An exec credential plugin (client.authentication.k8s.io)."""

    command: str  # absolute, or a bare name to look up in $PATH
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()  # added to the environment
    api_version: str
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""  # Never, IfAvailable, Always, or "" where not set
    cluster_config: object = None  # the cluster's extension client.authentication.k8s.io/exec

    def __repr__(self) -> str:  # args and env may hold secrets
        return f"ExecConfig(command={self.command!r})"


class AuthProvider(msgspec.Struct, frozen=True):
    """An auth provider of the days before exec plugins; its config holds tokens."""

    name: str
    config: dict[str, str]

    def __repr__(self) -> str:
        return f"AuthProvider(name={self.name!r})"


class UserConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How to say who we are. The repr shows no secret."""

    name: str = ""
    certificate: bytes | None = None  # PEM, with its chain
    key: bytes | None = None  # PEM
    token: str | None = None
    token_file: str | None = None  # absolute path, or relative to the working directory
    username: str = ""
    password: str = ""
    exec: ExecConfig | None = None
    auth_provider: AuthProvider | None = None
    impersonate: Impersonation | None = None

    def __repr__(self) -> str:
        return f"UserConfig(name={self.name!r})"


class ClientConfig(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to reach the API server as this user."""

    context: str = ""  # the context's name, "" where none was used
    server: str  # scheme://host[:port][/prefix]
    namespace: str = "default"
    certificate_authority: bytes | None = None  # PEM; None = the system's roots
    insecure: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None
    disable_compression: bool = False
    user: UserConfig = UserConfig()
    request_timeout: float | None = None  # seconds, MAX_TIMEOUT = no limit, None = nobody says


def parse_timeout(text: str) -> float:
    """Read the value of ``--request-timeout``: "0" (no limit), "5" (seconds), "1m30s", "500ms".

    Returns:
        Seconds, ``MAX_TIMEOUT`` for no limit.

    Raises:
        UsageError: anything else.
    """
    number = text.removeprefix("+")
    try:
        whole = len(number) < 19 and number.isascii() and number.isdigit()
        seconds = float(number) if whole else parse_duration(number)
    except ValueError:
        # The sentence is ParseTimeout's (client-go tools/clientcmd/helpers.go).
        raise UsageError(
            f"invalid request timeout {text!r}: timeout must be a single integer in seconds, or an integer "
            "followed by a corresponding time unit (e.g. 1s | 2m | 3h)"
        ) from None
    return min(seconds, MAX_TIMEOUT) or MAX_TIMEOUT
