"""What all servers of a cluster look at: its objects, its users, and what metrics.k8s.io is like at the moment."""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.simcluster.clock import SECOND, Clock
from tests.simcluster.messages import Request, Response, plain
from tests.simcluster.objects import Node, Pod
from tests.simcluster.pki import Pki
from tests.simcluster.rbac import AUTHENTICATED, MASTERS, Identity, User
from tests.simcluster.store import Store

Backend = Callable[[Request], Response]
"""What answers behind a service."""


@dataclass
class MetricsService:
    """The metrics.k8s.io of a cluster. Change it while the cluster runs."""

    versions: tuple[str, ...] = ("v1beta1",)
    """The versions that are served, the preferred one first; none: the group does not exist."""
    unavailable: tuple[str, str] | None = None
    """(reason, message) of an APIService that is not Available; requests are then answered with 503."""
    window: float = 15
    """Seconds between metrics-server's two scrapes."""
    lag: float = 0
    """Seconds since the last scrape."""
    missing: set[str] = field(default_factory=set)
    """Nodes (``node-1``) and pods (``shop/web-1``) that it has nothing about."""
    empty: bool = False
    """It was just started and knows nothing yet."""


class World:
    """Everything in a cluster but its sockets."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pki = Pki()
        self.nodes: dict[str, Node] = {}
        self.pods: dict[str, Pod] = {}
        """By ``namespace/name``."""
        self.objects = Store(clock.now)
        """Everything else."""
        self.metrics = MetricsService()
        self.version = {"gitVersion": "v1.34.4", "goVersion": "go1.24.13", "platform": "linux/amd64"}
        """What /version says; major and minor follow from gitVersion."""
        self.skew: dict[str, float] = {}
        """Seconds by which a server's ``Date`` is wrong: ``{"api": 300}``, or a node's name."""
        self.logs: dict[tuple[str, str, bool], str] = {}
        """See ``log``."""
        self.backends: dict[tuple[str, str], dict[str, Backend]] = {}
        """See ``behind``."""
        self.users: dict[str, User] = {"admin": User(groups=(MASTERS,))}
        self.kubelet_port = 0
        self.kubelet_user = User(groups=(MASTERS,))
        """The API server towards the kubelets: ``kube-apiserver-kubelet-client``."""
        self._tokens_of = secrets.token_hex(8)

    def token(self, user: str) -> str:
        """The bearer token of a user."""
        proof = hashlib.sha256(f"{self._tokens_of}/{user}".encode()).hexdigest()[:24]
        return f"{base64.urlsafe_b64encode(user.encode()).decode().rstrip('=')}.{proof}"

    def identity(self, name: str, groups: tuple[str, ...] = ()) -> Identity:
        """A user by name; one that is not in ``users`` may exist, it just may not do much."""
        user = self.users.get(name, User())
        return Identity(name, (*user.groups, *groups, AUTHENTICATED), user.rules)

    def authenticate(self, request: Request) -> Identity | None:
        """Who this is: by client certificate, else by bearer token; None: nobody known.

        As in Kubernetes a certificate that is no good does not hide a token that is.
        """
        if request.certificate:
            identity = self._by_certificate(request)
            if identity is not None:
                return identity
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            name = next((name for name in self.users if self.token(name) == token), None)
            return None if name is None else self.identity(name)
        return None

    def _by_certificate(self, request: Request) -> Identity | None:
        certificate = request.certificate
        issuer = {key: value for part in certificate["issuer"] for key, value in part}
        if (
            issuer.get("commonName") != "kubernetes"
            or ssl.cert_time_to_seconds(certificate["notAfter"]) * SECOND < Clock().now()
        ):
            return None
        subject = [pair for part in certificate["subject"] for pair in part]
        name = next(value for key, value in subject if key == "commonName")
        groups = tuple(value for key, value in subject if key == "organizationName")
        return self.identity(name, groups)

    def log(self, pod: str, text: str, container: str = "", *, previous: bool = False) -> None:
        """Let a pod (``namespace/name``) have this log; by default that of its first container."""
        self.logs[pod, container or self.pods[pod].containers[0].name, previous] = text

    def behind(
        self,
        namespace: str,
        service: str,
        path: str,
        answer: str | Response | Backend,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what the API server's service proxy finds behind a service.

        ``service`` is as in the path, ``https:metrics-server:https``; ``path`` begins with a slash. A text is sent with
        the status. An answer like "error trying to reach service" is a ``failure(503, ...)``.
        """
        if isinstance(answer, str):
            answer = plain(status, answer)
            answer.headers.update(headers or {})
        fixed = answer
        backend: Backend = (lambda _: fixed) if isinstance(fixed, Response) else fixed
        self.backends.setdefault((namespace, service), {})[path] = backend

    def pods_on(self, node: str) -> list[Pod]:
        """The pods that were scheduled to a node."""
        return [pod for pod in list(self.pods.values()) if pod.node == node]
