"""What records keep of others: who follows whom, and what edits of a stored document come to."""

from copy import deepcopy

import pytest
from bson import Decimal128, ObjectId

from engine.records import Moment
from engine.records.outbox import Kind

ONE, OTHER = ObjectId("1" * 24), ObjectId("2" * 24)
MOMENT = Moment(1_700_000_000_000)
PEOPLE = "recordLabel: name\nfields:\n  name: {type: text}\n  city: {type: text}\n  rank: {type: decimal}\n"
THINGS = """
recordLabel: "{title} of {owner.label}"
fields:
  title:   {type: text}
  owner:   {type: relationship, entity: people, copy: [city], onDelete: remove}
  friends: {type: relationship, entity: people, many: true, onDelete: remove}
  frozen:  {type: relationship, entity: people, copy: [city], syncLabel: false, syncCopies: false}
  asked:   {type: relationship, entity: people, transient: true}
  place:   {type: nested, fields: {host: {type: relationship, entity: people, copy: [rank], onDelete: delete}}}
  rows:
    type: nested
    many: true
    fields:
      who:   {type: relationship, entity: people}
      group: {type: nested, many: true, fields: {who: {type: relationship, entity: people}}}
  shown:   {type: text, calculated: "friends[0].label"}
"""
NOTES = "fields:\n  thing: {type: relationship, entity: things, copy: [frozen], onDelete: delete}\n"


@pytest.fixture
def cascades(bench):
    following = bench(THINGS, others={"people": PEOPLE, "notes": NOTES}).compiled.following
    return {name: one.cascades for name, one in following.items()}


@pytest.fixture
def own(cascades):
    return {one.path.name: one for one in cascades["things"].own}


def person(key=ONE, **kept):
    return {"id": key, "label": "Ann", **kept}


def thing(**values):
    return {"_id": OTHER, "version": 0, "label": "", **values}


def test_stored_relationships_are_followed_and_copies_of_others_are_not(cascades, own):
    assert list(own) == ["owner", "friends", "frozen", "place.host", "rows.who", "rows.group.who"]
    assert [one.path.name for one in cascades["notes"].own] == ["thing"]
    assert {(one.entity, one.target) for one in own.values()} == {("things", "people")}
    assert [one.path.name for one in cascades["people"].referrers] == list(own)
    assert cascades["people"].own == ()


def test_what_follows_is_said_by_the_relationship(cascades, own):
    assert {name: one.keeps for name, one in own.items()} == {
        "owner": ("label", "city"),
        "friends": ("label",),
        "frozen": (),
        "place.host": ("label", "rank"),
        "rows.who": ("label",),
        "rows.group.who": ("label",),
    }
    people = cascades["people"]
    assert people.followed == {"label", "city", "rank"}
    assert {one.path.name for one in people.pushing} == set(own) - {"frozen"}
    assert {one.path.name: one.on_delete for one in people.removing} == {
        "owner": "remove",
        "friends": "remove",
        "place.host": "delete",
    }


def test_references_on_which_nothing_else_depends_are_plain(own):
    plain = {name for name, one in own.items() if one.plain}
    # labels and calculated fields read owner and friends, notes copy frozen, two lists are one too many
    assert plain == {"place.host", "rows.who"}


def test_places_are_told_for_the_database(own):
    assert (own["place.host"].id_path, own["place.host"].root) == ("place.host.id", "place")
    assert own["place.host"].to_update(ONE, {"label": "Bo"}) == ({"place.host.label": "Bo"}, None)
    assert own["rows.who"].to_update(ONE, {"label": "Bo"}) == (
        {"rows.$[one].who.label": "Bo"},
        [{"one.who.id": ONE}],
    )


def test_lists_of_references_are_updated_by_their_ids(own):
    assert own["friends"].to_update(ONE, {"label": "Bo"}) == ({"friends.$[one].label": "Bo"}, [{"one.id": ONE}])


def test_kept_is_what_matters_of_the_target(own):
    target = {"_id": ONE, "label": "Bo", "city": "Rome"}
    assert own["owner"].kept(target) == {"label": "Bo", "city": "Rome"}
    assert own["owner"].kept(target, {"city", "rank"}) == {"city": "Rome"}
    assert own["place.host"].kept(target) == {"label": "Bo", "rank": None}


def test_references_are_found_wherever_they_stand(own):
    document = thing(
        owner=person(),
        friends=[person(), None, person(OTHER)],
        place={"host": None},
        rows=[{"who": person()}, {"group": [{"who": person()}, {}]}, {"who": None, "group": None}],
    )
    found = {name: [one["id"] for one in referrer.references(document)] for name, referrer in own.items()}
    assert found == {
        "owner": [ONE],
        "friends": [ONE, OTHER],
        "frozen": [],
        "place.host": [],
        "rows.who": [ONE],
        "rows.group.who": [ONE],
    }
    assert list(own["place.host"].references(thing(place=None))) == []


def test_stale_references_are_told_and_refreshed_alone(own):
    document = thing(friends=[person(), person(OTHER)])
    assert own["friends"].is_stale(document, ONE, {"label": "Bo"})
    assert not own["friends"].is_stale(document, ONE, {"label": "Ann"})
    assert not own["friends"].is_stale(document, ObjectId("3" * 24), {"label": "Bo"})
    own["friends"].refresh(document, ONE, {"label": "Bo"})
    assert document["friends"] == [{"id": ONE, "label": "Bo"}, person(OTHER)]


def test_refreshed_references_do_not_share_what_they_keep(own):
    kept = {"label": "Bo", "rank": {"n": Decimal128("1")}}
    document = thing(place={"host": person()})
    own["place.host"].refresh(document, ONE, kept)
    document["place"]["host"]["rank"]["n"] = None
    assert kept["rank"] == {"n": Decimal128("1")}


def test_references_to_what_is_gone_are_taken_out(own):
    document = thing(owner=person(), friends=[person(), person(OTHER)], place={"host": person(OTHER)})
    for name in ("owner", "friends", "place.host"):
        own[name].remove(document, ONE)
    assert (document["owner"], document["friends"]) == (None, [person(OTHER)])
    assert document["place"] == {"host": person(OTHER)}


def test_an_edit_brings_labels_and_calculated_fields_with_it(cascades, own):
    document = thing(title="T", label="T of Ann", owner=person(city="Oslo"), friends=[person()], shown="Ann")
    before = deepcopy(document)

    def edit(found):
        own["owner"].refresh(found, ONE, {"label": "Bo", "city": "Rome"})
        own["friends"].refresh(found, ONE, {"label": "Bo"})

    assert cascades["things"].recalculation.plan(document, edit, MOMENT) == {
        "label": "T of Bo",
        "owner": {"id": ONE, "label": "Bo", "city": "Rome"},
        "friends": [{"id": ONE, "label": "Bo"}],
        "shown": "Bo",
    }
    assert document == before


def test_an_edit_that_changes_nothing_is_none(cascades, own):
    document = thing(title="T", label="T of Ann", owner=person(city="Oslo"), friends=[])
    assert cascades["things"].recalculation.plan(document, lambda found: None, MOMENT) is None
    assert (
        cascades["things"].recalculation.plan(document, lambda found: own["owner"].remove(found, OTHER), MOMENT) is None
    )


def test_a_value_that_cannot_be_calculated_any_more_becomes_null(bench):
    things = "fields:\n  rate: {type: relationship, entity: people, copy: [rank]}\n  part: {type: decimal, calculated: 1 / rate.rank}\n"
    cascades = bench(things, others={"people": PEOPLE}).compiled.following["things"].cascades
    document = thing(label="", rate=person(rank=Decimal128("2")), part=Decimal128("0.5"))

    def edit(found):
        found["rate"]["rank"] = Decimal128("0")

    assert cascades.recalculation.plan(document, edit, MOMENT)["part"] is None


@pytest.mark.parametrize(
    ("changed", "options", "names"),
    [
        (["city"], {}, [None]),
        (["name"], {}, []),
        (["label", "city"], {"copies": False}, [["label"]]),
        (["label", "city", "rank"], {"labels": False}, [["city", "rank"]]),
        (["city"], {"copies": False}, []),
        (["label"], {"copies": False, "labels": False}, []),
    ],
)
def test_changes_are_brought_as_far_as_they_shall_be(cascades, changed, options, names):
    found = cascades["people"].pushes(changed, **options)
    assert [(one["kind"], one["depth"], one.get("names")) for one in found] == [(Kind.PUSH, 0, one) for one in names]
