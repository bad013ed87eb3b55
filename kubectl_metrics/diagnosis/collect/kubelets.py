"""What the kubelets do when they are asked: one ``KubeletProbe`` for each.

Strategy: a kubelet is asked as ``sources.access`` would ask it, but each step is kept: the addresses one after the
other, the certificate, the answer, and where the direct way fails, the answer through the API server. What the request
itself does not show (whether metrics-server's CA has signed the certificate, and what is in one that we do not accept)
is learned from handshakes in which nothing is said (``connection.peer``).

Facts
- Most clusters have one CA for all: then one connection to a healthy kubelet tells everything.
- A kubelet to which there is no connection keeps a worker busy for seconds. So there is a worker for each, up to 200,
  and where the first handful could not be reached, the rest are not tried, directly or by proxy.
- All together have as long as one slow kubelet would take: what there is no time left for is not tried, and that is not
  held against the kubelet.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Collection, Sequence
from ssl import SSLContext

import msgspec

from kubectl_metrics.connection import peer
from kubectl_metrics.connection.deadlines import Deadline
from kubectl_metrics.connection.descriptors import room
from kubectl_metrics.connection.places import Places, gather
from kubectl_metrics.connection.transport import Response, Transport
from kubectl_metrics.diagnosis.collect.configz import authentication
from kubectl_metrics.diagnosis.collect.scrape import summarize
from kubectl_metrics.diagnosis.probe import CONFIG, HEALTH, Answer, Attempt, Certificate, KubeletProbe
from kubectl_metrics.errors import (
    UNREACHABLE_KINDS,
    UNVERIFIED_KINDS,
    ConnectionFailed,
    FailureKind,
    KubeconfigError,
    MetricsError,
)
from kubectl_metrics.sources import addresses
from kubectl_metrics.sources.access import (
    CONNECT_TIMEOUT,
    MAX_USAGE,
    PROXIED,
    Channel,
    Kubelets,
    direct_channel,
    is_api_refusal,
)
from kubectl_metrics.sources.measuring import resource_path
from kubectl_metrics.sources.reach import Reach
from kubectl_metrics.wire import certificate, servername, status
from kubectl_metrics.wire.core import Node
from kubectl_metrics.wire.status import shorten
from kubectl_metrics.wire.time import format_timestamp

_WORKERS = 200
_ROUNDS = 3  # time limits of a kubelet, in all: where few connections may be open, not all of them get their turn
_ADDRESSES = 3  # of one node
_PATIENCE = 6.0  # seconds for the API server, to a kubelet that could not be reached directly
_LEAST = 3.0  # seconds: with less than that, nothing new is begun
_EXCERPT = 300  # characters of a body that is an error
_CONNECTED = frozenset({"", *(kind.value for kind in UNVERIFIED_KINDS), FailureKind.TLS.value})
_ELSEWHERE = frozenset(kind.value for kind in UNREACHABLE_KINDS | UNVERIFIED_KINDS | {FailureKind.TLS})


class Authorities(msgspec.Struct, frozen=True, kw_only=True):
    """Who vouches for kubelets: PEM, None for the system's roots."""

    ours: bytes | None  # what direct access verifies with
    theirs: bytes | None  # what metrics-server does: kube-root-ca.crt, else the kubeconfig's
    insecure: bool = False  # --kubelet-insecure-tls: direct access verifies nothing

    def agree(self) -> bool:
        """Whether both are the same certificates."""
        if self.ours is None or self.theirs is None:
            return self.ours is self.theirs
        return set(certificate.blocks(self.ours)) == set(certificate.blocks(self.theirs))


def probe(
    nodes: Sequence[Node],
    kubelets: Kubelets,
    authorities: Authorities,
    *,
    deep: bool = False,
    closely: Collection[str] = (),
) -> list[KubeletProbe]:
    """Ask the kubelets of ``nodes``, all at once.

    Args:
        nodes: in the order of the result.
        kubelets: the way to them.
        authorities: for their certificates.
        deep: whether to ask for their health and configuration too.
        closely: the nodes to be asked so where not all are: those without metrics.

    Raises:
        MetricsError: the options for direct access cannot be used.
    """
    chosen = {node.name for node in nodes} if deep else set(closely)
    prober = _Prober(kubelets, authorities, closely=chosen, count=len(nodes))
    probes = []
    for outcome in gather(prober.ask, nodes, workers=prober.workers):
        if isinstance(outcome, MetricsError):
            raise outcome
        probes.append(outcome)
    return probes


class _Prober:
    """Asks one kubelet; what it learns of one is of use for the next."""

    def __init__(self, kubelets: Kubelets, authorities: Authorities, *, closely: Collection[str], count: int) -> None:
        self._kubelets = kubelets
        self._closely = closely
        self._timeout = kubelets.options.timeout
        self._access = kubelets.options.access
        # Whether our own verification is metrics-server's too.
        self._same = not authorities.insecure and authorities.agree()
        self._insecure = authorities.insecure
        self._any = peer.any_context()
        self._chain: SSLContext | None = None
        with contextlib.suppress(KubeconfigError):  # then nobody knows what metrics-server makes of it
            self._chain = peer.chain_context(authorities.theirs)
        self._directly, self._by_proxy = Reach(), Reach()
        self._slots = Places(PROXIED)  # whoever waits for one does not know yet what others learn
        self.workers = max(1, min(_WORKERS, room() // 2))  # each may have two connections
        rounds = min(_ROUNDS, -(-count // self.workers))
        self._end = Deadline((self._timeout + 1) * rounds)  # the time for all

    async def ask(self, node: Node) -> KubeletProbe:
        found = KubeletProbe(node=node.name)
        path = resource_path(node)
        transport = await self._attempt(node, path, found)
        try:
            if self._needs_proxy(found):
                await self._ask_by_proxy(node, path, found)
            if node.name in self._closely:
                await self._ask_more(node, transport, found)
        finally:
            if transport is not None:
                transport.close()
        return found

    # ---- directly ----

    async def _attempt(self, node: Node, path: str, found: KubeletProbe) -> Transport | None:
        """Tries the addresses until there is a kubelet at one; returns the way to it if it may be asked more."""
        port = self._kubelets.port(node)
        known = addresses.addresses(node, self._kubelets.options.address_types)
        hosts = [(address, kind) for address, kind in known.items() if addresses.is_host(address)][:_ADDRESSES]
        if not 0 < port < 65536:
            return None
        for number, (address, kind) in enumerate(hosts):
            if self._directly.hopeless() or not self._is_time():
                return None
            attempt = Attempt(type=kind, address=address, port=port)
            found.attempts.append(attempt)
            started = time.monotonic()
            transport = self._kubelets.transport(node, address, port)
            answered = self._access != "proxy" and await self._ask_directly(transport, path, attempt, found)
            if self._kubelets.options.secure:
                await self._look(node, attempt, transport.certificate)
            attempt.seconds = round(time.monotonic() - started, 3)
            if answered:
                self._directly.note(reached=True)
                return transport
            transport.close()
            if attempt.failure in _CONNECTED:
                self._directly.note(reached=True)
                return None
            if not number and attempt.failure == FailureKind.TIMEOUT.value:
                self._directly.note(reached=False)
        return None

    async def _ask_directly(self, transport: Transport, path: str, attempt: Attempt, found: KubeletProbe) -> bool:
        """Whether there was an HTTP answer. Unless --kubelet-insecure-tls says so, a bad certificate is the end."""
        try:
            answer = await self._ask(direct_channel(transport), path, found)
        except ConnectionFailed as error:
            secured = transport.certificate is not None and error.kind not in UNVERIFIED_KINDS
            if secured or error.kind is FailureKind.HUNG:  # the kubelet is there, and its answer is not
                found.answers.append(_failed(path, error))
            else:
                attempt.failure, attempt.message = error.kind.value, error.reason
            return False
        found.answers.append(answer)
        return True

    async def _look(self, node: Node, attempt: Attempt, shown: bytes | None) -> None:
        """The certificate of an attempt, and who trusts it. ``shown`` is what our own request has seen of it."""
        if attempt.failure not in _CONNECTED:
            return
        ours = self._same and self._access != "proxy"
        if ours and shown is not None and attempt.failure in ("", FailureKind.TLS_NAME.value):
            attempt.trusted = True
        elif ours and attempt.failure == FailureKind.TLS_UNTRUSTED.value:
            attempt.trusted = False
        elif self._chain is not None and attempt.failure != FailureKind.TLS.value:
            try:
                shown = await self._handshake(attempt, self._chain)
                attempt.trusted = True
            except ConnectionFailed as error:
                if error.kind in UNVERIFIED_KINDS:
                    attempt.trusted = False
                elif not attempt.failure:
                    attempt.failure, attempt.message = error.kind.value, error.reason
        if shown is None and attempt.failure in _CONNECTED:
            with contextlib.suppress(ConnectionFailed):
                shown = await self._handshake(attempt, self._any)
        if shown is None:
            return
        with contextlib.suppress(ValueError):
            read = certificate.parse(shown)
            attempt.certificate = _certificate(read)
            if not attempt.failure and (self._insecure or self._access == "proxy"):
                attempt.failure, attempt.message = _judge(read, attempt.trusted, addresses.names(node))

    async def _handshake(self, attempt: Attempt, context: SSLContext) -> bytes:
        return await peer.certificate(
            attempt.address,
            attempt.port,
            context,
            connect_timeout=min(CONNECT_TIMEOUT, self._timeout),
            timeout=min(CONNECT_TIMEOUT, self._timeout),
            total=self._kubelets.total,
        )

    # ---- through the API server ----

    def _needs_proxy(self, found: KubeletProbe) -> bool:
        if self._access != "auto":
            return self._access == "proxy"
        if found.answers:
            return found.answers[-1].status in (401, 403)
        return all(one.failure in _ELSEWHERE for one in found.attempts)

    async def _ask_by_proxy(self, node: Node, path: str, found: KubeletProbe) -> None:
        """Adds the answer, unless it was not tried."""
        patience = _PATIENCE if any(one.failure not in _CONNECTED for one in found.attempts) else self._timeout
        async with self._slots.one():
            if not self._is_time() or self._by_proxy.hopeless():
                return
            try:
                answer = await self._ask(self._kubelets.proxy(node), path, found, patience)
            except ConnectionFailed as error:
                self._by_proxy.note(reached=error.kind not in (FailureKind.HUNG, FailureKind.TIMEOUT))
                answer = _failed(path, error)
                answer.proxied = True
            else:
                self._by_proxy.note(reached=True)
        found.answers.append(answer)

    # ---- in depth ----

    async def _ask_more(self, node: Node, transport: Transport | None, found: KubeletProbe) -> None:
        for path in (HEALTH, CONFIG):
            answer = None
            if transport is not None and self._is_time():
                try:
                    answer = await self._ask(direct_channel(transport), path, found)
                except ConnectionFailed as error:
                    answer = _failed(path, error)
                found.answers.append(answer)
            if self._access != "direct" and (answer is None or not 200 <= answer.status < 300):
                await self._ask_by_proxy(node, path, found)

    # ---- both ----

    def _is_time(self) -> bool:
        """Whether there is enough left to begin with a request."""
        return self._end.left() >= min(_LEAST, self._timeout)

    async def _ask(self, channel: Channel, path: str, found: KubeletProbe, patience: float = math.inf) -> Answer:
        """The answer, whatever its status; ``patience`` in seconds. Raises ConnectionFailed."""
        asked = time.time()
        response = await channel.fetch(path, (), MAX_USAGE, Deadline(patience, within=self._end))
        good = 200 <= response.status < 300
        if good and path == CONFIG:
            found.authentication = authentication(response.body)
        return Answer(
            path=path,
            proxied=channel.proxied,
            by_api=channel.proxied and not good and is_api_refusal(response),
            status=response.status,
            message="" if good else _excerpt(response),
            content_type=channel.redact(response.headers.get("content-type", ""))[:100],
            date=channel.redact(response.headers.get("date", ""))[:40],
            asked=_timestamp(asked + response.seconds / 2),
            seconds=round(response.seconds, 3),
            scrape=summarize(response.body) if good and path not in (HEALTH, CONFIG) else None,
        )


def _failed(path: str, error: ConnectionFailed) -> Answer:
    return Answer(path=path, failure=error.kind.value, message=error.reason, asked=_timestamp(time.time()))


def _excerpt(response: Response) -> str:
    """The message of the API server's Status; of anything else, the beginning."""
    if is_api_refusal(response):
        return status.error(response.status, response.body, "").message[:_EXCERPT]
    return shorten(response.body[: 4 * _EXCERPT].decode("utf-8", "replace"))[:_EXCERPT]


def _certificate(found: certificate.Certificate) -> Certificate:
    return Certificate(
        subject=found.subject,
        issuer=found.issuer,
        dns_names=list(found.dns_names),
        ip_addresses=list(found.ip_addresses),
        not_before=_timestamp(found.not_before.timestamp()),
        not_after=_timestamp(found.not_after.timestamp()),
        self_signed=found.self_signed,
    )


def _judge(found: certificate.Certificate, trusted: bool | None, names: Sequence[str]) -> tuple[str, str]:
    """What a client that verifies would have said: where ours did not, or was not asked to."""
    if trusted is False:
        return FailureKind.TLS_UNTRUSTED.value, "x509: certificate signed by unknown authority"
    if not found.not_before.timestamp() <= time.time() <= found.not_after.timestamp():
        return FailureKind.TLS_EXPIRED.value, "x509: certificate has expired or is not yet valid"
    words = servername.mismatch(found.dns_names, found.ip_addresses, names)
    return (FailureKind.TLS_NAME.value, words) if words else ("", "")


def _timestamp(seconds: float) -> str:
    return format_timestamp(round(seconds * 1000))
