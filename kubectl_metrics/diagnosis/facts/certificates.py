"""Whether the certificates of a bundle are valid at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from kubectl_metrics.diagnosis.facts.pipeline import Facts, instant, milliseconds
from kubectl_metrics.wire.certificate import Certificate, parse_all


class Lifetime(msgspec.Struct, frozen=True):
    """Of a bundle of CAs of which any will do: the one that is valid longest, or was, or will be."""

    certificate: Certificate
    over: bool = False
    early: bool = False
    soon: bool = False

    @property
    def text(self) -> str:
        """Subject and validity, for evidence."""
        one = self.certificate
        return f"{one.subject or 'no subject'}, valid from {_day(one.not_before)} until {_day(one.not_after)}"


def lifetime(pem: bytes, facts: Facts, days: int) -> Lifetime | None:
    """How long a bundle is good for; None if nobody knows what time it is.

    Args:
        pem: the bundle; certificates in it that cannot be read are passed over, as Go does.
        facts: what time it is.
        days: less than so many are ``soon``; but not more than a tenth of all, as some renew theirs every month.

    Raises ValueError if there is no certificate in it that can be read.
    """
    known = parse_all(pem)
    if milliseconds(facts.evidence.collected_at) is None:
        return None
    try:
        now = instant(facts.now)
    except (OverflowError, ValueError, OSError):
        return None
    valid = [one for one in known if one.not_before <= now <= one.not_after]
    last = max(valid or known, key=lambda one: one.not_after)
    if not valid:
        return Lifetime(last, over=last.not_after < now, early=last.not_before > now)
    rest = min(timedelta(days=days), (last.not_after - last.not_before) / 10)
    return Lifetime(last, soon=last.not_after - now < rest)


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
