"""Wrong usage: kubectl's words, exit status 2, and nobody is asked anything."""

from __future__ import annotations

import base64
import re
import subprocess
import sys

import pytest

from kubectl_metrics import __version__
from tests.harness import Tool, run
from tests.simcluster import SimCluster


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nodes", "a", "b"], "error: nodes [NAME | -l label]\nSee 'kubectl metrics nodes -h' for help and examples\n"),
        (["pods", "a", "b"], "error: pods [NAME | -l label]\nSee 'kubectl metrics pods -h' for help and examples\n"),
        (["nodes", "a", "-l", "b=c"], "error: only one of NAME or --selector can be provided\n"),
        (["pods", "a", "-l", "b=c"], "error: only one of NAME or selector can be provided\n"),
        (["pods", "a", "--field-selector", "b=c"], "error: only one of NAME or selector can be provided\n"),
        (["nodes", "--sort-by", "name"], "error: --sort-by accepts only cpu or memory\n"),
        (["nodes", "-l", "a in"], "error: unable to parse requirement: found '' expected: '('\n"),
        (["pods", "-l", "a=b=c"], "error: found '=', expected: ',' or 'end of string'\n"),
        (["pods", "--field-selector", "x"], "error: invalid selector: 'x'; can't understand 'x'\n"),
        (["nodes", "--bogus"], "error: unknown flag: --bogus\nSee 'kubectl metrics nodes --help' for usage.\n"),
        (["pods", "a", "-A"], "error: a pod's NAME is unique in its namespace only: use -n instead of -A\n"),
        (["nodes", ""], "error: '' is not a name\n"),
        (["nodes", "a/b"], "error: 'a/b' is not a name\n"),
        (["nodes", "\udcff"], "error: '\\udcff' is not a name\n"),
        (["pods", "\u00fc"], "error: '\\xfc' is not a name\n"),
        (["pods", "-n", "\udcff"], "error: '\\udcff' is not valid UTF-8\n"),
        (["pods", "-n", "a/b"], "error: 'a/b' is not a name\n"),
        (["nodes", "--as", "\udcff"], "error: '\\udcff' is not valid UTF-8\n"),
        (["nodes", "--as", "x", "--as-group", "\udcff"], "error: '\\udcff' is not valid UTF-8\n"),
        (["raw", "--node", "", "/healthz"], "error: '' is not a name\n"),
        (["raw", "--node", "\udcff", "/healthz"], "error: '\\udcff' is not a name\n"),
        (
            ["nodes", "--no-headers=maybe"],
            'error: invalid argument "maybe" for "--no-headers" flag: must be true or false\n',
        ),
        (
            ["nodes", "--window", "1s", "--source", "api"],
            "error: --window is for the kubelets; metrics.k8s.io has a window of its own\n",
        ),
        (
            ["nodes", "--deprecated-kubelet-completely-insecure", "--kubelet-access", "proxy"],
            "error: --deprecated-kubelet-completely-insecure contradicts --kubelet-access proxy\n",
        ),
    ],
)
def test_refused(cluster: SimCluster, admin: Tool, arguments: list[str], error: str) -> None:
    before = len(cluster.requests)
    result = admin(*arguments)
    assert (result.status, result.out, result.err) == (2, "", error)
    assert len(cluster.requests) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["nodes", "-o", "xml"],
        ["nodes", "--source", "prometheus"],
        ["nodes", "--kubelet-access", "ssh"],
        ["nodes", "--kubelet-port", "0"],
        ["nodes", "--kubelet-port", "x"],
        ["nodes", "--window", "soon"],
        ["nodes", "--window", "-1s"],
        ["nodes", "--window", "0"],
        ["nodes", "--kubelet-request-timeout", "0s"],
        ["nodes", "--request-timeout", "soon"],
        ["nodes", "-n"],
        ["raw"],
        ["raw", "/a", "/b"],
        ["nodes", "-Z"],
    ],
)
def test_refused_somehow(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert len(result.err.splitlines()) <= 2


def test_no_command_shows_the_help() -> None:
    result = run()
    assert (result.status, result.out) == (2, "")
    assert "\nCommands:\n" in result.err


def test_flags_without_a_command() -> None:
    result = run("--version=false")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: Missing command.\n")


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["nodes", "-h"], ["pods", "--help"], ["raw", "-h"]])
def test_help(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.status, result.err) == (0, "")
    assert "Usage: kubectl metrics" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


def test_version_names_the_executable() -> None:
    result = run("--version")
    assert (result.status, result.err) == (0, "")
    assert re.fullmatch(rf"kubectl-metrics {re.escape(__version__)} \(/.+, Python 3\.\d+\.\d+\)\n", result.out)


def test_flags_before_and_behind_the_command(cluster: SimCluster) -> None:
    config = str(cluster.kubeconfig())
    for arguments in (
        ["--kubeconfig", config, "nodes"],
        ["nodes", "--kubeconfig", config],
        [f"--kubeconfig={config}", "--kubeconfig", config, "nodes", "--no-headers=false"],
        ["--kubeconfig", "/nowhere", "nodes", "--kubeconfig", config],
    ):
        assert run(*arguments).status == 0


@pytest.mark.parametrize(
    ("line", "insecure"),
    [
        ("nodes --insecure-skip-tls-verify", True),
        ("--insecure-skip-tls-verify nodes", True),
        ("nodes --insecure-skip-tls-verify --insecure-skip-tls-verify=false", False),
        ("nodes --insecure-skip-tls-verify=false --insecure-skip-tls-verify", True),
        ("--insecure-skip-tls-verify nodes --insecure-skip-tls-verify=false", False),
        ("--insecure-skip-tls-verify=false nodes --insecure-skip-tls-verify", True),
    ],
)
def test_an_insecure_flag_is_taken_back_by_a_later_one(cluster: SimCluster, line: str, insecure: bool) -> None:
    """As an alias makes it one: it must not stay in force against what is said behind it."""
    with SimCluster(nodes=0) as other:
        config = cluster.kubeconfig(certificate_authority_data=base64.b64encode(other.ca_pem).decode())
    result = run(*line.split(), "--kubeconfig", str(config))
    assert (result.status, "x509" in result.err) == ((0, False) if insecure else (1, True))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nodes", "-l=", "node-a"], "error: only one of NAME or --selector can be provided\n"),
        (["pods", "-l=", "-A"], "error: found '=', expected: !, identifier, or 'end of string'\n"),
        (["pods", "-n", "..", "web-1"], "error: '..' is not a name\n"),
        (["nodes", "."], "error: '.' is not a name\n"),
        (["nodes", "a%2fb"], "error: 'a%2fb' is not a name\n"),
        (["raw", "--node", "..", "/metrics"], "error: '..' is not a name\n"),
        (["diagnose", "--node", ".."], "error: '..' is not a name\n"),
        (["pods", "-A", "-l", "app=web\xa0"], "values[0][app]: Invalid value"),
    ],
)
def test_what_is_no_name_never_gets_into_a_path(
    cluster: SimCluster, admin: Tool, arguments: list[str], error: str
) -> None:
    before = len(cluster.requests)
    result = admin(*arguments)
    assert (result.status, result.out) == (2, "")
    assert error in result.err
    assert len(cluster.requests) == before


def test_an_empty_value_of_a_short_flag_is_not_the_next_word(admin: Tool) -> None:
    """-n="$EMPTY": to pflag the value is what stands behind the letter."""
    assert admin("pods", "-n=", "--no-headers").err == "No resources found in = namespace.\n"
    assert 'pods "web-1" not found' in admin("pods", "-n=", "web-1").err


def test_verbose_shows_requests_without_secrets(cluster: SimCluster, admin: Tool) -> None:
    for line in ("nodes -v=0", "nodes -v0", "-v 0 nodes", "nodes --v=0", "nodes -v 6 -v 0", "-v 6 nodes -v 0"):
        assert admin(*line.split()).err == ""
    for line in ("nodes -v", "-v nodes", "nodes -v=6", "nodes -v6", "nodes -v 6", "nodes -v=100", "-v 6 nodes",
                 "nodes --v=6", "--v 6 nodes", "nodes --verbose=6"):  # fmt: skip
        result = admin(*line.split())
        assert result.status == 0
        assert f"GET {cluster.url}/apis/metrics.k8s.io/v1beta1/nodes 200 OK" in result.err
        assert cluster.token("admin") not in result.err
    assert admin("nodes").err == ""


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_metrics", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"kubectl-metrics {__version__} (")
