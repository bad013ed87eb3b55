"""Requests and responses as values, and the few shapes of response that all servers share. Pure."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass
class Request:
    """What one server was asked, and by whom."""

    server: str
    """``api`` or the node's name."""
    method: str
    path: str
    """Without the query, percent-decoded."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = b""
    user: str = ""
    """Authenticated as; empty if not."""
    impersonated: str = ""
    """The user that an Impersonate-User header asked for."""
    secure: bool = True
    """Whether it came through TLS."""
    target: str = ""
    """Path and query as they were sent."""
    certificate: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The client's certificate as ``ssl`` describes it."""


@dataclass
class Response:
    """What a handler answers. A body in pieces is sent chunked."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    close: Callable[[], None] = field(default=lambda: None, repr=False)
    """Called when it has been sent or given up."""


Handler = Callable[[Request], Response]


def plain(status: int, text: str) -> Response:
    """A text, as Go's http.Error sends it."""
    return Response(status, text.encode(), "text/plain; charset=utf-8", {"X-Content-Type-Options": "nosniff"})


def document(content: Any, status: int = 200) -> Response:
    """JSON without white space, and a line end."""
    return Response(status, json.dumps(content, separators=(",", ":")).encode() + b"\n")


def failure(code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> Response:
    """An error as the API server writes it: a Status."""
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
    }
    if reason:
        status["reason"] = reason
    if details is not None:
        status["details"] = details
    return document({**status, "code": code}, code)


def compressed(request: Request, response: Response, at_least: int) -> Response:
    """The response with gzip, if the client takes that and the body is worth it."""
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return response
    if not isinstance(response.body, bytes) or len(response.body) < at_least:
        return response
    return replace(
        response, body=gzip.compress(response.body, 1), headers={**response.headers, "Content-Encoding": "gzip"}
    )
