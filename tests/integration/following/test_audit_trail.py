"""The audit trail tells what happened to records, to whom it may concern, and nothing is missing in it."""

import asyncio

import pytest
from bson import ObjectId

from engine.permissions.addresses import parse_address
from engine.records.audit import AUDIT
from server.runtime.running import Caller

pytestmark = pytest.mark.asyncio

COMPANIES = """
auditLogs: {auditing}
recordLabel: name
fields:
  name: {type: text}
  type: {type: choice, options: {a: Kind A, b: Kind B}}
  size: {type: decimal}
  secret: {type: text}
  code: {type: text, sensitive: true}
  tags: {type: text, many: true}
  address:
    type: nested
    label: Address
    fields:
      city: {type: text}
      street: {type: text}
  owner: {type: text}
  lastUpdate: {type: dateRecordModified}
actions:
  grow: {steps: [{set: {size: "=coalesce(size, 0) + 1"}}]}
  look: {respond: "'looked'"}
"""
CONTACTS = """
auditLogs: true
recordLabel: name
fields:
  name: {type: text}
  company: {type: relationship, entity: companies, onDelete: remove}
"""
GROUPS = {
    "narrow": """
label: Narrow
entities:
  companies:
    read: {owner: me}
    update: {owner: me}
    delete: {owner: me}
    auditLogs: always
    fields: {secret: none}
  contacts: {read: always}
""",
}
NARROW = Caller(user={"id": "0" * 24, "email": "me@example.com"}, groups=("narrow",))


def entities(auditing="true"):
    return {"companies": COMPANIES.replace("{auditing}", auditing), "contacts": CONTACTS}


@pytest.fixture
def make(make_world):
    async def make_one(auditing="true"):
        return await make_world(entities(auditing), groups=GROUPS)

    return make_one


async def trail(world, entity, key=None, parameters="", **options):
    return await world.ask("GET", f"/data/{entity}/{f'{key}/' if key else ''}auditLogs{parameters}", **options)


async def test_a_life_is_told_newest_first(make):
    world = await make()
    user = Caller(
        user={"email": "ann@example.com"},
        admin={"email": "boss@example.com"},
        developer=True,
        address=parse_address("1.2.3.4"),
    )
    made = await world.ask("POST", "/data/companies", {"name": "One", "type": "a", "tags": ["x"]}, caller=user)
    await world.ask("PUT", f"/data/companies/{made['id']}", {"type": "b", "size": 2.5, "tags": []}, caller=user)
    await world.ask("PUT", f"/data/companies/{made['id']}", {"type": "b"}, caller=user)  # changes nothing
    await world.ask("DELETE", f"/data/companies/{made['id']}", caller=user)
    found = await trail(world, "companies", made["id"])
    assert found["total"] == 3
    gone, changed, created = found["items"]
    assert found["offset"] == created["id"]
    assert [one["eventType"] for one in found["items"]] == [
        "USER_RECORD_DELETED",
        "USER_RECORD_CHANGED",
        "USER_RECORD_CREATED",
    ]
    assert [one["contextPath"] for one in found["items"]] == [
        f"entities.companies.{deed}" for deed in ("delete", "update", "create")
    ]
    assert {(one["user"], one["adminUser"], one["ip"]) for one in found["items"]} == {
        ("ann@example.com", "boss@example.com", "::ffff:1.2.3.4")
    }
    assert {one["recordDeleted"] for one in found["items"]} == {True}
    assert {one["deletionDate"] for one in found["items"]} == {gone["timestamp"]}
    assert created["oldRecord"] == {}
    assert created["newRecord"] == {
        **dict.fromkeys(("size", "secret", "code", "owner")),
        "name": "One",
        "type": "a",
        "tags": ["x"],
        "address": {"id": made["address"]["id"], "label": "Address", "city": None, "street": None},
        "lastUpdate": made["lastUpdate"],
    }
    assert changed["oldRecord"] == {
        "type": {"json": "a", "text": "{type:Kind A}"},
        "size": {"json": None, "text": "{}"},
        "tags": {"json": ["x"], "text": "{tags:x}"},
    }
    assert changed["newRecord"] == {
        "type": {"json": "b", "text": "{type:Kind B}"},
        "size": {"json": 2.5, "text": "{size:2.5}"},
        "tags": {"json": [], "text": "{}"},
    }
    assert gone["oldRecord"]["id"] == made["id"]
    assert (gone["oldRecord"]["label"], gone["oldRecord"]["version"], gone["oldRecord"]["size"]) == ("One", 1, 2.5)
    assert gone["newRecord"] == {}


async def test_pages_and_filters(make):
    world = await make()
    made = [await world.create("companies", name=str(number)) for number in range(5)]
    await world.change("companies", made[0]["id"], name="changed")
    every = await trail(world, "companies")
    assert every["total"] == 6
    seen, offset = [], ""
    while (page := await trail(world, "companies", parameters=f"?_size=2{offset}"))["items"]:
        assert page["total"] == 6
        seen += [one["id"] for one in page["items"]]
        offset = f"&_offset={page['offset']}"
    assert seen == [one["id"] for one in every["items"]]
    changed = await trail(world, "companies", parameters="?eventTypes=SYSTEM_RECORD_CHANGED,USER_RECORD_CHANGED")
    assert [one["recordName"] for one in changed["items"]] == ["changed"]
    middle = every["items"][3]["timestamp"]
    later = await trail(world, "companies", parameters=f"?from={middle}")
    assert {one["timestamp"] >= middle for one in later["items"]} == {True}
    early = await trail(world, "companies", parameters=f"?to={middle - 1}")
    assert early["total"] + later["total"] == 6
    assert (await world.ask("GET", "/data/companies/history"))["total"] == 6
    assert (await world.ask("GET", f"/data/companies/{made[0]['id']}/history"))["total"] == 2


@pytest.mark.parametrize(
    "parameters",
    ["?_size=0", "?_size=x", "?_offset=1", "?eventTypes=USER_FELL", "?from=-1", "?form=1", "?_size=1&_size=1"],
)
async def test_queries_that_make_no_sense_are_refused(make, parameters):
    world = await make()
    assert (await trail(world, "companies", parameters=parameters, status=400))["code"] == "badRequest"


async def test_an_entity_without_audit_has_no_trail(make):
    world = await make("false")
    assert (await trail(world, "companies", status=400))["code"] == "badRequest"


async def test_only_what_is_asked_for_is_recorded(make):
    world = await make("{created: false, actions: false, ignore: [secret, address.street]}")
    made = await world.create("companies", name="One")
    await world.change("companies", made["id"], secret="s", address={"street": "x"})
    assert (await trail(world, "companies"))["total"] == 0
    await world.change("companies", made["id"], secret="t", address={"street": "y", "city": "Rome"})
    (item,) = (await trail(world, "companies"))["items"]
    assert item["newRecord"].keys() == {"address"}
    assert item["newRecord"]["address"]["json"]["street"] is None


async def test_erased_trails_leave_a_stone_without_values(make):
    world = await make("{onDelete: erase}")
    made = await world.create("companies", name="Nobody", secret="whisper")
    await world.change("companies", made["id"], secret="shout")
    await world.delete("companies", made["id"])
    await world.settle()
    (item,) = (await trail(world, "companies", made["id"]))["items"]
    assert (item["eventType"], item["oldRecord"], item["recordName"]) == ("SYSTEM_RECORD_DELETED", {}, "")
    assert "whisper" not in str(await world.store.find(AUDIT, {}))
    assert "Nobody" not in str(await world.store.find(AUDIT, {}))


async def test_rows_that_are_kept_too_long_are_not_shown(make):
    world = await make("{keep: 1d}")
    made = await world.create("companies", name="One")
    assert (await trail(world, "companies", made["id"]))["total"] == 1
    clock = world.running.clock
    world.running.clock = lambda: clock() + 25 * 3600 * 1000
    assert (await trail(world, "companies", made["id"]))["total"] == 0


async def test_actions_and_what_they_change_are_told_apart(make):
    world = await make()
    made = await world.create("companies", name="One")
    await world.ask("PUT", f"/data/companies/{made['id']}/grow", {})
    await world.ask("PUT", f"/data/companies/{made['id']}/look", {})
    found = (await trail(world, "companies", made["id"]))["items"]
    assert {(one["eventType"], one["contextPath"]) for one in found} == {
        ("SYSTEM_RECORD_CREATED", "entities.companies.create"),
        ("SCRIPT_RECORD_CHANGED", "entities.companies.actions.grow"),
        ("SYSTEM_ACTION_PERFORMED", "entities.companies.actions.grow"),
        ("SYSTEM_ACTION_PERFORMED", "entities.companies.actions.look"),
    }


async def test_a_reference_that_is_taken_away_is_told(make):
    world = await make()
    company = await world.create("companies", name="Gone")
    contact = await world.create("contacts", name="Ann", company=company["id"])
    await world.settle()
    await world.delete("companies", company["id"])
    await world.settle()
    newest = (await trail(world, "contacts", contact["id"]))["items"][0]
    assert (newest["eventType"], newest["eventCategory"]) == ("SYSTEM_CASCADE_UPDATE", "SYSTEM")
    assert newest["oldRecord"]["company"]["json"] == {"id": company["id"], "label": "Gone"}
    assert newest["newRecord"]["company"] == {"json": None, "text": "{}"}


async def test_sensitive_values_are_masked(make):
    world = await make()
    made = await world.create("companies", name="One", code="quiet-one")
    await world.change("companies", made["id"], code="quiet-two")
    await world.delete("companies", made["id"])
    shown = str(await trail(world, "companies"))
    assert "quiet-one" not in shown
    assert "quiet-two" not in shown
    assert "******" in shown


async def test_hidden_fields_and_foreign_records_stay_so(make):
    world = await make()
    own = await world.create("companies", name="Own", owner="me", secret="hush")
    foreign = await world.create("companies", name="Foreign", owner="you", secret="hush")
    lost = await world.create("companies", name="Lost", owner="me", secret="hush")
    away = await world.create("companies", name="Away", owner="you", secret="hush")
    for one in (own, foreign, lost, away):
        await world.change("companies", one["id"], secret="hush hush")
    for one in (lost, away):
        await world.delete("companies", one["id"])
    await trail(world, "companies", foreign["id"], caller=NARROW, status=403)
    await trail(world, "companies", away["id"], caller=NARROW, status=403)
    mine = await trail(world, "companies", own["id"], caller=NARROW)
    gone = await trail(world, "companies", lost["id"], caller=NARROW)
    every = await trail(world, "companies", caller=NARROW)
    assert (mine["total"], gone["total"], every["total"]) == (2, 3, 5)
    for shown in (mine, gone, every):
        assert not {"hush", "Foreign", "Away"} & set(str(shown).replace("'", " ").split())
    assert (await trail(world, "companies", str(ObjectId()), caller=NARROW)) == {"total": 0, "items": []}
    await trail(world, "contacts", caller=NARROW, status=403)


async def test_no_change_is_without_row_and_no_row_without_change(make):
    world = await make()
    made = await world.create("companies", name="One", size=0)

    async def write(number):
        for turn in range(10):
            await world.change("companies", made["id"], size=number * 100 + turn)

    await asyncio.gather(*map(write, range(4)))
    found = await trail(world, "companies", made["id"], "?_size=1000")
    version = (await world.read("companies", made["id"]))["version"]
    assert sorted(one["entityVersion"] for one in found["items"]) == list(range(version + 1))
    by_version = {one["entityVersion"]: one for one in found["items"]}
    for number in range(2, version + 1):
        assert by_version[number]["oldRecord"]["size"] == by_version[number - 1]["newRecord"]["size"]
