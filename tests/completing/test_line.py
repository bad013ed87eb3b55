"""What of a command line is being completed."""

from __future__ import annotations

import click
import pytest

from kubectl_metrics.cli import group
from kubectl_metrics.completing.line import Line, read


def what(line: Line) -> str:
    """The command and the parameter, as in "pods names"; "pods" alone where a flag's name or a command is wanted."""
    command = "" if line.context.command is group else str(line.context.command.name)
    parameter = (line.parameter.name or "") if line.parameter is not None else ""
    return f"{command} {parameter}".strip()


@pytest.mark.parametrize(
    ("words", "wanted", "head", "text"),
    [
        ([], "", "", ""),
        ([""], "", "", ""),
        (["no"], "", "", "no"),
        (["-"], "", "", "-"),
        (["--con"], "", "", "--con"),
        (["--context", "x"], "context", "", "x"),
        (["--context=x"], "context", "--context=", "x"),
        (["--context", "x", ""], "", "", ""),
        (["-n", ""], "namespace", "", ""),
        (["nodes", ""], "nodes names", "", ""),
        (["no", ""], "nodes names", "", ""),
        (["po", "we"], "pods names", "", "we"),
        (["nodes", "-"], "nodes", "", "-"),
        (["nodes", "--sort-by", ""], "nodes sort_by", "", ""),
        (["nodes", "--sort-by="], "nodes sort_by", "--sort-by=", ""),
        (["nodes", "--sort-by", "cpu", ""], "nodes names", "", ""),
        (["pods", "-n"], "pods", "", "-n"),
        (["pods", "-n", "sh"], "pods namespace", "", "sh"),
        (["pods", "-nsh"], "pods namespace", "-n", "sh"),
        (["pods", "-n=sh"], "pods namespace", "-n=", "sh"),
        (["pods", "-Ansh"], "pods namespace", "-An", "sh"),
        (["pods", "-An", "sh"], "pods namespace", "", "sh"),
        (["pods", "-A", "-v", ""], "pods names", "", ""),
        (["pods", "-Av"], "pods", "", "-Av"),
        (["pods", "-lapp=we"], "pods selector", "-l", "app=we"),
        (["pods", "-l", "app=we"], "pods selector", "", "app=we"),
        (["pods", "-l=app=we"], "pods selector", "-l=", "app=we"),
        (["pods", "--selector=app=we"], "pods selector", "--selector=", "app=we"),
        (["pods", "-n", "--", "we"], "pods names", "", "we"),
        (["pods", "--", ""], "pods names", "", ""),
        (["pods", "--", "-n"], "pods names", "", "-n"),
        (["pods", "--"], "pods", "", "--"),
        (["pods", "--containers=t"], "pods containers", "--containers=", "t"),
        (["pods", "--unknown", "we"], "pods names", "", "we"),
        (["pods", "-xn", "we"], "pods names", "", "we"),
        (["pods", "-x"], "pods", "", "-x"),
        (["pods", "-v=2", "we"], "pods names", "", "we"),
        (["pods", "-v", "6", "we"], "pods names", "", "we"),
        (["pods", "-v6", "we"], "pods names", "", "we"),
        (["-v", "6", "po"], "", "", "po"),
        (["--v", "6", "po"], "", "", "po"),
        (["-v6", "po"], "", "", "po"),
        (["pods", "-n="], "pods namespace", "-n=", ""),
        (["pods", "-n", "-A", "we"], "pods names", "", "we"),
        (["--", "pods", "we"], "pods names", "", "we"),
        (["raw", "/"], "raw path", "", "/"),
        (["raw", "--node", "a"], "raw node", "", "a"),
        (["completion", ""], "completion shell", "", ""),
    ],
)
def test_what_is_completed(words: list[str], wanted: str, head: str, text: str) -> None:
    line = read(group, words)
    assert (what(line), line.head, line.text, line.full) == (wanted, head, text, False)


@pytest.mark.parametrize(
    "words", [["nodes", "a", ""], ["pods", "--", "a", "b"], ["raw", "/x", ""], ["diagnose", ""], ["bla", ""]]
)
def test_no_more_arguments(words: list[str]) -> None:
    assert read(group, words).full


def test_what_was_given_is_known() -> None:
    line = read(group, ["--context", "east", "-nkube", "pods", "-l=app=web", "--unknown", "-An", "shop", "-v", ""])
    assert line.context.parent is not None
    assert line.context.parent.params["context"] == "east"
    assert line.context.parent.params["namespace"] == "kube"
    given = line.context.params
    assert (given["selector"], given["all_namespaces"], given["namespace"]) == ("app=web", True, "shop")
    assert given["verbose"] == 1


def test_the_value_that_is_being_typed_is_not_known() -> None:
    line = read(group, ["pods", "-n", "shop", "--context", "ea"])
    assert (line.context.params["namespace"], line.context.params["context"]) == ("shop", None)


def test_a_command_of_another_kind() -> None:
    @click.group()
    def other() -> None:
        """Has one command without arguments."""

    @other.command()
    def plain() -> None:
        """Takes nothing."""

    assert read(other, ["plain", ""]).full
