"""Exec credential plugins: run a program, read an ExecCredential from its standard output.

Strategy: look the program up, hand it the request in an environment variable, read a bounded amount for a bounded
time, then judge what came. The plugin's standard error is ours (it may tell the user to open a browser); its standard
output holds secrets and is never shown, not even in parts, whatever is wrong with it.

Facts (client-go plugin/pkg/client/auth/exec/exec.go, pkg/apis/clientauthentication)
- Versions v1 and v1beta1 of client.authentication.k8s.io; the answer has to be of the version that was asked for. v1
  requires ``interactiveMode``, v1beta1 takes IfAvailable for granted.
- Standard input goes to the plugin only if it is a terminal and the mode allows it.
- A command with a slash is relative to the kubeconfig (done by ``entries``), one without is looked up in $PATH, where
  an entry that is no absolute path does not count (os/exec: ErrDot). On Windows, programs have the endings of $PATHEXT.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import msgspec

from kubectl_metrics.connection import programs
from kubectl_metrics.connection.config import LOGIN_TIMEOUT
from kubectl_metrics.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_metrics.connection.config import ClientConfig, ExecConfig

GROUP = "client.authentication.k8s.io"
INTERACTIVE_TIMEOUT = 900.0  # seconds, for a person who looks for a second factor


class ExecStatus(msgspec.Struct, frozen=True):
    """What the plugin gave. The repr shows no secret."""

    token: str | None
    certificate: tuple[bytes, bytes] | None  # PEM: certificate with chain, key

    def __repr__(self) -> str:
        return "ExecStatus(...)"


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    expiration_timestamp: datetime | None = None
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None

    def __repr__(self) -> str:
        return "_Status(...)"


class _ExecCredential(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str = ""
    kind: str = ""
    status: _Status | None = None


def run(
    plugin: ExecConfig,
    config: ClientConfig,
    *,
    environ: Mapping[str, str],
    interactive: bool,
    timeout: float | None = None,
) -> ExecStatus:
    """Run the plugin once.

    Args:
        plugin: what to run.
        config: the cluster it is for, and the names for messages.
        environ: the environment that the plugin's own variables are added to.
        interactive: whether standard input is a terminal.
        timeout: seconds; by default ``LOGIN_TIMEOUT`` or ``INTERACTIVE_TIMEOUT``.

    Raises:
        CredentialError: it cannot be run, fails, takes too long, or answers anything but credentials valid now.
        MetricsError: it takes a thread to read what it says (Windows), and the system allows no more.
    """
    fail = _Failure(plugin, config)
    interactive = _check(plugin, interactive, fail)
    executable = _look_up(plugin, environ, fail)
    environment = {
        **environ,
        **dict(plugin.env),
        "KUBERNETES_EXEC_INFO": _exec_info(plugin, config, interactive, fail),
    }
    if timeout is None:
        timeout = INTERACTIVE_TIMEOUT if interactive else LOGIN_TIMEOUT
    try:
        returncode, output = programs.run(
            [plugin.command, *plugin.args],
            executable=executable,
            environment=environment,
            interactive=interactive,
            timeout=timeout,
        )
    except TimeoutError:
        raise fail(f"gave no credentials within {timeout:g}s and was stopped") from None
    except OSError as error:
        raise fail(_cannot_run(error)) from None
    except ValueError:
        raise fail("an argument or variable of it has a NUL character") from None
    except OverflowError:
        raise fail(f"wrote more than {programs.MAX_OUTPUT >> 20} MiB and was stopped") from None
    if returncode:
        raise fail(_exit(returncode))
    return _judge(output, plugin, fail)


class _Failure:
    """Makes the errors of one plugin: each names the plugin, the user and the context."""

    def __init__(self, plugin: ExecConfig, config: ClientConfig) -> None:
        self._of = f'exec plugin {plugin.command} of user "{config.user.name}"'
        if config.context:
            self._of += f' (context "{config.context}")'

    def __call__(self, reason: str, *, hint: str | None = None) -> CredentialError:
        return CredentialError(f"getting credentials: {self._of}: {reason}", hint=hint)


def _check(plugin: ExecConfig, interactive: bool, fail: _Failure) -> bool:
    """Whether the plugin gets standard input; refuses configurations that kubectl refuses."""
    if not plugin.command:
        raise fail("command must be specified to use exec authentication plugin")
    if not plugin.api_version:
        raise fail("apiVersion must be specified to use exec authentication plugin")
    if plugin.api_version == f"{GROUP}/v1alpha1":
        raise fail(
            f"apiVersion {GROUP}/v1alpha1 is not supported any more",
            hint=f"update the plugin and write apiVersion: {GROUP}/v1 into the kubeconfig",
        )
    if plugin.api_version not in (f"{GROUP}/v1", f"{GROUP}/v1beta1"):
        raise fail(f'invalid apiVersion "{plugin.api_version}"')
    if any(not name or "=" in name for name, _ in plugin.env):
        raise fail("env variable name must be specified to use exec authentication plugin")
    mode = plugin.interactive_mode
    if not mode and plugin.api_version.endswith("/v1"):
        raise fail("interactiveMode must be specified to use exec authentication plugin")
    if mode not in ("", "Never", "IfAvailable", "Always"):
        raise fail(f'invalid interactiveMode: "{mode}"')
    if mode == "Always" and not interactive:
        raise fail("cannot support interactive mode: standard input is not a terminal")
    return interactive and mode != "Never"


def _look_up(plugin: ExecConfig, environ: Mapping[str, str], fail: _Failure) -> str:
    command = plugin.command
    files = [
        path for path in programs.candidates(command, environ, windows=sys.platform == "win32") if os.path.isfile(path)
    ]
    for path in files:
        if os.access(path, os.X_OK):
            return path
    if files:
        raise fail(f"permission denied: {files[0]} is not executable")
    hint = plugin.install_hint.strip() or (
        "it is needed to authenticate to this cluster; it has to be installed and, without a path, in $PATH"
    )
    raise fail(f"executable {command} not found", hint=hint)


def _exec_info(plugin: ExecConfig, config: ClientConfig, interactive: bool, fail: _Failure) -> str:
    spec: dict[str, object] = {"interactive": interactive}
    if plugin.provide_cluster_info:
        from kubectl_metrics.connection import yamltext

        cluster: dict[str, object] = {"server": config.server}
        if config.tls_server_name:
            cluster["tls-server-name"] = config.tls_server_name
        if config.insecure:
            cluster["insecure-skip-tls-verify"] = True
        if config.certificate_authority:
            cluster["certificate-authority-data"] = config.certificate_authority  # as base64
        if config.proxy_url:
            cluster["proxy-url"] = config.proxy_url
        if config.disable_compression:
            cluster["disable-compression"] = True
        try:
            cluster["config"] = yamltext.plain(plugin.cluster_config)
        except yamltext.YAMLTextError as error:
            raise fail(f"the cluster's extension for it cannot be used: {error}") from None
        spec["cluster"] = cluster
    info = {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}
    try:
        return msgspec.json.encode(info).decode()
    except (TypeError, ValueError, msgspec.MsgspecError):  # what YAML can say and JSON cannot: a list as a key
        raise fail("the cluster's extension for it cannot be written as JSON") from None


def _judge(output: bytes, plugin: ExecConfig, fail: _Failure) -> ExecStatus:
    credential = _decode(output, fail)
    if credential.kind != "ExecCredential":
        raise fail("did not return an ExecCredential")
    if credential.api_version != plugin.api_version:
        returned = credential.api_version
        named = returned if returned.startswith(f"{GROUP}/v") and len(returned) < 50 else "another"
        raise fail(f"is configured to use API version {plugin.api_version}, plugin returned version {named}")
    status = credential.status
    if status is None:
        raise fail("didn't return a status field")
    certificate, key = status.client_certificate_data, status.client_key_data
    if not status.token and not certificate and not key:
        raise fail("didn't return a token or cert/key pair")
    if bool(certificate) != bool(key):
        raise fail("returned only certificate or key, not both")
    expiry = status.expiration_timestamp
    if expiry is not None and expiry <= datetime.now(timezone.utc):
        raise fail(
            f"returned credentials that expired at {expiry:%Y-%m-%dT%H:%M:%S%z}",
            hint="log in anew with the plugin, and compare this machine's clock",
        )
    pair = (certificate.encode(), key.encode()) if certificate and key else None
    return ExecStatus(status.token or None, pair)


def _decode(output: bytes, fail: _Failure) -> _ExecCredential:
    if not output.strip():
        raise fail("returned nothing on its standard output")
    try:
        if output.lstrip().startswith(b"{"):
            credential = msgspec.json.decode(output, type=_ExecCredential)
        else:  # client-go takes YAML as well, and some shell scripts write it
            from kubectl_metrics.connection import yamltext

            document = yamltext.plain(yamltext.parse(output))
            credential = msgspec.convert(document, _ExecCredential)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # their message could quote the output
        raise fail("returned something that is not an ExecCredential") from None
    status = credential.status
    if status and status.expiration_timestamp and status.expiration_timestamp.tzinfo is None:
        raise fail("returned an expirationTimestamp without a time zone")
    return credential


def _cannot_run(error: OSError) -> str:
    if error.errno == errno.ENOEXEC:
        return "exec format error: it is not a program for this machine (or a script without #!)"
    if error.errno == errno.ENOENT:
        return "cannot be started: the interpreter in its first line does not exist"
    if error.errno == errno.E2BIG:
        return "cannot be started: arguments and environment are too long"
    return f"cannot be started: {(error.strerror or str(error)).lower()}"


def _exit(code: int) -> str:
    if code > 0:
        return f"failed with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
