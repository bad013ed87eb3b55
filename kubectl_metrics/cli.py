"""The command line: the group of commands, and the one place where errors become text and an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kubectl_metrics import __version__
from kubectl_metrics.commands import options
from kubectl_metrics.commands.pflag import Group
from kubectl_metrics.errors import ExitStatus, MetricsError
from kubectl_metrics.output.terminal import emit, say

if TYPE_CHECKING:
    from kubectl_metrics.commands.early import Early


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        # With its path: other projects ship an executable of the same name, and kubectl runs the first on PATH.
        python = ".".join(map(str, sys.version_info[:3]))
        emit(f"kubectl-metrics {__version__} ({os.path.abspath(sys.argv[0])}, Python {python})\n")
        ctx.exit()


class _Commands(Group):
    """The commands, each of which is imported when it is asked for: to start is most of a small table's time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click asks so
        return ["completion", "diagnose", "nodes", "pods", "raw"]

    def load(self, name: str) -> click.Command | None:
        match name:
            case "completion":
                from kubectl_metrics.commands.completion import completion

                return completion
            case "diagnose":
                from kubectl_metrics.commands.diagnose import diagnose

                return diagnose
            case "nodes":
                from kubectl_metrics.commands.nodes import nodes

                return nodes
            case "pods":
                from kubectl_metrics.commands.pods import pods

                return pods
            case "raw":
                from kubectl_metrics.commands.raw import raw

                return raw
        return None


_EPILOG = """\
'kubectl metrics COMMAND --help' lists a command's flags. Those of the connection (-n, --context, --kubeconfig, --as, -v
and more) are kubectl's and can stand before the command as well.
"""


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG, no_args_is_help=False
)
@options.connection_options
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and where it is installed.",
)
def group(**given: object) -> None:
    """Usage of nodes and pods: kubectl top's tables, also where metrics.k8s.io is absent or broken.

    \b
    kubectl metrics nodes                     usage of nodes
    kubectl metrics pods -n shop              usage of pods
    kubectl metrics raw /apis/metrics.k8s.io/v1beta1/nodes
    kubectl metrics diagnose                  why metrics are missing
    """


def main(arguments: Sequence[str] | None = None, early: Early | None = None) -> int:
    """Runs a command; returns the exit status. Reads ``sys.argv`` unless it is given ``arguments``.

    ``early`` is what has been begun for these arguments; it is ended here.

    Ctrl-C is ``__main__``'s matter: it can come while this module is still being imported.
    """
    try:
        # Not click's own main: it has answers of its own to Ctrl-C and to a closed pipe.
        given = sys.argv[1:] if arguments is None else list(arguments)
        if not given:
            return _nothing_asked()
        with group.make_context("kubectl metrics", given, obj=early) as context:
            return int(group.invoke(context))
    except click.exceptions.Exit as finished:  # --help and --version
        return finished.exit_code
    except MetricsError as error:
        say(str(error))
        if error.hint:
            say(error.hint)
        return error.exit_status
    except click.NoSuchOption as error:
        return _usage(f"unknown flag: {error.option_name}", error)
    except click.UsageError as error:
        return _usage(error.format_message(), error)
    except BrokenPipeError:
        # The reader has gone (``| head``). Python would complain at exit, when it flushes stdout once more.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK
    except MemoryError:
        say("error: out of memory")
        return ExitStatus.FAILED
    except OSError as error:
        # Whatever a server does is a MetricsError by now: this is a full disk under stdout, or a missing terminal.
        say(f"error: {error.strerror or error}")
        return ExitStatus.FAILED
    finally:
        if early is not None:
            early.close()


def _nothing_asked() -> ExitStatus:
    # click's own way, no_args_is_help, is a success before 8.2, and its text is on stdout.
    with group.make_context("kubectl metrics", [], resilient_parsing=True) as context:
        click.echo(context.get_help(), err=True)
    return ExitStatus.USAGE


def _usage(message: str, error: click.UsageError) -> ExitStatus:
    say(f"error: {message}")
    command = error.ctx.command_path if error.ctx else "kubectl metrics"
    say(f"See '{command} --help' for usage.")
    return ExitStatus.USAGE
