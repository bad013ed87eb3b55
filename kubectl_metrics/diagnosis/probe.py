"""What one kubelet did when it was asked: the way to it, its certificate, its answer, and the series in it."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.objects.meta import Kube

HEALTH, CONFIG = "/healthz", "/configz"  # what is asked besides the metrics


class Certificate(Kube):
    """A serving certificate, as far as it decides whether somebody trusts it."""

    subject: str = ""  # RFC 4514, as Go prints a pkix.Name: "CN=node-a,O=system:nodes"
    issuer: str = ""
    dns_names: list[str] = msgspec.field(default_factory=list)
    ip_addresses: list[str] = msgspec.field(default_factory=list)
    not_before: str = ""  # RFC 3339
    not_after: str = ""
    self_signed: bool = False  # issuer and subject are the same


class Attempt(Kube):
    """One try to reach a kubelet directly at one of its node's addresses."""

    type: str = ""  # the node address type: "InternalIP"
    address: str = ""
    port: int = 0
    # "" if TCP and TLS were fine and the certificate was trusted and for this node, else a FailureKind's value.
    failure: str = ""
    message: str = ""
    # Whether the certificate's chain leads to the CA that metrics-server uses; None where there was no certificate.
    trusted: bool | None = None
    certificate: Certificate | None = None
    seconds: float = 0.0


class Scrape(Kube):
    """What /metrics/resource says, summed up; the whole text would be a megabyte for each node."""

    node_cpu: float | None = None  # node_cpu_usage_seconds_total; None: not there
    node_memory: float | None = None  # node_memory_working_set_bytes; None: not there
    node_timestamp: int | None = None  # of the node's cpu sample, milliseconds since 1970; None: without one
    containers: int = 0  # containers with a cpu or memory series
    pods: int = 0  # pods with at least one of them
    zero_containers: list[str] = msgspec.field(
        default_factory=list
    )  # "namespace/pod/container" with cumulative cpu or memory of 0, the first 50
    duplicates: list[str] = msgspec.field(
        default_factory=list
    )  # "namespace/pod/container" that occur more than once, the first 50
    newest: int | None = None  # the newest timestamp of all samples, milliseconds since 1970
    scrape_error: float | None = None  # resource_scrape_error or scrape_error
    unparsable: str = ""  # why the text could not be read


class Answer(Kube):
    """The HTTP answer of a kubelet to one path."""

    path: str = ""
    proxied: bool = False  # through the API server's node proxy, that is with the API server's own credentials
    by_api: bool = False  # the words are the API server's own: it did not ask the kubelet, or had no answer from it
    status: int = 0  # HTTP; 0 if there was no answer, and ``failure`` says why
    failure: str = ""  # a FailureKind's value
    message: str = ""  # the error, or the first characters of a body that is not 2xx
    content_type: str = ""
    date: str = ""  # the kubelet's own clock: the Date header, RFC 9110
    asked: str = ""  # when by our clock, RFC 3339
    seconds: float = 0.0
    scrape: Scrape | None = None


class KubeletAuthentication(Kube):
    """From /configz: kubeletconfig.authentication."""

    webhook: bool | None = None
    anonymous: bool | None = None
    client_ca_file: str = ""
    server_tls_bootstrap: bool | None = None


class KubeletProbe(Kube):
    """All that was learned of one kubelet."""

    node: str = ""
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    answers: list[Answer] = msgspec.field(default_factory=list)
    authentication: KubeletAuthentication | None = None

    @property
    def certificate(self) -> Certificate | None:
        """The serving certificate, at whichever address it was seen."""
        return next((one.certificate for one in self.attempts if one.certificate is not None), None)

    @property
    def scrape(self) -> Scrape | None:
        """The first series that were had, by whichever way."""
        return next((one.scrape for one in self.answers if one.scrape is not None), None)
