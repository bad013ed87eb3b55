"""The first question of all: whether there is an API server, what time it has there, and who it takes us for."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec

from kubectl_metrics.diagnosis import objects
from kubectl_metrics.diagnosis.collect.asking import Asking
from kubectl_metrics.diagnosis.collect.reading import object_decoder, outcome
from kubectl_metrics.diagnosis.evidence import Connected, Evidence
from kubectl_metrics.errors import MetricsError
from kubectl_metrics.sources.objects import checked
from kubectl_metrics.wire.decode import decoder


class _User(msgspec.Struct):
    username: str = ""


class _UserInfo(msgspec.Struct, rename="camel"):
    user_info: _User = msgspec.field(default_factory=_User)


class _Review(msgspec.Struct):
    status: _UserInfo = msgspec.field(default_factory=_UserInfo)


_review = decoder(_Review)


def connect(asking: Asking, evidence: Evidence) -> None:
    """Asks for the version; that tells the clock and the round trip too. Raises MetricsError if nobody answers us."""
    method = asking.objects.version.get_code  # imports the package, which is no part of the round trip
    response = asking.regardless(method)
    now = datetime.now(timezone.utc)
    if response.status == 401:
        checked(response, "get /version")  # raises: nothing else would be answered either
    evidence.collected_at = _rfc3339(now)
    body = asking.api.redact(response.body.decode("latin-1")).encode("latin-1")
    response = msgspec.structs.replace(response, body=body)
    evidence.version = outcome("get /version", response, object_decoder(objects.Version))
    evidence.connected = Connected(
        server=asking.api.server,
        date=asking.api.redact(response.headers.get("date", "")),
        asked=_rfc3339(now - timedelta(seconds=response.seconds / 2)),
        seconds=round(response.seconds, 3),
        direct=not asking.api.proxied,
    )


def user(asking: Asking) -> str:
    """Who we are, as the server sees it; "" if it does not tell."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        response = asking.regardless(asking.objects.authentication.create_self_subject_review, body=body)
        return _review(checked(response, "who we are"), "selfsubjectreviews").status.user_info.username
    except (MetricsError, AttributeError):  # before Kubernetes 1.28; before version 27 of the package
        return ""


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
