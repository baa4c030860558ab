"""Refused keys of unique indexes: which value of the record is told."""

import pytest

from engine.records import duplicate_problem
from tests.every import every

THINGS = """
fields:
  code:  {type: text, unique: true}
  page:  {type: html, unique: true}
  codes: {type: text, many: true, unique: true}
  next:  {type: relationship, entity: things, unique: true}
  rest:  {type: relationship, entity: things, many: true, unique: true}
  team:  {type: group, unique: true}
  box:   {type: nested, fields: {no: {type: integer, unique: true}}}
  rows:
    type: nested
    many: true
    fields: {zip: {type: text, unique: true}, parts: {type: nested, many: true, fields: {no: {type: integer, unique: true}}}}
"""


@pytest.fixture
def told(bench):
    things = bench(THINGS)
    other = things.create({"code": "other"}).document
    third = things.create({"code": "third"}).document
    things.others["things"] = [other, third]
    first, second = str(other["_id"]), str(third["_id"])
    made = things.create(
        {
            "code": "a",
            "page": "<p>Hi</p>",
            "codes": ["x", "y"],
            "next": first,
            "rest": [first, second],
            "box": {"no": 7},
            "rows": [{"zip": None}, {"zip": "1", "parts": [{"no": 1}]}, {"zip": "2", "parts": [{"no": 2}, {"no": 3}]}],
        }
    )
    ids = {"first": other["_id"], "second": third["_id"]}

    def tell(path, key=None):
        values = {} if key is None else {path: ids.get(key, key)}
        problem = duplicate_problem(things.entity.entity, path, made.record, values)
        assert problem.code == "notUnique"
        rejected = problem.info["rejectedValue"]
        return problem.field, next((name for name, one in ids.items() if str(one) == rejected), rejected)

    return tell


@every(
    ("path", "key", "place", "rejected"),
    [
        ("code", "a", "code", "a"),
        ("page.text", "Hi", "page", "<p>Hi</p>"),
        ("codes", "y", "codes[1]", "y"),
        ("next.id", "first", "next", "first"),
        ("team.id", None, "team", None),
        ("rest.id", "second", "rest[1]", "second"),
        ("box.no", 7, "box.no", 7),
        ("rows.zip", "2", "rows[2].zip", "2"),
        ("rows.parts.no", 3, "rows[2].parts[1].no", 3),
    ],
)
def test_the_place_is_that_of_the_refused_key(told, path, key, place, rejected):
    assert told(path, key) == (place, rejected)


@pytest.mark.parametrize(("path", "place"), [("code", "code"), ("codes", "codes"), ("rows.zip", "rows.zip")])
def test_a_key_that_the_database_does_not_tell_leaves_the_field(told, path, place):
    assert told(path)[0] == place
