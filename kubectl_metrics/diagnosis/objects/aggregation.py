"""The API server, the metrics.k8s.io group and its APIServices."""

from __future__ import annotations

import msgspec

from kubectl_metrics.diagnosis.objects.meta import Condition, Kube, Object, Reference


class Version(Kube):
    """/version."""

    git_version: str = ""
    platform: str = ""


class GroupVersion(Kube):
    version: str = ""


class APIGroup(Kube):
    """/apis/metrics.k8s.io, the discovery document of the group."""

    name: str = ""
    versions: list[GroupVersion] | None = None


class ServiceReference(Reference):
    port: int = 443  # the API's default


class APIServiceSpec(Kube):
    group: str = ""
    version: str = ""
    service: ServiceReference | None = None  # None: served by the API server itself
    insecure_skip_tls_verify: bool = msgspec.field(name="insecureSkipTLSVerify", default=False)
    ca_bundle: str | None = None  # PEM in base64; public certificates


class APIServiceStatus(Kube):
    conditions: list[Condition] | None = None


class APIService(Object):
    spec: APIServiceSpec = msgspec.field(default_factory=APIServiceSpec)
    status: APIServiceStatus = msgspec.field(default_factory=APIServiceStatus)


class ConfigMap(Object):
    """Only two are ever read, with public certificates and names of headers: see collect."""

    data: dict[str, str] | None = None


class NamespaceStatus(Kube):
    phase: str = ""
    conditions: list[Condition] | None = None


class Namespace(Object):
    status: NamespaceStatus = msgspec.field(default_factory=NamespaceStatus)
