"""`make chaos`: one job of CHAOS_RECORDS (10,000) under CHAOS_RUNS (50) kills, and what came of it.

The other scenarios are run a tenth as often on a tenth of the records, the crowd once. CHAOS_SEED repeats a run,
CHAOS_WORK (action; or deletion) says what jobs do.


Arguments are names of scenarios; all are run without any. A promise that was not kept ends it with exit code 1.
"""

import asyncio
import os
import random
import sys
import time

from tests.chaos.ground import WORKS, Count, Violated
from tests.chaos.scenarios import SCENARIOS

DIVIDED = {"storm": (1, 1), "crowd": (50, 1)}
"""By what the runs and the records of a scenario are divided, where that is not 10."""


def main() -> int:
    runs, records = int(os.environ.get("CHAOS_RUNS", "50")), int(os.environ.get("CHAOS_RECORDS", "10000"))
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    work = WORKS[os.environ.get("CHAOS_WORK", "action")]
    names = sys.argv[1:] or list(SCENARIOS)
    print(f"seed {seed}, {runs} runs of {records} records, by {work.name}, scenarios: {', '.join(names)}", flush=True)
    code = 0
    for name in names:
        fewer, smaller = DIVIDED.get(name, (10, 10))
        share, size = max(1, runs // fewer), max(1, records // smaller)
        count, began = Count(), time.monotonic()
        try:
            asyncio.run(SCENARIOS[name](count, share, size, random.Random(f"{seed}/{name}"), work))
            print(f"{name:9} {count.line()}, {time.monotonic() - began:.0f} s", flush=True)
        except Violated as error:
            code = 1
            print(f"{name:9} FAILED after {count.runs} runs and {count.kills} kills: {error}", flush=True)
    return code


sys.exit(main())
