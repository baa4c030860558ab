"""The short profile of chaos: each scenario once or twice on few records; `make chaos` is the long one."""

import random

import pytest

from tests.chaos.ground import ACTION, DELETION, Count
from tests.chaos.scenarios import SCENARIOS

RECORDS = 300
RUNS = {"worker": 1, "points": 4, "database": 1, "server": 1, "pause": 1, "crowd": 1, "storm": 7}
JOBS = {**RUNS, "storm": 1}
"""How many jobs a scenario begins at least."""
WORKS = {"database": DELETION, "pause": DELETION}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_the_work_is_done_once_on_every_record(name):
    count = Count()
    await SCENARIOS[name](count, RUNS[name], RECORDS, random.Random(7), WORKS.get(name, ACTION))
    assert count.runs >= JOBS[name]
    assert count.kills or name == "crowd"
