"""Names out of certificates against names of servers: one on each line, the last is the server's."""

from __future__ import annotations

from kubectl_metrics.wire.servername import is_ip, mismatch

_LONGEST = 8000  # characters of an error about 20 names of 255
SEEDS = (
    b"*.example.com\nexample.com\na.example.com",
    b"10.0.0.1\nfd00::1\n::ffff:10.0.0.1",
    b"node-a\n[fd00::1%25eth0]",
    b"a\nb",
)


def read(data: bytes) -> bool:
    *valid, name = data.decode("latin-1").split("\n")
    ips = [one for one in valid if is_ip(one)]
    words = mismatch([one for one in valid if not is_ip(one)], ips, [name])
    assert len(words) < _LONGEST + len(name)
    assert not words or words.replace(name, "").isprintable()
    assert name not in ips or not words
    return True
