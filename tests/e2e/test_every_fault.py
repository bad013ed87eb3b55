"""Every fault at every place, with all the commands that ``tests/faults/test_places.py`` has no time for.

No cluster is needed; it is here because it takes minutes.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.faults.conftest import Farm, farm, launch  # noqa: F401  # fixtures
from tests.faults.places import Command, Place
from tests.faults.runs import Launcher
from tests.faults.table import Row
from tests.faults.test_places import batches, check


@pytest.mark.parametrize(("place", "rows"), list(batches()))
def test_every_other_command(farm: Farm, launch: Launcher, place: Place, rows: Sequence[Row]) -> None:  # noqa: F811
    def others(row: Row) -> list[Command]:
        return [*(place.commands[1:] if row.brief else ()), *place.more]

    check(farm, launch, place, rows, others, patience=5)
