"""An import that is killed again and again, and the proof that every row was written once.

`python -m tests.chaos.imports` imports CHAOS_RECORDS (10,000) rows under CHAOS_KILLS (20) kills; CHAOS_SEED repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bson import ObjectId

from engine.records.import_options import ImportOptions
from server.runtime.jobs import import_later
from server.runtime.jobs.crash_points import VARIABLE, CrashPoint
from server.runtime.jobs.stored import IMPORTED, LOGS, REFUSED, read_job
from server.runtime.running import SYSTEM
from server.store.indexes import reconcile_indexes
from tests.chaos.ground import ACTION, COMPILED, LEASE, Count, Ground, Violated, open_ground

BOUND = LEASE + 30
"""Seconds within which the import must go on after its worker was lost, on a busy machine too."""
HOMES = 20
"""Related records that rows make and change."""
WRONG = 97
"""One row in so many is wrong."""
KNOWN = 3
"""One row in so many is about a record that is there already."""


async def import_rows(count: Count, kills: int, rows: int, rng: random.Random) -> None:
    """One import; its worker is killed at random, or kills itself at a named place."""
    points = [None, CrashPoint.BEFORE_WRITE, None, CrashPoint.AFTER_WRITE, CrashPoint.AFTER_CHECKPOINT]
    with tempfile.TemporaryDirectory() as folder:
        async with open_ground(Path(folder), ACTION) as (ground, _):
            await reconcile_indexes(ground.store, COMPILED.indexes)
            job = await _begin(ground, rows)
            for kill in range(kills):
                done, _ = await ground.processed(job)
                point = CrashPoint.BEFORE_FINISH if kill == kills - 1 else points[kill % len(points)]
                if point is None:
                    worker = await ground.worker()
                    await ground.until(job, max(done, rows * kill // kills), 300)
                    await asyncio.sleep(rng.random() / 5)
                    await worker.kill()
                else:
                    passes = rng.randrange(1, 60) if point is CrashPoint.BEFORE_WRITE else 1
                    worker = await ground.worker(**{VARIABLE: f"{point}:{passes}"})
                    code = await asyncio.wait_for(worker.ended(), 900)
                    if code != -signal.SIGKILL:
                        raise Violated(f"The worker ended with {code} instead of at {point}")
                count.kills += 1
                count.notes[point or "at random"] += 1
            done, _ = await ground.processed(job)
            worker = await ground.worker()
            await worker.wait_for("Working on background jobs")
            count.longest_recovery = max(count.longest_recovery, await ground.until(job, done, BOUND))
            await ground.finish(job)
            await _check(ground, job, rows)
            await worker.kill()
            count.runs += 1
            count.records += rows


async def _begin(ground: Ground, rows: int) -> ObjectId:
    known = [
        {"_id": ObjectId(), "version": 0, "label": f"a{n}", "name": f"a{n}", "size": -1, "home": None}
        for n in range(0, rows, KNOWN)
    ]
    for start in range(0, len(known), 2_000):
        await ground.store.insert_many("arrivals", known[start : start + 2_000])

    async def lines():
        yield b"name,size,home.name,home.size\n"
        for n in range(rows):
            size = "many" if n % WRONG == 0 else str(n)
            yield f"a{n},{size},h{n % HOMES},{n}\n".encode()

    meta = {"purpose": "importSource", "user": None}
    file = await ground.store.files.write("arrivals.csv", "text/csv", lines(), meta)
    return (await import_later(ground.running, SYSTEM, "arrivals", ImportOptions(), file)).id


async def _check(ground: Ground, job: ObjectId, rows: int) -> None:
    store = ground.store
    right = [n for n in range(rows) if n % WRONG]
    wrong = rows - len(right)
    found = await read_job(store, job)
    arrivals = {one["name"]: one for one in await store.find("arrivals", {"size": {"$gte": 0}})}
    seen = Counter(one["name"] for one in await store.find("witnesses", {}, projection={"name": 1}))
    homes = {one["name"]: one["size"] for one in await store.find("homes", {})}
    ledger = Counter(
        (write["row"], write["number"]) for one in await store.find(IMPORTED, {}) for write in one["writes"]
    )
    own = [n for n in right if arrivals.get(f"a{n}", {}).get("size") == n]
    logs = await store.count(LOGS, {"job": job, "level": "ERROR"})
    await asyncio.sleep(6)  # a sweep of what killed workers left to be told
    audit = await store.count("sys.audit", {"entity": "arrivals"})
    facts = {
        "written": len(own),
        "strange": len(arrivals) - len(own),
        "doubled": sum(times > 1 for times in seen.values()),
        "witnesses": sum(seen.values()),
        "versions": Counter(one["version"] for one in arrivals.values()),
        "homes": homes,
        "entries": max(ledger.values()),
        "audit": audit,
        "refused": await store.count(REFUSED, {}),
        "logged": logs,
        "processed": (found.records_processed, found.records_count),
        "results": (found.results["rowsImported"], found.results["rowsWithErrors"]),
        "files": await store.count("sys.fs.files", {"metadata.purpose": "importErrors"}),
        "source": await store.count("sys.fs.files", {"metadata.purpose": "importSource"}),
    }
    last = {f"h{home}": max(n for n in right if n % HOMES == home) for home in range(HOMES)}
    changed = sum(n % KNOWN == 0 for n in right)
    promised = {
        "written": len(right),
        "strange": 0,
        "doubled": 0,
        "witnesses": len(right),
        "versions": Counter({1: changed, 0: len(right) - changed}),
        "homes": last,
        "entries": 1,
        "audit": len(right),
        "refused": wrong,
        "logged": min(wrong, 1_000),
        "processed": (rows, rows),
        "results": (len(right), wrong),
        "files": 1,
        "source": 0,
    }
    if facts != promised:
        raise Violated(f"{ {name: (fact, promised[name]) for name, fact in facts.items() if fact != promised[name]} }")


def main() -> int:
    kills, rows = int(os.environ.get("CHAOS_KILLS", "20")), int(os.environ.get("CHAOS_RECORDS", "10000"))
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"seed {seed}, an import of {rows} rows under {kills} kills", flush=True)
    count, began = Count(), time.monotonic()
    try:
        asyncio.run(import_rows(count, kills, rows, random.Random(seed)))
    except Violated as error:
        print(f"import FAILED after {count.kills} kills: {error}", flush=True)
        return 1
    print(f"import    {count.line()}, {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
