"""What the shared flags (``options``) say, as the values that the layers below want."""

from __future__ import annotations

from typing import Any

import click

from kubectl_metrics.commands.arguments import check_name
from kubectl_metrics.connection.config import Overrides, parse_timeout
from kubectl_metrics.errors import UsageError
from kubectl_metrics.sources.query import ADDRESS_TYPES, KubeletOptions

_CONNECTION = frozenset(Overrides.__struct_fields__)


def overrides(ctx: click.Context) -> Overrides:
    """The connection flags of a command and of the group before it; the command's own win. Raises UsageError."""
    given: dict[str, Any] = {}
    for parameters in (ctx.parent.params if ctx.parent else {}, ctx.params):
        given |= {name: value for name, value in parameters.items() if name in _CONNECTION and value not in (None, ())}
    for name in ("namespace", "impersonate_user", "impersonate_groups", "impersonate_uid"):
        for value in given[name] if isinstance(given.get(name), tuple) else [given.get(name, "")]:
            if not _is_text(value):
                raise UsageError(f"{value!a} is not valid UTF-8")
    if given.get("namespace"):
        check_name(given["namespace"])
    if "request_timeout" in given:
        given["request_timeout"] = parse_timeout(given["request_timeout"])
    return Overrides(**given)


def _is_text(value: str) -> bool:
    """Whether an argument was text: Python keeps bytes that are not as lone surrogates, which no header can carry."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def verbosity(ctx: click.Context) -> int:
    """Whether -v was given, before or behind the command, and not taken back there (-v 0)."""
    own = ctx.params["verbose"]
    return 0 if own is False else int(own) + int(ctx.parent.params["verbose"] if ctx.parent else 0)


def timeout(ctx: click.Context) -> float | None:
    """--timeout in seconds, given before or behind the command."""
    seconds: float | None = ctx.params["timeout"] or (ctx.parent.params["timeout"] if ctx.parent else None)
    return seconds


def for_kubelets(given: dict[str, Any]) -> KubeletOptions:
    """The --kubelet-... flags. Raises UsageError."""
    types = tuple(filter(None, (part.strip() for part in given["kubelet_preferred_address_types"].split(","))))
    unknown = [kind for kind in types if kind not in ADDRESS_TYPES]
    if unknown or not types:
        known, wrong = ", ".join(ADDRESS_TYPES), ", ".join(unknown) or "nothing"
        raise UsageError(f"--kubelet-preferred-address-types: {wrong} is not one of {known}")
    insecure = given["deprecated_kubelet_completely_insecure"]
    if insecure and given["kubelet_access"] == "proxy":
        raise UsageError("--deprecated-kubelet-completely-insecure contradicts --kubelet-access proxy")
    return KubeletOptions(
        access="direct" if insecure else given["kubelet_access"],
        address_types=types,
        port=given["kubelet_port"],
        use_node_status_port=given["kubelet_use_node_status_port"],
        secure=not insecure,
        timeout=given["kubelet_request_timeout"],
    )
