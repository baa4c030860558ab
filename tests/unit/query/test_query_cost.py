"""How many records can match, as far as ids and unique fields tell."""

from engine.query import parse_query, plan_list
from engine.query.cost import most_matches
from tests.every import every
from tests.unit.query.query_samples import CLOCK, EVERYTHING, entity_of

ENTITY = entity_of(
    """
fields:
  code: {type: text, unique: true}
  name: {type: text}
  boss: {type: relationship, entity: things, unique: true}
  parts: {type: nested, many: true, fields: {serial: {type: text, unique: true}, kind: {type: text}}}
"""
)
ID = "57fd2d64e4b0b2f2a4f7a1c3"


def plan(*pairs):
    return plan_list(ENTITY, parse_query(pairs), EVERYTHING, CLOCK)


@every(
    ("pairs", "most"),
    [
        ([], None),
        ([("code", "a")], 1),
        ([("code", "a,b,c")], 3),
        ([("code", "a,b,c"), ("name", "x")], 3),
        ([("code", "a,b,c"), ("id", ID)], 1),
        ([("name", "x")], None),
        ([("code", "empty()")], None),
        ([("code", "a,")], None),
        ([("code", "notEquals(a)")], None),
        ([("code", "like(a)")], None),
        ([("boss", "a label")], None),
        ([("parts.serial", "1,2")], 2),
        ([("parts", 'equals({"serial": "1", "kind": "x"})')], 1),
        ([("_query", f"or(filter('code','a'),filter('id','{ID}'))")], 2),
        ([("_query", "or(filter('code','a'),filter('name','x'))")], None),
    ],
)
def test_most_matches(pairs, most):
    assert most_matches(plan(*pairs).condition) == most


def test_a_page_counts_itself_where_nothing_can_lie_outside_of_it():
    assert plan(("code", "a")).counts_itself
    assert plan(("code", "a,b"), ("_size", "2")).counts_itself
    assert not plan(("code", "a,b"), ("_size", "1")).counts_itself
    assert not plan(("code", "a"), ("_offset", "1")).counts_itself
    assert not plan(("code", "a"), ("_offset", ID)).counts_itself
    assert not plan(("name", "a")).counts_itself
