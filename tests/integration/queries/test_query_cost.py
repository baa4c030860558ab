"""What lists cost: how many commands, each bounded in time, and none for what the page tells by itself."""

import pytest
from bson import ObjectId

from tests.integration.queries.commands import READS, Commands

THINGS = """
recordLabel: name
fields:
  name: {type: text, unique: true}
  size: {type: integer, index: true}
  owner: {type: relationship, entity: things}
"""
RECORDS = 20_000


@pytest.mark.parametrize(
    ("parameters", "commands"),
    [
        ({}, 2),
        ({"size": "5"}, 2),
        ({"size": "greater(100)", "_sortField": "size", "_sortType": "asc"}, 2),
        ({"_total": "false"}, 1),
        ({"name": "a1"}, 1),
        ({"name": "a1,a2,nobody", "size": "greater(0)"}, 1),
        ({"name": "a1", "_offset": "1"}, 2),
        ({"name": "a1,a2,a3", "_size": "2"}, 2),
        ({"name": "notEquals(a1)"}, 2),
        ({"name": "a1", "_relationshipsToFetch": "owner"}, 2),
    ],
)
async def test_a_list_takes_as_many_commands_as_it_must(serve_app, parameters, commands):
    heard = Commands()
    app = await serve_app(heard, entities_things=THINGS)
    owner = {"id": ObjectId(), "label": "owner"}
    await app.running.store.insert_many(
        "things",
        [
            {"_id": owner["id"], "version": 0, "label": "owner", "name": "owner", "size": None, "owner": None},
            *({"version": 0, "label": f"a{n}", "name": f"a{n}", "size": n, "owner": owner} for n in range(5)),
        ],
    )
    heard.clear()
    answer = await app.list("things", **parameters)
    assert len(heard.sent) == commands, heard.sent
    if "total" in answer:
        everything = await app.list("things", _size="1000", **{"name": "notEmpty()"})
        names = parameters.get("name", "").split(",")
        if names[0].startswith("a"):
            assert answer["total"] == sum(item["name"] in names for item in everything["items"])


async def test_twenty_of_twenty_thousand_indexed_records_take_two_commands_that_end_in_time(serve_app):
    heard = Commands()
    app = await serve_app(heard, entities_things=THINGS)
    for start in range(0, RECORDS, 2000):
        numbers = range(start, start + 2000)
        rows = [{"version": 0, "label": f"n{n}", "name": f"n{n}", "size": n % 500, "owner": None} for n in numbers]
        await app.running.store.insert_many("things", rows)
    heard.clear()
    answer = await app.list("things", size="between(7,8)", _sortField="name", _sortType="asc")
    assert (answer["total"], len(answer["items"])) == (80, 20)
    assert len(heard.sent) <= 2
    assert set(heard.names) <= READS
    for _, command in heard.sent:
        assert 0 < command["maxTimeMS"] <= 30_000
