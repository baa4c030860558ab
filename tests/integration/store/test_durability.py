"""What was acknowledged is there after a kill: of the database, and of the process that owns it."""

import asyncio
import os
import random
import signal
from pathlib import Path

from bson import ObjectId

from server.store import EmbeddedDatabase, open_store
from tests.integration.store.owner_process import becomes, start_owner

KILLS = int(os.environ.get("CASTWORK_KILLS", "2"))
WRITERS = 8


class Ledger:
    """What an owner process said it wrote."""

    def __init__(self):
        self.singles = set()
        self.pairs = set()

    async def follow(self, owner):
        while line := await owner.stdout.readline():
            if not line.endswith(b"\n"):
                break  # the kill fell into a word
            words = line.decode().split()
            (self.pairs if words[0] == "pair" else self.singles).add(ObjectId(words[-1]))

    async def grows(self):
        """Waits for another insert that was acknowledged."""
        before = len(self.singles)
        await becomes(lambda: len(self.singles) > before, 60)


async def check(data, ledger):
    async with EmbeddedDatabase(data) as database:
        store = await open_store(database.uri, "durable")
        found = {document["_id"] async for document in store.stream("ledger", {})}
        left = {document["_id"] async for document in store.stream("left", {})}
        right = {document["_id"] async for document in store.stream("right", {})}
        assert ledger.singles <= found
        assert ledger.pairs <= left
        assert left == right
        # In doubt is only what was under way when the kill came: one for each writer and kill.
        assert len(found - ledger.singles) <= WRITERS * KILLS
        assert await store.count("ledger", {}) == len(found)
        await store.close()
    print(f"{KILLS} kills, {len(ledger.singles)} inserts and {len(ledger.pairs)} transactions acknowledged, 0 lost")


async def test_killing_the_owner_loses_nothing_acknowledged(tmp_path):
    seeded = random.Random(1)
    ledger = Ledger()
    for _ in range(KILLS):
        owner, _, _ = await start_owner(tmp_path, WRITERS)
        following = asyncio.create_task(ledger.follow(owner))
        await ledger.grows()
        await asyncio.sleep(seeded.uniform(0, 1.5))
        owner.kill()
        await owner.wait()
        await following
    await check(tmp_path, ledger)


async def test_killing_the_database_loses_nothing_acknowledged(tmp_path):
    seeded = random.Random(2)
    ledger = Ledger()
    owner, _, _ = await start_owner(tmp_path, WRITERS)
    following = asyncio.create_task(ledger.follow(owner))
    for _ in range(KILLS):
        await ledger.grows()
        await asyncio.sleep(seeded.uniform(0, 1.5))
        os.kill(database_of(owner.pid), signal.SIGKILL)
        await becomes(lambda: database_of(owner.pid) is None)
        await becomes(lambda: database_of(owner.pid) is not None)
    await ledger.grows()
    owner.kill()
    await owner.wait()
    await following
    await check(tmp_path, ledger)


def database_of(owner):
    """The process of the owner's database at this moment."""
    children = Path(f"/proc/{owner}/task/{owner}/children").read_text().split()
    return int(children[0]) if children else None
