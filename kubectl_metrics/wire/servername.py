"""Whether a certificate is for a server, by its subject alternative names, with Go's rules and in Go's words.

Facts
- Go ignores a certificate's common name (since 1.15). A name in "*.example.com" stands for one whole label, the
  first, and "*" alone for nothing (crypto/x509/verify.go, matchHostnames and validHostname).
- ::ffff:1.2.3.4 is 1.2.3.4 (net.IP.Equal).
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Sequence

_SHOWN = 20  # names of a certificate that an error lists


def mismatch(dns: Sequence[str], ips: Sequence[str], names: Sequence[str]) -> str:
    """Why a certificate is for none of ``names``, in the words of x509.HostnameError; "" if it is for one of them.

    Args:
        dns: the certificate's DNS names.
        ips: its IP addresses.
        names: host names and IP addresses (IPv6 with or without brackets and zone), any of which is enough.
    """
    packed = {_packed(ip) for ip in ips} - {None}
    for name in names:
        address = _packed(name)
        if address is not None:
            if address in packed:
                return ""
        elif any(_matches(pattern, name) for pattern in dns):
            return ""
    return _words(dns, ips, names)


def is_ip(name: str) -> bool:
    """Whether ``name`` is an IP address and not a host name."""
    return _packed(name) is not None


def _words(dns: Sequence[str], ips: Sequence[str], names: Sequence[str]) -> str:
    wanted = " or ".join(names)
    if all(is_ip(name) for name in names):
        if not ips:
            return f"x509: cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
        valid = list(ips)
    else:
        valid = [*dns, *ips]
    if not valid:
        return f"x509: certificate is not valid for any names, but wanted to match {wanted}"
    more = ", ..." if len(valid) > _SHOWN else ""
    shown = ", ".join(_printable(name) for name in valid[:_SHOWN])
    return f"x509: certificate is valid for {shown}{more}, not {wanted}"


def _printable(name: str) -> str:
    """A name out of somebody else's certificate, fit for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in name.strip()[:255])


@functools.lru_cache(maxsize=256)  # each of a kubelet's addresses is looked at some ten times on the way to it
def _packed(text: str) -> bytes | None:
    """The bytes of an IP address in any notation, None if it is none."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        if ":" not in text:
            return ipaddress.IPv4Address(text).packed
        address = ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped.packed if address.ipv4_mapped else address.packed


def _matches(pattern: str, name: str) -> bool:
    pattern, name = pattern.lower(), name.lower().removesuffix(".")
    if not name or "" in name.split(".") or "*" in name:
        return False
    if pattern == name:
        return True
    first, _, rest = pattern.partition(".")
    return first == "*" and bool(rest) and name.partition(".")[2] == rest
