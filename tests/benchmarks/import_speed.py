"""How fast rows become records, and what of memory it takes; prints what it measured.

CASTWORK_ROWS says how many rows there are (10,000), CASTWORK_MEGABYTES how large the file of the last two is (200): one
is checked only, one is written. A worker in this process imports them into an embedded database in another one.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.records.import_options import ImportOptions
from server.runtime.jobs import JOB_KINDS, Timing, Worker, import_later, prepare_jobs
from server.runtime.jobs.stored import read_job
from server.runtime.running import SYSTEM, RunningApp
from server.store import EmbeddedDatabase, open_store
from server.store.indexes import reconcile_indexes

ROWS = int(os.environ.get("CASTWORK_ROWS", "10000"))
MEGABYTES = int(os.environ.get("CASTWORK_MEGABYTES", "200"))
MIB = 1024 * 1024
WIDE = 20_000
"""Characters of a row of the large file."""
FILES = {
    "app.yaml": "name: transfer\n",
    "entities/owners.yaml": (
        "label: Owners\nrecordLabel: name\nfields:\n"
        "  name: {type: text, unique: true, required: true}\n  city: {type: text}\n"
    ),
    "entities/things.yaml": """
label: Things
recordLabel: name
fields:
  name: {type: text, unique: true, required: true}
  state: {type: choice, options: [open, closed]}
  size: {type: integer}
  price: {type: money}
  notes: {type: longText}
  owner: {type: relationship, entity: owners}
""",
}


def rss():
    """The memory of this process, in bytes."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


async def plain():
    yield b"name,state,size,price\n"
    for n in range(ROWS):
        yield f"thing {n},open,{n},12.50\n".encode()


async def related():
    yield b"name,size,owner.name,owner.city\n"
    for n in range(ROWS):
        yield f"other {n},{n},owner {n % 100},city {n % 100}\n".encode()


async def large():
    yield b"name,notes\n"
    for n in range(MEGABYTES * MIB // WIDE):
        yield f"large {n},{'x' * WIDE}\n".encode()


async def measure(running, name, rows, options):
    meta = {"purpose": "importSource", "user": None}
    file = await running.store.files.write("rows.csv", "text/csv", rows, meta)
    before, most, began, busy = rss(), 0, time.monotonic(), time.process_time()
    job = await import_later(running, SYSTEM, "things", options, file)
    while (found := await read_job(running.store, job.id)).end_date is None:
        most = max(most, rss())
        await asyncio.sleep(0.2)
    took, busy = time.monotonic() - began, time.process_time() - busy
    count = found.records_processed
    print(
        f"{name:32} {count:7,} rows, {file.size / MIB:6.1f} MiB: {took:7.1f} s, {count / took:6.0f} rows/s, "
        f"{1000 * busy / count:.2f} ms of this process a row, memory +{(most - before) / MIB:.0f} MiB, {dict(found.results)}",
        flush=True,
    )


async def main():
    compiled = compile_app(Sources(".", FILES))
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedDatabase(Path(folder)) as database:
            store = await open_store(database.uri, "transfer")
            await prepare_jobs(store)
            await reconcile_indexes(store, compiled.indexes)
            await store.files.prepare()
            running = RunningApp(compiled, store)
            working = asyncio.create_task(Worker(lambda: running, JOB_KINDS, Timing(first_poll=0.01)).run())
            await measure(running, "new records", plain(), ImportOptions())
            await measure(running, "the same again", plain(), ImportOptions())
            await measure(running, "with related records", related(), ImportOptions())
            await measure(running, "a large file, checked only", large(), ImportOptions(preview=True))
            await measure(running, "a large file", large(), ImportOptions())
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await store.close()


if __name__ == "__main__":
    asyncio.run(main())
