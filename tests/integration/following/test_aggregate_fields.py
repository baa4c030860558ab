"""Fields calculated over other records: right after every creation, change and deletion, and exact."""

import asyncio

import pytest

pytestmark = pytest.mark.asyncio

ENTITIES = {
    "companies": """
recordLabel: "{name} ({deals})"
fields:
  name: {type: text}
  region: {type: text}
  deals: {type: integer, calculated: {aggregate: {entity: deals, where: {company.id: $record.id}}}}
  open: {type: integer, calculated: {aggregate: {entity: deals, where: {company.id: $record.id, state: open}}}}
  worth:
    type: decimal
    decimals: 4
    calculated: {aggregate: {entity: deals, where: {company.id: $record.id}, operation: sum, field: amount}}
  mean:
    type: decimal
    calculated: {aggregate: {entity: deals, where: {company.id: $record.id}, operation: avg, field: amount}}
  regional: {type: integer, calculated: {aggregate: {entity: deals, where: {region: $record.region}}}}
  all: {type: integer, calculated: {aggregate: {entity: deals, where: {state: open}}}}
  double: {type: decimal, calculated: "worth * 2"}
""",
    "deals": """
recordLabel: title
fields:
  title: {type: text}
  state: {type: choice, options: [open, won], default: open}
  region: {type: text}
  amount: {type: decimal, decimals: 4}
  company: {type: relationship, entity: companies, onDelete: remove}
""",
}


async def told(world, company, *names):
    await world.settle()
    found = await world.read("companies", company["id"])
    return tuple(found[name] for name in names)


async def test_every_write_of_what_counts_is_counted(make_world):
    world = await make_world(ENTITIES)
    one = await world.create("companies", name="One", region="n")
    two = await world.create("companies", name="Two", region="s")
    assert (one["deals"], one["worth"], one["mean"], one["double"]) == (0, 0, None, 0)
    assert await told(world, one, "deals", "worth", "mean", "all") == (0, 0, None, 0)
    deal = await world.create("deals", title="T", amount="0.1", region="s", company=one["id"])
    await world.create("deals", title="U", amount="0.2", company=one["id"])
    await world.create("deals", title="V", company=one["id"])
    assert await told(world, one, "deals", "open", "worth", "mean", "double") == (3, 3, 0.3, 0.15, 0.6)
    assert await told(world, two, "deals", "regional", "all") == (0, 1, 3)
    await world.change("deals", deal["id"], company=two["id"], state="won", amount="12345678901234.0001")
    assert await told(world, one, "deals", "open", "worth", "all") == (2, 2, 0.2, 2)
    assert await told(world, two, "deals", "open", "label") == (1, 0, "Two (1)")
    stored = (await world.store.find("companies", {"name": "Two"}))[0]
    assert str(stored["worth"]) == "12345678901234.0001"
    await world.delete("deals", deal["id"])
    assert await told(world, two, "deals", "worth", "mean", "regional") == (0, 0, None, 0)


async def test_a_record_that_asks_for_others_is_counted_anew(make_world):
    world = await make_world(ENTITIES)
    await world.create("deals", title="T", region="n")
    one = await world.create("companies", name="One", region="n")
    assert await told(world, one, "regional", "all") == (1, 1)
    await world.change("companies", one["id"], region="s")
    assert await told(world, one, "regional") == (0,)
    assert (await world.read("companies", one["id"]))["version"] == 1


async def test_sums_are_right_after_many_writes_at_once(make_world):
    world = await make_world(ENTITIES)
    companies = [await world.create("companies", name=str(number)) for number in range(2)]

    async def work(number):
        deal = await world.create("deals", title="T", amount=number, company=companies[number % 2]["id"])
        await world.change("deals", deal["id"], company=companies[(number + 1) % 2]["id"])
        if number % 3 == 0:
            await world.delete("deals", deal["id"])

    await asyncio.gather(*map(work, range(24)))
    await world.settle()
    for place, company in enumerate(companies):
        left = [number for number in range(24) if number % 3 and (number + 1) % 2 == place]
        assert await told(world, company, "deals", "worth") == (len(left), sum(left))


async def test_a_deletion_without_cascades_counts_for_nobody(make_world):
    world = await make_world(ENTITIES)
    one = await world.create("companies", name="One")
    deal = await world.create("deals", title="T", company=one["id"])
    await world.settle()
    await world.delete("deals", deal["id"], "?_cascadeOperations=false")
    assert await told(world, one, "deals") == (1,)
