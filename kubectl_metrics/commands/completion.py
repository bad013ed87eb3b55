"""``kubectl-metrics completion``: the script that makes a shell complete kubectl-metrics."""

from __future__ import annotations

import click

from kubectl_metrics.commands.pflag import Command
from kubectl_metrics.errors import ExitStatus, UsageError
from kubectl_metrics.output.terminal import emit


@click.command(
    cls=Command,
    short_help="The script for a shell's TAB key.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(["bash", "zsh", "fish"]), required=False)
def completion(shell: str | None) -> ExitStatus:
    """Print the script that makes bash, zsh or fish complete kubectl-metrics.

    \b
    bash  source <(kubectl-metrics completion bash)     in ~/.bashrc
    zsh   source <(kubectl-metrics completion zsh)      in ~/.zshrc, behind compinit
    fish  kubectl-metrics completion fish | source      in ~/.config/fish/config.fish

    "kubectl metrics" is completed by kubectl's own script (kubectl completion --help), from kubectl 1.26 on, if
    kubectl_complete-metrics is on the PATH. pip and pipx put it there. krew cannot; this does it, once:

    \b
    ln -s kubectl-metrics "${KREW_ROOT:-$HOME/.krew}/bin/kubectl_complete-metrics"
    """
    if shell is None:
        raise UsageError("for which shell: bash, zsh or fish?", hint="See 'kubectl metrics completion -h' for help")
    from kubectl_metrics.commands.scripts import SCRIPTS

    emit(SCRIPTS[shell])
    return ExitStatus.OK
