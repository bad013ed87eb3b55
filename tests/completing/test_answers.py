"""The same candidates as kubectl, bash, zsh and fish want to have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.commands.candidates import Asking
from kubectl_metrics.completing import answers
from kubectl_metrics.completing.engine import complete
from tests.completing.conftest import ASKING

BREAKS = " \t\n\"'@><=;|&(:"  # bash's own COMP_WORDBREAKS
TAB, LISTING = "9", "63"
NOBODY = Asking(0.0)  # is asked, whatever server the line may name
EKS = "arn:aws:eks:eu-west-1:1234:cluster/"


@pytest.fixture(autouse=True)
def _contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{EKS}prod", f"{EKS}test", "admin@east", "my ctx", "tom's", "$(reboot)", 'quo"te']
    path = tmp_path / "config"
    path.write_text(json.dumps({"contexts": [{"name": name, "context": {}} for name in names]}))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))


def kubectl(*words: str) -> str:
    return answers.for_kubectl(complete(words, ASKING))


def bash(line: str, kind: str = TAB, columns: str = "80") -> str:
    return answers.for_shell(["bash", f"kubectl-metrics {line}", kind, columns, BREAKS], ASKING)


def zsh(*words: str) -> str:
    return answers.for_shell(["zsh", *words], ASKING)


def fish(*words: str) -> str:
    return answers.for_shell(["fish", *words], ASKING)


# ---- kubectl ---------------------------------------------------------------------------------------------------------


def test_kubectl() -> None:
    assert kubectl("nodes", "--sort-by", "") == "cpu\nmemory\n:4\n"
    assert kubectl("no") == "nodes\tUsage of nodes.\n:4\n"
    assert kubectl("nodes", "--kubeconfig", "") == ":0\n"
    assert kubectl("pods", "--field-selector", "spec") == "spec.nodeName=\n:6\n"
    assert kubectl("nodes", "zzz") == ":4\n"
    assert kubectl("nodes", "--context=ad") == "admin@east\n:4\n"  # kubectl's scripts put the flag in front
    assert kubectl("nodes", "-oj") == "-ojson\n:4\n"


def test_what_kubectls_scripts_could_expand_is_not_offered() -> None:
    assert kubectl("nodes", "--context", "").splitlines() == ["admin@east", f"{EKS}prod", f"{EKS}test", "my ctx", ":4"]


# ---- bash ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "inserted"),
    [
        ("no", ["nodes"]),
        ("nodes --sort-by ", ["cpu", "memory"]),
        ("nodes --sort-by=m", ["memory"]),
        ("nodes -oj", ["-ojson"]),
        ("nodes -o=j", ["json"]),
        ("nodes --context ar", [f"{EKS}prod", f"{EKS}test"]),
        ("nodes --context arn:aws:eks:eu-west-1:1234:cluster/p", ["1234:cluster/prod"[5:]]),
        ("nodes --context=arn:aws:e", ["eks:eu-west-1:1234:cluster/prod", "eks:eu-west-1:1234:cluster/test"]),
        ("nodes --context admin@e", ["@east"]),
        ("nodes --context m", ["my\\ ctx"]),
        ("nodes --context my\\ ", ["my\\ ctx"]),
        ("nodes --context 'my c", ["my ctx"]),
        ("nodes --context t", ["tom\\'s"]),
        ("nodes --context 't", ["tom'\\''s"]),
        ("nodes --context \"t", ["tom's"]),
        ("nodes --context \"q", ['quo\\"te']),
        ("nodes --context \\$", ["\\$\\(reboot\\)"]),
        ("nodes --context '", [
            "$(reboot)", "admin@east", f"{EKS}prod", f"{EKS}test", "my ctx", 'quo"te', "tom'\\''s",
        ]),
        ("nodes --kubeconfig ~/config --context ad", ["admin@east"]),
        ("nodes --kubeconfig $HOME/config --context ad", ["admin@east"]),
        ("nodes --kubeconfig '~/config' --context ad", []),
        ("nodes $(touch x) ", []),
    ],
)  # fmt: skip
def test_bash_inserts(line: str, inserted: list[str]) -> None:
    assert bash(line) == "\n".join([*inserted, "-"]) + "\n"


def test_bash_is_told_about_files_and_spaces() -> None:
    assert bash("nodes --kubeconfig x") == "files\n"
    assert bash("pods --field-selector spec") == "spec.nodeName=\nmore\n"


def test_bash_shows_what_the_candidates_mean() -> None:
    shown = bash("nodes --so", LISTING, "60").splitlines()
    assert shown == [
        "--sort-by  (Sort by falling cpu or memory.)",
        "--source   (metrics.k8s.io, the kubelets, or whichever wor…)",
        "-",
    ]
    assert all(len(line) <= 60 for line in shown)
    assert bash("nodes --sort-", LISTING) == "--sort-by\n-\n"
    assert bash("nodes --so", LISTING, "15") == "--sort-by\n--source\n-\n"
    assert bash("nodes --so", LISTING, "wide") == bash("nodes --so", LISTING, "80")


# ---- zsh and fish ----------------------------------------------------------------------------------------------------


def test_zsh() -> None:
    assert zsh("no") == "nodes:Usage of nodes.\n-\n"
    assert zsh("nodes", "--context", "arn:aws:eks:eu-west-1:1234:cluster/p") == f"{EKS}prod\n-\n".replace(":", "\\:")
    assert zsh("nodes", "--context=ad") == "admin@east\n-\n"
    assert zsh("nodes", "--context", "my\\ ") == "my ctx\n-\n"
    assert zsh("nodes", "--kubeconfig", "~/config", "--context", "ad") == "admin@east\n-\n"
    assert zsh("nodes", "--kubeconfig", "") == "files\n"
    assert zsh("raw", "/apis/metrics.k8s.io/v1beta1/names").endswith("/namespaces/\nmore\n")


def test_fish() -> None:
    assert fish("no") == "nodes\tUsage of nodes.\n-\n"
    assert fish("nodes", "--context=ad") == "--context=admin@east\n-\n"
    assert fish("nodes", "--context", "my\\ ") == "my ctx\n-\n"
    assert fish("nodes", "--context", "'my") == "my ctx\n-\n"
    assert fish("nodes", "--context", "tom's", "--sort-by", "c") == "cpu\n-\n"
    assert fish("nodes", "--kubeconfig", "~/config", "--context", "ad") == "admin@east\n-\n"
    assert fish("nodes", "--kubeconfig=x") == "files\n"


def test_fish_puts_a_space_behind_the_only_candidate_so_there_are_two() -> None:
    flag = "--kubelet-preferred-address-types"
    assert fish("nodes", flag, "ExternalI") == "ExternalIP\nExternalIP,\nmore\n"
    assert fish("pods", "--field-selector", "spec") == "spec.nodeName=\nmore\n"


# ---- whatever comes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["tcsh", ""], ["bash"], ["bash", "x"], ["zsh"], ["fish"]])
def test_a_call_that_no_script_makes(arguments: list[str]) -> None:
    with pytest.raises(ValueError, match=r"unpack|tcsh"):
        answers.for_shell(arguments, ASKING)


words = st.one_of(
    st.sampled_from(
        [
            "nodes",
            "pods",
            "raw",
            "diagnose",
            "--context",
            "-n",
            "-o",
            "--sort-by=",
            "--",
            "-l=a=b",
            "-A",
            "-v=3",
            "=",
            "-",
            "",
        ]
    ),
    st.text(st.characters(exclude_characters="\0")),
)


@given(st.lists(words, max_size=6))
def test_any_line_is_answered(given_words: list[str]) -> None:
    lines = answers.for_kubectl(complete(given_words, NOBODY)).split("\n")
    assert lines[-2] in (":0", ":4", ":6")
    assert lines[-1] == ""
    for line in lines[:-2]:
        value, _, description = line.partition("\t")
        assert value.isprintable()
        assert description.isprintable()


@given(st.text(st.characters(exclude_characters="\0")))
def test_any_line_of_bash_is_answered(line: str) -> None:
    answer = answers.for_bash(f"kubectl-metrics {line}", TAB, "80", BREAKS, NOBODY)
    assert answer.splitlines()[-1] in ("-", "files", "more")
