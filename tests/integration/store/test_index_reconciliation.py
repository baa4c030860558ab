import asyncio
from dataclasses import replace

import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from engine.definitions import Sources, resolve_app
from engine.indexes import IndexPlan, plan_indexes
from server.store import DuplicateKey, EmbeddedStore, IndexName, open_store, reconcile_indexes

ENTITIES = {
    "companies": """
fields:
  name: {type: text, unique: true}
  code: {type: integer, unique: true}
  state: {type: choice, options: [a, b], index: true}
  tags: {type: text, many: true, unique: true}
  contact: {type: nested, fields: {email: {type: email, unique: true}}}
  addresses: {type: nested, many: true, fields: {city: {type: text, index: true}}}
  at: {type: geoPoint}
indexes:
  - {name: stateAndName, fields: [state, -name]}
  - {name: search, type: text, fields: [name]}
""",
    "people": """
fields:
  company: {type: relationship, entity: companies, unique: true}
""",
}


def plans_of(entities):
    texts = {"app.yaml": "name: shop\nlabel: Shop\n"}
    texts |= {f"entities/{name}.yaml": text for name, text in entities.items()}
    return tuple(plan for plan in plan_indexes(resolve_app(Sources("shop", texts))) if plan.collection in entities)


@pytest.fixture(name="plans")
def plan_sample():
    return plans_of(ENTITIES)


def names(items):
    return sorted(str(item) for item in items)


async def test_missing_indexes_are_built_once(store, plans):
    first = await reconcile_indexes(store, plans)
    assert names(first.created) == [
        "companies: cw_field_addresses.city",
        "companies: cw_field_state",
        "companies: cw_index_stateAndName",
        "companies: cw_place_at",
        "companies: cw_unique_code",
        "companies: cw_unique_contact.email",
        "companies: cw_unique_name",
        "companies: cw_unique_tags",
        "people: cw_unique_company.id",
    ]
    assert names(first.skipped) == ["companies: cw_index_search"]
    second = await reconcile_indexes(store, plans)
    assert (second.created, second.present) == ((), first.created)
    assert second == replace(first, created=(), present=first.created)


async def test_text_search_is_left_out_aloud(store, plans, caplog):
    await reconcile_indexes(store, plans)
    assert "companies: cw_index_search is left out: this database has no text search" in caplog.messages


@pytest.mark.parametrize("empty", [{}, {"name": None}, {"tags": []}, {"contact": {"email": None}}, {"contact": None}])
async def test_empties_do_not_clash(store, plans, empty):
    await reconcile_indexes(store, plans)
    for _ in range(3):
        await store.insert("companies", dict(empty))


@pytest.mark.parametrize(
    ("one", "other", "index"),
    [
        ({"name": "a"}, {"name": "a"}, "cw_unique_name"),
        ({"code": 5}, {"code": Int64(5)}, "cw_unique_code"),
        ({"code": Int64(-(2**63))}, {"code": Int64(-(2**63))}, "cw_unique_code"),
        ({"tags": ["a", "b"]}, {"tags": ["c", "b"]}, "cw_unique_tags"),
        ({"contact": {"email": "a@b.c"}}, {"contact": {"email": "a@b.c"}}, "cw_unique_contact.email"),
    ],
)
async def test_the_same_value_twice_is_refused_by_name(store, plans, one, other, index):
    await reconcile_indexes(store, plans)
    await store.insert("companies", one)
    with pytest.raises(DuplicateKey) as caught:
        await store.insert("companies", other)
    assert caught.value.index == index


async def test_a_record_may_hold_a_value_twice(store, plans):
    await reconcile_indexes(store, plans)
    await store.insert("companies", {"tags": ["a", "a"]})


@pytest.mark.parametrize(
    "lowest", ["", Int64(-(2**63)), Decimal128("-Infinity"), DatetimeMS(-62135596800000), ObjectId("0" * 24)]
)
async def test_a_unique_index_serves_equality(store, lowest):
    kinds = {
        str: lambda number: f"n{number}",
        Int64: Int64,
        Decimal128: lambda number: Decimal128(str(number)),
        DatetimeMS: DatetimeMS,
        ObjectId: lambda number: ObjectId(f"{number:024x}"),
    }
    value = kinds[type(lowest)]
    plan = IndexPlan("things", "cw_unique_key", (("key", 1),), True, {"key": {"$gte": lowest}})
    await reconcile_indexes(store, [plan])
    await store.insert_many("things", [{"_id": number, "key": value(number + 1)} for number in range(300)])
    assert await store.find("things", {"key": value(7)}) == [{"_id": 6, "key": value(7)}]
    explained = await store._database.command(
        {"explain": {"find": "things", "filter": {"key": value(7)}}, "verbosity": "executionStats"}
    )
    assert explained["executionStats"]["totalDocsExamined"] == 1


async def test_a_unique_index_over_duplicates_names_the_field_and_stops_nobody_else(store, plans):
    await store.insert_many("companies", [{"name": "same"}, {"name": "same"}])
    report = await reconcile_indexes(store, plans)
    [failure] = report.failed
    assert (failure.collection, failure.name) == ("companies", "cw_unique_name")
    assert "name must be unique" in failure.reason
    assert "same" not in failure.reason.replace("the same value", "")
    assert IndexName("people", "cw_unique_company.id") in report.created
    assert IndexName("companies", "cw_unique_code") in report.created


async def test_an_index_that_cannot_be_built_but_is_not_unique_closes_nothing(store, plans, caplog, monkeypatch):
    monkeypatch.setattr(EmbeddedStore, "text_search", True)  # the engine refuses what it is now asked for
    report = await reconcile_indexes(store, plans)
    assert [failure.name for failure in report.slow] == ["cw_index_search"]
    assert report.failed == ()
    assert any("cw_index_search could not be built: text indexes" in message for message in caplog.messages)


async def test_an_index_of_that_name_in_another_form_is_left_alone(store):
    await store.create_index("things", "cw_field_a", (("b", 1),), {})
    await store.create_index("things", "cw_unique_c", (("c", 1),), {})
    before = await store.indexes("things")
    report = await reconcile_indexes(
        store,
        [
            IndexPlan("things", "cw_field_a", (("a", 1),)),
            IndexPlan("things", "cw_unique_c", (("c", 1),), True, {"c": {"$gte": ""}}),
        ],
    )
    assert names(report.conflicting) == ["things: cw_field_a", "things: cw_unique_c"]
    assert [failure.name for failure in report.failed] == ["cw_unique_c"]
    assert "drop it" in report.failed[0].reason
    assert await store.indexes("things") == before


async def test_others_indexes_and_our_old_ones_are_told_and_left(store):
    await store.create_index("things", "of_somebody_else", (("x", 1),), {})
    await store.create_index("things", "cw_field_old", (("old", 1),), {})
    await store.create_index("gone", "cw_field_old", (("old", 1),), {})
    report = await reconcile_indexes(store, [IndexPlan("things", "cw_field_a", (("a", 1),))])
    assert names(report.foreign) == ["things: of_somebody_else"]
    assert names(report.stale) == ["gone: cw_field_old", "things: cw_field_old"]
    assert len(await store.indexes("things")) == 4


async def test_somebody_elses_index_of_the_same_form_will_do(store):
    await store.create_index("things", "made_by_hand", (("a", 1),), {})
    report = await reconcile_indexes(store, [IndexPlan("things", "cw_field_a", (("a", 1),))])
    assert names(report.present) == ["things: cw_field_a"]
    assert report.created == ()


async def test_two_servers_may_start_at_once(open_named, plans):
    one, other = await open_named("shared"), await open_named("shared")
    reports = await asyncio.gather(reconcile_indexes(one, plans), reconcile_indexes(other, plans))
    assert [report.failed + report.slow + report.conflicting for report in reports] == [(), ()]
    assert len((await reconcile_indexes(one, plans)).present) == 9


async def test_the_memory_takes_the_plans(plans):
    memory = await open_store("memory:", "any")
    report = await reconcile_indexes(memory, plans)
    assert report.failed == ()
    await memory.insert("companies", {"name": "a"})
    with pytest.raises(DuplicateKey):
        await memory.insert("companies", {"name": "a"})


async def test_a_sparse_unique_index_looks_at_the_items_that_have_the_key(store):
    plan = IndexPlan("things", "cw_unique_rows.code", (("rows.code", 1),), True, sparse=True)
    report = await reconcile_indexes(store, [plan])
    assert len(report.created) == 1
    await store.insert("things", {"rows": [{"code": "a"}, {"n": 1}]})
    await store.insert("things", {"rows": [{"code": "b"}, {"n": 1}]})
    await store.insert("things", {"rows": []})
    await store.insert("things", {"rows": []})
    with pytest.raises(DuplicateKey):
        await store.insert("things", {"rows": [{"n": 2}, {"code": "a"}]})
    assert len((await reconcile_indexes(store, [plan])).present) == 1
