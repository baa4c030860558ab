"""`make chaos`: every scenario so many times, and what came of it. CHAOS_RUNS (50), CHAOS_RECORDS (10,000), CHAOS_SEED.

Arguments are names of scenarios; all are run without any. A promise that was not kept ends it with exit code 1.
"""

import asyncio
import os
import random
import sys
import time

from tests.chaos.ground import Count, Violated
from tests.chaos.scenarios import SCENARIOS


def main() -> int:
    runs, records = int(os.environ.get("CHAOS_RUNS", "50")), int(os.environ.get("CHAOS_RECORDS", "10000"))
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    names = sys.argv[1:] or list(SCENARIOS)
    print(f"seed {seed}, {runs} runs of {records} records, scenarios: {', '.join(names)}", flush=True)
    code = 0
    for name in names:
        count, began = Count(), time.monotonic()
        try:
            asyncio.run(SCENARIOS[name](count, runs, records, random.Random(f"{seed}/{name}")))
            print(f"{name:9} {count.line()}, {time.monotonic() - began:.0f} s", flush=True)
        except Violated as error:
            code = 1
            print(f"{name:9} FAILED after {count.runs} runs and {count.kills} kills: {error}", flush=True)
    return code


sys.exit(main())
