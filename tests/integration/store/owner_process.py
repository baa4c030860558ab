"""A process that owns an embedded database and writes to it; prints the URI, then each id whose insert was acknowledged.

Arguments: the data directory, the number of writers (0 only holds the database), optionally the guardian's mode.
"""

import asyncio
import sys
import time
from pathlib import Path

from bson import ObjectId

from server.store import EmbeddedDatabase, StoreError, embedded, open_store

ROOT = Path(__file__).parents[3]


async def start_owner(data, writers, *mode):
    """The other side of the pipe: the process, its URI and the process of its database."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, __file__, str(data), str(writers), *mode, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    uri, pid = (await asyncio.wait_for(owner.stdout.readline(), 60)).decode().split()
    return owner, uri, int(pid)


async def becomes(condition, seconds=20.0):
    """Waits until the condition holds; the end of the time is a failure."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.02)


async def write_for_ever(store):
    while True:
        document = {"_id": ObjectId(), "text": "x" * 200}
        try:
            await store.insert("ledger", document)
        except StoreError:
            await asyncio.sleep(0.01)
            continue
        print(document["_id"], flush=True)


async def write_pairs_for_ever(store):
    while True:
        key = ObjectId()

        async def both(session, key=key):
            await store.insert("left", {"_id": key}, session=session)
            await store.insert("right", {"_id": key}, session=session)

        try:
            await store.run_transaction(both)
        except StoreError:
            await asyncio.sleep(0.01)
            continue
        print("pair", key, flush=True)


async def own(data, writers, mode=embedded.GUARDIAN_MODE):
    embedded.GUARDIAN_MODE = mode
    database = EmbeddedDatabase(Path(data))
    await database.start()
    print(database.uri, database.pid, flush=True)
    store = await open_store(database.uri, "durable")
    tasks = [write_for_ever(store) for _ in range(int(writers))]
    if tasks:
        tasks.append(write_pairs_for_ever(store))
    await asyncio.gather(*tasks, asyncio.sleep(600))


if __name__ == "__main__":
    asyncio.run(own(*sys.argv[1:]))
