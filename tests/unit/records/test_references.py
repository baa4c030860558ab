"""References: the six written forms, precedence, copies, limits by where, and what is asked of the database."""

from __future__ import annotations

import pytest
from bson import ObjectId

from engine.errors import ValidationErrors
from engine.permissions import FULL_ACCESS
from tests.unit.records.conftest import ALL_KNOWING

ADA, BOB, BOB_TOO = ObjectId("a" * 24), ObjectId("b" * 24), ObjectId("c" * 24)


@pytest.fixture
def things(bench):
    found = bench(
        """
fields:
  owner:  {type: relationship, entity: people, copy: [rank]}
  peers:  {type: relationship, entity: people, many: true}
  junior: {type: relationship, entity: people, where: {rank: less($record.limit)}}
  limit:  {type: integer}
""",
        others={
            "people": """
recordLabel: "{name}"
fields:
  name:  {type: text}
  email: {type: email, unique: true, lookup: true}
  rank:  {type: integer}
"""
        },
    )
    found.others["people"] = [
        {"_id": ADA, "version": 0, "label": "Ada", "name": "Ada", "email": "ada@x.com", "rank": 3},
        {"_id": BOB, "version": 0, "label": "Bob", "name": "Bob", "email": "bob@x.com", "rank": 5},
        {"_id": BOB_TOO, "version": 0, "label": "Bob", "name": "Bob", "email": "bob2@x.com", "rank": 7},
    ]
    return found


@pytest.mark.parametrize(
    "written",
    [
        {"id": str(ADA)},
        str(ADA),
        {"label": "Ada"},
        "Ada",
        {"email": "ada@x.com"},
        "ada@x.com",
        {"id": str(ADA), "label": "wrong", "rank": 99},
    ],
)
def test_every_written_form_finds_the_record_and_takes_its_copies(things, written):
    document = things.create({"owner": written}).document
    assert document["owner"] == {"id": ADA, "label": "Ada", "rank": 3}


def test_a_label_of_several_records_is_not_unique_and_an_unknown_one_is_not_found(things):
    assert things.problems({"owner": "Bob"}) == [("owner", "notUnique")]
    assert things.problems({"owner": "Eve"}) == [("owner", "notFound")]
    assert things.problems({"owner": "f" * 24}) == [("owner", "notFound")]
    assert things.problems({"owner": {"name": "Ada"}}) == [("owner", "notFound")]


@pytest.mark.parametrize("written", ["xyz", "", "5" * 25])
def test_an_id_that_cannot_exist_is_not_found(bench, written):
    things = bench("fields: {owner: {type: relationship, entity: things}, team: {type: group}, page: {type: file}}")
    body = {name: {"id": written} for name in ("owner", "team", "page")}
    assert things.problems(body) == [("owner", "notFound"), ("team", "notFound"), ("page", "notFound")]
    if written:
        assert things.problems({"page": written}) == [("page", "notFound")]


@pytest.mark.parametrize("written", [5, True, [], {}, {"id": 5}, {"id": ["f" * 24]}])
def test_what_cannot_be_a_reference_is_invalid(things, written):
    assert things.problems({"owner": written}) == [("owner", "invalid")]


def test_many_references_keep_their_order_and_name_the_wrong_one(things):
    document = things.create({"peers": ["ada@x.com", {"id": str(BOB)}]}).document
    assert [peer["id"] for peer in document["peers"]] == [ADA, BOB]
    assert things.problems({"peers": ["Ada", "Bob", "Eve"]}) == [("peers[1]", "notUnique"), ("peers[2]", "notFound")]


def test_one_lookup_serves_all_values_of_a_field(things):
    draft = things.entity.rules.parse({"peers": ["Ada", str(BOB), {"email": "x@y.com"}]}, FULL_ACCESS, new=True)
    ((_, lookup),) = things.entity.references.plan_lookups(draft, ALL_KNOWING)
    assert lookup.collection == "people"
    assert {"_id": BOB} in lookup.filter["$or"]


def test_a_single_id_is_asked_for_by_id_alone(things):
    draft = things.entity.rules.parse({"owner": {"id": str(ADA)}}, FULL_ACCESS, new=True)
    ((_, lookup),) = things.entity.references.plan_lookups(draft, ALL_KNOWING)
    assert lookup.filter == {"_id": ADA}


def test_where_limits_what_may_be_chosen_and_reads_the_record_being_written(things):
    assert things.create({"junior": "Ada", "limit": 4}).document["junior"]["id"] == ADA
    assert things.problems({"junior": "Ada", "limit": 3}) == [("junior", "invalid")]


@pytest.mark.parametrize(
    "written", ["Bob", str(BOB_TOO).upper(), {"email": "none@x.com"}, {"id": "f" * 24, "label": "x"}]
)
def test_what_is_not_found_or_may_not_be_chosen_is_told_as_it_was_sent(things, written):
    with pytest.raises(ValidationErrors) as caught:
        things.create({"limit": 3, "junior": written})
    assert [problem.info["rejectedValue"] for problem in caught.value.problems] == [written]


def test_the_limit_of_where_is_the_filter_as_it_was_written(things):
    with pytest.raises(ValidationErrors) as caught:
        things.create({"limit": 3, "junior": "Ada"})
    (problem,) = caught.value.problems
    assert problem.info == {"rejectedValue": "Ada", "rule": "where", "limit": {"rank": "less($record.limit)"}}


def test_a_reference_is_read_with_label_and_copies_and_can_be_sent_back(things):
    document = things.create({"owner": "Ada"}).document
    shown = things.shown(document)["owner"]
    assert shown == {"id": str(ADA), "label": "Ada", "rank": 3}
    assert things.update(document, {"owner": shown}).values is None


def test_null_clears_a_reference(things):
    document = things.create({"owner": "Ada"}).document
    assert things.update(document, {"owner": None}).values["owner"] is None


def test_groups_are_found_by_id_name_or_label_without_asking_anybody(bench):
    things = bench(
        "fields: {team: {type: group}}",
        **{"groups/sales.yaml": "label: Sales team\nentities: {things: {read: always}}\n"},
    )
    by_name = things.create({"team": "sales"}).record["team"]
    assert by_name["label"] == "Sales team"
    assert things.create({"team": "Sales team"}).record["team"] == by_name
    assert things.create({"team": {"id": by_name["id"]}}).record["team"] == by_name
    assert things.problems({"team": "nobody"}) == [("team", "notFound")]


def test_a_limit_may_speak_of_the_present_day(bench):
    people = "fields: {name: {type: text}, until: {type: date}}\nrecordLabel: name"
    found = bench(
        "fields: {owner: {type: relationship, entity: people, where: {until: greaterOrEquals(today)}}}",
        others={"people": people},
    )
    found.others["people"] = [{"_id": ADA, "version": 0, "label": "Ada", "name": "Ada", "until": "2023-11-14"}]
    day = 86_400_000
    assert found.create({"owner": str(ADA)}, now=1_700_000_000_000).record["owner"]["label"] == "Ada"
    assert found.problems({"owner": str(ADA)}, now=1_700_000_000_000 + day) == [("owner", "invalid")]


def test_what_may_not_be_chosen_is_told_in_the_place_of_its_field(things):
    told = things.problems({"limit": "x", "junior": "Ada", "else": 1})
    assert told == [("junior", "invalid"), ("limit", "invalid"), ("else", "invalidStructure")]


def test_a_default_is_looked_up_where_nothing_is_sent(bench):
    people = 'recordLabel: "{name}"\nfields: {name: {type: text, unique: true, lookup: true}}\n'
    guided = bench("fields: {guide: {type: relationship, entity: people, default: Ada}}", others={"people": people})
    guided.others["people"] = [{"_id": ADA, "version": 0, "label": "Ada", "name": "Ada"}]
    assert guided.create({}).document["guide"] == {"id": ADA, "label": "Ada"}
    assert guided.create({"guide": None}).document["guide"] is None
