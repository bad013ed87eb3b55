"""A whole cluster on loopback: an API server, one kubelet per node, users, faults, and a record of what was asked."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.simcluster.api import ApiServer
from tests.simcluster.clock import SECOND, Clock
from tests.simcluster.faults import Fault, FaultBoard, Installed
from tests.simcluster.kubeconfig import kubeconfig
from tests.simcluster.kubelet import Kubelet
from tests.simcluster.messages import Handler, Request
from tests.simcluster.objects import Node, Pod
from tests.simcluster.pki import KeyPair
from tests.simcluster.proxy import NodeProxy
from tests.simcluster.server import Loop, Server
from tests.simcluster.world import World

_ADDRESSES_PER_NET = 250
_ATTEMPTS = 20
_numbers = itertools.count(os.getpid())


class SimCluster(World):
    """A cluster that runs from ``start`` (or ``with``) to ``close``.

    ``nodes`` is a number (they are called node-1, node-2, ... and get ``pods_per_node`` pods each, spread over
    ``namespaces``) or a list of ``Node``; ``pods`` are added to those. Everything in it may be changed while it runs:
    ``nodes`` and ``pods`` are dicts of plain objects, ``users`` and ``metrics`` are looked at in every request.
    """

    def __init__(
        self,
        nodes: int | Sequence[Node] = 3,
        pods: Iterable[Pod] = (),
        *,
        pods_per_node: int = 2,
        namespaces: Sequence[str] = ("shop", "default"),
        clock: Clock | None = None,
        metrics_versions: tuple[str, ...] = ("v1beta1",),
    ) -> None:
        super().__init__(clock or Clock())
        self.metrics.versions = metrics_versions
        self.requests: list[Request] = []
        """Every request that any server has seen, in the order of their arrival."""
        self.read_only_port = 0
        """The plain-HTTP port of the nodes that have one."""
        self._number = next(_numbers)
        self._pod_numbers = itertools.count(2)
        self._faults = FaultBoard()
        self._faults.changed = self._refresh
        self._servers: dict[str, list[Server]] = {}
        self._loop: Loop | None = None
        self._files: list[Path] = []
        self._proxy = NodeProxy(self)
        if isinstance(nodes, int):
            nodes = [Node(f"node-{number}") for number in range(1, nodes + 1)]
            homes = [node.name for node in nodes for _ in range(pods_per_node)]
            spread = itertools.cycle(namespaces)
            pods = [*(Pod(f"pod-{number}", next(spread), home) for number, home in enumerate(homes, 1)), *pods]
        for node in nodes:
            self.add(node)
        for pod in pods:
            self.add(pod)

    # ---- life --------------------------------------------------------------------------------------------------------

    def start(self) -> SimCluster:
        """Listen everywhere."""
        self._loop = Loop()
        try:
            self._serve(
                "api", ApiServer(self, self._proxy), self.pki.cluster.server("kube-apiserver", _API_NAMES), "127.0.0.1"
            )
            self._listen_kubelets(list(self.nodes.values()))
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End everything at once, hanging requests too: no thread, socket or file is left."""
        self._proxy.close()
        if self._loop is not None:
            self._loop.close()
            self._loop = None
        while self._files:
            self._files.pop().unlink(missing_ok=True)

    def __enter__(self) -> SimCluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # ---- what is in it -----------------------------------------------------------------------------------------------

    def add(self, thing: Node | Pod) -> None:
        """Add a node (its kubelet listens at once if the cluster runs) or a pod, or replace the one of that name."""
        if isinstance(thing, Pod):
            number = next(self._pod_numbers)
            thing.added(self.clock.now(), f"10.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}")
            self.pods[thing.key] = thing
            return
        index = len(self.nodes)
        thing.added(self.clock.now(), self._address(index), f"10.{(244 + (index >> 8)) % 256}.{index & 255}.0/24")
        self.nodes[thing.name] = thing
        if self._loop is not None:
            self._listen_kubelets([thing])

    def restart(self, pod: str) -> None:
        """Restart all containers of a pod (``namespace/name``) now."""
        for container in self.pods[pod].containers:
            container.restart(self.clock.now())

    @property
    def url(self) -> str:
        """The API server."""
        return f"https://127.0.0.1:{self._servers['api'][0].address[1]}"

    def kubelet_url(self, node: str) -> str:
        """A node's kubelet, by the address on which it listens."""
        host = self.nodes[node].listen
        return f"https://{f'[{host}]' if ':' in host else host}:{self.kubelet_port}"

    @property
    def connections(self) -> Counter[str]:
        """How many connections each server has accepted, ``api`` and the nodes by name."""
        return Counter({name: sum(server.accepted for server in servers) for name, servers in self._servers.items()})

    def asked(self, server: str | None = None, path: str = "") -> list[Request]:
        """The requests so far of one server (None: of all) whose path begins with ``path``."""
        return [r for r in list(self.requests) if server in (None, r.server) and r.path.startswith(path)]

    def settle(self) -> None:
        """Return when all that clients have sent is in ``requests``: some do not wait for answers."""
        servers = [server for servers in self._servers.values() for server in servers]
        while any(connection.is_behind() for server in servers for connection in list(server.connections)):
            time.sleep(0.001)

    # ---- credentials -------------------------------------------------------------------------------------------------

    @property
    def ca_pem(self) -> bytes:
        """The authority that signed the API server's certificate and, by default, the kubelets'."""
        return self.pki.cluster.pem

    @property
    def kubelet_ca_pem(self) -> bytes:
        """The authority of the nodes with ``serving="other-ca"``."""
        return self.pki.kubelets.pem

    def client_certificate(self, user: str) -> KeyPair:
        """A certificate with which a user authenticates, to the API server and to kubelets."""
        return self.pki.cluster.client(user, self.identity(user).groups[:-1])

    def expired_client_certificate(self, user: str) -> KeyPair:
        """One that was good until yesterday: 401."""
        return self.pki.cluster.client(user, (), expired=True)

    def foreign_client_certificate(self, user: str) -> KeyPair:
        """One from an authority that nobody here trusts: 401."""
        return self.pki.strangers.client(user)

    def kubeconfig(
        self,
        user: str = "admin",
        path: Path | None = None,
        *,
        cert: bool = False,
        token: str | None = None,
        credentials: bool = True,
        namespace: str | None = None,
        **cluster: Any,
    ) -> Path:
        """Write a kubeconfig and return its path; without a path, a file that goes away with the cluster.

        Keyword arguments besides the named ones go into the cluster entry, ``_`` for ``-``:
        ``insecure_skip_tls_verify=True``, ``tls_server_name="kubernetes"``; None takes a field out
        (``certificate_authority_data=None``).
        """
        credential: str | KeyPair | None = None
        if credentials:
            credential = self.client_certificate(user) if cert else token or self.token(user)
        if path is None:
            descriptor, name = tempfile.mkstemp(prefix="simcluster-", suffix=".kubeconfig")
            os.close(descriptor)
            path = Path(name)
            self._files.append(path)
        fields = {key.replace("_", "-"): value for key, value in cluster.items()}
        path.write_text(kubeconfig(self.url, self.ca_pem, user, credential, namespace, fields))
        path.chmod(0o600)
        return path

    # ---- faults ------------------------------------------------------------------------------------------------------

    def fault(self, target: str | Iterable[str], fault: Fault, path: str = "/", times: int | None = None) -> Installed:
        """Put a fault in force: for ``api``, a node's name, several of those, or ``kubelets``, which is all of them.

        ``path`` is a prefix and limits faults in responses; ``times`` limits how often it acts. The handle that is
        returned ends it (``remove``, or ``with``), and counts its ``hits``.
        """
        return self._faults.install(fault, frozenset([target] if isinstance(target, str) else target), path, times)

    def _refresh(self, targets: frozenset[str]) -> None:
        for name, servers in self._servers.items():
            if name in targets or (name != "api" and "kubelets" in targets):
                for server in servers:
                    server.refresh()

    # ---- sockets -----------------------------------------------------------------------------------------------------

    def _address(self, index: int) -> str:
        """An address of its own for each node: 127.NET.CLUSTER.NODE."""
        net, host = divmod(index, _ADDRESSES_PER_NET)
        return f"127.{7 + net}.{self._number % _ADDRESSES_PER_NET}.{1 + host}"

    def _serve(self, name: str, handler: Handler, pair: KeyPair | None, host: str, port: int = 0) -> int:
        assert self._loop is not None
        context = None if pair is None else self.pki.server_context(pair)
        server = Server(
            self._loop,
            name,
            handler,
            context,
            faults=self._faults,
            requests=self.requests,
            now=lambda: self.clock.now() / SECOND + self.skew.get(name, 0),
        )
        taken = server.bind(host, port)
        self._servers.setdefault(name, []).append(server)
        return taken

    def _listen_kubelets(self, nodes: Sequence[Node]) -> None:
        """All on one port: the first one that is free on every node's address."""
        for attempt in range(_ATTEMPTS):
            try:
                for node in nodes:
                    pair = self.pki.serving(node.serving, node.name, node.listen)
                    self.kubelet_port = self._serve(
                        node.name, Kubelet(self, node), pair, node.listen, self.kubelet_port
                    )
                break
            except OSError:
                if attempt == _ATTEMPTS - 1 or len(nodes) < len(self.nodes):
                    raise
                self._unlisten_kubelets()
        for node in nodes:
            if node.read_only_port:
                self.read_only_port = self._serve(
                    node.name, Kubelet(self, node, read_only=True), None, node.listen, self.read_only_port
                )

    def _unlisten_kubelets(self) -> None:
        for name in [name for name in self._servers if name != "api"]:
            for server in self._servers.pop(name):
                server.unlisten()
        self.kubelet_port = 0


_API_NAMES = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default.svc")
