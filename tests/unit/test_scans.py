"""What serves a list: the index that finds its records, or the line of the definition that would make one."""

import pytest

from engine.definitions import Sources, resolve_app
from engine.errors import BadRequest
from engine.indexes import plan_entity_indexes
from engine.query import Clock, parse_query, plan_list
from engine.scans import BY_ID, Scans
from tests.every import every
from tests.unit.query.query_samples import EVERYTHING

CLOCK = Clock(1_700_000_000_000, "UTC")
THINGS = """
fields:
  code:  {type: text, unique: true}
  state: {type: text, index: true}
  size:  {type: integer}
  kind:  {type: text}
  day:   {type: date}
  place: {type: geoPoint}
  notes: {type: longText}
  owner: {type: relationship, entity: things, copy: [kind]}
  rows:  {type: nested, many: true, fields: {city: {type: text, index: true}, zip: {type: text}}}
  made:  {type: dateRecordCreated}
indexes:
  - [kind, -size]
  - [made, id]
  - {name: words, type: text, fields: [notes]}
  - {name: pair, fields: [day, kind], unique: true}
queries: {scan: SCAN}
"""


def entity(scan="allow"):
    files = {"app.yaml": "name: shop\n", "entities/things.yaml": THINGS.replace("SCAN", scan)}
    return resolve_app(Sources("shop", files)).entities["things"]


ENTITIES = {scan: entity(scan) for scan in ("allow", "warn", "refuse")}
JUDGES = {scan: Scans(each, tuple(plan_entity_indexes(each))) for scan, each in ENTITIES.items()}


def plan(pairs):
    return plan_list(ENTITIES["allow"], parse_query(pairs), EVERYTHING, CLOCK)


def judged(*pairs):
    return JUDGES["allow"].judge(plan(pairs))


@every(
    ("pairs", "index"),
    [
        ([], BY_ID),
        ([("id", "1" * 24)], BY_ID),
        ([("state", "open")], "cw_field_state"),
        ([("state", "open,shut")], "cw_field_state"),
        ([("state", "greater(a)")], "cw_field_state"),
        ([("state", "empty()")], "cw_field_state"),
        ([("code", "x")], "cw_unique_code"),
        ([("state", "open"), ("code", "x")], "cw_unique_code"),
        ([("kind", "a")], "cw_index_kind_size"),
        ([("kind", "a"), ("size", "greater(3)")], "cw_index_kind_size"),
        ([("kind", "a"), ("size", "3"), ("state", "open")], "cw_index_kind_size"),
        ([("day", "2024-01-01"), ("kind", "a")], "cw_index_pair"),
        ([("rows.city", "Rome")], "cw_field_rows.city"),
        ([("owner.id", "1" * 24)], "cw_field_owner.id"),
        ([("place", "near(1,2,3)")], "cw_place_place"),
        ([("state", "open"), ("notes", "like(x)")], "cw_field_state"),
        ([("_query", "or(filter('state','open'),filter('code','x'))")], "cw_field_state, cw_unique_code"),
        ([("_sortField", "made")], "cw_index_made_id"),
        ([("_sortType", "desc"), ("_sortField", "made")], "cw_index_made_id"),
    ],
)
def test_an_index_serves(pairs, index):
    service = judged(*pairs)
    assert (service.index, service.advice) == (index, None)


def test_a_text_search_has_its_own_index():
    assert judged(("_indexedFilter", "words"), ("_indexedFilterQuery", "big red")).index == "cw_index_words"


AT = "entities/things.yaml"


@every(
    ("pairs", "advice"),
    [
        ([("size", "3")], f'write "index: true" at the field size ({AT}:5:3)'),
        ([("size", "3"), ("size", "greater(1)")], f'write "- [size]" under "indexes:" of the entity ({AT}:1:1)'),
        ([("size", "greater(3)"), ("rows.zip", "1")], f'write "- [rows.zip, size]" under "indexes:" of the entity ({AT}:1:1)'),
        ([("rows.zip", "1")], f'write "index: true" at the field rows.zip ({AT}:11:79)'),
        ([("version", "3")], f'write "- [version]" under "indexes:" of the entity ({AT}:1:1)'),
        ([("code", "empty()")], f'write "- [code]" under "indexes:" of the entity ({AT}:1:1)'),
        ([("_sortField", "size")], f'write "- [size, id]" under "indexes:" of the entity ({AT}:1:1)'),
        ([("_sortType", "asc"), ("_sortField", "size,-kind")], f'write "- [size, -kind, id]" under "indexes:" of the entity ({AT}:1:1)'),
        ([("kind", "like(a)")], "no index helps"),
        ([("state", "notEquals(open)")], "no index helps"),
        ([("owner.kind", "a")], "no index helps"),
        ([("_query", "or(filter('state','open'),filter('size','3'))")], f'write "index: true" at the field size ({AT}:5:3)'),
    ],
)  # fmt: skip
def test_what_no_index_serves_comes_with_the_way_out(pairs, advice):
    service = judged(*pairs)
    assert service.index is None
    assert service.advice.startswith(advice)


def test_a_list_that_goes_on_behind_a_record_is_served_by_the_order_of_ids():
    assert judged(("_offset", "1" * 24)).index == BY_ID


def test_scans_are_allowed_told_or_refused_as_the_entity_says():
    scanning, served = plan([("size", "3")]), plan([("state", "open")])
    assert JUDGES["allow"].check(scanning) is None
    told = JUDGES["warn"].check(scanning)
    assert told.startswith('This list would look at every record of things: write "index: true" at the field size')
    with pytest.raises(BadRequest) as caught:
        JUDGES["refuse"].check(scanning)
    assert caught.value.message == told
    assert [JUDGES[scan].check(served) for scan in JUDGES] == [None, None, None]
