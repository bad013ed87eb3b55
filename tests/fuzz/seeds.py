"""What the seeds of several targets have in them."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

BUNDLES = Path(__file__).parent.parent / "data" / "bundles"
NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
# CN=system:node:a,O=system:nodes, self-signed; DNS a, IP 10.0.0.1 and fd00::1; its key was thrown away.
CERTIFICATE = b"""\
-----BEGIN CERTIFICATE-----
MIIBdjCCAR2gAwIBAgIBBzAKBggqhkjOPQQDAjAvMRUwEwYDVQQKDAxzeXN0ZW06
bm9kZXMxFjAUBgNVBAMMDXN5c3RlbTpub2RlOmEwIBcNMjYwMTAxMDAwMDAwWhgP
MjA1NjAxMDEwMDAwMDBaMC8xFTATBgNVBAoMDHN5c3RlbTpub2RlczEWMBQGA1UE
AwwNc3lzdGVtOm5vZGU6YTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBBxTlv5
UFwWo8bZK/8NszpzUsHulAC6QLI+cuVQfwN+a6ossZGJeo773oNuJR4P4yDFqGjy
OhOieMQxCuFmlkCjKDAmMCQGA1UdEQQdMBuCAWGHBAoAAAGHEP0AAAAAAAAAAAAA
AAAAAAEwCgYIKoZIzj0EAwIDRwAwRAIgZx/3gjHJAM3+6j7aR5cX+SlrPe9K/Fj5
2cF7N3GGpPECIGEWZ7Q7IBgFIEJ1s+1SBcSWOe7pZjegnad4SafKgS9a
-----END CERTIFICATE-----
"""
