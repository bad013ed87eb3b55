"""Who we are, as HTTP and TLS want to hear it.

Strategy: a ``UserConfig`` says how credentials are had, ``resolve`` has them, once per command. What must be run or
asked for that (exec plugins, auth providers) is in modules of its own that are imported when needed.

Facts
- A token file is read for each use and wins over a token (client-go transport/token_source.go). White space around it
  is cut off. One that cannot be read or is empty is an error only where there is no token beside it
  (NewBearerAuthWithRefreshRoundTripper and RoundTrip in transport/round_trippers.go).
- An exec plugin runs only where there is neither token nor basic auth nor client certificate (client-go
  plugin/pkg/client/auth/exec/exec.go, UpdateTransportConfig).
- The keys of impersonated extra fields are percent-encoded where they are no header name (client-go
  transport/round_trippers.go, headerKeyEscape).
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import msgspec

from kubectl_metrics.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_metrics.connection.config import ClientConfig, Impersonation

# The characters of an HTTP token (RFC 9110, 5.6.2) but "%", which has to be escaped because it escapes.
_HEADER_KEY = frozenset((string.ascii_letters + string.digits + "!#$&'*+-.^_`|~").encode())


class Credentials(msgspec.Struct, frozen=True):
    """What a request carries. The repr shows no secret."""

    authorization: str | None = None  # "Bearer ..." or "Basic ..."
    impersonation: tuple[tuple[str, str], ...] = ()  # headers
    certificate: tuple[bytes, bytes] | None = None  # PEM: certificate with chain, key

    def __repr__(self) -> str:
        kind = self.authorization.partition(" ")[0] if self.authorization else None
        return (
            f"Credentials(authorization={kind!r}, impersonation={len(self.impersonation)} headers, "
            f"certificate={self.certificate is not None})"
        )


def resolve(config: ClientConfig, *, environ: Mapping[str, str], interactive: bool) -> Credentials:
    """Have the credentials of ``config.user``.

    Args:
        config: what the kubeconfig and the flags say.
        environ: the environment of an exec plugin.
        interactive: whether standard input is a terminal that a plugin may ask on.

    Raises:
        CredentialError: a token file that is needed cannot be read or is empty, a plugin or provider fails.
        MetricsError: a provider needs a thread, and the system allows no more.
    """
    user = config.user
    impersonation = _impersonation(user.impersonate)
    certificate = (user.certificate, user.key) if user.certificate and user.key else None
    token = user.token
    if user.token_file:
        token = _read_token(user.token_file, user.name, token)
    authorization = None
    if token:
        authorization = f"Bearer {token.strip()}"
    elif user.username or user.password:
        import base64

        pair = f"{user.username}:{user.password}".encode()
        authorization = f"Basic {base64.b64encode(pair).decode('ascii')}"
    elif certificate is None and user.exec is not None:
        from kubectl_metrics.connection import execplugin

        status = execplugin.run(user.exec, config, environ=environ, interactive=interactive)
        authorization = f"Bearer {status.token}" if status.token else None
        certificate = status.certificate
    elif user.auth_provider is not None:
        from kubectl_metrics.connection import legacy

        authorization = legacy.authorization(user.auth_provider, user.name)
    if authorization and not (authorization.isascii() and authorization.isprintable()):
        raise CredentialError(f'the token of user "{user.name}" has characters that no HTTP header may have')
    return Credentials(authorization, impersonation, certificate)


def _read_token(path: str, user: str, otherwise: str | None) -> str:
    """The token in the file, or ``otherwise`` where there is none to be had."""
    from kubectl_metrics.connection.kubefile import describe, read_bytes

    try:
        token = read_bytes(path).decode("ascii").strip() or otherwise
    except OSError as error:
        if otherwise:
            return otherwise
        raise CredentialError(f'cannot read the token file of user "{user}": {describe(error, path)}') from None
    except UnicodeDecodeError:
        raise CredentialError(f'the token file of user "{user}" is not text: {path}') from None
    if not token:
        raise CredentialError(f'the token file of user "{user}" is empty: {path}')
    return token


def _impersonation(who: Impersonation | None) -> tuple[tuple[str, str], ...]:
    if who is None:
        return ()
    headers = [("Impersonate-User", who.user)]
    if who.uid:
        headers.append(("Impersonate-Uid", who.uid))
    headers += [("Impersonate-Group", group) for group in who.groups]
    for key, values in who.extra:
        headers += [(f"Impersonate-Extra-{_escape(key)}", value) for value in values]
    for name, value in headers:
        if any(character < " " or character == "\x7f" for character in value):
            raise CredentialError(f"the value of {name} has control characters")
    return tuple(headers)


def _escape(key: str) -> str:
    return "".join(chr(b) if b in _HEADER_KEY else f"%{b:02X}" for b in key.encode())
