"""The flags that commands share, and what click needs to read them as kubectl does.

kubectl's flags are pflag's: a switch can be written ``--no-headers=true``, a short flag ``-l=app=web``; and its
connection flags may stand before the command as well as behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import click

from kubectl_metrics.connection.config import Overrides, parse_timeout
from kubectl_metrics.errors import UsageError
from kubectl_metrics.sources.query import ACCESS, ADDRESS_TYPES, SOURCES, KubeletOptions
from kubectl_metrics.wire.time import parse_duration

F = TypeVar("F", bound=Callable[..., Any])

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})  # strconv.ParseBool
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Command(click.Command):
    """A command whose arguments are read with pflag's habits."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_as_click_wants(self, args)))


class Group(click.Group):
    """A group that takes connection flags in front of the command, and reads them with pflag's habits."""

    command_class = Command
    aliases: Mapping[str, str] = MappingProxyType({"node": "nodes", "no": "nodes", "pod": "pods", "po": "pods"})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_as_click_wants(self, args)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))


def _as_click_wants(command: click.Command, args: list[str]) -> list[str]:
    """``--switch=true`` becomes ``--switch``, ``--switch=false`` nothing, ``-l=x`` becomes ``-lx``."""
    switches = {
        name for option in command.params if isinstance(option, click.Option) and option.is_flag for name in option.opts
    }
    result: list[str] = []
    for index, argument in enumerate(args):
        ends = argument == "--" or (isinstance(command, click.Group) and not argument.startswith("-"))
        if ends and not _is_value(command, result):
            return result + args[index:]
        name, equals, value = argument.partition("=")
        if equals and name in switches:
            if value in _TRUE:
                result.append(name)
            elif value not in _FALSE:
                raise UsageError(f'invalid argument "{value}" for "{name}" flag: must be true or false')
        elif equals and len(name) == 2 and name[0] == "-" and name[1] != "-":
            result.append(name + value)
        else:
            result.append(argument)
    return result


def _is_value(command: click.Command, before: list[str]) -> bool:
    """Whether the next argument is the value of the option before it."""
    if not before:
        return False
    return any(
        isinstance(option, click.Option) and not option.is_flag and not option.count and before[-1] in option.opts
        for option in command.params
    )


class Duration(click.ParamType[float]):
    """A Go duration, or a number of seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            seconds = float(value) if str(value).isdigit() else parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not 0 < seconds < 86_400:
            self.fail(f"{value} is not between 0 and 24h", param, ctx)
        return seconds


def _all(options: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


connection_options = _all(
    [
        click.option("-n", "--namespace", metavar="NS", help="The namespace, instead of the context's."),
        click.option("--kubeconfig", metavar="FILE", help="The kubeconfig to use."),
        click.option("--context", metavar="NAME", help="The kubeconfig's context to use."),
        click.option("--cluster", metavar="NAME", help="The kubeconfig's cluster to use."),
        click.option("--user", metavar="NAME", help="The kubeconfig's user to use."),
        click.option("-s", "--server", metavar="URL", help="The API server's address."),
        click.option("--token", help="Bearer token for the API server."),
        click.option("--as", "impersonate_user", metavar="USER", help="User to impersonate."),
        click.option(
            "--as-group",
            "impersonate_groups",
            metavar="GROUP",
            multiple=True,
            help="Group to impersonate; can be repeated.",
        ),
        click.option("--as-uid", "impersonate_uid", metavar="UID", help="UID to impersonate."),
        click.option("--certificate-authority", metavar="FILE", help="CA certificate of the API server."),
        click.option("--client-certificate", metavar="FILE", help="Client certificate."),
        click.option("--client-key", metavar="FILE", help="Key of the client certificate."),
        click.option(
            "--insecure-skip-tls-verify",
            is_flag=True,
            default=None,
            help="Do not verify the API server's certificate. Insecure.",
        ),
        click.option("--tls-server-name", metavar="NAME", help="Name expected in the API server's certificate."),
        click.option(
            "--request-timeout",
            metavar="DURATION",
            help="Time for one request to the API server, such as 5s or 1m; 0 is the default bound.",
        ),
        click.option("-v", "--verbose", count=True, help="Show each request on stderr."),
    ]
)

kubelet_options = _all(
    [
        click.option(
            "--source",
            type=click.Choice(SOURCES),
            default="auto",
            show_default=True,
            help="metrics.k8s.io, the kubelets, or whichever works.",
        ),
        click.option(
            "--kubelet-access",
            type=click.Choice(ACCESS),
            default="auto",
            show_default=True,
            help="Straight to the nodes, through the API server's node proxy, or whichever works.",
        ),
        click.option(
            "--kubelet-preferred-address-types",
            metavar="TYPES",
            default=",".join(ADDRESS_TYPES),
            show_default=True,
            help="Node address types, in the order in which to try them.",
        ),
        click.option("--kubelet-port", type=click.IntRange(1, 65535), metavar="PORT", help="Port of all kubelets."),
        click.option(
            "--kubelet-use-node-status-port/--no-kubelet-use-node-status-port",
            default=True,
            show_default=True,
            help="Use the port that a node reports, else 10250.",
        ),
        click.option(
            "--kubelet-insecure-tls", is_flag=True, help="Do not verify the kubelets' certificates. Insecure."
        ),
        click.option(
            "--kubelet-certificate-authority",
            metavar="FILE",
            help="CA of the kubelets' certificates, instead of the cluster's.",
        ),
        click.option("--kubelet-client-certificate", metavar="FILE", help="Client certificate for the kubelets."),
        click.option("--kubelet-client-key", metavar="FILE", help="Key of that certificate."),
        click.option(
            "--kubelet-request-timeout",
            type=Duration(),
            default="10s",
            show_default=True,
            metavar="DURATION",
            help="Time for one request to one kubelet.",
        ),
        click.option(
            "--deprecated-kubelet-completely-insecure",
            is_flag=True,
            help="Plain HTTP to the kubelets' read-only port (10255), without credentials.",
        ),
        click.option(
            "--window",
            type=Duration(),
            metavar="DURATION",
            help="Measure CPU over this time, by two scrapes of the kubelets.",
        ),
    ]
)

table_options = _all(
    [
        click.option("--no-headers", is_flag=True, help="Print no header line."),
        click.option("--sort-by", metavar="cpu|memory", help="Sort by falling cpu or memory."),
        click.option("--show-swap", is_flag=True, help="Show swap as well."),
        click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="A document instead of the table."),
        click.option("--strict", is_flag=True, help="Exit with status 4 if anything is missing."),
    ]
)

_CONNECTION = frozenset(Overrides.__struct_fields__)


def overrides(ctx: click.Context) -> Overrides:
    """The connection flags of a command and of the group before it; the command's own win. Raises UsageError."""
    given: dict[str, Any] = {}
    for parameters in (ctx.parent.params if ctx.parent else {}, ctx.params):
        given |= {name: value for name, value in parameters.items() if name in _CONNECTION and value not in (None, ())}
    if "request_timeout" in given:
        given["request_timeout"] = parse_timeout(given["request_timeout"])
    return Overrides(**given)


def verbosity(ctx: click.Context) -> int:
    """How many -v were given, before and behind the command."""
    return int(ctx.params["verbose"]) + int(ctx.parent.params["verbose"] if ctx.parent else 0)


def kubelet_settings(given: dict[str, Any]) -> KubeletOptions:
    """The --kubelet-... flags. Raises UsageError."""
    types = tuple(filter(None, (part.strip() for part in given["kubelet_preferred_address_types"].split(","))))
    unknown = [kind for kind in types if kind not in ADDRESS_TYPES]
    if unknown or not types:
        known, wrong = ", ".join(ADDRESS_TYPES), ", ".join(unknown) or "nothing"
        raise UsageError(f"--kubelet-preferred-address-types: {wrong} is not one of {known}")
    insecure = given["deprecated_kubelet_completely_insecure"]
    if insecure and given["kubelet_access"] == "proxy":
        raise UsageError("--deprecated-kubelet-completely-insecure contradicts --kubelet-access proxy")
    return KubeletOptions(
        access="direct" if insecure else given["kubelet_access"],
        address_types=types,
        port=given["kubelet_port"],
        use_node_status_port=given["kubelet_use_node_status_port"],
        secure=not insecure,
        timeout=given["kubelet_request_timeout"],
    )
