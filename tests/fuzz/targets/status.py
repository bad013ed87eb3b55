"""Answers that are not a success, discovery documents, and an APIService's own reason.

The first byte chooses the HTTP status.
"""

from __future__ import annotations

import contextlib

from kubectl_metrics.errors import DecodeError
from kubectl_metrics.wire import status

_CODES = (302, 400, 401, 403, 404, 418, 429, 500, 503, 504)
_LONGEST = 2000  # characters of an error, whatever a server writes
SEEDS = (
    b'\x04{"kind":"Status","apiVersion":"v1","status":"Failure","message":"nodes \\"a\\" not found",'
    b'"reason":"NotFound","details":{"name":"a","kind":"nodes"},"code":404}',
    b"\x03Forbidden (user=x, verb=get, resource=nodes, subresource(s)=[stats])",
    b"\x07<html>Bad Gateway</html>",
    b'\x08{"kind":"APIGroup","versions":[{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}]}',
    b'\x00{"status":{"conditions":[{"type":"Available","status":"False","reason":"MissingEndpoints","message":"m"}]}}',
)


def read(data: bytes) -> bool:
    code, body = _CODES[(data or b"\0")[0] % len(_CODES)], data[1:]
    error = status.error(code, body, "get nodes")
    assert error.status == code
    assert len(str(error)) < _LONGEST
    status.names_an_object(body)
    with contextlib.suppress(DecodeError):
        status.group_versions(body)
    with contextlib.suppress(DecodeError):
        assert len(status.unavailable_reason(body)) < _LONGEST
    return True
