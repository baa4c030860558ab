import pytest

from server.store import DuplicateKey, StoreError, WriteConflict


class OwnError(Exception):
    pass


async def test_a_transaction_is_seen_when_it_is_committed(store):
    async with store.transaction() as session:
        await store.insert("things", {"_id": 1}, session=session)
        await store.insert("others", {"_id": 1}, session=session)
        assert await store.get("things", 1, session=session) == {"_id": 1}
        assert await store.count("things", {}, session=session) == 1
        assert await store.find("things", {"_id": 1}, session=session) == [{"_id": 1}]
        assert await store.get("things", 1) is None
        assert await store.count("things", {}) == 0
    assert await store.get("things", 1) == {"_id": 1}
    assert await store.get("others", 1) == {"_id": 1}


async def test_an_error_undoes_everything_and_passes_through(store):
    await store.insert("things", {"_id": 1, "a": 1})

    async def fail():
        async with store.transaction() as session:
            await store.insert("things", {"_id": 2}, session=session)
            await store.update("things", {"_id": 1}, {"$set": {"a": 2}}, session=session)
            await store.delete("things", {"_id": 1}, session=session)
            raise OwnError

    with pytest.raises(OwnError):
        await fail()
    assert await store.find("things", {}) == [{"_id": 1, "a": 1}]


@pytest.mark.parametrize("error", [OverflowError("own"), RecursionError("own"), UnicodeError("own")])
async def test_errors_of_the_body_are_not_taken_for_the_drivers(store, error):
    async def body(session):
        raise error

    with pytest.raises(type(error), match="own"):
        await store.run_transaction(body)


async def test_a_duplicate_undoes_what_was_before_it(store):
    await store.insert("things", {"_id": 1})
    runs = 0

    async def body(session):
        nonlocal runs
        runs += 1
        await store.insert("things", {"_id": 2}, session=session)
        await store.insert("things", {"_id": 1}, session=session)

    with pytest.raises(DuplicateKey):
        await store.run_transaction(body)
    assert runs == 1
    assert await store.count("things", {}) == 1


async def test_run_transaction_answers_what_the_body_answers(store):
    async def body(session):
        await store.insert("things", {"_id": 1}, session=session)
        return "done"

    assert await store.run_transaction(body) == "done"
    assert await store.count("things", {}) == 1


async def test_the_later_of_two_rivals_is_told_and_may_repeat(store):
    await store.insert("things", {"_id": 1, "a": 0})
    async with store.transaction() as first:
        await store.update("things", {"_id": 1}, {"$inc": {"a": 1}}, session=first)
        with pytest.raises(WriteConflict) as caught:
            async with store.transaction() as second:
                await store.update("things", {"_id": 1}, {"$inc": {"a": 10}}, session=second)
        assert caught.value.transient
    assert (await store.get("things", 1))["a"] == 1


async def test_a_swallowed_conflict_is_not_committed_and_not_repeated(store):
    await store.insert("things", {"_id": 1, "a": 0})

    async def swallow():
        async with store.transaction() as second:
            await store.insert("things", {"_id": 2}, session=second)
            async with store.transaction() as first:
                await store.update("things", {"_id": 1}, {"$inc": {"a": 1}}, session=first)
                with pytest.raises(WriteConflict):
                    await store.update("things", {"_id": 1}, {"$inc": {"a": 10}}, session=second)

    with pytest.raises(StoreError, match="not known"):
        await swallow()
    assert await store.find("things", {}) == [{"_id": 1, "a": 1}]


async def test_a_transaction_reads_one_moment(store):
    await store.insert("things", {"_id": 1, "a": 0})
    async with store.transaction() as session:
        assert (await store.get("things", 1, session=session))["a"] == 0
        await store.update("things", {"_id": 1}, {"$set": {"a": 1}})
        assert (await store.get("things", 1, session=session))["a"] == 0
