"""IP addresses replaced by others that share as many leading bits as the originals do.

Strategy: Crypto-PAn's (Xu, Fan, Ammar, Moon, "Prefix-preserving IP address anonymization", 2002) with HMAC-SHA256 for
its cipher: whether a bit is flipped depends on the key and on the bits before it. So two addresses are in one subnet
after it if and only if they were before, a CIDR contains an address if and only if it did, and different addresses stay
different.

What kind of address it is stays visible, because judging needs it: no bit is flipped that tells a private network from
others, and loopback, link-local, multicast and unspecified addresses are not changed at all.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Networks that stay where they are; the hosts in them are hidden.
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "fc00::/8", "fd00::/8")
# Networks in which nothing is changed.
_KNOWN = (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    "::/96", "64:ff9b::/96", "fe80::/10", "ff00::/8",
)  # fmt: skip
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # IPv4 in IPv6


class Addresses:
    """Replaces addresses under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        # (version, bits that an address begins with) -> whether the bit after them is flipped
        self._flips: dict[tuple[int, int, int], int] = {}

    def mask(self, text: str) -> str | None:
        """An address or a CIDR, masked; None if ``text`` is neither."""
        host, slash, length = text.partition("/")
        host, percent, zone = host.partition("%")
        try:
            address = ipaddress.ip_address(host)
            network = ipaddress.ip_network(f"{host}/{length}", strict=False) if slash else None
        except ValueError:
            return None
        masked = self._address(address)
        if network is not None and network.network_address == address:
            # The bits of hosts in a network's own address are no information: they stay zero.
            masked = ipaddress.ip_network(f"{masked}/{length}", strict=False).network_address
        return f"{masked}{percent}{zone}{slash}{length}"

    def _address(self, address: Address) -> Address:
        if isinstance(address, ipaddress.IPv6Address) and address in _MAPPED:
            inner = self._address(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
            return ipaddress.IPv6Address(int(_MAPPED.network_address) | int(inner))
        if _is_known(address):
            return address
        bits, number = address.max_prefixlen, int(address)
        result = 0
        for length in range(bits):
            prefix = number >> (bits - length)
            bit = number >> (bits - length - 1) & 1
            result = result << 1 | (bit ^ self._flip(address.version, length, prefix))
        return type(address)(result)

    def _flip(self, version: int, length: int, prefix: int) -> int:
        place = (version, length, prefix)
        found = self._flips.get(place)
        if found is None:
            found = 0
            if not _is_fixed(version, length, prefix):
                message = f"{version}/{length}/{prefix:x}".encode()
                found = hmac.digest(self._key, b"address\0" + message, hashlib.sha256)[0] & 1
            self._flips[place] = found
        return found


@lru_cache(maxsize=65536)
def _is_known(address: Address) -> bool:
    return any(address in network for network in _networks(_KNOWN) if network.version == address.version)


def _is_fixed(version: int, length: int, prefix: int) -> bool:
    """Whether the bit after these tells one of the networks that stay from others."""
    return (version, length, prefix) in _beginnings()


@lru_cache(maxsize=1)
def _beginnings() -> frozenset[tuple[int, int, int]]:
    found = set()
    for network in _networks(_PRIVATE + _KNOWN + (str(_MAPPED),)):
        bits, number = network.max_prefixlen, int(network.network_address)
        for length in range(network.prefixlen):
            found.add((network.version, length, number >> (bits - length)))
    return frozenset(found)


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)
