"""`make chaos`: so many runs dealt out to the scenarios, and what came of them. CHAOS_RUNS (50), CHAOS_RECORDS (10,000), CHAOS_SEED,
CHAOS_WORK (action; or deletion).

Arguments are names of scenarios; all are run without any. A promise that was not kept ends it with exit code 1.
"""

import asyncio
import os
import random
import sys
import time

from tests.chaos.ground import WORKS, Count, Violated
from tests.chaos.scenarios import SCENARIOS


def main() -> int:
    runs, records = int(os.environ.get("CHAOS_RUNS", "50")), int(os.environ.get("CHAOS_RECORDS", "10000"))
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    work = WORKS[os.environ.get("CHAOS_WORK", "action")]
    names = sys.argv[1:] or list(SCENARIOS)
    print(f"seed {seed}, {runs} runs of {records} records, by {work.name}, scenarios: {', '.join(names)}", flush=True)
    code = 0
    for place, name in enumerate(names):
        share = len(range(place, runs, len(names)))
        count, began = Count(), time.monotonic()
        try:
            asyncio.run(SCENARIOS[name](count, share, records, random.Random(f"{seed}/{name}"), work))
            print(f"{name:9} {count.line()}, {time.monotonic() - began:.0f} s", flush=True)
        except Violated as error:
            code = 1
            print(f"{name:9} FAILED after {count.runs} runs and {count.kills} kills: {error}", flush=True)
    return code


sys.exit(main())
