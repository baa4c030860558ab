"""Sessions that outlive a transaction, and stores that are bound to one."""

import asyncio
import time

import pytest

from server.store import StoreError, bound_store


class OwnError(Exception):
    pass


async def test_one_session_serves_many_transactions(store):
    async with store.session() as session:
        ids = set()
        for number in range(3):
            async with store.transaction(session) as opened:
                ids.add(bytes(opened.session_id["id"]))
                await store.insert("things", {"_id": number}, session=opened)
    assert len(ids) == 1
    assert await store.count("things", {}) == 3


async def test_what_a_dead_process_left_open_can_be_undone(open_named):
    dead, alive = await open_named("left"), await open_named("left")
    await alive.insert("things", {"_id": 1, "n": 0})
    async with dead.session() as session:
        left_open = dead.transaction(session)
        await dead.update("things", {"_id": 1}, {"$set": {"n": 1}}, session=await left_open.__aenter__())
        waiting = asyncio.create_task(alive.update("things", {"_id": 1}, {"$set": {"m": 1}}))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        began = time.monotonic()
        await alive.kill_sessions([session.session_id])
        assert await waiting
        assert time.monotonic() - began < 30, "it was undone by its age, after a minute"
        with pytest.raises(StoreError):
            await left_open.__aexit__(None, None, None)
        await dead.run_transaction(
            lambda again: dead.update("things", {"_id": 1}, {"$set": {"k": 1}}, session=again), session
        )
    assert await alive.get("things", 1) == {"_id": 1, "n": 0, "m": 1, "k": 1}


async def test_a_bound_store_is_part_of_its_transaction(store):
    async def fill(session):
        bound = bound_store(store, session)
        await asyncio.gather(*(bound.insert("things", {"_id": number}) for number in range(5)))
        await bound.run_transaction(lambda inner: store.insert("things", {"_id": 9}, session=inner))
        assert await bound.count("things", {}) == 6
        assert await store.count("things", {}) == 0
        assert bound.transactions
        raise OwnError

    with pytest.raises(OwnError):
        await store.run_transaction(fill)
    assert await store.count("things", {}) == 0
