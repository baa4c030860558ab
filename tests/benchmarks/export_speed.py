"""How fast records leave for files, and what of memory it takes; prints what it measured.

CASTWORK_RECORDS says how many records there are (200,000), CASTWORK_EXPORT which export is measured (all). They are exported by a worker in this process, out of an
embedded database in another one.
"""

import asyncio
import os
import random
import tempfile
import time
from pathlib import Path

from bson import Decimal128, ObjectId
from bson.datetime_ms import DatetimeMS

from engine.compiler import compile_app
from engine.definitions import Sources
from server.runtime.jobs import JOB_KINDS, Timing, Worker, export_later, prepare_jobs
from server.runtime.jobs.stored import read_job
from server.runtime.running import SYSTEM, RunningApp
from server.store import EmbeddedDatabase, Patience, open_store

RECORDS = int(os.environ.get("CASTWORK_RECORDS", "200000"))
PATIENCE = Patience(command=3_600_000, connect=600_000)
"""The embedded engine sorts all records before it answers with the first, and says nothing meanwhile."""
CHOSEN = os.environ.get("CASTWORK_EXPORT")
BATCH = 5_000
MIB = 1024 * 1024
FILES = {
    "app.yaml": "name: transfer\n",
    "entities/owners.yaml": "recordLabel: name\nfields:\n  name: {type: text}\n  city: {type: text}\n",
    "entities/things.yaml": """
recordLabel: name
fields:
  name: {type: text}
  state: {type: choice, options: [open, closed]}
  size: {type: integer}
  price: {type: money}
  made: {type: dateTime}
  notes: {type: longText}
  owner: {type: relationship, entity: owners}
  address: {type: nested, fields: {city: {type: text}, zip: {type: text}}}
  lines: {type: nested, many: true, fields: {item: {type: text}, count: {type: integer}}}
""",
}
EXPORTS = {
    "CSV of single fields": "_fields=name,state,size,price,made,notes,owner,address",
    "CSV of all fields": "",
    "CSV with a related field": "_fields=name,owner.city",
    "CSV sorted by a field without index": "_fields=name&_sortField=size",
    "JSON lines": "_format=ndjson",
}


def things(owners):
    """Documents, a batch at a time."""
    pick = random.Random(1)
    for start in range(0, RECORDS, BATCH):
        yield [
            {
                "_id": ObjectId(),
                "version": 0,
                "label": f"thing {number}",
                "name": f"thing {number}",
                "state": pick.choice(("open", "closed")),
                "size": pick.randrange(1_000_000),
                "price": Decimal128(f"{pick.randrange(100_000)}.25"),
                "made": DatetimeMS(1_700_000_000_000 + number),
                "notes": "some words, quoted 'so' " * 4,
                "owner": {"id": pick.choice(owners), "label": "an owner"},
                "address": {"id": ObjectId(), "label": "Address", "city": "Bern", "zip": "3000"},
                "lines": [
                    {"id": ObjectId(), "label": "Lines", "item": f"item {line}", "count": line}
                    for line in range(pick.randrange(4))
                ],
            }
            for number in range(start, min(start + BATCH, RECORDS))
        ]


async def fill(store):
    """Makes the records; gives the ids of what they point to."""
    owners = [
        {"_id": ObjectId(), "version": 0, "label": f"o{number}", "name": f"o{number}", "city": f"city {number}"}
        for number in range(500)
    ]
    await store.insert_many("owners", owners)
    for documents in things([owner["_id"] for owner in owners]):
        await store.insert_many("things", documents)


def resident():
    """Bytes of memory that this process takes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def watch_memory(highest):
    """Keeps the most memory that this process took, and the longest time for which nothing else could run."""
    while True:
        begun = time.monotonic()
        await asyncio.sleep(0.02)
        highest["busy"] = max(highest["busy"], time.monotonic() - begun - 0.02)
        highest["rss"] = max(highest["rss"], resident())


async def measure(running, name, query):
    """Exports once, and prints how that went."""
    before = resident()
    highest = {"rss": before, "busy": 0.0}
    watching = asyncio.create_task(watch_memory(highest))
    pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
    begun, spent = time.monotonic(), time.process_time()
    job = await export_later(running, SYSTEM, "things", pairs, most=max(RECORDS, 1_000_000), files="/files")
    found = job
    while found.end_date is None:
        await asyncio.sleep(0.05)
        found = await read_job(running.store, job.id)
    took, spent = time.monotonic() - begun, time.process_time() - spent
    watching.cancel()
    assert found.error is None, found.error
    assert found.results["recordsExported"] == RECORDS
    file = await running.store.files.find(found.results["fileId"])
    print(
        f"{name}: {RECORDS:,} records in {took:.1f} s, {RECORDS / took:,.0f} a second "
        f"({spent:.1f} s of work in this process); {file.size / MIB:.1f} MiB; "
        f"memory grew by {(highest['rss'] - before) / MIB:.1f} to {highest['rss'] / MIB:.1f} MiB; busy for {highest['busy'] * 1000:.0f} ms at most"
    )
    await running.store.files.delete(file.id)


async def main():
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedDatabase(Path(folder)) as database:
            store = await open_store(database.uri, "transfer", PATIENCE)
            await prepare_jobs(store)
            await store.files.prepare()
            await fill(store)
            running = RunningApp(compile_app(Sources(".", FILES)), store)
            working = asyncio.create_task(Worker(lambda: running, JOB_KINDS, Timing()).run())
            for name, query in EXPORTS.items() if CHOSEN is None else [(CHOSEN, EXPORTS[CHOSEN])]:
                await measure(running, name, query)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await store.close()


if __name__ == "__main__":
    asyncio.run(main())
