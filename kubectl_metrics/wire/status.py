"""HTTP answers that are not a success: Kubernetes' Status bodies, and what client-go says where there is none."""

from __future__ import annotations

import msgspec

from kubectl_metrics.errors import DecodeError, HTTPStatusError
from kubectl_metrics.wire.decode import decoder

_LONGEST = 600  # characters of a foreign text in an error


class _Details(msgspec.Struct):
    name: str = ""


class _Status(msgspec.Struct):
    kind: str = ""
    message: str = ""
    reason: str = ""
    details: _Details | None = None


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class _APIServiceStatus(msgspec.Struct, frozen=True):
    conditions: list[_Condition] | None = None


class _APIService(msgspec.Struct):
    status: _APIServiceStatus = _APIServiceStatus()


class _Version(msgspec.Struct):
    version: str


class _APIGroup(msgspec.Struct):
    versions: list[_Version] | None = None


_status, _api_service, _api_group = decoder(_Status), decoder(_APIService), decoder(_APIGroup)

# What client-go makes of a status code without a Status body: (reason, message), from NewGenericServerResponse in
# k8s.io/apimachinery pkg/api/errors, as far as somebody who only reads can be answered so.
_GENERIC = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    406: ("NotAcceptable", "the server was unable to respond with a content type that the client supports"),
    409: ("Conflict", "the server reported a conflict"),
    429: (
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
    ),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
}


def error(status: int, body: bytes, subject: str) -> HTTPStatusError:
    """The error for an HTTP answer that is not 2xx; ``subject`` is what was asked, such as "get nodes", or ""."""
    if status == 401:
        # Whatever the body says ("Unauthorized"): kubectl meets it in the discovery, where client-go does not read it.
        return HTTPStatusError(status, *_GENERIC[status])
    about = f" ({subject})" if subject else ""
    try:
        answer = _status(body, subject)
    except DecodeError:
        answer = _Status()
    if answer.kind == "Status" and (answer.message or answer.reason):
        return HTTPStatusError(status, shorten(answer.reason), shorten(answer.message or answer.reason))
    text = shorten(body[: 4 * _LONGEST].decode("utf-8", "replace").strip())
    if 300 <= status < 400 and status != 304:
        return HTTPStatusError(
            status, "", f"the server answered {status} and wants to redirect; that is not followed{about}"
        )
    reason, message = _GENERIC.get(status, ("", ""))
    if status == 403:
        # A proxy in front of the API server speaks HTML; a kubelet names verb, resource and user in a line of text.
        reason, message = "Forbidden", text if text and not text.startswith("<") else "the request was forbidden"
    elif not reason and status >= 500:
        shown = text if not text.startswith("<") else f"{status} and a web page"
        reason = "InternalError"
        message = f'an error on the server ("{shown}") has prevented the request from succeeding'
    elif not message:
        message = f"the server responded with the status code {status} but did not return more information"
    return HTTPStatusError(status, reason, message + about)


def names_an_object(body: bytes) -> bool:
    """Whether a 404 is about an object (a Status that names one) and not about a path that nobody serves."""
    try:
        answer = _status(body, "")
    except DecodeError:
        return False
    return answer.kind == "Status" and answer.details is not None and bool(answer.details.name)


def shorten(text: str) -> str:
    """A foreign text on one line, cut to a length that fits an error."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def group_versions(body: bytes) -> list[str]:
    """The versions of an APIGroup, the server's preferred one first. Raises DecodeError."""
    whose = "/apis/metrics.k8s.io"
    return [version.version for version in _api_group(body, whose).versions or []]


def unavailable_reason(body: bytes) -> str:
    """Why an APIService is not available, as its own condition says: "ServiceNotFound: service/... is not present".

    Empty when the condition is absent or true. Raises DecodeError.
    """
    for condition in _api_service(body, "APIService").status.conditions or []:
        if condition.type == "Available" and condition.status != "True":
            return shorten(": ".join(part for part in (condition.reason, condition.message) if part))
    return ""
