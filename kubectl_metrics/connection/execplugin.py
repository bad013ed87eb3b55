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

A plugin that nobody can talk to runs in a session of its own, so that a time limit or Ctrl-C ends it with all it has
started. One that may ask the user has to stay in the terminal's foreground process group, where Ctrl-C reaches it
anyway. Windows has no such groups: there, the plugin alone is ended.
"""

from __future__ import annotations

import errno
import ntpath
import os
import posixpath
import queue
import select
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

import msgspec

from kubectl_metrics.connection import threads
from kubectl_metrics.connection.config import LOGIN_TIMEOUT
from kubectl_metrics.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO

    from kubectl_metrics.connection.config import ClientConfig, ExecConfig

GROUP = "client.authentication.k8s.io"
MAX_OUTPUT = 1024 * 1024  # bytes of standard output
INTERACTIVE_TIMEOUT = 900.0  # seconds, for a person who looks for a second factor
_ENDINGS = ".COM;.EXE;.BAT;.CMD"  # where $PATHEXT does not say (os/exec/lp_windows.go)
_PIECE = 65536  # bytes that are read at a time
_MOMENT = 1.0  # seconds for a thread to hand over what is in the pipe when the plugin has ended


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
        process = subprocess.Popen(
            [plugin.command, *plugin.args],
            executable=executable,
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=not interactive,
        )
    except OSError as error:
        raise fail(_cannot_run(error)) from None
    except ValueError:
        raise fail("an argument or variable of it has a NUL character") from None
    assert process.stdout is not None
    try:
        pipe = ReadByThread(process.stdout) if sys.platform == "win32" else ReadBySelect(process.stdout)
        output = read_all(process, pipe, time.monotonic() + timeout)
    except TimeoutError:
        raise fail(f"gave no credentials within {timeout:g}s and was stopped") from None
    except OverflowError:
        raise fail(f"wrote more than {MAX_OUTPUT >> 20} MiB and was stopped") from None
    finally:
        _stop(process, group=not interactive)
    if process.returncode:
        raise fail(_exit(process.returncode))
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
    files = [path for path in programs(command, environ, windows=sys.platform == "win32") if os.path.isfile(path)]
    for path in files:
        if os.access(path, os.X_OK):
            return path
    if files:
        raise fail(f"permission denied: {files[0]} is not executable")
    hint = plugin.install_hint.strip() or (
        "it is needed to authenticate to this cluster; it has to be installed and, without a path, in $PATH"
    )
    raise fail(f"executable {command} not found", hint=hint)


def programs(command: str, environ: Mapping[str, str], *, windows: bool) -> list[str]:
    """The paths that a command can mean, whether or not there is such a file; the first that there is, is meant.

    shutil.which will not do: on Windows it looks in the working directory first, and before Python 3.12 it knows no
    endings of a path.

    Args:
        command: a path, or a name to look up.
        environ: for PATH, and PATHEXT on Windows.
        windows: how paths are written, and whether programs have endings.
    """
    paths = ntpath if windows else posixpath
    if paths.dirname(command):
        found = [command]
    else:
        folders = environ.get("PATH", "").split(paths.pathsep)
        found = [paths.join(folder, command) for folder in folders if paths.isabs(folder)]
    if not windows:
        return found
    endings = [ending for ending in (environ.get("PATHEXT") or _ENDINGS).split(";") if ending]
    # A name that has an ending is tried as it is before it gets another one (findExecutable in os/exec/lp_windows.go).
    return [path + ending for path in found for ending in ([""] if paths.splitext(path)[1] else []) + endings]


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


class Pipe(Protocol):
    """What a plugin writes."""

    moment: float  # seconds within which all that is in the pipe comes, once nobody writes any more

    def more(self, seconds: float) -> bytes | None:
        """The next piece; b"" at the end, None if nothing comes within ``seconds``."""

    def close(self) -> None:
        """Nobody wants more."""


class ReadBySelect:
    """A pipe that can be waited for."""

    moment = 0.0

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def more(self, seconds: float) -> bytes | None:
        readable, _, _ = select.select([self._pipe], [], [], seconds)
        return os.read(self._pipe.fileno(), _PIECE) if readable else None

    def close(self) -> None:
        self._pipe.close()


class ReadByThread:
    """A pipe that is read in the background: on Windows, select knows nothing but sockets."""

    moment = _MOMENT

    def __init__(self, pipe: IO[bytes]) -> None:
        """Begins to read. Raises MetricsError if there can be no thread for it."""
        self._pipe = pipe
        self._pieces: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threads.start(self._run)

    def _run(self) -> None:
        left = MAX_OUTPUT + 1  # one more than there may be, by which it is seen
        with self._pipe:
            while left > 0:
                try:
                    piece = os.read(self._pipe.fileno(), _PIECE)
                except OSError:  # the other end has gone in another way than by closing
                    piece = b""
                self._pieces.put(piece)
                if not piece:
                    return
                left -= len(piece)

    def more(self, seconds: float) -> bytes | None:
        try:
            return self._pieces.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """The thread does that: whoever closes a file on Windows waits for those who read it."""


def read_all(process: subprocess.Popen[bytes], pipe: Pipe, deadline: float) -> bytes:
    """All that a plugin writes to ``pipe``, which is closed then, and the plugin's end.

    Raises:
        TimeoutError: it runs longer than until ``deadline`` (time.monotonic).
        OverflowError: it writes more than ``MAX_OUTPUT``.
    """
    output = bytearray()
    try:
        while True:
            # Asked before, not after: what the plugin wrote before its end is then in the pipe. Something that it left
            # running may hold the pipe open for ever.
            ended = process.poll() is not None
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            piece = pipe.more(pipe.moment if ended else min(left, 0.1))
            if piece is None:
                if ended:
                    return bytes(output)
                continue
            output += piece
            if len(output) > MAX_OUTPUT:
                raise OverflowError
            if not piece:
                break
    finally:
        pipe.close()
    try:
        process.wait(max(deadline - time.monotonic(), 0.01))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    return bytes(output)


def _stop(process: subprocess.Popen[bytes], *, group: bool) -> None:
    """End the plugin if it has not ended, with all it has started if it has a session of its own."""
    if process.returncode is not None:
        return
    try:
        if group:
            _kill_group(process)
        else:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
    except ProcessLookupError:
        pass
    except PermissionError:  # it runs as somebody else by now, as sudo does: it is not waited for
        return
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)  # the plugin has not been waited for: its id is still the group's
            return
        except PermissionError:  # macOS says so where one of the group has ended and was not waited for
            pass
    process.kill()


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
