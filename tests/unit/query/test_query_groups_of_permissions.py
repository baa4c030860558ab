"""Filters on fields that point to groups of permissions: by id, then by name, then by label."""

import pytest
from bson import ObjectId

from engine.definitions import Sources, resolve_app
from engine.fields.reference import group_id
from engine.query import parse_query, plan_filter, to_filter, to_predicate
from tests.unit.query.query_samples import CLOCK, EVERYTHING, Rights

FILES = {
    "app.yaml": "name: shop",
    "groups/readers.yaml": "label: Read-only user",
    "groups/writers.yaml": "label: readers",
    "entities/things.yaml": "fields: {team: {type: group}, teams: {type: group, many: true}}",
}
THINGS = resolve_app(Sources("shop", FILES)).entities["things"]
READERS, WRITERS = group_id("readers"), group_id("writers")


def plan(text, access=EVERYTHING):
    return plan_filter(THINGS, parse_query([("team", text)]).filter, access, CLOCK)


@pytest.mark.parametrize("text", [READERS, READERS.upper(), "readers"])
def test_id_and_name_lead_to_the_group(text):
    assert to_filter(plan(text)) == {"team.id": ObjectId(READERS)}
    holds = to_predicate(plan(text))
    assert holds({"team": {"id": READERS, "label": "Whatever it was"}})
    assert not holds({"team": {"id": WRITERS, "label": "readers"}})  # the name of one group is another one's label


def test_other_text_is_a_label():
    assert to_filter(plan("Read-only user")) == {"team.label": "Read-only user"}
    assert to_filter(plan("like(only)")).keys() == {"team.label"}


def test_several_are_any_of_them_and_none_of_them():
    assert to_filter(plan("readers,Some label")) == {
        "$or": [{"team.label": "Some label"}, {"team.id": ObjectId(READERS)}]
    }
    holds = to_predicate(plan("notEquals(readers,Some label)"))
    assert holds({"team": None})
    assert holds({"team": {"id": WRITERS, "label": "readers"}})
    assert not holds({"team": {"id": READERS, "label": "x"}})
    assert not holds({"team": {"id": WRITERS, "label": "Some label"}})


def test_a_list_is_met_by_any_of_its_groups():
    condition = plan_filter(THINGS, parse_query([("teams", "readers")]).filter, EVERYTHING, CLOCK)
    assert to_filter(condition) == {"teams.id": ObjectId(READERS)}
    assert to_predicate(condition)({"teams": [{"id": WRITERS, "label": "a"}, {"id": READERS, "label": "b"}]})


def test_who_does_not_see_the_id_finds_by_the_label_only():
    assert to_filter(plan("readers", Rights(hidden=frozenset({"team.id"})))) == {"team.label": "readers"}
