"""The scripts that make shells complete; ``tests/e2e`` has shells use them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.harness import run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str) -> None:
    result = run("completion", shell)
    assert (result.status, result.err) == (0, "")
    assert f"__complete {shell} " in result.out
    assert f"kubectl-metrics completion {shell}" in result.out.partition("\n\n")[0]  # it says how to use it
    assert result.out.isascii()
    if shutil.which(shell) is not None:
        done = subprocess.run([shell, "-n"], input=result.out, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_which_shell() -> None:
    result = run("completion")
    assert (result.status, result.out) == (2, "")
    assert result.err.splitlines()[0] == "error: for which shell: bash, zsh or fish?"
    result = run("completion", "tcsh")
    assert (result.status, result.out) == (2, "")
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in result.err
    assert run("completion", "bash", "zsh").status == 2


def test_the_help_tells_where_to_put_it() -> None:
    help_ = run("completion", "-h").out
    for words in ("~/.bashrc", "~/.zshrc", "config.fish", "kubectl_complete-metrics", "KREW_ROOT"):
        assert words in help_


def test_how_the_scripts_ask_is_nobodys_business() -> None:
    assert "completion" in run("-h").out
    assert "__complete" not in run("-h").out
