"""From documents to the answer, and what the use case makes of the caller's rights and of the database's refusals."""

import pytest
from bson import DatetimeMS, Decimal128, ObjectId

from engine.aggregate import MOST_ITEMS, render_items
from engine.errors import BadRequest, Forbidden
from engine.permissions.scopes import parse_scopes
from server.runtime.aggregates import aggregate_records
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.store import DocumentTooLarge, MemoryExceeded
from tests.unit.aggregate.aggregate_samples import APP, NOW, company, plan

ID = ObjectId(company(1))


def rendered(pipeline, documents, group=None):
    return render_items(plan(pipeline, group=group), documents, lambda document: {"record": str(document["_id"])})


def test_untouched_records_are_rendered_by_whoever_renders_records():
    found = rendered([{"match": {"state": "active"}}, {"limit": 1}], [{"_id": ID, "name": "Acme"}])
    assert found == {"total": 1, "items": [{"record": company(1)}]}


def test_what_stages_added_to_records_comes_behind_them():
    pipeline = [
        {"geoNear": {"coordinates": {"longitude": 3, "latitude": 1}, "distanceField": "d", "includeLocs": "at"}}
    ]
    document = {"_id": ID, "d": 1.5, "at": {"type": "Point", "coordinates": [3.0, 1.0]}}
    (item,) = rendered(pipeline, [document])["items"]
    assert list(item.items()) == [("record", company(1)), ("d", 1.5), ("at", {"latitude": 1, "longitude": 3})]


def test_missing_values_read_as_unset_ones():
    (item,) = rendered([{"project": "size,active,tags,offices,owner"}], [{"_id": ID}])["items"]
    assert item == {"id": company(1), "size": None, "active": False, "tags": [], "offices": [], "owner": None}


def test_what_is_not_stored_or_not_always_shown_is_left_out():
    (item,) = rendered([{"unwind": {"fieldPath": "tags"}}], [{"_id": ID, "tags": "p", "margin": 5, "draft": "x"}])[
        "items"
    ]
    assert item["tags"] == "p"
    assert not {"margin", "draft"} & item.keys()


def test_values_are_in_the_form_of_their_types():
    document = {"_id": ID, "seen": DatetimeMS(5), "big": Decimal128("1.50"), "phone": "7028459380"}
    (item,) = rendered([{"project": "seen,big,phone"}], [document])["items"]
    assert (int(item["seen"]), item["big"], item["phone"]) == (5, "1.50", "702-845-9380")


def test_as_many_items_as_there_may_be_and_one_more():
    documents = [{"n": number} for number in range(MOST_ITEMS + 1)]
    pipeline = [{"group": {"by": "size", "n": "count()"}}, {"project": "n"}]
    assert rendered(pipeline, documents[:-1])["total"] == MOST_ITEMS
    with pytest.raises(BadRequest, match=r"^There are more than 10,000 items; add a limit, or match fewer records$"):
        rendered(pipeline, documents)


class Database:
    """Answers with what it was given, or raises it."""

    def __init__(self, answer):
        self.answer = answer

    async def aggregate(self, collection, pipeline):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def ask(answer, caller, pipeline):
    return await aggregate_records(RunningApp(APP, Database(answer), clock=lambda: NOW), caller, "companies", pipeline)


async def test_an_item_that_is_too_large_is_the_clients_to_avoid():
    with pytest.raises(BadRequest, match="more than 16 MiB"):
        await ask(DocumentTooLarge("BSONObj size is invalid"), SYSTEM, [])


async def test_memory_that_the_database_does_not_have_is_the_clients_to_spare():
    with pytest.raises(BadRequest, match="match fewer records first"):
        await ask(MemoryExceeded("Exceeded memory limit for $group"), SYSTEM, [])


async def test_a_token_that_was_made_for_one_entity_reaches_no_other_one():
    lookup = {"localFieldPath": "id", "foreignFieldPath": "employer", "foreignEntityName": "people", "as": "x"}
    narrow = Caller(developer=True, scopes=parse_scopes(["data:companies"]))
    wide = Caller(developer=True, scopes=parse_scopes(["data"]))
    assert await ask([], wide, [{"lookup": lookup}]) == {"total": 0, "items": []}
    with pytest.raises(Forbidden, match="People"):
        await ask([], narrow, [{"lookup": lookup}])
