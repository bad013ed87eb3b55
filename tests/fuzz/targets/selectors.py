"""Label selectors and field selectors."""

from __future__ import annotations

import contextlib

from kubectl_metrics.wire.selectors import check_label_selector, field_names

SEEDS = (
    b"app=web",
    b"a in (b, c,), d notin (e), !f, g!=h,i==j, example.com/k>5",
    b"metadata.name=x,status.phase!=Running",
    b"metadata.name=a\\,b\\=c\\\\",
    b"",
)


def read(data: bytes) -> bool:
    text = data.decode("utf-8", "surrogateescape")
    accepted = False
    with contextlib.suppress(ValueError):
        check_label_selector(text)
        accepted = True
    with contextlib.suppress(ValueError):
        assert all("=" not in name for name in field_names(text))
        accepted = True
    return accepted
