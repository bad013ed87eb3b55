"""Which server, which namespace, which user: kubectl's connection flags and kubeconfigs become one ``ClientConfig``.

Strategy: files are found and merged by ``kubefile``; here one context, one cluster and one user are chosen, the flags
are laid over them and every file they name is read, so that a value of this module needs no file any more (but for
``tokenFile``, which is read for each use, because it is rotated).

Facts (client-go tools/clientcmd: client_config.go, overrides.go, validation.go)
- A context, cluster or user that a flag names must exist: ``context "x" does not exist``.
- ``--certificate-authority`` clears insecure-skip-tls-verify and the CA data of the kubeconfig,
  ``--insecure-skip-tls-verify`` clears its CA, ``--server`` clears its tls-server-name.
- The service account of a pod is used when no kubeconfig and no flag names a server.
- In a pod, its namespace is also that of a context that names none (DeferredLoadingClientConfig.Namespace in
  merged_client_builder.go).
- For an ``http://`` server the user's credentials are not even read.

Where we differ, on purpose: without any configuration kubectl tries http://localhost:8080, we say what is missing; a
context that names an unknown cluster or user is an error here (kubectl goes to localhost:8080, or goes on
anonymously); ``--token`` stands alone (kubectl sends the kubeconfig's client certificate along, and the API server
then believes the certificate).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kubectl_metrics.errors import KubeconfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_metrics.connection.config import ClientConfig, Overrides
    from kubectl_metrics.connection.kubefile import Entry, Merged, RawContext

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def load(
    overrides: Overrides,
    environ: Mapping[str, str],
    home: Path,
    *,
    service_account: Path = SERVICE_ACCOUNT,
) -> ClientConfig:
    """Find the configuration that kubectl would use.

    Args:
        overrides: the flags.
        environ: for KUBECONFIG, KUBERNETES_MASTER and the variables of a pod.
        home: the folder with ``.kube/config``.
        service_account: where a pod has its token.

    Raises:
        KubeconfigError: there is none, or it cannot be used.
    """
    from kubectl_metrics.connection import entries, incluster, kubefile

    merged = kubefile.read_files(overrides.kubeconfig, environ, home)
    name, context = _context(overrides, merged)
    cluster_entry = _choose(merged.clusters, "cluster", overrides.cluster, context.cluster, name)
    if not overrides.server and cluster_entry is None:
        if incluster.possible(environ, service_account):
            return incluster.load(overrides, environ, service_account, context.namespace)
        if not environ.get("KUBERNETES_MASTER"):
            raise _nothing(merged)
    if overrides.token and not overrides.user:
        user_entry = merged.users.get(context.user)  # its impersonation still holds
    else:
        user_entry = _choose(merged.users, "user", overrides.user, context.user, name)
    cluster = entries.cluster(
        overrides,
        cluster_entry,
        default_server=environ.get("KUBERNETES_MASTER", ""),
        client_certificate=entries.has_certificate(overrides, user_entry),
    )
    namespace = overrides.namespace or context.namespace
    if not namespace and incluster.possible(environ, service_account):
        namespace = incluster.pod_namespace(environ, service_account)
    return msgspec.structs.replace(
        cluster,
        context=name,
        namespace=namespace or "default",
        user=entries.user(overrides, user_entry, cluster_entry, cluster.server),
    )


def _context(overrides: Overrides, merged: Merged) -> tuple[str, RawContext]:
    """The name and the content of the context in use; ("", empty) where there is none."""
    from kubectl_metrics.connection.kubefile import RawContext

    name = overrides.context or merged.current_context
    if not name:
        return "", RawContext()
    if name in merged.contexts:
        return name, merged.contexts[name].decode(RawContext)
    if overrides.context:
        raise KubeconfigError(f'context "{name}" does not exist', hint=_choices("contexts", merged.contexts))
    raise KubeconfigError(
        f"context was not found for specified context: {name} (the current-context of {os.pathsep.join(merged.found)})",
        hint=_choices("contexts", merged.contexts),
    )


def _choose(entries: dict[str, Entry], kind: str, flag: str | None, named: str, context: str) -> Entry | None:
    """The entry that the flag or else the context names; None if neither names one."""
    name = flag or named
    if not name or name in entries:
        return entries.get(name)
    if flag:  # kubectl's words, in which a user is an "auth info"
        word = "auth info" if kind == "user" else kind
        message = f'{word} "{name}" does not exist'
    else:
        message = f'{kind} "{name}" was not found for context "{context}"'
    raise KubeconfigError(message, hint=_choices(f"{kind}s", entries))


def _choices(what: str, entries: dict[str, Entry]) -> str:
    if not entries:
        return f"the kubeconfig has no {what}"
    names = sorted(entries)
    more = f", and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{what} in the kubeconfig: {', '.join(names[:10])}{more}"


def _nothing(merged: Merged) -> KubeconfigError:
    """No server is named anywhere: say where that was looked for."""
    if merged.contexts:
        return KubeconfigError(
            f"no current context is set in {os.pathsep.join(merged.found)}",
            hint="choose one with --context NAME, or once and for all with: kubectl config use-context NAME",
        )
    looked_at = ", ".join(
        f"{path} ({'no cluster in it' if path in merged.found else 'does not exist'})" for path in merged.looked_at
    )
    return KubeconfigError(
        f"no configuration has been provided: looked at {looked_at}, and this is not a pod with a service account",
        hint="name a kubeconfig with --kubeconfig FILE or $KUBECONFIG, or a server with --server URL",
    )
