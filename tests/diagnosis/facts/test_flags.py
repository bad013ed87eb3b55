"""metrics-server's flags: what they say, and what cannot be known of them."""

from __future__ import annotations

import pytest

from kubectl_metrics.diagnosis.evidence import Unknown
from kubectl_metrics.diagnosis.facts.flags import DEFAULT_ADDRESS_TYPES, ServerFlags
from kubectl_metrics.diagnosis.objects import Container

PROPERTIES = (
    "kubelet_timeout",
    "address_types",
    "insecure_tls",
    "certificate_authority",
    "uses_status_port",
    "kubelet_port",
    "node_selector",
)


def flags(*args: str, command: list[str] | None = None) -> ServerFlags:
    """Those of a container."""
    return ServerFlags(Container(name="metrics-server", command=command, args=list(args)))


def unknown(found: ServerFlags) -> list[str]:
    """The properties that cannot be known."""
    names = []
    for name in PROPERTIES:
        try:
            getattr(found, name)
        except Unknown:
            names.append(name)
    return names


@pytest.mark.parametrize("command", [None, ["/metrics-server"], ["/usr/bin/metrics-server", "--v=2"]])
def test_what_is_not_given_has_its_default(command: list[str] | None) -> None:
    found = flags("--cert-dir=/tmp", command=command)
    assert unknown(found) == []
    assert found.address_types == DEFAULT_ADDRESS_TYPES
    assert (found.secure_port, found.kubelet_port, found.resolution, found.kubelet_timeout) == (443, 10250, 60.0, 10.0)
    assert (found.insecure_tls, found.uses_status_port, found.node_selector) == (False, False, "")


@pytest.mark.parametrize(
    ("command", "args"),
    [
        (["/bin/sh", "-c", "exec /metrics-server --kubelet-insecure-tls"], []),
        (["/sbin/tini", "--"], ["/metrics-server", "--secure-port=10250"]),
        (None, ["sh", "-c", "exec /metrics-server"]),
        (["$(PROGRAM)"], ["--secure-port=10250"]),
    ],
)
def test_of_what_a_wrapper_hands_on_nothing_is_known(command: list[str] | None, args: list[str]) -> None:
    found = flags(*args, command=command)
    assert unknown(found) == list(PROPERTIES)
    assert (found.given, found.secure_port, found.resolution) == ({}, 0, None)


def test_why_nothing_is_known() -> None:
    with pytest.raises(Unknown) as caught:
        flags(command=["/bin/sh", "-c", "/metrics-server"]).on("kubelet-insecure-tls")
    assert caught.value.read.what == "metrics-server's arguments"
    assert caught.value.read.message == "sh starts metrics-server, with whatever arguments"


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (["--kubelet-insecure-tls=$(INSECURE)"], ["insecure_tls"]),
        (["--kubelet-preferred-address-types", "$(TYPES)"], ["address_types"]),
        (["--kubelet-port=1$(PORT)"], ["kubelet_port"]),
        (["--kubelet-request-timeout=$(SECONDS)s"], ["kubelet_timeout"]),
        (["-l", "$(SELECTOR)"], ["node_selector"]),
        (["--kubelet-certificate-authority=$(CA)", "--cert-dir=$(DIR)"], []),  # there is one, whichever
    ],
)
def test_a_variable_is_not_known(args: list[str], names: list[str]) -> None:
    assert unknown(flags(*args)) == names


def test_numbers_that_are_variables() -> None:
    found = flags("--secure-port=$(PORT)", "--metric-resolution=$(RESOLUTION)")
    assert (found.secure_port, found.resolution) == (0, None)


@pytest.mark.parametrize("more", ["$(MORE)", "--$(NAME)=true", "--$(FLAG)"])
def test_any_flag_may_be_in_a_variable(more: str) -> None:
    given = ("--kubelet-insecure-tls", "--kubelet-use-node-status-port", "--kubelet-port=10250")
    assert unknown(flags(*given, more)) == [
        "kubelet_timeout",
        "address_types",
        "certificate_authority",
        "node_selector",
    ]


@pytest.mark.parametrize("text", ["9" * 400 + "s", "9223372037s", "soon", "5"])
def test_what_is_no_duration(text: str) -> None:
    assert flags(f"--metric-resolution={text}").resolution is None
    assert flags(f"--kubelet-request-timeout={text}").kubelet_timeout is None
