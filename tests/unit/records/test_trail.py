"""Reading a trail: what may be asked, which rows that means, and what of them a caller sees."""

import re

import pytest
from bson import Int64, ObjectId

from engine.errors import BadRequest
from engine.fields.base import Locale
from engine.permissions import FULL_ACCESS
from engine.query import Clock
from engine.records import Moment
from engine.records.audit import AuditRules, Cause, row_of
from engine.records.masking import MASKED
from engine.records.trail import (
    OF_ENTITY,
    OF_RECORD,
    TrailQuery,
    TrailView,
    behind,
    entity_id,
    last_state,
    parse_trail_query,
    to_trail_filter,
)
from tests.every import every
from tests.unit.records.conftest import NOW

ID = "57fd2d65e4b0ce322b0c8665"
FIELDS = """
auditLogs: true
recordLabel: name
fields:
  name:   {type: text}
  type:   {type: choice, options: {a: Kind A, b: Kind B}}
  size:   {type: decimal}
  owner:  {type: text}
  secret: {type: text}
  code:   {type: text, sensitive: true}
  wages:  {type: text, read: {owner: me}}
  tags:   {type: text, many: true}
  boss:   {type: relationship, entity: things}
  place:  {type: nested, label: Place, fields: {city: {type: text}}}
  stamp:  {type: dateRecordModified}
"""
GROUP = """
entities:
  things:
    read: always
    auditLogs: always
    fields: {secret: none, tags: {read: {owner: me}}}
"""


def test_a_query_is_read():
    pairs = [
        ("eventTypes", "USER_RECORD_CREATED, SYSTEM_REFACTORING"),
        ("from", "5"),
        ("to", "9"),
        ("_size", "3"),
        ("_offset", ID),
    ]
    assert parse_trail_query(pairs, OF_ENTITY) == TrailQuery(
        frozenset({"USER_RECORD_CREATED", "SYSTEM_REFACTORING"}), 5, 9, 3, ObjectId(ID)
    )


@pytest.mark.parametrize("pairs", [[], [("_size", ""), ("_offset", "")]])
def test_twenty_rows_are_the_usual_page(pairs):
    assert parse_trail_query(pairs, OF_RECORD) == TrailQuery(size=20)


@every(
    ("pairs", "known", "message"),
    [
        ([("_sice", "3")], OF_RECORD, "There is no parameter _sice; did you mean \"_size\"?"),
        ([("eventTypes", "x")], OF_RECORD, "There is no parameter eventTypes; known are _size, _offset"),
        ([("_size", "3"), ("_size", "3")], OF_RECORD, "_size may be given only once"),
        ([("_size", "0")], OF_RECORD, "_size takes a whole number from 1 to 1000, not 0"),
        ([("_size", "1001")], OF_RECORD, "_size takes a whole number from 1 to 1000, not 1001"),
        ([("_size", "²")], OF_RECORD, "_size takes a whole number from 1 to 1000, not ²"),
        ([("from", "-1")], OF_ENTITY, "from takes a whole number from 0 to 253402300799999, not -1"),
        ([("to", "9" * 99)], OF_ENTITY, f"to takes a whole number from 0 to 253402300799999, not {'9' * 64}"),
        ([("_offset", "5")], OF_RECORD, "_offset takes the offset of the page before, not 5"),
        ([("_offset", "x" * 24)], OF_RECORD, f"_offset takes the offset of the page before, not {'x' * 24}"),
        ([("eventTypes", "USER_RECORD_CREATE")], OF_ENTITY, "did you mean \"USER_RECORD_CREATED\"?"),
        ([("eventTypes", "nothing")], OF_ENTITY, "There is no event type nothing; known are SCRIPT_ACTION_PERFORMED,"),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_refused_by_name(pairs, known, message):
    with pytest.raises(BadRequest) as caught:
        parse_trail_query(pairs, known)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("query", "since", "wanted"),
    [
        (TrailQuery(), None, {}),
        (TrailQuery(earliest=5, latest=9), None, {"at": {"$gte": 5, "$lte": 9}}),
        (TrailQuery(earliest=5), 7, {"at": {"$gte": 7}}),
        (TrailQuery(), 7, {"at": {"$gte": 7}}),
        (
            TrailQuery(types=frozenset({"USER_RECORD_DELETED"})),
            None,
            {
                "$or": [
                    {"origin": "user", "event": "deleted", "cascade": False},
                    {"origin": "user", "event": "deleted", "cascade": True},
                ]
            },
        ),
        (
            TrailQuery(types=frozenset({"SYSTEM_REFACTORING"})),
            None,
            {"$or": [{"origin": "system", "event": "refactored", "cascade": False}]},
        ),
    ],
)
def test_a_query_means_rows_of_one_entity(query, since, wanted):
    assert to_trail_filter(query, "things", living_since=since) == {"entity": "things", **wanted}


def test_cascades_are_rows_of_any_origin():
    found = to_trail_filter(TrailQuery(types=frozenset({"SYSTEM_CASCADE_UPDATE"})), "things", living_since=None)["$or"]
    assert {(one["origin"], one["event"], one["cascade"]) for one in found} == {
        (origin, "changed", True) for origin in ("user", "script", "system")
    }


def test_rows_behind_one_are_older_or_of_the_same_moment_and_smaller():
    row = {"_id": ObjectId(ID), "at": Int64(5)}
    assert behind(row) == {"$or": [{"at": {"$lt": 5}}, {"at": 5, "_id": {"$lt": ObjectId(ID)}}]}


def told(event, version, old=None, new=None):
    return {"event": event, "record": ID, "version": version, "old": old or {}, "new": new or {}}


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], None),
        ([told("created", 0, new={"n": 1}), told("changed", 1, new={"n": 2})], {"_id": ID, "version": 1, "n": 2}),
        ([told("changed", 1, new={"n": 2})], None),
        ([told("changed", 1, new={"n": 2}), told("deleted", 3, {"n": 3, "m": 1})], {"_id": ID, "version": 3, "n": 3, "m": 1}),
        ([told("created", 0, new={"n": 1}), told("deleted", 3)], {"_id": ID, "version": 0, "n": 1}),
        ([told("created", 0, new={"n": 1}), told("action", 0)], {"_id": ID, "version": 0, "n": 1}),
    ],
)  # fmt: skip
def test_what_a_deleted_record_was_at_last_is_told_by_its_rows(rows, state):
    assert last_state(rows) == state


class Trail:
    """One record's rows, as a caller sees them."""

    def __init__(self, things, access):
        self.things = things
        self.rules = AuditRules(things.entity.entity)
        self.view = TrailView(things.entity.entity, things.entity.views, access, Moment(NOW).scope, Locale())

    def created(self, body, **shown):
        document = self.things.create(body).document
        (intent,) = self.rules.of_creation(document, Cause(at=NOW, origin="user", user="ann@example.com"))
        return self.item(row_of(intent), document, **shown)

    def changed(self, body, change, **shown):
        document = self.things.create(body).document
        write = self.things.update(document, change)
        (intent,) = self.rules.of_change(document, write.planned, write.values, Cause(at=NOW))
        return self.item(row_of(intent), write.planned, **shown)

    def deleted(self, body, **shown):
        document = self.things.create(body).document
        row = row_of(next(iter(self.rules.of_removal(document, Cause(at=NOW)))))
        return self.item(row, document, deleted=row, gone=True, **shown)

    def item(self, row, state, *, deleted=None, gone=False, known=True):
        return self.view.render(row, state if known else None, deleted, gone)


@pytest.fixture
def trail(bench):
    def make(group=None):
        things = bench(FIELDS, **({} if group is None else {"groups/sales.yaml": group}))
        if group is None:
            return Trail(things, FULL_ACCESS)
        rights = things.compiled.rights.access(frozenset({"sales"}), "things")
        return Trail(things, rights.bound(None, Clock(NOW, "UTC")))

    return make


def test_an_item_has_the_documented_keys(trail):
    item = trail().created({"name": "Acme", "tags": ["x"], "place": {"city": "Rome"}})
    new = item.pop("newRecord")
    assert {name: item[name] for name in item if name not in ("id", "recordId")} == {
        "entityId": entity_id("things"),
        "entityName": "things",
        "entityVersion": 0,
        "recordName": "Acme",
        "user": "ann@example.com",
        "timestamp": NOW,
        "ip": None,
        "eventType": "USER_RECORD_CREATED",
        "eventCategory": "USER",
        "contextPath": "entities.things.create",
        "recordDeleted": None,
        "deletionDate": None,
        "oldRecord": {},
    }
    assert (new["name"], new["type"], new["tags"], new["boss"]) == ("Acme", None, ["x"], None)
    assert (new["place"]["city"], new["place"]["label"]) == ("Rome", "Place")
    assert not {"id", "version", "label"} & new.keys()


def test_a_change_shows_values_as_json_and_as_text(trail):
    body = {"name": "Acme", "type": "a", "tags": ["x", "y"], "size": 1}
    item = trail().changed(body, {"type": "b", "tags": [], "size": 1.5, "place": {"city": "Rome"}})
    assert (item["eventType"], item["user"], item["entityVersion"]) == ("SYSTEM_RECORD_CHANGED", None, 1)
    old, new = item["oldRecord"], item["newRecord"]
    assert list(old) == list(new) == ["type", "size", "tags", "place"]
    assert (old["type"]["json"], new["type"]["json"]) == ("a", "b")
    assert old["type"]["text"] == "{type:Kind A}"
    assert (old["tags"], new["tags"]) == ({"json": ["x", "y"], "text": "{tags:x, y}"}, {"json": [], "text": "{}"})
    assert new["place"]["text"] == "{place:Place}"


def test_what_was_empty_has_empty_braces(trail):
    item = trail().changed({"name": "Acme"}, {"type": "a"})
    assert item["oldRecord"] == {"type": {"json": None, "text": "{}"}}


def test_a_removal_shows_the_whole_record(trail):
    item = trail().deleted({"name": "Acme", "type": "a"})
    assert (item["recordDeleted"], item["deletionDate"], item["newRecord"]) == (True, NOW, {})
    assert (item["oldRecord"]["name"], item["oldRecord"]["type"], item["oldRecord"]["label"]) == ("Acme", "a", "Acme")


def test_sensitive_values_are_never_shown(trail):
    item = trail().changed({"code": "1234"}, {"code": "5678"})
    assert item["oldRecord"]["code"]["json"] == item["newRecord"]["code"]["json"] == MASKED
    assert "1234" not in str(item)
    assert "5678" not in str(item)


def test_hidden_fields_have_no_past(trail):
    item = trail(GROUP).changed({"owner": "me", "secret": "s", "tags": ["x"]}, {"secret": "t", "tags": ["y"]})
    assert set(item["newRecord"]) == {"tags"}


def test_what_is_shown_of_some_records_only_goes_by_what_the_record_is_now(trail):
    change = {"tags": ["second"], "wages": "high", "name": "b"}
    mine = trail(GROUP).changed({"owner": "me", "tags": ["first"], "wages": "low"}, change)
    assert (mine["oldRecord"]["tags"]["json"], mine["newRecord"]["wages"]["json"]) == (["first"], "high")
    others = trail(GROUP).changed({"owner": "you", "tags": ["first"], "wages": "low"}, change)
    assert set(others["newRecord"]) <= {"name", "tags", "wages"}
    assert not {"first", "second", "low", "high"} & set(re.findall(r"\w+", str(others)))


def test_of_a_record_that_nobody_knows_nothing_is_shown_that_depends_on_it(trail):
    item = trail(GROUP).changed(
        {"owner": "me", "tags": ["x"], "wages": "1"}, {"tags": ["y"], "wages": "2"}, known=False
    )
    assert "wages" not in item["newRecord"]
    assert "x" not in str(item["oldRecord"])
    item = trail().changed({"owner": "me", "wages": "1"}, {"wages": "2", "size": 1}, known=False)
    assert set(item["newRecord"]) == {"size"}


def test_a_label_that_is_hidden_is_replaced_by_the_id(trail):
    hidden = GROUP.replace("secret: none", "name: none")
    item = trail(hidden).created({"name": "Acme"})
    assert item["recordName"] == str(item["recordId"])
    assert "Acme" not in str(item)
    partly = GROUP.replace("secret: none", "name: {read: {owner: me}}")
    assert trail(partly).created({"name": "Acme", "owner": "me"})["recordName"] == "Acme"
    item = trail(partly).created({"name": "Acme", "owner": "you"})
    assert item["recordName"] == str(item["recordId"])


def test_whoever_acts_as_another_is_told_beside_them(trail):
    things = trail()
    document = things.things.create({"name": "Acme"}).document
    (intent,) = things.rules.of_action(document, Cause(at=NOW, origin="user", user="ann", admin="root"))
    item = things.item(row_of(intent), document)
    assert (item["user"], item["adminUser"], item["eventType"]) == ("ann", "root", "USER_ACTION_PERFORMED")
    assert (item["oldRecord"], item["newRecord"]) == ({}, {})


def test_entities_have_the_same_id_everywhere():
    assert entity_id("companies") == "fe7fb4fefc745c39452ed101"
    assert entity_id("companies") != entity_id("contacts")
