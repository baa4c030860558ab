import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from server.store import (
    DocumentTooLarge,
    DuplicateKey,
    Nearest,
    NotStorable,
    NotSupported,
    Patience,
    StoreError,
    TimedOut,
    open_store,
)

UNIQUE_NAME = ("cw_unique_name", (("name", 1),), {"unique": True, "partialFilterExpression": {"name": {"$gte": ""}}})


async def numbered(store, amount=10):
    documents = [{"_id": number, "number": number, "parity": number % 2} for number in range(amount)]
    assert await store.insert_many("numbers", documents) == {}


def ids(documents):
    return [document["_id"] for document in documents]


async def test_what_was_inserted_comes_back_as_it_was(any_store):
    stored = {
        "_id": ObjectId(),
        "decimal": Decimal128("0.10"),
        "instant": DatetimeMS(-62135596800000),
        "long": Int64(2**62),
        "nested": [{"text": "żółw 🐢"}, None, []],
    }
    await any_store.insert("things", dict(stored))
    found = await any_store.get("things", stored["_id"])
    assert found == stored
    assert isinstance(found["instant"], DatetimeMS)
    assert str(found["decimal"]) == "0.10"


async def test_get_of_a_missing_document_is_none(any_store):
    assert await any_store.get("things", ObjectId()) is None


async def test_get_takes_a_projection(any_store):
    await any_store.insert("things", {"_id": 1, "a": 1, "b": 2})
    assert await any_store.get("things", 1, {"a": 1}) == {"_id": 1, "a": 1}


async def test_an_insert_without_id_is_given_one(any_store):
    document = {"a": 1}
    await any_store.insert("things", document)
    assert await any_store.get("things", document["_id"]) == document


async def test_get_many_leaves_out_what_is_missing(any_store):
    await numbered(any_store)
    assert sorted(ids(await any_store.get_many("numbers", [3, 99, 5]))) == [3, 5]


async def test_find_sorts_skips_limits_and_projects(any_store):
    await numbered(any_store)
    found = await any_store.find(
        "numbers", {"parity": 1}, sort=[("number", -1)], skip=1, limit=2, projection={"number": 1}
    )
    assert found == [{"_id": 7, "number": 7}, {"_id": 5, "number": 5}]


async def test_find_without_limit_finds_all(any_store):
    await numbered(any_store, 2500)
    assert len(await any_store.find("numbers", {})) == 2500


async def test_find_takes_a_page_of_a_thousand(store):
    await numbered(store, 1200)
    assert ids(await store.find("numbers", {}, sort=[("_id", 1)], limit=1000)) == list(range(1000))


async def test_a_stream_gives_every_document_once(any_store):
    await numbered(any_store, 2500)
    assert [document["_id"] async for document in any_store.stream("numbers", {}, sort=[("_id", 1)])] == [*range(2500)]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, list(range(10))),
        ({"parity": 0}, [0, 2, 4, 6, 8]),
        ({"$or": [{"number": 1}, {"number": 4}]}, [1, 4]),
        ({"parity": 0, "$or": [{"number": 1}, {"number": 4}]}, [4]),
        ({"parity": 0, "$and": [{"number": {"$gt": 2}}, {"number": {"$lt": 8}}]}, [4, 6]),
        ({"_id": 4, "$nor": [{"number": 4}]}, []),
    ],
)
async def test_find_and_count_agree_on_logical_operators(any_store, filter, expected):
    await numbered(any_store)
    assert ids(await any_store.find("numbers", filter, sort=[("_id", 1)])) == expected
    assert await any_store.count("numbers", filter) == len(expected)
    assert ids(await any_store.find("numbers", filter, sort=[("_id", -1)], skip=1, limit=2)) == expected[::-1][1:3]
    assert ids(await any_store.aggregate("numbers", [{"$match": filter}, {"$sort": {"_id": 1}}])) == expected


async def test_count_of_a_missing_collection_is_zero(any_store):
    assert await any_store.count("nothing", {}) == 0
    assert await any_store.count("nothing", {"a": 1}) == 0


async def test_aggregate_answers_the_pipeline(any_store):
    await numbered(any_store)
    groups = await any_store.aggregate(
        "numbers", [{"$group": {"_id": "$parity", "sum": {"$sum": "$number"}}}, {"$sort": {"_id": 1}}]
    )
    assert groups == [{"_id": 0, "sum": 20}, {"_id": 1, "sum": 25}]


async def test_update_tells_whether_the_version_was_right(any_store):
    await any_store.insert("things", {"_id": 1, "version": 0})
    change = {"$set": {"name": "new", "version": 1}}
    assert await any_store.update("things", {"_id": 1, "version": 0}, change) is True
    assert await any_store.update("things", {"_id": 1, "version": 0}, change) is False
    assert await any_store.get("things", 1) == {"_id": 1, "version": 1, "name": "new"}


async def test_an_update_that_changes_nothing_has_matched(any_store):
    await any_store.insert("things", {"_id": 1, "a": 1})
    assert await any_store.update("things", {"_id": 1}, {"$set": {"a": 1}}) is True


async def test_delete_tells_whether_there_was_something(any_store):
    await any_store.insert("things", {"_id": 1})
    assert await any_store.delete("things", {"_id": 1}) is True
    assert await any_store.delete("things", {"_id": 1}) is False


async def test_delete_many_counts(any_store):
    await numbered(any_store)
    assert await any_store.delete_many("numbers", {"parity": 1}) == 5
    assert await any_store.count("numbers", {}) == 5


async def test_duplicate_keys_name_index_path_and_values(any_store):
    await any_store.create_index("things", *UNIQUE_NAME)
    await any_store.insert("things", {"_id": 1, "name": "a"})
    await any_store.insert("things", {"_id": 2, "name": "b"})
    with pytest.raises(DuplicateKey) as inserting:
        await any_store.insert("things", {"_id": 3, "name": "a"})
    with pytest.raises(DuplicateKey) as updating:
        await any_store.update("things", {"_id": 2}, {"$set": {"name": "a"}})
    for caught in (inserting, updating):
        assert (caught.value.index, caught.value.key_path, caught.value.values) == (
            "cw_unique_name",
            "name",
            {"name": "a"},
        )
    with pytest.raises(DuplicateKey) as same_id:
        await any_store.insert("things", {"_id": 1})
    assert (same_id.value.index, same_id.value.key_path) == ("_id_", "_id")


async def test_insert_many_writes_the_good_and_tells_the_bad(any_store):
    await any_store.create_index("things", *UNIQUE_NAME)
    await any_store.insert("things", {"_id": 0, "name": "a"})
    refused = await any_store.insert_many(
        "things", [{"_id": 1, "name": "b"}, {"_id": 2, "name": "a"}, {"_id": 3, "name": "c"}, {"_id": 1, "name": "d"}]
    )
    assert {place: error.index for place, error in refused.items()} == {1: "cw_unique_name", 3: "_id_"}
    assert sorted(ids(await any_store.find("things", {}))) == [0, 1, 3]


async def test_insert_many_in_order_stops_at_the_first_refusal(any_store):
    refused = await any_store.insert_many("things", [{"_id": 1}, {"_id": 1}, {"_id": 2}], ordered=True)
    assert list(refused) == [1]
    assert ids(await any_store.find("things", {})) == [1]


@pytest.mark.parametrize("hostile", [2**63, -(2**63) - 1, "\ud800", object(), {"nul\0": 1}])
async def test_what_bson_cannot_hold_is_refused(any_store, hostile):
    with pytest.raises(NotStorable):
        await any_store.insert("things", {"_id": 1, "value": hostile})
    assert await any_store.find("things", {}) == []


async def test_a_value_nested_too_deep_is_refused(store):
    deep = value = {}
    for _ in range(100_000):
        value["a"] = value = {}
    with pytest.raises(StoreError):
        await store.insert("things", deep)
    assert await store.find("things", {}) == []


async def test_documents_over_16_mib_are_refused(store):
    with pytest.raises(DocumentTooLarge):
        await store.insert("things", {"_id": 1, "text": "x" * 17_000_000})
    await store.insert("things", {"_id": 1, "texts": ["x" * 9_000_000]})
    with pytest.raises(DocumentTooLarge):
        await store.update("things", {"_id": 1}, {"$push": {"texts": "x" * 9_000_000}})


async def test_a_command_over_its_time_is_stopped(open_named):
    store = await open_named(patience=Patience(command=1))
    assert await store.insert_many("numbers", [{"text": "x" * 200} for _ in range(3000)]) == {}
    with pytest.raises(TimedOut):
        await store.find("numbers", {"text": "y"})
    with pytest.raises(TimedOut):
        await store.aggregate("numbers", [{"$group": {"_id": "$text"}}])


async def test_nearest_comes_first_and_distance_stays_inside(store):
    await store.create_index("places", "cw_place_at", (("at", "2dsphere"),), {})
    for number in (7, 3, 9, 1):
        await store.insert("places", {"_id": number, "at": {"type": "Point", "coordinates": [10 + number / 10, 50]}})
    await store.insert("places", {"_id": 0, "at": None})
    point = {"type": "Point", "coordinates": [10, 50]}
    found = await store.find("places", {"_id": {"$ne": 3}}, nearest=Nearest("at", point), limit=2)
    assert [(document["_id"], document.keys()) for document in found] == [(1, {"_id", "at"}), (7, {"_id", "at"})]
    assert await store.find("places", {}, nearest=Nearest("at", point), skip=3, projection={"_id": 1}) == [{"_id": 9}]


async def test_numbers_go_on_and_can_be_lifted(any_store):
    assert await any_store.next_numbers("invoices.number") == 1
    assert await any_store.next_numbers("invoices.number", 3) == 2
    assert await any_store.next_numbers("invoices.number") == 5
    assert await any_store.next_numbers("invoices.number", at_least=1000) == 1000
    assert await any_store.next_numbers("invoices.number", at_least=7) == 1001
    assert await any_store.next_numbers("orders.number", at_least=10) == 10


async def test_each_store_has_a_database_of_its_own(open_named):
    one, other = await open_named(), await open_named()
    await one.insert("things", {"_id": 1})
    assert await other.collection_names() == []
    assert await one.collection_names() == ["things"]


async def test_a_store_knows_what_it_can_do(store):
    memory = await open_store("memory:", "any")
    assert (store.engine, store.transactions, store.text_search) == ("embedded", True, False)
    assert (memory.engine, memory.transactions, memory.text_search) == ("memory", False, False)
    await store.ping()
    await memory.ping()


async def test_the_memory_says_what_it_cannot_do():
    memory = await open_store("memory:", "any")
    await memory.insert("things", {"at": DatetimeMS(1), "place": {"type": "Point", "coordinates": [1, 1]}})
    with pytest.raises(NotSupported, match="in memory cannot"):
        await memory.find("things", {"at": {"$gt": DatetimeMS(0)}})
    await memory.insert("sums", {"n": Decimal128("9.9E+6144")})
    await memory.insert("sums", {"n": Decimal128("1")})
    for reckoned in ({"$max": "$n"}, {"$sum": {"$convert": {"input": "$n", "to": "decimal"}}}):
        with pytest.raises(NotSupported, match="in memory cannot"):
            await memory.aggregate("sums", [{"$group": {"_id": None, "n": reckoned}}])
    with pytest.raises(NotSupported, match="in memory cannot"):
        await memory.find("things", {}, nearest=Nearest("place", {"type": "Point", "coordinates": [1, 1]}))
    with pytest.raises(StoreError, match="no transactions"):
        await memory.run_transaction(lambda session: memory.ping())


async def test_a_wrong_uri_is_a_store_error():
    with pytest.raises(StoreError, match="URI"):
        await open_store("mysql://localhost", "any")
