"""Clusters to break, and a way to run many commands against them."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator

import pytest

from tests.commands.conftest import small_cluster
from tests.faults.runs import Launcher
from tests.simcluster import SimCluster
from tests.simcluster.pipeline import install

CEILING = 25  # seconds that only a hang takes
PASSWORD = "sesame-open-9b1e7f"


class Farm:
    """As many clusters as one wants, all alike; each has metrics-server, and a user with every kind of credential."""

    def __init__(self) -> None:
        self._clusters: list[SimCluster] = []
        self._configs: list[dict[str, str]] = []
        self.secrets: list[str] = [PASSWORD, base64.b64encode(f"admin:{PASSWORD}".encode()).decode()]
        """What must never be seen."""

    def __getitem__(self, index: int) -> SimCluster:
        while len(self._clusters) <= index:
            self._grow()
        return self._clusters[index]

    def config(self, index: int, credential: str = "token") -> str:
        """A kubeconfig of that cluster, with a ``token``, a client ``certificate`` or a ``password``."""
        self[index]  # now there is one
        return self._configs[index][credential]

    def _grow(self) -> None:
        cluster = small_cluster()
        del cluster.pods["kube-system/agent"]  # whose CPU is zero: a finding of its own
        cluster.start()
        self._clusters.append(cluster)
        install(cluster)
        token = cluster.kubeconfig(namespace="shop")
        certificate = cluster.kubeconfig(namespace="shop", cert=True)
        password = cluster.kubeconfig(namespace="shop", credentials=False)
        document = json.loads(password.read_text())
        document["users"][0]["user"] = {"username": "admin", "password": PASSWORD}
        password.write_text(json.dumps(document))
        key = json.loads(certificate.read_text())["users"][0]["user"]["client-key-data"]
        pem = base64.b64decode(key).decode().splitlines()[1:-1]
        self.secrets += [cluster.token("admin"), key, *pem]
        self._configs.append({"token": str(token), "certificate": str(certificate), "password": str(password)})

    def close(self) -> None:
        """The end of all of them."""
        with contextlib.ExitStack() as stack:
            for cluster in self._clusters:
                stack.callback(cluster.close)


@pytest.fixture(scope="session")
def farm() -> Iterator[Farm]:
    with contextlib.closing(Farm()) as made:
        yield made


@pytest.fixture(scope="session")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    with Launcher(tmp_path_factory.mktemp("runs"), CEILING) as launcher:
        yield launcher
