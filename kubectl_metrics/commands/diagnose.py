"""``kubectl metrics diagnose``: what is wrong with the metrics pipeline, how that is known, and what to type."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from kubectl_metrics.commands import options, settings
from kubectl_metrics.commands.arguments import check_name
from kubectl_metrics.commands.pflag import Command
from kubectl_metrics.errors import ExitStatus, MetricsError, UsageError
from kubectl_metrics.output.terminal import emit, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_metrics.diagnosis.evidence import Evidence
    from kubectl_metrics.diagnosis.findings import Suppression, Verdict

FORMATS = ("short", "table", "json", "yaml", "markdown")


@click.command(
    cls=Command,
    short_help="Find out why metrics are missing.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("-o", "--output", type=click.Choice(FORMATS), default="short", help="How to print what was found.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "never"]),
    default="error",
    show_default=True,
    help="The mildest finding that makes the exit status 5.",
)
@click.option(
    "--node",
    metavar="NAME",
    shell_complete=options.suggest("nodes"),
    help="Look at this node's kubelet, in depth, and at no other.",
)
@click.option("--logs", is_flag=True, help="Read metrics-server's logs too.")
@click.option(
    "--wait",
    type=options.Duration(),
    metavar="DURATION",
    help="Look again until metrics are served and there is no error; exit status 5 if this time is over before.",
)
@click.option(
    "--only",
    metavar="ID",
    multiple=True,
    shell_complete=options.suggest("checks"),
    help="Report this check alone; can be repeated.",
)
@click.option(
    "--suppress",
    metavar="ID[=OBJECT]",
    shell_complete=options.suggest("checks"),
    multiple=True,
    help="Do not report this check, or not for this node or pod (NAMESPACE/NAME); can be repeated.",
)
@click.option(
    "--max-kubelets",
    type=click.IntRange(0, 100_000),
    default=200,
    show_default=True,
    help="How many kubelets to ask; those without metrics come first.",
)
@click.option(
    "--save",
    "save_file",
    metavar="FILE",
    shell_complete=options.suggest("files"),
    help="Write what was seen to FILE, as JSON without what looks like a secret.",
)
@click.option(
    "--from",
    "from_file",
    metavar="FILE",
    shell_complete=options.suggest("files"),
    help="Judge what was saved in FILE, without a cluster.",
)
@click.option("--mask", is_flag=True, help="Replace names and addresses, in FILE and in what is printed.")
@click.option("--list-checks", is_flag=True, help="List all checks.")
@click.option("--explain", metavar="ID", shell_complete=options.suggest("checks"), help="Tell all about one check.")
@options.access_options
@options.connection_options
@click.pass_context
def diagnose(ctx: click.Context, /, **given: Any) -> ExitStatus:
    """Find out why metrics are missing: what is broken, how that is known, and what to type.

    \b
    kubectl metrics diagnose                       the whole pipeline
    kubectl metrics diagnose --node node-a         one kubelet in depth
    kubectl metrics diagnose --wait 2m             after installing metrics-server
    kubectl metrics diagnose --save b.json --mask  for somebody else to look at
    kubectl metrics diagnose --explain KM401       about one check

    Nothing is changed. Exit status 5 tells that an error was found.
    """
    if given["list_checks"] or given["explain"] is not None:
        return _explain(given)
    _check(ctx, given)
    suppressed = _ids(given)

    def verdict(evidence: Evidence) -> Verdict:
        from kubectl_metrics.diagnosis.judge import judge

        return judge(evidence, only=given["only"], suppressed=suppressed)

    in_time = True
    if given["from_file"] is not None:
        evidence = _load(given["from_file"])
        if given["mask"]:
            evidence = _masked(evidence, suppressed)
        found = verdict(evidence)
    else:
        evidence, found, in_time = _look(ctx, given, verdict, suppressed)
    unsaved: MetricsError | None = None
    if given["save_file"] is not None:
        try:
            _save(evidence, given["save_file"])
        except MetricsError as error:
            unsaved = error  # which is no reason to keep the verdict back
    status = _finish(found, given, in_time=in_time)
    if unsaved is not None:
        raise unsaved
    return status


def _look(
    ctx: click.Context,
    given: dict[str, Any],
    verdict: Callable[[Evidence], Verdict],
    suppressed: list[Suppression],
) -> tuple[Evidence, Verdict, bool]:
    """Collects and judges, once or until it is well, and whether it was that in time. Raises MetricsError."""
    from kubectl_metrics.commands.session import Session

    in_time = True
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(Session(ctx))
        from kubectl_metrics.commands.looking import Looking

        looking = Looking(session, given)
        if given["wait"] is not None:
            evidence, found, in_time = looking.until_well(
                verdict, given["wait"], lambda: stack.enter_context(Session(ctx))
            )
        else:
            evidence = looking.look()
            found = verdict(evidence)
    if given["mask"]:
        evidence = _masked(evidence, suppressed)
        found = verdict(evidence)
    return evidence, found, in_time


def _finish(found: Verdict, given: dict[str, Any], *, in_time: bool) -> ExitStatus:
    from kubectl_metrics.diagnosis.findings import Severity
    from kubectl_metrics.output import style
    from kubectl_metrics.output import verdict as output

    emit(output.render(found, given["output"], style.of(sys.stdout, os.environ)))
    if given["fail_on"] == "never":
        return ExitStatus.OK
    worst = found.worst()
    failed = worst is not None and worst.rank <= Severity(given["fail_on"]).rank
    return ExitStatus.FINDINGS if failed or not in_time else ExitStatus.OK


def _explain(given: dict[str, Any]) -> ExitStatus:
    from kubectl_metrics.output import catalogue, style

    if given["explain"] is not None:
        emit(catalogue.explanation(given["explain"], given["output"], style.of(sys.stdout, os.environ)))
    else:
        emit(catalogue.listing(given["output"]))
    return ExitStatus.OK


def _check(ctx: click.Context, given: dict[str, Any]) -> None:
    """Contradictions. Raises UsageError."""
    if given["from_file"] is not None:
        source = click.core.ParameterSource.COMMANDLINE
        for name in ("node", "logs", "wait", "max_kubelets"):
            if ctx.get_parameter_source(name) is source:
                flag = "--" + name.replace("_", "-")
                raise UsageError(f"{flag} asks the cluster: it does not go with --from")
    if given["wait"] is not None and settings.timeout(ctx) is not None:
        raise UsageError("--wait looks again and again, and --timeout is for everything together: take one of them")
    if given["mask"] and settings.verbosity(ctx):
        raise UsageError("-v shows the names that --mask hides")
    if given["node"] is not None:
        check_name(given["node"])


def _ids(given: dict[str, Any]) -> list[Suppression]:
    """What is suppressed. Raises UsageError for an id that does not exist, there or in --only."""
    from kubectl_metrics.diagnosis.findings import Suppression

    suppressed = [Suppression(text) for text in given["suppress"]]
    for text, one in zip(given["suppress"], suppressed, strict=True):
        if text.endswith("=") or not one.id:
            raise UsageError(f"--suppress {text}: ID or ID=OBJECT is wanted")
    if given["only"] or suppressed:
        from kubectl_metrics.output import catalogue

        given["only"] = [catalogue.check_id(id_).id for id_ in given["only"]]
        for one in suppressed:
            one.id = catalogue.check_id(one.id).id
    return suppressed


def _load(path: str) -> Evidence:
    from kubectl_metrics.diagnosis.bundles import bundle

    try:
        with open(path, "rb") as file:
            content = file.read(bundle.LIMIT + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > bundle.LIMIT:
        raise UsageError(f"{path} is larger than any bundle")
    return bundle.decode(content, path)


def _save(evidence: Evidence, path: str) -> None:
    """Raises MetricsError."""
    from kubectl_metrics.diagnosis.bundles import bundle
    from kubectl_metrics.output import files

    try:
        files.write(path, bundle.encode(evidence))
    except OSError as error:
        raise MetricsError(f"cannot write {path}: {error.strerror}") from error
    say(f"note: what was seen is in {path}")


def _masked(evidence: Evidence, suppressed: list[Suppression]) -> Evidence:
    """The evidence with other names; what is suppressed by name is called by the new one from now on."""
    import secrets

    from kubectl_metrics.diagnosis.bundles.mask import masked

    hidden, other = masked(evidence, secrets.token_bytes(32))
    for one in suppressed:
        one.object = other(one.object)
    return hidden
