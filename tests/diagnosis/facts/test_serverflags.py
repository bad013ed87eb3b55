"""metrics-server's command line, compared with what metrics-server 0.9.0 itself did with it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_metrics.diagnosis.facts.flags import parse
from kubectl_metrics.diagnosis.facts.serverflags import KNOWN, objections

# Recorded: the program was started with each of these. It went on to look for the API server ...
ACCEPTED = (
    "--secure-port=0x50",
    "--secure-port=+5",
    "--secure-port=0o17",
    "--secure-port=017",
    "--metric-resolution=+50s",
    "-v2",
    "-v 3",
    "--kubelet-port=-1",
    "--metric-resolution=10s --kubelet-request-timeout=9s",
    "--kubelet-insecure-tls=false --kubelet-certificate-authority=/x",
    "--secure-port=1_000",
    "--logging-format=json",
    "--kubelet-insecure-tls=T",
    "--kubelet-insecure-tls true",
    "--kubelet-use-node-status-port --kubelet-preferred-address-types=InternalIP",
    "-l a=b",
    "--node-selector=a=b",
    "--profiling=false",
    "--bind-address=::",
    "--cert-dir=/tmp --secure-port=4443",
    "--authorization-always-allow-paths=/livez,/readyz",
    "--kubelet-request-timeout=54s",
    "--secure-port=-1",
    "--v=4 --vmodule=a=2",
    "--requestheader-uid-headers=X-Remote-Uid",
)
# ... or ended with "panic: " and its reason.
REFUSED = (
    "--secure-port=08",
    "--metric-resolution=-5s",
    "--bind-address=010.1.1.1",
    "--tls-private-key-file=/a",
    "-v=-1",
    "--metric-resolution=10s --kubelet-request-timeout=9001ms",
    "--metric-resolution=10s",
    "--metric-resolution=9.999s --kubelet-request-timeout=1s",
    "--kubelet-insecure-tls --kubelet-certificate-authority=/x",
    "--kubelet-client-key= --kubelet-client-certificate=/b",
    "--metric-resolution=1_0s",
    "--logging-format=",
    "--logging-format=xml",
    "--kubelet-insecure-tls=yes",
    "--deprecated-kubelet-completely-insecure --kubelet-insecure-tls",
    "--deprecated-kubelet-completely-insecure --kubelet-client-key=/a --kubelet-client-certificate=/b",
    "--deprecated-kubelet-completely-insecure --kubelet-certificate-authority=/b",
    "--kubelet-request-timeout=0s",
    "--kubelet-request-timeout=0",
    "--kubelet-request-timeout=-1s",
    "--metric-resolution=5",
    "--metric-resolution=0",
    "--metric_resolution=15s",
    "--logtostderr",
    "--source=kubernetes",
    "--enable-swagger-ui",
    "--http2-max-streams-per-connection=x",
    "--secure-port=",
    "--metric-resolution=",
    "--bind-address=foo",
    "--kubelet-request-timeout=54.1s",
    "--metric-resolution=1m --kubelet-request-timeout=55s",
    "--audit-log-maxage=x",
    "--log-flush-frequency=5",
    "--authentication-skip-lookup=maybe",
    "--tls-cert-file=/a --tls-private-key-file=",
    "--secure-port=99999",
    "--runtime-config=a=b",
    "--insecure-port=0",
    "--target-ram-mb=5",
    "--stderrthreshold=1",
    "--log_dir=/tmp",
    "--kubelet-port=x",
    "--kubelet-client-key=/a",
)


def complaints(line: str, version: tuple[int, int] | None = (0, 9)) -> list[tuple[str, str]]:
    """The flags that are objected to, and why."""
    return [(one.flags, one.why) for one in objections(parse(shlex.split(line)), version)]


@pytest.mark.parametrize("line", ACCEPTED)
def test_accepted(line: str) -> None:
    assert complaints(line) == []
    assert complaints(line, None) == []


@pytest.mark.parametrize("line", REFUSED)
def test_refused(line: str) -> None:
    found = complaints(line)
    assert found
    first = found[0][0].lstrip("-").partition("=")[0].partition(" ")[0]
    assert first in line or first == "metric-resolution"  # the timeout may contradict the default resolution


@pytest.mark.parametrize(
    ("line", "flags", "why"),
    [
        ("--metric-resolution=5s", "--metric-resolution=5s", "at least 10s"),
        ("--metric-resolution=10s", "--metric-resolution=10s --kubelet-request-timeout=10s", "nine tenths"),
        ("--metric-resolution=5", "--metric-resolution=5", "unit"),
        ("--metric_resolution=15s", "--metric_resolution", "it is called --metric-resolution"),
        ("--logtostderr", "--logtostderr", "since 0.7"),
        ("--source=kubernetes", "--source", "no such flag"),
        ("-x=5", "-x", "no such flag"),
        ("--kubelet-client-key=/k", "--kubelet-client-key", "needs --kubelet-client-certificate too"),
        (
            "--kubelet-insecure-tls --kubelet-certificate-authority=/ca",
            "--kubelet-certificate-authority --kubelet-insecure-tls",
            "exclude",
        ),
        ("--secure-port=70000", "--secure-port=70000", "no such port"),
        (f"--metric-resolution={'9' * 400}s", f"--metric-resolution={'9' * 60}", "unit"),  # more than an int64 holds
        ("--metric-resolution=9223372037s", "--metric-resolution=9223372037s", "unit"),
    ],
)
def test_what_is_said(line: str, flags: str, why: str) -> None:
    ((told, reason),) = complaints(line)
    assert told == flags
    assert why in reason


def test_several_things_at_once() -> None:
    found = [one for one, _ in complaints("--metric-resolution=5s --no-such-flag --secure-port=x")]
    assert found == ["--no-such-flag", "--secure-port=x", "--metric-resolution=5s"]


def test_klogs_flags_were_known_up_to_0_6() -> None:
    assert complaints("--logtostderr --log_dir=/tmp", (0, 6)) == []
    assert len(complaints("--logtostderr --log_dir=/tmp", (0, 7))) == 2


def test_which_flags_newer_ones_know_is_not_known() -> None:
    assert complaints("--no-such-flag --metric-resolution=15s", (0, 10)) == []
    assert complaints("--no-such-flag", (1, 0)) == []
    assert len(complaints("--no-such-flag --metric-resolution=5s", (0, 10))) == 1


def test_of_older_ones_nothing_is_known() -> None:
    assert complaints("--no-such-flag --metric-resolution=1s", (0, 5)) == []


def test_what_the_kubelet_puts_in_is_not_judged() -> None:
    assert complaints("--secure-port=$(PORT) --metric-resolution=$(RESOLUTION)") == []
    assert complaints("--no-such-flag=$(X)") != []
    assert complaints("--$(NAME)=x $(MORE)") == []


@pytest.mark.parametrize(
    "line",
    [
        "--kubelet-client-key=$(KEY) --kubelet-client-certificate=/c",
        "--tls-cert-file=/c --tls-private-key-file=$(KEY)",
        "--metric-resolution=10s --kubelet-request-timeout=$(TIMEOUT)",
        "--metric-resolution=$(RESOLUTION) --kubelet-request-timeout=55s",
    ],
)
def test_what_the_kubelet_puts_in_contradicts_nothing(line: str) -> None:
    assert complaints(line) == []


def test_what_may_be_given_besides_contradicts_nothing() -> None:
    def among_others(line: str) -> list[str]:
        return [one.flags for one in objections(parse(shlex.split(line)), (0, 9), complete=False)]

    assert among_others("--metric-resolution=10s --tls-cert-file=/c") == []
    assert among_others("--metric-resolution=10s --kubelet-request-timeout=10s") != []
    assert among_others("--metric-resolution=5s --no-such-flag") == ["--no-such-flag", "--metric-resolution=5s"]


def test_the_manifest() -> None:
    line = (
        "--cert-dir=/tmp --secure-port=10250 --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname "
        "--kubelet-use-node-status-port --metric-resolution=15s"
    )
    assert complaints(line) == []
    assert {"metric-resolution", "l", "v", "kubelet-insecure-tls"} <= KNOWN


@given(st.dictionaries(st.one_of(st.sampled_from(sorted(KNOWN)), st.text(max_size=5)), st.text(max_size=40)))
def test_any_flags_can_be_judged(flags: dict[str, str]) -> None:
    for one in objections(flags, (0, 9)):
        assert one.flags and one.why
