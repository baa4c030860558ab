"""What follows writes: intents go with those that concern somebody, and with no others."""

import pytest
from bson import ObjectId

from engine.records.audit import Cause
from engine.records.outbox import OUTBOX, Kind, distinct, make_intent, pulling, pushing, taking, with_intents

CAUSE = Cause(at=1_700_000_000_000, origin="user", user="ann@example.com")
ONE = "1" * 24
COMPANIES = """
recordLabel: name
fields:
  name:   {type: text}
  city:   {type: text}
  notes:  {type: text}
  region: {type: text}
  deals:  {type: integer, calculated: {aggregate: {entity: deals, where: {company.id: $record.id, state: open}}}}
  near:   {type: integer, calculated: {aggregate: {entity: deals, where: {region: $record.region}}}}
"""
DEALS = """
auditLogs: {created: false, deleted: false}
fields:
  title:   {type: text}
  state:   {type: text}
  region:  {type: text}
  company: {type: relationship, entity: things, copy: [city], onDelete: remove}
"""
PLAIN = "fields:\n  name: {type: text}\n"


@pytest.fixture
def world(bench):
    made = bench(COMPANIES, others={"deals": DEALS, "plain": PLAIN})
    made.others["things"] = [{"_id": ObjectId(ONE), "version": 0, "label": "One", "city": "Oslo"}]
    return made


def following(world, name):
    world.name = name
    return world.compiled.following[name]


def kinds(intents):
    return [one["kind"] for one in intents]


def created(world, name, body):
    follows = following(world, name)
    return follows.of_write(world.create(body), CAUSE)


def changed(world, name, body, change, **options):
    follows = following(world, name)
    document = world.create(body).document
    return follows.of_write(world.update(document, change), CAUSE, **options)


def test_where_nothing_follows_nobody_asks(world):
    plain = following(world, "plain")
    assert (plain.writes, plain.removals, plain.guarded) == (False, False, False)
    assert created(world, "plain", {"name": "x"}) == []
    assert plain.of_removal({"_id": ObjectId(), "version": 0, "label": ""}, CAUSE) == []


def test_what_is_guarded_is_changed_by_the_engine_itself(world):
    assert following(world, "things").guarded
    assert following(world, "deals").guarded
    assert following(world, "deals").removals


def test_a_new_record_is_counted_where_it_belongs(world):
    check, count = created(world, "deals", {"title": "T", "region": "n", "company": ONE})
    assert check["kind"] == Kind.CHECK
    assert (count["kind"], count["depth"]) == (Kind.COUNT, 0)
    assert count["anchors"] == {"things/deals": [ObjectId(ONE)], "things/near": ["n"]}


def test_a_record_that_points_nowhere_is_not_checked(world):
    assert kinds(created(world, "deals", {"title": "T"})) == [Kind.COUNT]


def test_a_new_record_is_calculated_unless_nothing_can_belong_to_it_yet(world):
    assert kinds(created(world, "things", {"name": "x", "region": "n"})) == [Kind.RECOUNT]


def test_only_changes_of_what_counts_are_counted(world):
    assert kinds(changed(world, "deals", {"title": "T", "region": "n"}, {"title": "U"})) == [Kind.AUDIT]
    audit, count = changed(world, "deals", {"title": "T", "region": "n"}, {"region": "s"})
    assert count["anchors"] == {"things/near": ["n", "s"]}
    assert audit["row"]["new"] == {"region": "s"}


def test_references_are_checked_when_they_change_only(world):
    assert Kind.CHECK in kinds(changed(world, "deals", {"title": "T"}, {"company": ONE}))
    assert Kind.CHECK not in kinds(changed(world, "deals", {"company": ONE}, {"title": "U"}))
    assert Kind.CHECK not in kinds(changed(world, "deals", {"company": ONE}, {"company": None}))


def test_changes_of_what_others_keep_are_brought_to_them(world):
    assert kinds(changed(world, "things", {"name": "x"}, {"city": "Rome"})) == [Kind.PUSH]
    assert changed(world, "things", {"name": "x"}, {"notes": "n"}) == []
    assert kinds(changed(world, "things", {"name": "x"}, {"name": "y", "region": "s"})) == [Kind.PUSH, Kind.RECOUNT]


def test_labels_and_all_else_can_be_left_as_they_are(world):
    (push,) = changed(world, "things", {"name": "x"}, {"name": "y", "city": "Rome"}, cascading=False)
    assert push["names"] == ["label"]
    (push,) = changed(world, "things", {"name": "x"}, {"name": "y", "city": "Rome"}, relabelling=False)
    assert push["names"] == ["city"]
    assert kinds(changed(world, "deals", {"title": "T"}, {"region": "s"}, cascading=False)) == [Kind.AUDIT]


def test_changes_by_the_engine_go_on_one_step_deeper(world):
    document = {"_id": ObjectId(ONE), "version": 3, "label": "One", "region": "n"}
    things = following(world, "things")
    (push,) = things.of_edit(document, {"label": "Two"}, 4)
    assert (push["kind"], push["depth"]) == (Kind.PUSH, 4)
    assert things.of_edit(document, {"near": 5}, 4) == []
    deal = {"_id": ObjectId(), "version": 0, "label": "", "region": "n"}
    audit, count = following(world, "deals").of_edit(deal, {"region": "s"}, 2, CAUSE)
    assert (audit["kind"], audit["row"]["old"]) == (Kind.AUDIT, {"region": "n"})
    assert (count["depth"], count["anchors"]) == (2, {"things/near": ["n", "s"]})


def test_a_removal_is_told_to_those_who_point_there_and_counted(world):
    gone = {"_id": ObjectId(ONE), "version": 0, "label": "One"}
    assert kinds(following(world, "things").of_removal(gone, CAUSE)) == [Kind.REMOVED]
    deal = {**gone, "region": "n", "company": {"id": ObjectId(ONE)}}
    (count,) = following(world, "deals").of_removal(deal, CAUSE, depth=1)
    assert (count["kind"], count["depth"]) == (Kind.COUNT, 1)
    assert count["anchors"] == {"things/deals": [ObjectId(ONE)], "things/near": ["n"]}
    assert following(world, "things").of_removal(gone, CAUSE, cascading=False) == []


def test_intents_travel_in_the_document_that_they_follow(world):
    intents = created(world, "deals", {"title": "T", "company": ONE})
    document = {"_id": ObjectId(), "title": "T"}
    assert with_intents(document, intents) == {**document, OUTBOX: intents}
    assert with_intents(document, []) is document
    assert pushing({"$set": {"a": 1}}, []) == {"$set": {"a": 1}}
    assert pushing({"$set": {"a": 1}}, intents) == {"$set": {"a": 1}, "$push": {OUTBOX: {"$each": intents}}}


def test_intents_are_taken_only_when_none_was_added_since(world):
    intents = created(world, "deals", {"title": "T", "company": ONE})
    guard, update = taking(intents)
    assert guard == {OUTBOX: {"$size": 2}, f"{OUTBOX}.1.id": intents[1]["id"]}
    assert update == {"$unset": {OUTBOX: ""}}
    assert pulling(intents[:1]) == {"$pull": {OUTBOX: {"id": {"$in": [intents[0]["id"]]}}}}


def test_what_several_writes_ask_for_is_done_once():
    def intents():
        return [
            make_intent(Kind.AUDIT, row={"version": 1}),
            make_intent(Kind.PUSH, depth=0),
            make_intent(Kind.AUDIT, row={"version": 2}),
            make_intent(Kind.PUSH, depth=0),
            make_intent(Kind.PUSH, depth=1),
        ]

    asked = intents()
    assert distinct(asked) == [*asked[:3], asked[4]]
    assert distinct(distinct(asked)) == distinct(asked)
