"""What can be begun before the command line is read: the way to the API server.

To import click and to read the command line takes as long as a packet to another city and back. Most command lines say
nothing of the connection; then the kubeconfig alone says where the server is. So it is read first, and connections are
begun that have come about when the session wants them. That pays from some ten milliseconds of distance on
(docs/benchmarks.md).

Strategy: this only guesses. Nothing secret leaves, nobody logs in, no error is reported; a session whose flags say more
than a namespace does not use what is here. Where a program has to log in, the way may not be
open before it has; what can be read but once is left to the session; and where descriptors are scarce, none is taken.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_metrics.connection.ahead import Ahead
    from kubectl_metrics.connection.config import ClientConfig, Overrides

# The connections that each command makes at once. ``diagnose`` takes seconds anyway.
COMMANDS = {"nodes": 2, "node": 2, "no": 2, "pods": 2, "pod": 2, "po": 2, "raw": 1}
# Flags of these commands that have nothing to do with where the server is, nor with whether it is asked.
FLAGS = frozenset(
    (
        *("-A", "--all-namespaces", "-n", "--namespace", "-l", "--selector", "--field-selector"),
        *("--containers", "--sum", "--no-headers", "--show-capacity", "--show-swap", "--sort-by"),
        *("-o", "--output", "--strict"),
    )
)


class Early(NamedTuple):
    """What has been begun."""

    config: ClientConfig
    """What a command line without flags of the connection means."""
    connections: Ahead | None
    """To its server, where it can be connected to ahead."""

    def config_for(self, overrides: Overrides) -> ClientConfig | None:
        """What a command line with these flags means; None where they say more than a namespace."""
        from msgspec.structs import replace

        namespace = overrides.namespace
        if replace(overrides, namespace=None) != type(overrides)():
            return None
        return replace(self.config, namespace=namespace) if namespace else self.config

    def close(self) -> None:
        """Ends what nobody has taken over."""
        if self.connections is not None:
            self.connections.close()


def begin(arguments: Sequence[str], environ: Mapping[str, str]) -> Early | None:
    """Reads the kubeconfig and begins to connect, if nothing in the arguments might speak against it."""
    if not arguments or arguments[0] not in COMMANDS or not all(map(_is_plain, arguments[1:])):
        return None
    with contextlib.suppress(MemoryError):  # which is for whoever can say so
        return _begin(environ, COMMANDS[arguments[0]])
    return None


def _is_plain(argument: str) -> bool:
    """Whether it is none of the flags that matter here. A value may look like one of those: then nothing is begun."""
    return not argument.startswith("-") or argument.partition("=")[0] in FLAGS


def _begin(environ: Mapping[str, str], count: int) -> Early | None:
    from kubectl_metrics.connection import connect_ahead, descriptors, kubeconfig, kubefile
    from kubectl_metrics.connection.config import Overrides
    from kubectl_metrics.errors import MetricsError

    home = kubefile.home_folder()
    named = kubefile.paths(None, environ, home)
    if descriptors.are_scarce() or any(os.path.exists(path) and not os.path.isfile(path) for path in named):
        return None
    try:
        config = kubeconfig.load(Overrides(), environ, home)
    except MetricsError:  # and again in the session, where it is told
        return None
    login = config.user.exec is not None or config.user.auth_provider is not None
    return Early(config, None if login else connect_ahead(config, environ=environ, count=count))
