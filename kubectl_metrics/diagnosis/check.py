"""A check: what it is called, what it rests on, and the function that judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from kubectl_metrics.diagnosis.findings import Category, Fault, Severity

if TYPE_CHECKING:
    from kubectl_metrics.diagnosis.facts.pipeline import Facts

Judge = Callable[["Facts"], Iterator[Fault]]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the catalogue. Its id is never given to another check, not even after it has gone."""

    id: str  # "KM401": the hundreds are the stage
    severity: Severity  # the worst that it reports
    category: Category
    title: str  # what is wrong, in a line
    why: str  # why that happens and what it leads to
    remedy: str  # what to do, where no names are known yet
    link: str  # where more about it is to be read
    needs: tuple[str, ...]  # the reads of an Evidence that it uses
    after: tuple[str, ...]  # it makes no sense to look if one of these was found: ids, or beginnings such as "KM2"
    because: tuple[str, ...]  # it is a symptom if one of these was found: likewise
    judge: Judge


def check(
    id: str,  # noqa: A002  # the word that documents and people use
    severity: Severity,
    category: Category,
    *,
    title: str,
    why: str,
    remedy: str,
    link: str,
    needs: tuple[str, ...],
    after: tuple[str, ...] = (),
    because: tuple[str, ...] = (),
) -> Callable[[Judge], Check]:
    """Makes a check of the function that it decorates; see ``Check`` for the arguments."""

    def decorate(judge: Judge) -> Check:
        return Check(
            id=id,
            severity=severity,
            category=category,
            title=title,
            why=why,
            remedy=remedy,
            link=link,
            needs=needs,
            after=after,
            because=because,
            judge=judge,
        )

    return decorate


def means_any(patterns: Iterable[str], id_: str) -> bool:
    """Whether an id is among these ids and beginnings of ids."""
    return id_.startswith(tuple(patterns))
