"""The audit trail's rows: what of a write is recorded, by whom and why, and what records were before rows happened."""

import pytest
from bson import Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from engine.records.audit import EVENT_TYPES, AuditRules, Cause, event_type, rebuild, row_of
from tests.every import every
from tests.unit.records.conftest import NOW

FIELDS = """
recordLabel: name
fields:
  name:    {type: text}
  size:    {type: integer}
  tags:    {type: text, many: true}
  secret:  {type: text}
  place:   {type: nested, fields: {city: {type: text}, code: {type: text}}}
  rows:    {type: nested, many: true, fields: {city: {type: text}, code: {type: text}}}
  changed: {type: dateRecordModified}
"""
CAUSE = Cause(at=NOW, origin="user", user="ann@example.com", admin="bo@example.com", ip="192.0.2.1")


@pytest.fixture
def audited(bench):
    def make(auditing):
        made = bench(f"auditLogs: {auditing}\n{FIELDS}")
        return made, AuditRules(made.entity.entity)

    return make


def row(intents):
    (intent,) = intents
    assert intent["kind"] == "audit"
    return row_of(intent)


def test_a_creation_is_told_with_all_its_values(audited):
    things, rules = audited("true")
    document = things.create({"name": "a", "size": 1}).document
    told = row(rules.of_creation(document, CAUSE))
    assert isinstance(told["_id"], ObjectId)
    expected = {
        "entity": "things",
        "record": document["_id"],
        "label": "a",
        "version": 0,
        "event": "created",
        "origin": "user",
        "cascade": False,
        "context": "entities.things.create",
        "user": "ann@example.com",
        "admin": "bo@example.com",
        "ip": "192.0.2.1",
        "at": Int64(NOW),
        "old": {},
        "new": {name: value for name, value in document.items() if name not in ("_id", "version")},
    }
    assert {name: told[name] for name in expected} == expected


def test_a_change_is_told_with_what_changed_and_no_more(audited):
    things, rules = audited("true")
    document = things.create({"name": "a", "size": 1, "tags": ["x"]}).document
    change = things.update(document, {"size": 2, "tags": ["x"]})
    told = row(rules.of_change(document, change.planned, change.values, CAUSE))
    assert (told["event"], told["version"], told["context"]) == ("changed", 1, "entities.things.update")
    assert told["old"] == {"size": 1, "changed": document["changed"]}
    assert told["new"] == {"size": 2, "changed": change.planned["changed"]}


def test_a_change_of_nothing_but_the_stamp_is_not_told(audited):
    _, rules = audited("true")
    before = {"_id": ObjectId(), "version": 0, "label": "", "size": 1, "changed": DatetimeMS(1)}
    after = {**before, "changed": DatetimeMS(2)}
    assert list(rules.of_change(before, after, ["changed"], CAUSE)) == []


def test_what_is_ignored_is_in_no_row(audited):
    things, rules = audited("{ignore: [secret, place.code, rows.code]}")
    body = {"secret": "s", "place": {"city": "Rome", "code": "1"}, "rows": [{"city": "Oslo", "code": "2"}]}
    document = things.create(body).document
    new = row(rules.of_creation(document, CAUSE))["new"]
    assert "secret" not in new
    assert (new["place"]["city"], "code" in new["place"]) == ("Rome", False)
    assert [(one["city"], "code" in one) for one in new["rows"]] == [("Oslo", False)]
    assert document["place"]["code"] == "1"


@pytest.mark.parametrize("body", [{"secret": "t"}, {"place": {"code": "9"}}])
def test_a_change_of_what_is_ignored_alone_is_not_told(audited, body):
    things, rules = audited("{ignore: [secret, place.code]}")
    document = things.create({"secret": "s", "place": {"city": "Rome", "code": "1"}}).document
    change = things.update(document, body)
    assert change.values
    assert list(rules.of_change(document, change.planned, change.values, CAUSE)) == []


def test_ignored_parts_of_groups_that_are_not_there_do_no_harm(audited):
    _, rules = audited("{ignore: [place.code]}")
    document = {"_id": ObjectId(), "version": 0, "label": "", "place": None}
    assert row(rules.of_creation(document, CAUSE))["new"]["place"] is None


def test_a_removal_is_told_with_what_was_there(audited):
    things, rules = audited("true")
    document = things.create({"name": "a"}).document
    told = row(rules.of_removal(document, CAUSE))
    assert (told["event"], told["label"], told["old"]["name"], told["new"]) == ("deleted", "a", "a", {})


def test_of_an_erased_trail_only_the_removal_is_left_and_says_nothing(audited):
    things, rules = audited("{deleted: false, onDelete: erase}")
    told = row(rules.of_removal(things.create({"name": "a"}).document, CAUSE))
    assert (told["label"], told["old"], told["new"]) == ("", {}, {})


def test_an_action_is_told_by_itself(audited):
    things, rules = audited("true")
    told = row(
        rules.of_action(things.create({"name": "a"}).document, Cause(at=NOW, context="entities.things.actions.go"))
    )
    assert (told["event"], told["context"], told["old"], told["new"]) == (
        "action",
        "entities.things.actions.go",
        {},
        {},
    )


def test_what_is_switched_off_is_not_told(audited):
    things, rules = audited("{created: false, changed: false, deleted: false, actions: false}")
    document = things.create({"name": "a"}).document
    change = things.update(document, {"name": "b"})
    assert list(rules.of_creation(document, CAUSE)) == []
    assert list(rules.of_change(document, change.planned, change.values, CAUSE)) == []
    assert list(rules.of_removal(document, CAUSE)) == []
    assert list(rules.of_action(document, CAUSE)) == []


def test_rows_live_as_long_as_the_definition_says(audited):
    things, rules = audited("{keep: 60d}")
    told = row(rules.of_creation(things.create({"name": "a"}).document, CAUSE))
    assert told["expires"] == DatetimeMS(NOW + 60 * 24 * 3_600_000)


def test_events_have_the_documented_names():
    assert set(EVENT_TYPES.values()) == {
        *(
            f"{origin}_{what}"
            for origin in ("USER", "SCRIPT", "SYSTEM")
            for what in ("RECORD_CREATED", "RECORD_CHANGED", "RECORD_DELETED", "ACTION_PERFORMED")
        ),
        "SYSTEM_CASCADE_UPDATE",
        "SYSTEM_REFACTORING",
    }
    assert event_type({"origin": "script", "event": "deleted", "cascade": True}) == "SCRIPT_RECORD_DELETED"
    assert event_type({"origin": "user", "event": "changed", "cascade": True}) == "SYSTEM_CASCADE_UPDATE"


def told(event, version, old=None):
    return {"event": event, "version": version, "record": "x", "old": old or {}}


@every(
    ("now", "rows", "then"),
    [
        ({"version": 2, "n": 3}, [], {"version": 2, "n": 3}),
        ({"version": 2, "n": 3}, [told("changed", 2, {"n": 2}), told("changed", 1, {"n": 1})], {"version": 0, "n": 1}),
        ({"version": 2, "n": 3}, [told("changed", 2, {"n": 2}), told("created", 0)], None),
        ({"version": 2, "n": 3}, [told("action", 2)], {"version": 2, "n": 3}),
        (None, [], None),
        (None, [told("deleted", 5, {"n": 5})], {"_id": "x", "version": 5, "n": 5}),
        (None, [told("deleted", 5, {"n": 5}), told("changed", 5, {"n": 4})], {"_id": "x", "version": 4, "n": 4}),
        (None, [told("changed", 5, {"n": 4})], None),
    ],
)
def test_the_past_is_made_from_the_present_and_the_rows_since(now, rows, then):
    assert rebuild(now, rows) == then


def test_making_the_past_leaves_the_present():
    now = {"version": 2, "n": 3}
    rebuild(now, [told("changed", 2, {"n": 2})])
    assert now == {"version": 2, "n": 3}
