"""Runs the command line in this process and keeps what it prints."""

from __future__ import annotations

import contextlib
import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from kubectl_metrics.cli import main
from kubectl_metrics.commands import early
from tests.simcluster import SimCluster


class Result(msgspec.Struct):
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The table's cells, without the header."""
        return [line.split() for line in self.out.splitlines()[1:]]


class _Stream(io.TextIOWrapper):
    def __init__(self, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def written(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


@contextlib.contextmanager
def streams(terminal: bool = False) -> Iterator[tuple[_Stream, _Stream]]:
    """stdout and stderr of the process replaced by ours."""
    out, err = _Stream(), _Stream(terminal)
    with mock.patch("sys.stdout", out), mock.patch("sys.stderr", err):
        yield out, err


def run(*arguments: str, terminal: bool = False) -> Result:
    """One command, as ``kubectl metrics ARGUMENTS``."""
    with streams(terminal) as (out, err):
        status = main(list(arguments), early.begin(arguments, os.environ))
    return Result(int(status), out.written(), err.written())


def lose_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as any number: no $HOME, and no such user in /etc/passwd."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)


def invalid_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No host has a name that ends in .invalid (RFC 2606); not every machine has somebody who says so, and at once."""
    others = socket.getaddrinfo

    def getaddrinfo(host: Any, *more: Any, **settings: Any) -> Any:
        if isinstance(host, str) and host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return others(host, *more, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


class Tool:
    """Commands against one cluster as one user."""

    def __init__(self, kubeconfig: Path, cluster: SimCluster | None = None) -> None:
        self._kubeconfig = str(kubeconfig)
        self._cluster = cluster

    def __call__(self, *arguments: str, terminal: bool = False) -> Result:
        """Of a known cluster: what the command has asked is in its record then, also what it did not wait for."""
        result = run(*arguments, "--kubeconfig", self._kubeconfig, terminal=terminal)
        if self._cluster is not None:
            self._cluster.settle()
        return result


def tool(cluster: SimCluster, user: str = "admin", **tweaks: object) -> Tool:
    """The tool as a user of a simulated cluster, whose kubeconfig can be tweaked."""
    return Tool(cluster.kubeconfig(user, **tweaks), cluster)  # type: ignore[arg-type]  # they are SimCluster.kubeconfig's
