"""Kubeconfig files: find, read and merge them; the entries by name, as they were written.

Facts (client-go tools/clientcmd/loader.go and api/v1/conversion.go)
- ``--kubeconfig`` means that file alone, and it must exist. ``$KUBECONFIG`` is a list whose missing files are
  skipped. Only without both it is ``~/.kube/config``.
- The first file that has an entry of a name wins it whole: entries are not merged field by field.
- The first ``current-context`` that is not empty wins.
- A name twice in one list is an error; unknown fields are not.
- Relative paths are relative to the folder of the file they are written in.

An entry is decoded when it is chosen, not when the file is read: somebody else's broken entry does not stop the work.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from kubectl_metrics.errors import KubeconfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_FILE = 16 * 1024 * 1024  # bytes of one kubeconfig, certificate or token file
NO_HOME = Path("/nonexistent")  # Debian's home of users who have none

T = TypeVar("T")


class Entry(msgspec.Struct, frozen=True):
    """One named context, cluster or user and the file it is from."""

    kind: str  # "context", "cluster" or "user"
    name: str
    origin: str  # path of the kubeconfig
    value: dict[str, object]

    def __repr__(self) -> str:  # the value may be a user
        return f"Entry(kind={self.kind!r}, name={self.name!r}, origin={self.origin!r})"

    def decode(self, kind: type[T]) -> T:
        """Turn the entry into one of the structs below.

        Raises:
            KubeconfigError: a field has the wrong type.
        """
        from kubectl_metrics.connection import yamltext

        try:
            return msgspec.convert(yamltext.plain(self.value), kind)
        except (msgspec.ValidationError, yamltext.YAMLTextError) as error:
            # msgspec names the types and the path, never the value.
            raise KubeconfigError(
                f'error loading config file "{self.origin}": {self.kind} "{self.name}": {error}'
            ) from None

    def path(self, path: str) -> str:
        """``path`` as seen from the folder of this entry's kubeconfig."""
        return os.path.join(os.path.dirname(os.path.abspath(self.origin)), path)


class Merged(msgspec.Struct, frozen=True):
    """All kubeconfig files as one."""

    current_context: str
    contexts: dict[str, Entry]
    clusters: dict[str, Entry]
    users: dict[str, Entry]
    looked_at: tuple[str, ...]  # the paths, existing or not, for messages
    found: tuple[str, ...]  # those of them that exist


class RawContext(msgspec.Struct, frozen=True):
    cluster: str = ""
    user: str = ""
    namespace: str = ""


class RawCluster(msgspec.Struct, frozen=True, rename="kebab"):
    server: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    proxy_url: str = ""
    disable_compression: bool = False


class RawEnv(msgspec.Struct, frozen=True):
    name: str = ""
    value: str = ""

    def __repr__(self) -> str:
        return f"RawEnv(name={self.name!r})"


class RawExec(msgspec.Struct, frozen=True, rename="camel"):
    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[RawEnv, ...] = ()
    api_version: str = ""
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""

    def __repr__(self) -> str:  # the arguments may have a password among them
        return f"RawExec(command={self.command!r})"


class RawAuthProvider(msgspec.Struct, frozen=True):
    name: str = ""
    config: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"RawAuthProvider(name={self.name!r})"


class RawUser(msgspec.Struct, frozen=True, rename="kebab"):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    username: str = ""
    password: str = ""
    impersonate: str = msgspec.field(default="", name="as")
    impersonate_uid: str = msgspec.field(default="", name="as-uid")
    impersonate_groups: tuple[str, ...] = msgspec.field(default=(), name="as-groups")
    impersonate_extra: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="as-user-extra")
    auth_provider: RawAuthProvider | None = None
    exec: RawExec | None = None

    def __repr__(self) -> str:
        return "RawUser(...)"


def home_folder() -> Path:
    """The user's home folder; ``NO_HOME`` where there is none.

    A container may run as any number: without $HOME and without a line in /etc/passwd, nobody knows a home. (kubectl
    would then read .kube/config in the working directory, which is anybody's.)
    """
    try:
        return Path.home()
    except RuntimeError:
        return NO_HOME


def paths(explicit: str | None, environ: Mapping[str, str], home: Path) -> list[str]:
    """The kubeconfig files that ``explicit``, ``$KUBECONFIG`` or the default names, existing or not."""
    if explicit:
        return [explicit]
    if environ.get("KUBECONFIG"):
        return [path for path in dict.fromkeys(environ["KUBECONFIG"].split(os.pathsep)) if path]
    return [str(home / ".kube" / "config")]


def read_files(explicit: str | None, environ: Mapping[str, str], home: Path) -> Merged:
    """Read these files, and merge them.

    Raises:
        KubeconfigError: ``explicit`` does not exist, or a file that exists cannot be used.
    """
    named = paths(explicit, environ, home)
    current = ""
    found: list[str] = []
    sections: dict[str, dict[str, Entry]] = {"context": {}, "cluster": {}, "user": {}}
    for path in named:
        try:
            data = read_bytes(path)
        except FileNotFoundError:
            if explicit:
                raise KubeconfigError(f"stat {path}: no such file or directory") from None
            continue
        except OSError as error:
            raise _loading(path, describe(error, path)) from None
        found.append(path)
        document = _parse(path, data)
        name = document.get("current-context") or ""
        if not isinstance(name, str):
            raise _loading(path, "current-context is not a string")
        current = current or name
        for kind, entries in sections.items():
            for entry in _entries(path, kind, document.get(kind + "s")):
                entries.setdefault(entry.name, entry)
    return Merged(
        current_context=current,
        contexts=sections["context"],
        clusters=sections["cluster"],
        users=sections["user"],
        looked_at=tuple(named),
        found=tuple(found),
    )


def read_bytes(path: str | Path) -> bytes:
    """The whole file, which may be a pipe (``--kubeconfig <(...)``), up to ``MAX_FILE``.

    Raises:
        OSError: it cannot be read; EFBIG if it is larger, EINVAL if no file can have such a path.
    """
    import errno

    try:
        opened = open(path, "rb")  # noqa: SIM115  # the next block closes it
    except ValueError:  # there is a NUL in it, which YAML can write; the number and the text are Go's
        raise OSError(errno.EINVAL, "invalid argument") from None
    with opened as file:
        if stat.S_ISBLK(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is a block device")
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise OSError(errno.EFBIG, f"larger than {MAX_FILE >> 20} MiB")
    return data


def describe(error: OSError, path: str | Path) -> str:
    """An OSError in the words of Go: ``open PATH: permission denied``."""
    reason = error.strerror or str(error)
    return f"open {path}: {reason[:1].lower()}{reason[1:]}"


def _parse(path: str, data: bytes) -> dict[str, object]:
    from kubectl_metrics.connection import yamltext

    try:
        document = yamltext.parse(data)
    except yamltext.YAMLTextError as error:
        raise _loading(path, str(error)) from None
    if document is None:  # empty, or comments only
        return {}
    if not isinstance(document, dict):
        raise _loading(path, "not a kubeconfig: a mapping is expected at the top")
    kind, version = document.get("kind"), document.get("apiVersion")
    if (kind or "Config") != "Config" or (version or "v1") != "v1":
        raise _loading(path, "not a kubeconfig: apiVersion v1 and kind Config are expected")
    return document


def _entries(path: str, kind: str, section: object) -> list[Entry]:
    """The named entries of one list, each ``{name: ..., <kind>: {...}}``."""
    if section is None:
        return []
    if not isinstance(section, list):
        raise _loading(path, f"{kind}s is not a list")
    seen = set()
    entries = []
    for index, item in enumerate(section):
        where = f"{kind}s[{index}]"
        if not isinstance(item, dict):
            raise _loading(path, f"{where} is not a mapping")
        name = item.get("name")
        if name is None:
            name = ""
        if not isinstance(name, str):
            raise _loading(path, f"{where}.name is not a string (quotes missing?)")
        value = item.get(kind)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise _loading(path, f'{kind} "{name}" is not a mapping')
        if name in seen:
            raise _loading(path, f'duplicate name "{name}" in {kind}s')
        seen.add(name)
        entries.append(Entry(kind, name, path, value))
    return entries


def _loading(path: str, reason: str) -> KubeconfigError:
    return KubeconfigError(f'error loading config file "{path}": {reason}')
