"""The line that krew cannot draw is the same wherever somebody reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import run

ROOT = Path(__file__).parents[2]
LINK = 'ln -s kubectl-metrics "${KREW_ROOT:-$HOME/.krew}/bin/kubectl_complete-metrics"'
UNLINK = 'rm "${KREW_ROOT:-$HOME/.krew}/bin/kubectl_complete-metrics"'


@pytest.mark.parametrize("place", ["docs/completion.md", "krew/metrics.yaml"])
def test_the_link(place: str) -> None:
    text = (ROOT / place).read_text("utf-8")
    assert LINK in text
    assert UNLINK in text


def test_the_link_in_the_help() -> None:
    assert LINK in run("completion", "-h").out


def test_the_documented_scripts_are_those_that_the_help_names() -> None:
    page = (ROOT / "docs/completion.md").read_text("utf-8")
    for words in ("source <(kubectl-metrics completion bash)", "kubectl-metrics completion fish | source"):
        assert words in page
        assert words in run("completion", "-h").out
