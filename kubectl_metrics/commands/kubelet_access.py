"""How the kubelets would be reached: what the flags and the credentials allow, judged before anybody is asked.

Direct access is with the same credentials as to the API server, unless the flags name a certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from kubectl_metrics.connection import tls
from kubectl_metrics.connection.credentials import Credentials
from kubectl_metrics.connection.kubefile import describe, read_bytes
from kubectl_metrics.errors import KubeconfigError, UsageError
from kubectl_metrics.sources.query import KubeletOptions

if TYPE_CHECKING:
    from ssl import SSLContext

    from kubectl_metrics.connection.deadlines import Total
    from kubectl_metrics.connection.transport import Transport
    from kubectl_metrics.sources.access import Kubelets


class KubeletAccess(msgspec.Struct, frozen=True):
    """All that is needed to reach kubelets. The repr shows no secret."""

    options: KubeletOptions
    authorities: bytes | None  # PEM
    insecure: bool
    certificate: tuple[bytes, bytes] | None  # of the client: certificate with chain, and key, PEM
    authorization: str | None

    def __repr__(self) -> str:
        return f"KubeletAccess(options={self.options!r})"

    def context(self) -> SSLContext:
        """Of connections to kubelets. Raises KubeconfigError."""
        return tls.client_context(authorities=self.authorities, insecure=self.insecure, certificate=self.certificate)

    def open(self, api: Transport, trace: Callable[[str], None] | None, total: Total | None) -> Kubelets:
        """The kubelets, of which none has been asked."""
        from kubectl_metrics.sources.access import Kubelets

        return Kubelets(api, self.options, self.context, self.authorization, trace, total)


def prepare(
    options: KubeletOptions, given: dict[str, Any], authorities: bytes | None, mine: Credentials
) -> KubeletAccess:
    """What the flags describe.

    Args:
        options: the flags that say which way.
        given: all flags; of these, those of TLS.
        authorities: the cluster's CA, PEM, if the kubeconfig names one.
        mine: the credentials for the API server.

    Raises:
        UsageError: the flags contradict each other, or what kubelets can do.
        KubeconfigError: a file that they name cannot be used.
    """
    authority_file, insecure = given["kubelet_certificate_authority"], given["kubelet_insecure_tls"]
    certificate_file, key_file = given["kubelet_client_certificate"], given["kubelet_client_key"]
    if bool(certificate_file) != bool(key_file):
        raise UsageError("--kubelet-client-certificate and --kubelet-client-key go together")
    if authority_file and insecure:
        raise UsageError("--kubelet-insecure-tls verifies nothing: --kubelet-certificate-authority does not go with it")
    if authority_file:
        authorities = _read(authority_file)
    if mine.impersonation:
        # A kubelet knows no impersonation: it would see the real user, who may be allowed more than the other one.
        if options.access == "direct":
            raise UsageError("kubelets know no impersonation: --as does not go with --kubelet-access direct")
        options = structs.replace(options, access="proxy")
    if authorities is None and options.secure and not insecure:
        # The system's roots vouch for public names, and which names a node has it says itself.
        if options.access == "direct":
            raise UsageError(
                "the kubeconfig names no CA of the cluster, by which the kubelets could be verified",
                hint="name it with --kubelet-certificate-authority FILE, or ask with --kubelet-access proxy",
            )
        options = structs.replace(options, access="proxy")
    access = KubeletAccess(
        options=options,
        authorities=authorities,
        insecure=insecure,
        certificate=(_read(certificate_file), _read(key_file)) if certificate_file else mine.certificate,
        authorization=None if certificate_file else mine.authorization,
    )
    if certificate_file or authority_file:
        # Files that were named on the command line are looked at before anybody is asked.
        try:
            access.context()
        except KubeconfigError as error:
            named = ", ".join(filter(None, (authority_file, certificate_file, key_file)))
            raise KubeconfigError(f"{error.message} (kubelet TLS files: {named})") from error
    return access


def _read(path: str) -> bytes:
    try:
        return read_bytes(path)
    except OSError as error:
        raise KubeconfigError(f"cannot {describe(error, path)}") from None
