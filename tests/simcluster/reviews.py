"""What somebody may ask about himself: who he is, and what he may do. Pure.

Everybody who is authenticated may ask (system:basic-user); answers come from the same rules that decide a 403.
"""

from __future__ import annotations

import json
from typing import Any

from tests.simcluster.messages import Request, Response, document, failure
from tests.simcluster.rbac import AUTHENTICATED, Action, Identity

AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"
GROUPS = {AUTHENTICATION: ("v1",), AUTHORIZATION: ("v1",)}
"""For discovery."""
_KINDS = {
    "selfsubjectreviews": (AUTHENTICATION, "SelfSubjectReview"),
    "selfsubjectaccessreviews": (AUTHORIZATION, "SelfSubjectAccessReview"),
}


def concerns(group: str, version: str, resource: str) -> bool:
    """Whether it is one of the two."""
    return version == "v1" and resource in _KINDS and _KINDS[resource][0] == group


def answer(request: Request, resource: str, identity: Identity) -> Response:
    """The review with its status."""
    group, kind = _KINDS[resource]
    if AUTHENTICATED not in identity.groups:
        verb = "create" if request.method == "POST" else "list"
        message = (
            f'{resource}.{group} is forbidden: User "{identity.name}" cannot {verb} resource "{resource}" '
            f'in API group "{group}" at the cluster scope'
        )
        return failure(403, "Forbidden", message, {"group": group, "kind": resource})
    if request.method != "POST":
        return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})
    try:
        review = json.loads(request.body)
        spec = review.get("spec") or {}
        status: dict[str, Any]
        if kind == "SelfSubjectReview":
            user: dict[str, Any] = {"username": identity.name, "groups": list(identity.groups)}
            status = {"userInfo": user}
        else:
            status = _verdict(spec, identity)
    except (ValueError, AttributeError, TypeError):
        return failure(400, "BadRequest", f'{kind} in version "v1" cannot be handled as a {kind}')
    if not status:
        message = (
            f'{kind}.{group} "" is invalid: spec.resourceAttributes: Invalid value: null: '
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )
        return failure(422, "Invalid", message, {"group": group, "kind": kind})
    shown = {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {"creationTimestamp": None}}
    return document({**shown, **({"spec": spec} if spec else {}), "status": status}, 201)


def _verdict(spec: dict[str, Any], identity: Identity) -> dict[str, Any]:
    resource: dict[str, str] = spec.get("resourceAttributes") or {}
    path: dict[str, str] = spec.get("nonResourceAttributes") or {}
    if bool(resource) == bool(path):
        return {}
    if path:
        allowed = path.get("verb") in ("get", "*") and identity.may_get_path(path.get("path", ""))
    else:
        what = resource.get("resource", "")
        if resource.get("subresource"):
            what += f"/{resource['subresource']}"
        allowed = identity.may(
            Action(
                resource.get("verb", ""),
                what,
                resource.get("group", ""),
                resource.get("namespace") or None,
                resource.get("name") or None,
            )
        )
    return {"allowed": True, "reason": "RBAC: allowed"} if allowed else {"allowed": False}
