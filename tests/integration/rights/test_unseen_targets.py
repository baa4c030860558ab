"""References to records that the writer may not read: what stands there may stay, and nothing is learned of the rest."""

import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.errors import ValidationErrors
from server.runtime.lists import read_record
from server.runtime.records import create_record, update_record
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.store import open_store

FILES = {
    "app.yaml": "name: shop\n",
    "entities/makers.yaml": "recordLabel: name\nfields: {name: {type: text}, rank: {type: integer}}\n",
    "entities/lamps.yaml": """recordLabel: "{name}"
fields:
  name:   {type: text}
  owner:  {type: relationship, entity: sys.users}
  maker:  {type: relationship, entity: makers, where: {rank: less(5)}}
  others: {type: relationship, entity: makers, many: true}
  parts:
    type: nested
    many: true
    fields:
      name:  {type: text}
      maker: {type: relationship, entity: makers}
  secret: {type: relationship, entity: makers}
""",
    "groups/sellers.yaml": """label: Sellers
entities:
  lamps:
    read: {owner.id: $user.id}
    create: {owner.id: $user.id}
    update: {owner.id: $user.id}
    fields: {secret: {read: {name: open}, write: always}}
  makers: {read: {name: Known}}
""",
}


@pytest.fixture
async def shop():
    store = await open_store("memory:", "shop")
    yield RunningApp(compile_app(Sources(".", FILES)), store)
    await store.close()


@pytest.fixture
async def ann(shop):
    body = {"firstName": "Ann", "lastName": "Lee", "email": "ann@example.com"}
    made = await create_record(shop, SYSTEM, "sys.users", {**body, "groups": [{"group": "sellers", "primary": True}]})
    return Caller(user={"id": made["id"]}, groups=("sellers",))


@pytest.fixture
async def makers(shop):
    return [await create_record(shop, SYSTEM, "makers", {"name": name, "rank": 9}) for name in ("One", "Two", "Known")]


@pytest.fixture
async def lamp(shop, ann, makers):
    one, two, _ = makers
    await update_record(shop, SYSTEM, "makers", one["id"], {"rank": 1})
    body = {"name": "Big", "owner": ann.user["id"], "maker": one["id"], "others": [one["id"], two["id"]]}
    parts = [{"name": "foot", "maker": one["id"]}, {"name": "hat", "maker": two["id"]}]
    made = await create_record(shop, SYSTEM, "lamps", {**body, "parts": parts, "secret": one["id"]})
    return made["id"]


async def refused(shop, caller, record_id, body):
    with pytest.raises(ValidationErrors) as caught:
        await update_record(shop, caller, "lamps", record_id, body)
    return [(problem.field, problem.code) for problem in caught.value.problems]


async def test_what_was_read_can_be_sent_back(shop, ann, lamp):
    read = await read_record(shop, ann, "lamps", lamp, [])
    assert "secret" not in read or read["secret"] is None
    read.pop("secret", None)
    assert (await update_record(shop, ann, "lamps", lamp, read))["version"] == 0
    changed = await update_record(shop, ann, "lamps", lamp, {**read, "name": "Small"})
    assert (changed["version"], changed["name"], changed["maker"]) == (1, "Small", read["maker"])


@pytest.mark.parametrize("form", ["{id}", "{label}", "id", "label"])
async def test_an_unseen_target_stays_whichever_way_it_is_named(shop, ann, lamp, makers, form):
    one = makers[0]
    sent = {"{id}": {"id": one["id"]}, "{label}": {"label": "One"}, "id": one["id"], "label": "One"}[form]
    assert (await update_record(shop, ann, "lamps", lamp, {"maker": sent}))["version"] == 0


async def test_another_place_does_not_open_an_unseen_target(shop, ann, lamp, makers):
    one, two, known = makers
    read = await read_record(shop, ann, "lamps", lamp, [])
    assert await refused(shop, ann, lamp, {"maker": {"id": two["id"]}}) == [("maker", "notFound")]
    assert await refused(shop, ann, lamp, {"maker": {"label": "Two"}}) == [("maker", "notFound")]
    foot, hat = read["parts"]
    swapped = [{**foot, "maker": hat["maker"]}, hat]
    assert await refused(shop, ann, lamp, {"parts": swapped}) == [("parts[0].maker", "notFound")]
    new = [foot, {"name": "hat", "maker": hat["maker"]}]
    assert await refused(shop, ann, lamp, {"parts": new}) == [("parts[1].maker", "notFound")]
    changed = await update_record(shop, ann, "lamps", lamp, {"parts": [{**hat, "name": "cap"}], "others": [two["id"]]})
    assert [(part["name"], part["maker"]["id"]) for part in changed["parts"]] == [("cap", two["id"])]
    assert [other["id"] for other in changed["others"]] == [two["id"]]
    assert await refused(shop, ann, lamp, {"others": [one["id"], known["id"]]}) == [("others[0]", "notFound")]


async def test_a_field_that_is_not_shown_tells_nothing_of_what_it_points_to(shop, ann, lamp, makers):
    one, two, known = makers
    for guess in (one, two):
        assert await refused(shop, ann, lamp, {"secret": guess["id"]}) == [("secret", "notFound")]
    await update_record(shop, ann, "lamps", lamp, {"secret": known["id"]})


async def test_whether_an_unseen_target_is_gone_makes_no_difference(shop, ann, lamp, makers):
    await shop.store.delete("makers", {"label": "One"})
    assert (await update_record(shop, ann, "lamps", lamp, {"maker": makers[0]["id"]}))["version"] == 0
    assert await refused(shop, SYSTEM, lamp, {"maker": makers[0]["id"]}) == [("maker", "notFound")]


async def test_everybody_finds_their_own_record_and_no_other(shop, ann):
    body = {"firstName": "Bob", "lastName": "Lee", "email": "bob@example.com"}
    bob = await create_record(shop, SYSTEM, "sys.users", body)
    made = await create_record(shop, ann, "lamps", {"name": "Mine", "owner": {"id": ann.user["id"]}})
    assert made["owner"]["id"] == ann.user["id"]
    with pytest.raises(ValidationErrors) as caught:
        await create_record(shop, ann, "lamps", {"name": "His", "owner": {"id": bob["id"]}})
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [("owner", "notFound")]
