"""What is told of a value that another record has: where it stands in the body."""

THINGS = """
fields:
  page:  {type: html, unique: true}
  codes: {type: text, many: true, unique: true}
  team:  {type: group, unique: true}
  rows:  {type: nested, many: true, fields: {zip: {type: text, unique: true}}}
"""
MIXED = """
fields:
  no:   {type: integer, unique: true}
  size: {type: integer, max: 9}
  code: {type: text, unique: true}
"""
OTHERS = "fields: {a: {type: text}, b: {type: text}}\nindexes: [{name: pair, fields: [b, a], unique: true}]"
PAIRS = "fields: {a: {type: text}, b: {type: text}}\nindexes: [{name: pair, fields: [a, b], unique: true}]"


async def test_the_place_of_a_duplicate_is_told(stage):
    app = await stage({"things": THINGS}, sales="label: Sales\n")
    await app.create("things", page="<p>Hi</p>", codes=["a"], team="sales", rows=[{"zip": "1"}])
    for body, place in (
        ({"page": "<b>Hi</b>"}, "page"),
        ({"codes": ["b", "a"]}, "codes[1]"),
        ({"team": "Sales"}, "team"),
        ({"rows": [{}, {"zip": "1"}]}, "rows[1].zip"),
    ):
        refused = await app.ask("POST", "/data/things", body, status=400)
        assert [(one["field"], one["code"]) for one in refused["errors"]] == [(place, "notUnique")]


async def test_duplicates_are_told_with_all_other_problems_in_field_order(stage):
    app = await stage({"things": MIXED})
    await app.create("things", no=1, code="a", size=1)
    kept = await app.create("things", no=2, code="b", size=2)
    for method, path in (("POST", "things"), ("PUT", f"things/{kept['id']}")):
        refused = await app.ask(method, f"/data/{path}", {"else": 1, "code": "a", "size": 99, "no": 1}, status=400)
        told = [(one["field"], one["code"]) for one in refused["errors"]]
        assert told == [("no", "notUnique"), ("size", "invalid"), ("code", "notUnique"), ("else", "invalidStructure")]
        refused = await app.ask(method, f"/data/{path}", {"code": "a", "no": 1, "size": 3}, status=400)
        assert [(one["field"], one["code"]) for one in refused["errors"]] == [
            ("no", "notUnique"),
            ("code", "notUnique"),
        ]
    own = await app.ask("PUT", f"/data/things/{kept['id']}", {"no": 2, "code": "b", "size": 99}, status=400)
    assert [one["field"] for one in own["errors"]] == ["size"]


async def test_indexes_of_one_name_in_two_entities_are_two(stage):
    app = await stage({"others": OTHERS, "pairs": PAIRS})
    for entity, first in (("others", "b"), ("pairs", "a")):
        await app.create(entity, a="1", b="2")
        refused = await app.ask("POST", f"/data/{entity}", {"a": "1", "b": "2"}, status=400)
        assert [one["field"] for one in refused["errors"]] == [first]
