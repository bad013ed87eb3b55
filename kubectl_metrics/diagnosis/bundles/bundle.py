"""An evidence as a file: ``diagnose --save`` writes one, ``--from`` judges it. docs/bundle.md describes it.

Facts
- Encoding takes secrets out, whoever has or has not done so before.
- A bundle is other people's: it is decoded into the same types as the answers of an API server, and names in it that
  no API server would have let pass are refused, because they end up in commands that somebody pastes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from kubectl_metrics.diagnosis import objects
from kubectl_metrics.diagnosis.bundles.redact import redact
from kubectl_metrics.diagnosis.bundles.walk import rewrite
from kubectl_metrics.diagnosis.evidence import ABSENT, FAILED, NOT_ASKED, OK, REFUSED, Evidence, Read
from kubectl_metrics.diagnosis.probe import Attempt, KubeletProbe
from kubectl_metrics.errors import DecodeError

API_VERSION = "kubectl-metrics/v1"
KIND = "Evidence"
LIMIT = 512 << 20  # bytes; the evidence of 5,000 nodes has some 20 MB

_FAMILY = "kubectl-metrics/"
_STATES = frozenset({OK, ABSENT, REFUSED, FAILED, NOT_ASKED})
# Wider than Kubernetes' own rules (RBAC's names are nearly free), narrower than a shell's.
_NAME = re.compile(r"[A-Za-z0-9._:/@+%=,-]+")
_HINT = "kubectl metrics diagnose --save FILE writes one"


class _Bundle(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    evidence: Evidence


class _Envelope(msgspec.Struct, rename="camel"):
    api_version: object = None
    kind: object = None


def encode(evidence: Evidence) -> bytes:
    """The evidence as JSON, without secrets."""
    bundle = _Bundle(API_VERSION, KIND, redact(evidence))
    try:
        data = msgspec.json.encode(bundle)
    except UnicodeEncodeError:  # a flag or a file of ours had bytes in it that are no UTF-8
        data = msgspec.json.encode(rewrite(bundle, lambda text: text.encode("utf-8", "replace").decode()))
    return msgspec.json.format(data, indent=1) + b"\n"


def decode(data: bytes, whose: str = "the bundle") -> Evidence:
    """An evidence from what ``encode`` has made.

    Args:
        data: the file.
        whose: what the file is called, for the errors.

    Raises:
        DecodeError: it is none, or one that this version cannot read.
    """
    if len(data) > LIMIT:
        raise DecodeError(f"{whose}: larger than {LIMIT >> 20} MiB, that is no evidence of a cluster")
    data = data.removeprefix(b"\xef\xbb\xbf")  # editors add it
    if not data.strip():
        raise DecodeError(f"{whose}: the file is empty", hint=_HINT)
    try:
        _check_envelope(msgspec.json.decode(data, type=_Envelope), whose)
        evidence = msgspec.json.decode(data, type=_Bundle).evidence
    except msgspec.ValidationError as error:
        if data.lstrip().startswith(b"{"):
            raise DecodeError(f"{whose}: not what an evidence looks like: {error}") from error
        raise DecodeError(f"{whose}: not an evidence", hint=_HINT) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if "truncated" in str(error):
            raise DecodeError(f"{whose}: the file breaks off; was it copied as a whole?") from error
        raise DecodeError(f"{whose}: the file is not JSON ({error})", hint=_HINT) from error
    except RecursionError as error:
        raise DecodeError(f"{whose}: nested too deeply, that is no evidence of a cluster") from error
    _check_states(evidence, whose)
    _check_names(evidence, whose)
    return evidence


def _check_envelope(envelope: _Envelope, whose: str) -> None:
    version, kind = envelope.api_version, envelope.kind
    if not isinstance(version, str) or not isinstance(kind, str) or not version.startswith(_FAMILY):
        is_one = f" but a {kind:.40}" if isinstance(kind, str) else ""
        raise DecodeError(f"{whose}: not an evidence{is_one}", hint=_HINT)
    if kind == "Diagnosis":
        raise DecodeError(f"{whose}: this is a verdict (-o json), not the evidence that it rests on", hint=_HINT)
    if version != API_VERSION:
        raise DecodeError(
            f"{whose}: made by another version of kubectl-metrics ({version:.40}); this one reads {API_VERSION}",
            hint="a newer kubectl-metrics may be able to read it",
        )
    if kind != KIND:
        raise DecodeError(f"{whose}: not an evidence but a {kind:.40}", hint=_HINT)


def _check_states(evidence: Evidence, whose: str) -> None:
    for name in evidence.__struct_fields__:
        read = getattr(evidence, name)
        if isinstance(read, Read) and read.state not in _STATES:
            raise DecodeError(f"{whose}: not what an evidence looks like: {name} has the state {read.state!r:.40}")


def _check_names(evidence: Evidence, whose: str) -> None:
    """Raises DecodeError for a name that no API server accepts and that a shell might."""

    def check(name: str | None) -> None:
        if name and not _NAME.fullmatch(name):
            raise DecodeError(f"{whose}: not what an evidence looks like: {name!r:.60} is no name")

    def fields(*names: str) -> Callable[[Any], Any]:
        def look(value: Any) -> Any:
            for name in names:
                check(getattr(value, name))
            return value

        return look

    def labels(*names: str) -> Callable[[Any], Any]:
        def look(value: Any) -> Any:
            for name in names:
                for key, text in (getattr(value, name) or {}).items():
                    check(key)
                    check(text)
            return value

        return look

    def metadata(value: objects.Metadata) -> objects.Metadata:
        check(value.name)
        check(value.namespace)
        labels("labels")(value)
        return value

    def pod(value: objects.PodSpec) -> objects.PodSpec:
        check(value.node_name)
        check(value.service_account_name)
        labels("node_selector")(value)
        return value

    rewrite(
        evidence,
        str,
        {
            objects.Metadata: metadata,
            objects.PodSpec: pod,
            objects.Address: fields("address"),
            objects.Container: fields("name"),  # an image may be anything: "registry/x:{{ .Values.tag }}"
            objects.ContainerStatus: fields("name"),
            objects.Endpoint: fields("node_name"),
            objects.LabelSelector: labels("match_labels"),
            objects.Owner: fields("kind", "name"),
            objects.RoleRef: fields("kind", "name"),
            objects.ScaleTarget: fields("kind", "name"),
            objects.ServicePort: fields("name"),
            objects.ServiceReference: fields("namespace", "name"),
            objects.ServiceSpec: labels("selector"),
            objects.TargetRef: fields("kind", "namespace", "name"),
            Attempt: fields("type", "address"),
            KubeletProbe: fields("node"),
        },
    )
