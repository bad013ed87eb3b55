"""``kubectl metrics pods``: kubectl top pod."""

from __future__ import annotations

from typing import Any

import click

from kubectl_metrics.commands import options
from kubectl_metrics.commands.answer import finish
from kubectl_metrics.commands.arguments import check_field_selector, check_label_selector, check_sort_key, one_name
from kubectl_metrics.commands.pflag import Command
from kubectl_metrics.errors import ExitStatus, UsageError
from kubectl_metrics.output import table
from kubectl_metrics.output.terminal import say
from kubectl_metrics.sources.query import PodsQuery
from kubectl_metrics.usage import report
from kubectl_metrics.usage.model import PodTotals


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[NAME]", shell_complete=options.suggest("pod_argument"))
@click.option("-A", "--all-namespaces", is_flag=True, help="Pods of all namespaces.")
@click.option(
    "-l", "--selector", default="", metavar="SELECTOR", help="Label selector, such as 'a=b,c!=d,e in (f, g)'."
)
@click.option(
    "--field-selector",
    default="",
    metavar="SELECTOR",
    shell_complete=options.suggest("field_selectors"),
    help="Field selector, such as 'spec.nodeName=node-a'.",
)
@click.option("--containers", is_flag=True, help="A line for each container.")
@click.option("--sum", "total", is_flag=True, help="A line of totals.")
@options.table_options
@options.kubelet_options
@options.connection_options
@click.pass_context
def pods(ctx: click.Context, /, **given: Any) -> ExitStatus:
    """Usage of pods.

    \b
    kubectl metrics pods -n shop              pods of a namespace
    kubectl metrics pods -A --sort-by memory  all pods, the largest first
    kubectl metrics pods web-0 --containers   one pod and its containers
    kubectl metrics pods -A --field-selector spec.nodeName=node-a
    """
    name = one_name(given["names"], "pods [NAME | -l label]", "pods")
    check_sort_key(given["sort_by"])
    everywhere = given["all_namespaces"]
    if name and (given["selector"] or given["field_selector"]):
        raise UsageError("only one of NAME or selector can be provided")
    if name and everywhere:
        raise UsageError("a pod's NAME is unique in its namespace only: use -n instead of -A")
    check_label_selector(given["selector"])
    check_field_selector(given["field_selector"])
    from kubectl_metrics.commands.session import Session

    with Session(ctx) as session:
        query = PodsQuery(
            namespace=None if everywhere else session.namespace,
            name=name,
            selector=given["selector"],
            field_selector=given["field_selector"],
        )
        plain = not (given["output"] or given["containers"] or given["show_swap"])
        usage = session.sources.pod_totals(query) if plain else session.sources.pods(query)
    if not usage.items and not usage.gaps:
        say("No resources found" if everywhere else f"No resources found in {session.namespace} namespace.")
    rows: list[report.Row] = []
    if isinstance(usage, PodTotals):
        rows = report.total_rows(
            usage.items,
            sort_by=given["sort_by"],
            namespaces=everywhere,
            header=not given["no_headers"],
            total=given["total"],
        )
        text = table.render(rows)
    elif given["output"]:
        from kubectl_metrics.output import documents

        document = documents.pods_document(usage, sort_by=given["sort_by"], namespaces=everywhere)
        text = documents.render(document, given["output"])
    else:
        rows = report.pod_rows(
            usage.items,
            sort_by=given["sort_by"],
            namespaces=everywhere,
            containers=given["containers"],
            swap=given["show_swap"],
            header=not given["no_headers"],
            total=given["total"],
        )
        text = table.render(rows)
    return finish(usage, text, strict=given["strict"], made_of=rows)
