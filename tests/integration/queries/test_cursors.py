"""Cursors: any order is walked through to its end, whatever others write meanwhile, and no cursor can be made up."""

import base64
import random

import pytest
from bson import ObjectId

THINGS = """
fields:
  name: {type: text}
  size: {type: integer}
  price: {type: decimal}
  at: {type: dateTime}
  on: {type: boolean}
  inner: {type: nested, fields: {word: {type: text}}}
"""
ORDERS = [
    ({}, None),
    ({"_sortType": "asc"}, None),
    ({"_sortField": "size"}, None),
    ({"_sortField": "size", "_sortType": "asc"}, None),
    ({"_sortField": "name,-size", "_sortType": "asc"}, None),
    ({"_sortField": "-name,size,-price", "_sortType": "asc"}, None),
    ({"_sortField": "price,at"}, None),
    ({"_sortField": "inner.word,on", "_sortType": "asc"}, None),
    ({"_sortField": "label,id"}, None),
    ({"_sortField": "size", "on": "true"}, None),
]


def body(chance):
    def some(values):
        return chance.choice([None, *values])

    return {
        "name": some(["a", "b", "É"]),
        "size": some([-1, 0, 7]),
        "price": some([0.5, 1, 10]),
        "at": some([0, 1_700_000_000_000]),
        "on": some([True, False]),
        "inner": {"word": some(["x", "y"])},
    }


async def walk(app, parameters, between=None, size=7):
    found, cursor, offset = [], "", 0
    while cursor is not None:
        page = await app.list("things", **parameters, _size=str(size), _cursor=cursor)
        found += [item["id"] for item in page["items"]]
        offset += len(page["items"])
        if page["items"] and isinstance(page["offset"], int):
            assert page["offset"] == offset
        cursor = page.get("cursor")
        assert cursor is None or len(page["items"]) == size
        if between is not None:
            await between()
    return found


async def test_pages_of_every_order_make_the_whole_list(serve_app):
    app = await serve_app(entities_things=THINGS)
    chance = random.Random(5)
    await app.add("things", *(body(chance) for _ in range(60)))
    for parameters, _ in ORDERS:
        whole = await app.list("things", **parameters, _size="1000")
        assert await walk(app, parameters) == [item["id"] for item in whole["items"]], parameters
    narrow = await app.list("things", _sortField="size", _fields="name", _size="2", _cursor="")
    assert set(narrow["items"][0]) == {"id", "version", "label", "name"}
    assert set(narrow) == {"total", "offset", "items", "cursor"}
    assert "cursor" not in await app.list("things", _size="2")


@pytest.mark.parametrize("parameters", [parameters for parameters, _ in ORDERS])
async def test_nothing_that_stays_is_lost_or_repeated_while_others_write(serve_app, parameters):
    app = await serve_app(entities_things=THINGS)
    chance = random.Random(str(parameters))
    made = await app.add("things", *({**body(chance), "on": True} for _ in range(40)))
    ids = [record["id"] for record in made]
    gone = set()

    async def between():
        await app.add("things", {**body(chance), "on": True})
        victim = chance.choice([one for one in ids if one not in gone])
        gone.add(victim)
        assert (await app.client.delete(f"/data/things/{victim}")).status_code == 200

    found = await walk(app, parameters, between)
    assert len(found) == len(set(found))
    assert set(ids) - gone <= set(found)


async def test_only_the_servers_own_cursors_of_the_same_list_are_taken(serve_app):
    app = await serve_app(entities_things=THINGS, entities_others=THINGS)
    chance = random.Random(7)
    for entity in ("things", "others"):
        await app.add(entity, *(body(chance) for _ in range(5)))
    first = await app.list("things", _sortField="size", _size="2", _cursor="")
    cursor = first["cursor"]

    async def status(entity="things", **parameters):
        return (
            await app.get(entity, **{"_sortField": "size", "_size": "2", "_cursor": cursor, **parameters})
        ).status_code

    assert await status() == 200
    assert await status(_size="4") == 200
    assert await status(_sortField="name") == 400
    assert await status(_sortType="asc") == 400
    assert await status(on="true") == 400
    assert await status("others") == 400
    assert await status(_offset="2") == 400
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert await status(_cursor=base64.urlsafe_b64encode(changed).decode().rstrip("=")) == 400
    for text in ("x", "é", "====", "A" * 500, str(ObjectId()), cursor[:-2], "\x00"):
        assert await status(_cursor=text) == 400
