"""How lists are found: what developers are told, what scans are refused, and that the advice holds."""

import logging
import re

import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.errors import BadRequest
from engine.query import parse_query, plan_list
from server.runtime.running import Caller
from tests.unit.query.query_samples import CLOCK, EVERYTHING

THINGS = """\
queries: {scan: SCAN}
fields:
  name: {type: text}
  code: {type: text, unique: true}
  size: {type: integer, index: true}
  state: {type: choice, options: [new, done]}
  rank: {type: integer}
  at: {type: geoPoint}
  boss: {type: relationship, entity: things, copy: [rank]}
  parts:
    type: nested
    many: true
    fields:
      serial: {type: text, index: true}
      kind: {type: text}
indexes:
  - [state, rank]
  - [label, id]
"""
ID = "57fd2d64e4b0b2f2a4f7a1c3"
SERVED = [
    ([], "_id_"),
    ([("id", ID)], "_id_"),
    ([("_offset", ID)], "_id_"),
    ([("size", "5")], "cw_field_size"),
    ([("size", "between(1,5)"), ("name", "x")], "cw_field_size"),
    ([("size", "empty()")], "cw_field_size"),
    ([("code", "x"), ("size", "5")], "cw_unique_code"),
    ([("code", "x,y")], "cw_unique_code"),
    ([("state", "new"), ("rank", "greater(3)")], "cw_index_state_rank"),
    ([("state", "new")], "cw_index_state_rank"),
    ([("boss.id", ID)], "cw_field_boss.id"),
    ([("parts.serial", "a")], "cw_field_parts.serial"),
    ([("parts", 'equals({"serial": "a", "kind": "b"})')], "cw_field_parts.serial"),
    ([("_query", "or(filter('size','5'),filter('code','x'))")], "cw_field_size, cw_unique_code"),
    ([("at", "near(1,2,0,500)")], "cw_place_at"),
    ([("_sortField", "label"), ("_sortType", "asc")], "cw_index_label_id"),
    ([("_sortField", "label")], "cw_index_label_id"),
]
SCANS = [
    ([("name", "x")], 'write "index: true" at the field name (entities/things.yaml:3:3)'),
    ([("rank", "greater(5)")], 'write "index: true" at the field rank'),
    ([("rank", "greater(5)"), ("name", "x")], 'write "- [name, rank]" under "indexes:"'),
    ([("code", "empty()")], 'write "- [code]" under "indexes:"'),
    ([("parts.kind", "x")], 'write "index: true" at the field parts.kind (entities/things.yaml:15:7)'),
    ([("name", "like(x)")], "no index helps"),
    ([("size", "notEquals(5)")], "no index helps"),
    ([("boss.rank", "5")], "no index helps"),
    ([("_query", "or(filter('size','5'),filter('name','x'))")], 'write "index: true" at the field name'),
    ([("_sortField", "rank")], 'write "- [rank, id]" under "indexes:" of the entity'),
    ([("version", "0")], 'write "- [version]" under "indexes:" of the entity'),
]


def compiled(scan, text=THINGS):
    files = {"app.yaml": "name: shop", "entities/things.yaml": text.replace("SCAN", scan)}
    return compile_app(Sources(".", files)).entities["things"]


def judge(entity, pairs):
    return entity.scans.judge(plan_list(entity.entity, parse_query(pairs), EVERYTHING, CLOCK))


@pytest.mark.parametrize(("pairs", "index"), SERVED)
def test_the_index_that_serves(pairs, index):
    assert judge(compiled("allow"), pairs).index == index


@pytest.mark.parametrize(("pairs", "advice"), SCANS)
def test_a_scan_comes_with_what_to_write(pairs, advice):
    service = judge(compiled("allow"), pairs)
    assert service.index is None
    assert service.advice.startswith(advice)


@pytest.mark.parametrize("pairs", [pairs for pairs, advice in SCANS if advice.startswith("write")])
def test_advice_that_is_followed_helps(pairs):
    advice = judge(compiled("allow"), pairs).advice
    if entry := re.search(r'"(- \[.*\])"', advice):
        text = THINGS.replace("indexes:\n", f"indexes:\n  {entry[1]}\n")
    else:
        line = int(re.search(r":(\d+):\d+\)", advice)[1]) - 1
        lines = THINGS.splitlines()
        lines[line] = lines[line].replace("}", ", index: true}")
        text = "\n".join(lines)
    assert judge(compiled("allow", text), pairs).index is not None


def test_scans_are_allowed_warned_of_or_refused():
    query = [("name", "x")]

    def check(scan):
        entity = compiled(scan)
        return entity.scans.check(plan_list(entity.entity, parse_query(query), EVERYTHING, CLOCK))

    assert check("allow") is None
    assert "every record of things" in check("warn")
    with pytest.raises(BadRequest, match='index: true" at the field name'):
        check("refuse")


async def test_developers_are_told_how_a_list_is_found(serve_app):
    app = await serve_app(
        entities_things=THINGS.replace("SCAN", "refuse"), groups_staff="entities: {things: {read: always}}"
    )
    await app.add("things", {"name": "x", "size": 5, "code": "c"})
    told = await app.list("things", size="5", _explain="true", _fields="name", _sortType="asc")
    assert told == {
        "filter": {"size": 5},
        "sort": [{"_id": 1}],
        "nearest": None,
        "skip": 0,
        "limit": 20,
        "projection": ["label", "name", "version"],
        "index": "cw_field_size",
        "advice": None,
        "database": told["database"],
    }
    assert "IXSCAN cw_field_size" in told["database"]
    scan = await app.list("things", name="x", _explain="true")
    assert scan["index"] == "collection scan"
    assert "COLLSCAN" in scan["database"]
    assert "at the field name" in scan["advice"]
    unique = await app.list("things", code="c", _explain="true")
    assert (unique["index"], "IXSCAN cw_unique_code" in unique["database"]) == ("cw_unique_code", True)
    near = await app.list("things", at="near(0,0)", id=ID, _explain="true")
    assert near["nearest"] == {"at": {"type": "Point", "coordinates": [0.0, 0.0]}}
    assert near["filter"]["_id"] == {"$oid": ID}
    staff = Caller(groups=("staff",), user={"id": ID})
    assert (await app.get("things", staff, size="5", _explain="true")).status_code == 403
    assert (await app.get("things", staff, size="5")).status_code == 200


async def test_refusals_and_warnings_reach_clients_and_the_log(serve_app, caplog):
    refusing = await serve_app(entities_things=THINGS.replace("SCAN", "refuse"))
    answer = await refusing.get("things", name="x")
    assert (answer.status_code, answer.json()["code"]) == (400, "badRequest")
    assert "entities/things.yaml:3:3" in answer.json()["message"]
    warning = await serve_app(entities_things=THINGS.replace("SCAN", "warn"))
    with caplog.at_level(logging.WARNING):
        assert (await warning.get("things", name="x")).status_code == 200
    assert "every record of things" in caplog.text
