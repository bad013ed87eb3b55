"""A release is only made if all tests have run."""

from __future__ import annotations

from release.__main__ import whole


def test_nothing_is_left_out_of_the_tests() -> None:
    """make hands its variables on to what it starts; those of the shell are handed on anyway."""
    choices = {
        "MAKEFLAGS": " -- PYTEST_ARGS=-k\\ x",
        "MAKEOVERRIDES": "${-*-command-variables-*-}",
        "MAKELEVEL": "1",
        "MFLAGS": "-k",
        "PYTEST_ARGS": "-k x",
        "PYTEST_ADDOPTS": "-k x",
        "E2E_KUBECONFIG": "/x",
        "MATRIX": "3.13-newest",
        "KREW_ARGS": "--manifest-only",
    }
    assert whole({"HOME": "/x", "PATH": "/bin", **choices}) == {"HOME": "/x", "PATH": "/bin"}
