"""``kubectl metrics nodes``: kubectl top node."""

from __future__ import annotations

from typing import Any

import click

from kubectl_metrics.commands import options
from kubectl_metrics.commands.answer import finish
from kubectl_metrics.commands.arguments import check_label_selector, check_sort_key, one_name
from kubectl_metrics.commands.pflag import Command
from kubectl_metrics.errors import ExitStatus, UsageError
from kubectl_metrics.output import table
from kubectl_metrics.output.terminal import say
from kubectl_metrics.sources.query import NodesQuery
from kubectl_metrics.usage import report


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[NAME]", shell_complete=options.suggest("node_argument"))
@click.option(
    "-l", "--selector", default="", metavar="SELECTOR", help="Label selector, such as 'a=b,c!=d,e in (f, g)'."
)
@options.table_options
@click.option(
    "--show-capacity", is_flag=True, help="Percentages of the nodes' capacity instead of what is allocatable."
)
@options.kubelet_options
@options.connection_options
@click.pass_context
def nodes(ctx: click.Context, /, **given: Any) -> ExitStatus:
    """Usage of nodes.

    \b
    kubectl metrics nodes                     all nodes
    kubectl metrics nodes node-a              one node
    kubectl metrics nodes -l zone=a           nodes with a label
    kubectl metrics nodes --source kubelet    computed from the kubelets
    """
    name = one_name(given["names"], "nodes [NAME | -l label]", "nodes")
    check_sort_key(given["sort_by"])
    if name and given["selector"]:
        raise UsageError("only one of NAME or --selector can be provided")
    check_label_selector(given["selector"])
    from kubectl_metrics.commands.session import Session

    with Session(ctx) as session:
        usage = session.sources.nodes(NodesQuery(name=name, selector=given["selector"]))
    if not usage.items and not usage.nodes:
        say("No resources found")
    if given["output"]:
        from kubectl_metrics.output import documents

        document = documents.nodes_document(usage, sort_by=given["sort_by"], capacity=given["show_capacity"])
        text = documents.render(document, given["output"])
    else:
        rows = report.node_rows(
            usage,
            sort_by=given["sort_by"],
            capacity=given["show_capacity"],
            swap=given["show_swap"],
            header=not given["no_headers"],
        )
        text = table.render(rows if usage.items else [])
    return finish(usage, text, strict=given["strict"])
