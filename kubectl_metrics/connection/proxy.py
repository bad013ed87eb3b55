"""Which proxy leads to a URL, by the environment, as Go decides.

Facts (golang.org/x/net/http/httpproxy)
- HTTPS_PROXY or https_proxy for https, HTTP_PROXY or http_proxy for http; the upper case one first. In a CGI script
  (REQUEST_METHOD is set) HTTP_PROXY could be a request's header and does not count. ALL_PROXY is not known.
- "localhost" and loopback addresses never use a proxy.
- NO_PROXY or no_proxy is a list of: ``*``; an address or a network in CIDR notation; ``example.com`` (itself and its
  subdomains); ``.example.com`` or ``*.example.com`` (only subdomains); each but the network may have a ``:port``.
- A proxy without a scheme is http.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv6Address

_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The URL of the proxy for ``url``, with its scheme; None for the direct way.

    Args:
        url: of the server, http or https.
        environ: the environment.
    """
    parts = urlsplit(url)
    names = (f"{parts.scheme.upper()}_PROXY", f"{parts.scheme}_proxy")
    if parts.scheme == "http" and environ.get("REQUEST_METHOD"):
        return None
    proxy = environ.get(names[0]) or environ.get(names[1])
    if not proxy or not parts.hostname:
        return None
    no_proxy = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    port = parts.port or _PORTS.get(parts.scheme, 0)
    if _direct(parts.hostname, port, no_proxy):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: "localhost" or a loopback address."""
    if host.lower().rstrip(".") == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _direct(host: str, port: int, no_proxy: str) -> bool:
    host = host.lower().rstrip(".")
    if is_loopback(host):
        return True
    return any(_covers(rule.strip().lower(), host, port) for rule in no_proxy.split(","))


def _covers(rule: str, host: str, port: int) -> bool:
    import ipaddress

    if not rule:
        return False
    if rule == "*":
        return True
    address = _address(host)
    if "/" in rule:
        try:
            network = ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
        return address is not None and address in network
    name, only_port = _split_port(rule)
    if only_port and only_port != str(port):
        return False
    if _address(name) is not None or address is not None:
        return address is not None and _address(name) == address
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name)
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(rule: str) -> tuple[str, str]:
    """Split "host:port", "[v6]:port" or either without a port."""
    if rule.startswith("["):
        name, _, rest = rule[1:].partition("]")
        return name, rest.removeprefix(":")
    if rule.count(":") == 1:
        name, _, port = rule.partition(":")
        return name, port
    return rule, ""


def _address(host: str) -> IPv4Address | IPv6Address | None:
    import ipaddress

    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
