"""docs/checks.md says what the checks say."""

from __future__ import annotations

from pathlib import Path

from kubectl_metrics.diagnosis.catalogue import CHECKS
from kubectl_metrics.output.catalogue import checks_page

_PAGE = Path(__file__).parents[2] / "docs" / "checks.md"


def test_the_page_is_in_step_with_the_checks() -> None:
    page = _PAGE.read_text("utf-8")
    assert page == checks_page(page), "run `make docs`"


def test_every_check_has_an_anchor() -> None:
    page = _PAGE.read_text("utf-8")
    assert [id_ for id_ in CHECKS if f'<a id="{id_.lower()}"></a>' not in page] == []
    assert "\n## What is not detected, and why\n" in page
