"""The flags that commands share. Connection flags may stand before the command as well as behind it.

``settings`` makes values of what was given.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kubectl_metrics.commands.pflag import Option
from kubectl_metrics.sources.query import ACCESS, ADDRESS_TYPES, SOURCES
from kubectl_metrics.wire.time import parse_duration

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.4
    """A Go duration, or a number of seconds; the value is in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            seconds = float(value) if str(value).isdigit() else parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not 0 < seconds < 86_400:
            self.fail(f"{value} is not more than 0 and less than 24h", param, ctx)
        return seconds


def suggest(name: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """For ``shell_complete``: the function of that name in ``commands.candidates``, imported when it is called."""

    def complete(ctx: click.Context, _: click.Parameter, text: str) -> Any:
        from kubectl_metrics.commands import candidates

        return getattr(candidates, name)(ctx, text)

    return complete


_FILES = suggest("files")


def _all(options: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_connection = functools.partial(click.option, cls=Option, section="Connection")
_source = functools.partial(click.option, cls=Option, section="Where the numbers come from")

connection_options = _all(
    [
        _connection(
            "-n",
            "--namespace",
            metavar="NS",
            shell_complete=suggest("namespaces"),
            help="The namespace, instead of the context's.",
        ),
        _connection("--kubeconfig", metavar="FILE", shell_complete=_FILES, help="The kubeconfig to use."),
        _connection(
            "--context", metavar="NAME", shell_complete=suggest("contexts"), help="The kubeconfig's context to use."
        ),
        _connection(
            "--cluster", metavar="NAME", shell_complete=suggest("clusters"), help="The kubeconfig's cluster to use."
        ),
        _connection("--user", metavar="NAME", shell_complete=suggest("users"), help="The kubeconfig's user to use."),
        _connection("-s", "--server", metavar="URL", help="The API server's address."),
        _connection("--token", help="Bearer token for the API server."),
        _connection("--as", "impersonate_user", metavar="USER", help="User to impersonate."),
        _connection(
            "--as-group",
            "impersonate_groups",
            metavar="GROUP",
            multiple=True,
            help="Group to impersonate; can be repeated.",
        ),
        _connection("--as-uid", "impersonate_uid", metavar="UID", help="UID to impersonate."),
        _connection(
            "--certificate-authority", metavar="FILE", shell_complete=_FILES, help="CA certificate of the API server."
        ),
        _connection("--client-certificate", metavar="FILE", shell_complete=_FILES, help="Client certificate."),
        _connection("--client-key", metavar="FILE", shell_complete=_FILES, help="Key of the client certificate."),
        _connection(
            "--insecure-skip-tls-verify",
            is_flag=True,
            default=None,
            help="Do not verify the API server's certificate. Insecure.",
        ),
        _connection("--tls-server-name", metavar="NAME", help="Name expected in the API server's certificate."),
        _connection(
            "--request-timeout",
            metavar="DURATION",
            help="Time for one request to the API server, such as 5s or 1m, 0 for no limit (default 2m; 15s in "
            "diagnose; 30s for metrics.k8s.io where the kubelets can answer instead).",
        ),
        _connection(
            "--timeout",
            type=Duration(),
            metavar="DURATION",
            help="Time for all requests together, such as 20s, once logged in; what there is by then is shown "
            "(default: no limit).",
        ),
        _connection(
            "-v",
            "--verbose",
            count=True,
            help="Show each request on stderr, whatever level follows (as in kubectl: -v 6).",
        ),
    ]
)

access_options = _all(
    [
        _source(
            "--kubelet-access",
            type=click.Choice(ACCESS),
            default="auto",
            show_default=True,
            help="Straight to the nodes, through the API server's node proxy, or whichever works.",
        ),
        _source(
            "--kubelet-preferred-address-types",
            metavar="TYPES",
            shell_complete=suggest("address_types"),
            default=",".join(ADDRESS_TYPES),
            help=f"Node address types, in the order in which to try them, of {', '.join(ADDRESS_TYPES)} (the default).",
        ),
        _source("--kubelet-port", type=click.IntRange(1, 65535), metavar="PORT", help="Port of all kubelets."),
        _source(
            "--kubelet-use-node-status-port/--no-kubelet-use-node-status-port",
            default=True,
            help="Use the port that a node reports (the default), or always 10250.",
        ),
        _source("--kubelet-insecure-tls", is_flag=True, help="Do not verify the kubelets' certificates. Insecure."),
        _source(
            "--kubelet-certificate-authority",
            metavar="FILE",
            shell_complete=_FILES,
            help="CA of the kubelets' certificates, instead of the cluster's.",
        ),
        _source(
            "--kubelet-client-certificate",
            metavar="FILE",
            shell_complete=_FILES,
            help="Client certificate for the kubelets.",
        ),
        _source("--kubelet-client-key", metavar="FILE", shell_complete=_FILES, help="Key of that certificate."),
        _source(
            "--kubelet-request-timeout",
            type=Duration(),
            default="10s",
            show_default=True,
            metavar="DURATION",
            help="Time for one request to one kubelet.",
        ),
        _source(
            "--deprecated-kubelet-completely-insecure",
            is_flag=True,
            help="Plain HTTP to the kubelets' read-only port (10255), without credentials.",
        ),
    ]
)

_choice = _all(
    [
        _source(
            "--source",
            type=click.Choice(SOURCES),
            default="auto",
            show_default=True,
            help="metrics.k8s.io, the kubelets, or whichever works.",
        ),
    ]
)

_rate = _all(
    [
        _source(
            "--window",
            type=Duration(),
            metavar="DURATION",
            help="Measure CPU over this time, by two scrapes of the kubelets.",
        ),
    ]
)


def kubelet_options(function: F) -> F:
    """How kubelets are reached, and whether they or metrics.k8s.io are asked."""
    return _choice(access_options(_rate(function)))


table_options = _all(
    [
        click.option("--no-headers", is_flag=True, help="Print no header line."),
        click.option(
            "--sort-by",
            metavar="cpu|memory",
            shell_complete=suggest("sort_keys"),
            help="Sort by falling cpu or memory.",
        ),
        click.option("--show-swap", is_flag=True, help="Show swap as well."),
        click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="A document instead of the table."),
        click.option("--strict", is_flag=True, help="Exit with status 4 if anything is missing."),
    ]
)
