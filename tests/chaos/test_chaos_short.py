"""The short profile of chaos: each scenario once or twice on few records; `make chaos` is the long one."""

import random

import pytest

from tests.chaos.ground import Count
from tests.chaos.scenarios import SCENARIOS

RECORDS = 300
RUNS = {"worker": 1, "points": 4, "database": 1, "server": 1, "pause": 1, "crowd": 1}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_record_is_deleted_once(name):
    count = Count()
    await SCENARIOS[name](count, RUNS[name], RECORDS, random.Random(7))
    assert count.runs == RUNS[name]
