"""The short profile of killed imports; `make chaos` runs the long one."""

import random

from tests.chaos.ground import Count
from tests.chaos.imports import import_rows


async def test_every_row_is_written_once():
    count = Count()
    await import_rows(count, 5, 300, random.Random(7))
    assert count.kills == 5
