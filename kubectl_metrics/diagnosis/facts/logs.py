"""When a line of metrics-server's log was written.

Facts
- klog begins a line with severity, month and day, and the time, without a year; containers have no time zone but UTC.
- With --logging-format=json a line has the time in "ts", in milliseconds.
"""

from __future__ import annotations

import re

from kubectl_metrics.diagnosis.facts.pipeline import Facts

_HEADER = re.compile(r"[IWEF](\d\d)(\d\d) (\d\d:\d\d:\d\d)\.", re.ASCII)
_TS = re.compile(r'"ts":(\d{13})\b', re.ASCII)
RECENT = 900.0  # seconds; what is older may be over


def is_old(facts: Facts, line: str) -> bool:
    """Whether a line is about what may be over by now; not if it does not tell when it was written."""
    ages: list[float | None] = []
    year = facts.evidence.collected_at[:4]
    if (header := _HEADER.match(line)) and year.isascii() and year.isdecimal():
        month, day, clock = header.groups()
        years = (int(year), int(year) - 1)  # it may be New Year
        ages = [facts.age(f"{number:04}-{month}-{day}T{clock}Z") for number in years]
    elif found := _TS.search(line):
        ages = [(facts.now - int(found.group(1))) / 1000]
    known = [age for age in ages if age is not None]
    return bool(known) and not any(-RECENT < age < RECENT for age in known)
