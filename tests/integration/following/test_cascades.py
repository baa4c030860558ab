"""What records keep of others follows them: labels, copied fields, and what becomes of references to what is gone."""

import asyncio

import pytest
from bson import ObjectId

from engine.records.outbox import OUTBOX, REVISION, Kind, make_intent
from server.runtime.outbox import REMOVALS, VOID_AFTER

pytestmark = pytest.mark.asyncio

ENTITIES = {
    "companies": "recordLabel: name\nfields:\n  name: {type: text}\n  city: {type: text}\n  rank: {type: decimal}\n",
    "contacts": """
recordLabel: "{name} of {company.label}"
fields:
  name: {type: text}
  company: {type: relationship, entity: companies}
""",
    "deals": """
recordLabel: title
fields:
  title: {type: text}
  customer: {type: relationship, entity: companies, copy: [city, rank], onDelete: remove}
  partners: {type: relationship, entity: companies, many: true, onDelete: remove}
  contact: {type: relationship, entity: contacts, onDelete: delete}
  frozen: {type: relationship, entity: companies, syncLabel: false, copy: [city], syncCopies: false}
  parties:
    type: nested
    many: true
    recordLabel: "{role}: {company.label}"
    fields:
      role: {type: text}
      company: {type: relationship, entity: companies, copy: [city], onDelete: remove}
  place:
    type: nested
    fields:
      host: {type: relationship, entity: companies}
""",
    "notes": """
recordLabel: "about {deal.label}"
fields:
  deal: {type: relationship, entity: deals, onDelete: delete}
""",
}


async def test_labels_and_copies_follow_in_every_place_of_a_record(make_world):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="Old", city="Rome", rank=1.5)
    other = await world.create("companies", name="Other", city="Oslo")
    deal = await world.create(
        "deals",
        title="T",
        customer=company["id"],
        partners=[other["id"], company["id"]],
        frozen=company["id"],
        parties=[{"role": "a", "company": other["id"]}, {"role": "b", "company": company["id"]}, {"role": "c"}],
        place={"host": company["id"]},
    )
    await world.settle()
    await world.change("companies", company["id"], name="New", city="Paris", rank=2.25)
    await world.settle()
    found = await world.read("deals", deal["id"])
    assert found["customer"] == {"id": company["id"], "label": "New", "city": "Paris", "rank": 2.25}
    assert [one["label"] for one in found["partners"]] == ["Other", "New"]
    assert found["frozen"] == {"id": company["id"], "label": "Old", "city": "Rome"}
    assert [one["label"] for one in found["parties"]] == ["a: Other", "b: New", "c: "]
    assert found["parties"][1]["company"] == {"id": company["id"], "label": "New", "city": "Paris"}
    assert found["place"]["host"]["label"] == "New"
    assert found["version"] == deal["version"]


async def test_a_label_made_of_labels_follows_through_records(make_world):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="Old")
    contact = await world.create("contacts", name="Ann", company=company["id"])
    deal = await world.create("deals", title="T", contact=contact["id"])
    await world.change("companies", company["id"], name="New")
    await world.settle()
    assert (await world.read("contacts", contact["id"]))["label"] == "Ann of New"
    assert (await world.read("deals", deal["id"]))["contact"]["label"] == "Ann of New"


async def test_clients_never_see_what_the_engine_keeps(make_world):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="Old")
    deal = await world.create("deals", title="T", customer=company["id"])
    await world.change("companies", company["id"], name="New")
    await world.settle()
    stored = await world.store.get("deals", ObjectId(deal["id"]))
    assert stored[REVISION] == 1
    assert OUTBOX not in stored
    for shown in (
        await world.read("deals", deal["id"]),
        *(await world.ask("GET", "/data/deals"))["items"],
        *(await world.ask("PUT", "/data/deals/aggregate", []))["items"],
        await world.change("deals", deal["id"], title="U"),
        await world.delete("deals", deal["id"]),
    ):
        assert not {OUTBOX, REVISION} & shown.keys()


async def test_a_client_that_writes_during_a_cascade_loses_nothing_and_undoes_nothing(make_world):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="0")
    deals = [
        await world.create("deals", title="0", parties=[{"role": "0", "company": company["id"]}]) for _ in range(3)
    ]

    async def write(deal):
        for number in range(1, 16):
            parties = (await world.read("deals", deal["id"]))["parties"]
            body = {"title": str(number), "parties": [{"id": parties[0]["id"], "role": str(number)}]}
            await world.change("deals", deal["id"], **body)

    async def rename():
        for number in range(1, 16):
            await world.change("companies", company["id"], name=str(number))

    await asyncio.gather(rename(), *map(write, deals))
    await world.settle()
    for deal in deals:
        found = await world.read("deals", deal["id"])
        assert found["title"] == "15"
        assert found["version"] == 15
        assert found["parties"][0]["label"] == "15: 15"


async def test_a_reference_written_while_its_target_is_renamed_is_not_left_stale(make_world):
    world = await make_world(ENTITIES)
    for turn in range(40):
        company = await world.create("companies", name="before")
        made, _ = await asyncio.gather(
            world.create("deals", title="T", customer=company["id"], partners=[company["id"]]),
            world.change("companies", company["id"], name="after"),
        )
        await world.settle()
        found = await world.read("deals", made["id"])
        assert (found["customer"]["label"], found["partners"][0]["label"]) == ("after", "after"), turn


async def test_deletions_remove_delete_or_leave_what_refers(make_world):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="Gone")
    stays = await world.create("companies", name="Stays")
    contact = await world.create("contacts", name="Ann", company=company["id"])
    kept = await world.create(
        "deals",
        title="kept",
        customer=company["id"],
        partners=[company["id"], stays["id"]],
        parties=[{"role": "a", "company": company["id"]}],
    )
    lost = await world.create("deals", title="lost", contact=contact["id"])
    note = await world.create("notes", deal=lost["id"])
    await world.settle()
    await world.delete("companies", company["id"])
    await world.settle()
    found = await world.read("deals", kept["id"])
    assert found["customer"] is None
    assert [one["id"] for one in found["partners"]] == [stays["id"]]
    assert (found["parties"][0]["company"], found["parties"][0]["label"]) == (None, "a: ")
    assert found["version"] > kept["version"]
    assert (await world.read("contacts", contact["id"]))["company"]["id"] == company["id"]  # the default leaves it
    await world.delete("contacts", contact["id"])
    await world.settle()
    assert not await world.exists("deals", lost["id"])
    assert not await world.exists("notes", note["id"])


@pytest.mark.parametrize("spelling", ["_cascadeOperations", "_cascatdeOperations"])
async def test_a_deletion_without_cascades_lets_references_dangle(make_world, spelling):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="Gone")
    deal = await world.create("deals", title="T", customer=company["id"])
    await world.settle()
    await world.delete("companies", company["id"], f"?{spelling}=false")
    await world.settle()
    assert (await world.read("deals", deal["id"]))["customer"]["id"] == company["id"]


async def test_no_reference_dangles_that_was_made_while_its_target_was_deleted(make_world):
    world = await make_world(ENTITIES)
    dangling = made = 0
    for _ in range(100):
        company = await world.create("companies", name="Gone")
        contact = await world.create("contacts", name="Gone")

        async def refer(body):
            async with world.client() as client:
                return await client.post("/data/deals", json=body)

        answers, *_ = await asyncio.gather(
            asyncio.gather(
                refer({"title": "r", "customer": company["id"], "partners": [company["id"]]}),
                refer({"title": "d", "contact": contact["id"]}),
            ),
            world.delete("companies", company["id"]),
            world.delete("contacts", contact["id"]),
        )
        await world.settle()
        removed, deleted = answers
        made += (removed.status_code == 200) + (deleted.status_code == 200)
        if removed.status_code == 200:
            found = await world.read("deals", removed.json()["id"])
            dangling += found["customer"] is not None or bool(found["partners"])
        if deleted.status_code == 200:
            dangling += await world.exists("deals", deleted.json()["id"])
    assert dangling == 0
    assert made > 10  # else nothing was raced


async def test_what_a_dead_process_left_behind_is_done_by_the_next(make_world):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="Old")
    deal = await world.create("deals", title="T", customer=company["id"])
    await world.settle()
    key = ObjectId(company["id"])
    left = {"$set": {"name": "New", "label": "New"}, "$push": {OUTBOX: make_intent(Kind.PUSH, depth=0)}}
    await world.store.update("companies", {"_id": key}, left)
    await world.restart()
    assert (await world.read("deals", deal["id"]))["customer"]["label"] == "New"


async def test_a_deletion_that_never_happened_is_forgotten(make_world):
    world = await make_world(ENTITIES)
    company = await world.create("companies", name="Stays")
    deal = await world.create("deals", title="T", customer=company["id"])
    await world.settle()
    row = {"_id": ObjectId(), "entity": "companies", "record": ObjectId(company["id"]), "document": {}}
    row |= {"at": world.running.clock() - VOID_AFTER - 1, "intents": [make_intent(Kind.REMOVED, depth=0)]}
    await world.store.insert(REMOVALS, row)
    await world.restart()
    assert (await world.read("deals", deal["id"]))["customer"]["id"] == company["id"]


async def test_a_ring_of_labels_ends(make_world, caplog):
    ring = 'recordLabel: "x{next.label}"\nfields:\n  next: {type: relationship, entity: %s}\n'
    world = await make_world({"rings": ring % "chains", "chains": ring % "rings"})
    first = await world.create("rings")
    second = await world.create("chains", next=first["id"])
    await world.change("rings", first["id"], next=second["id"])
    await asyncio.wait_for(world.settle(), 20)
    assert "end of a chain of more than 8 labels or sums" in caplog.text


HEARD = """
recordLabel: title
fields:
  title: {type: text}
  state: {type: text}
  owner: {type: relationship, entity: companies, onDelete: remove}
listeners:
  orphaned:
    on: [changed]
    from: [system]
    when: "owner is None and old.owner is not None"
    steps:
      - set: {state: "= 'lost ' + old.owner.label"}
      - create: {entity: diary, values: {text: "{title} is alone"}}
      - {fail: {message: Not this one}, when: "title == 'Stubborn'"}
  byHand: {on: [changed], steps: [{set: {state: by hand}}]}
"""


async def test_listeners_hear_of_a_reference_that_goes_with_its_target(make_world):
    world = await make_world(
        {
            "companies": ENTITIES["companies"],
            "boats": HEARD,
            "diary": "fields: {text: {type: text}}\n",
        }
    )
    company = await world.create("companies", name="Sea")
    boat = await world.create("boats", title="Mary", owner=company["id"])
    stubborn = await world.create("boats", title="Stubborn", owner=company["id"])
    await world.change("companies", company["id"], name="Ocean")
    await world.settle()
    assert (await world.read("boats", boat["id"]))["version"] == 0, "a label that follows is no change to hear of"
    await world.delete("companies", company["id"])
    await world.settle()
    found = await world.read("boats", boat["id"])
    assert (found["owner"], found["state"], found["version"]) == (None, "lost Ocean", 1)
    kept = await world.read("boats", stubborn["id"])
    assert (kept["owner"], kept["state"], kept["version"]) == (None, None, 1), "it goes all the same, unheard"
    assert [one["text"] for one in await world.store.find("diary", {})] == ["Mary is alone"]
