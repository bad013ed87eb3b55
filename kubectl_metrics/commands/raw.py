"""``kubectl metrics raw``: the JSON behind the tables."""

from __future__ import annotations

from typing import Any

import click

from kubectl_metrics.commands import options
from kubectl_metrics.commands.answer import finish
from kubectl_metrics.commands.arguments import check_name
from kubectl_metrics.commands.pflag import Command
from kubectl_metrics.errors import ExitStatus, UsageError
from kubectl_metrics.output.terminal import emit


@click.command(
    cls=Command,
    short_help="The JSON behind the tables.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("path", shell_complete=options.suggest("raw_paths"))
@click.option(
    "--node",
    metavar="NAME",
    shell_complete=options.suggest("nodes"),
    help="Ask this node's kubelet instead of the API server.",
)
@options.kubelet_options
@options.connection_options
@click.pass_context
def raw(ctx: click.Context, /, path: str, node: str | None, **given: Any) -> ExitStatus:
    """The server's answer to a path, unchanged; metrics.k8s.io is answered from the kubelets where it is absent.

    \b
    kubectl metrics raw /apis/metrics.k8s.io/v1beta1/nodes
    kubectl metrics raw /apis/metrics.k8s.io/v1beta1/namespaces/shop/pods
    kubectl metrics raw --node node-a /stats/summary
    """
    from kubectl_metrics.commands.session import Session
    from kubectl_metrics.sources import raw as source

    try:
        parsed = source.parse(path)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if node is not None:
        check_name(node)
    if node is not None and given["source"] == "api":
        raise UsageError("--node asks a kubelet: it does not go with --source api")
    with Session(ctx) as session:
        if node is not None:
            emit(session.kubelet_source.get(node, parsed.path, parsed.query).body)
            return ExitStatus.OK
        document = source.get(parsed, session.api, session.sources, session.metrics_api, session.mode)
    if document.usage is not None:
        return finish(document.usage, document.body)
    emit(document.body)
    return ExitStatus.OK
