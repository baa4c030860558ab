import asyncio
import os
import signal
import time

import pytest

from server.store import EmbeddedDatabase, StoreUnavailable, open_store, reconcile_indexes

SOON = 5.0
"""Seconds within which a lost database must be told, and within which a returned one must serve."""


async def answers(store):
    """Seconds until the store works again."""
    began = time.monotonic()
    while time.monotonic() - began < SOON:
        try:
            await store.get("things", 1)
        except StoreUnavailable:
            continue
        return time.monotonic() - began
    pytest.fail(f"no service {SOON} s after the return of the database")


async def refused_in(operation):
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await operation
    return time.monotonic() - began


async def test_no_server_at_all_is_told_soon(unused_tcp_port):
    assert await refused_in(open_store(f"mongodb://127.0.0.1:{unused_tcp_port}", "any")) < SOON


async def test_a_lost_database_is_told_soon_and_its_return_is_noticed(tmp_path):
    database = EmbeddedDatabase(tmp_path)
    store = await open_store(await database.start(), "any")
    await store.insert("things", {"_id": 1, "version": 0})
    await asyncio.gather(*(store.get("things", 1) for _ in range(50)))  # fills the pool
    await database.stop()

    operations = [
        store.get("things", 1),
        store.find("things", {}),
        store.count("things", {}),
        store.insert("things", {"_id": 2}),
        store.insert_many("things", [{"_id": 3}]),
        store.update("things", {"_id": 1}, {"$set": {"a": 1}}),
        store.delete("things", {"_id": 1}),
        store.delete_many("things", {}),
        store.aggregate("things", []),
        store.next_numbers("numbers"),
        store.indexes("things"),
        reconcile_indexes(store, []),
        store.ping(),
        store.run_transaction(lambda session: store.insert("things", {"_id": 4}, session=session)),
    ]
    seconds = await asyncio.gather(*map(refused_in, operations))
    assert max(seconds) < SOON

    await database.start()
    assert await answers(store) < SOON
    assert await store.get("things", 1) == {"_id": 1, "version": 0}
    await store.close()
    await database.stop()


async def test_a_hanging_database_is_told_and_its_return_is_noticed(tmp_path):
    async with EmbeddedDatabase(tmp_path) as database:
        store = await open_store(database.uri, "any")
        await store.insert("things", {"_id": 1})
        os.kill(database.pid, signal.SIGSTOP)
        try:
            seconds = await asyncio.gather(
                *(refused_in(store.get("things", 1)) for _ in range(5)),
                refused_in(store.insert("things", {"_id": 2})),
            )
        finally:
            os.kill(database.pid, signal.SIGCONT)
        assert max(seconds) < SOON
        assert await answers(store) < SOON
        await store.close()
