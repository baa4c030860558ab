import asyncio
import contextlib

from server.store import DuplicateKey

UNIQUE_KEY = ("cw_unique_key", (("key", 1),), {"unique": True, "partialFilterExpression": {"key": {"$gte": ""}}})


async def test_of_32_writers_with_one_version_one_wins(store):
    await store.insert("things", {"_id": 1, "version": 0})

    async def write(number):
        return await store.update("things", {"_id": 1, "version": 0}, {"$set": {"by": number}, "$inc": {"version": 1}})

    won = await asyncio.gather(*map(write, range(32)))
    assert won.count(True) == 1
    assert await store.get("things", 1) == {"_id": 1, "version": 1, "by": won.index(True)}


async def test_versions_have_no_gaps_and_no_lost_changes(store):
    await store.insert("things", {"_id": 1, "version": 0, "done": []})

    async def add(number):
        while True:
            version = (await store.get("things", 1))["version"]
            change = {"$set": {"version": version + 1}, "$push": {"done": number}}
            if await store.update("things", {"_id": 1, "version": version}, change):
                return

    await asyncio.gather(*map(add, range(24)))
    found = await store.get("things", 1)
    assert found["version"] == 24
    assert sorted(found["done"]) == list(range(24))


async def test_of_200_inserts_with_one_unique_key_one_wins(store):
    await store.create_index("things", *UNIQUE_KEY)

    async def insert(number):
        try:
            await store.insert("things", {"_id": number, "key": "same"})
        except DuplicateKey as error:
            return error.index
        return "won"

    outcomes = await asyncio.gather(*map(insert, range(200)))
    assert sorted(set(outcomes)) == ["cw_unique_key", "won"]
    assert outcomes.count("won") == 1
    assert await store.count("things", {"key": "same"}) == 1


async def test_a_counter_never_gives_a_number_twice(any_store):
    blocks = await asyncio.gather(*(any_store.next_numbers("numbers", 1 + take % 3) for take in range(50)))
    taken = [number for take, first in enumerate(blocks) for number in range(first, first + 1 + take % 3)]
    assert sorted(taken) == list(range(1, len(taken) + 1))


async def test_rival_transactions_are_run_again_until_all_are_done(store):
    await store.insert("things", {"_id": 1, "sum": 0})
    runs = 0

    async def increase(session):
        nonlocal runs
        runs += 1
        found = await store.get("things", 1, session=session)
        await store.update("things", {"_id": 1}, {"$set": {"sum": found["sum"] + 1}}, session=session)
        return found["sum"]

    answers = await asyncio.gather(*(store.run_transaction(increase) for _ in range(16)))
    assert sorted(answers) == list(range(16))
    assert (await store.get("things", 1))["sum"] == 16
    assert runs >= 16


async def test_a_cancelled_write_is_whole_or_not_there(store):
    async def write(number):
        async with store.transaction() as session:
            await store.insert("left", {"_id": number}, session=session)
            await store.insert("right", {"_id": number}, session=session)

    async def give_up(number):
        task = asyncio.create_task(write(number))
        await asyncio.sleep(number * 0.0007)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(*map(give_up, range(20)))
    left = await store.find("left", {}, sort=[("_id", 1)])
    assert left == await store.find("right", {}, sort=[("_id", 1)])
    for number in range(20):  # nobody holds what was cancelled
        with contextlib.suppress(DuplicateKey):
            await asyncio.wait_for(store.insert("left", {"_id": number}), 5)
