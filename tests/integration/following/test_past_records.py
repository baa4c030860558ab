"""Records as they were, at a version or a moment, and made so again."""

import asyncio

import pytest

from tests.integration.following.test_audit_trail import GROUPS, NARROW, entities

pytestmark = pytest.mark.asyncio


async def written(make_world):
    world = await make_world(entities(), groups=GROUPS)
    made = await world.create("companies", name="One", size=1.5, tags=["a"], address={"city": "Rome"}, owner="me")
    moments = [world.running.clock()]
    for values in ({"name": "Two", "tags": []}, {"size": 2.5, "address": {"city": None}}, {"owner": "you"}):
        await asyncio.sleep(0.005)
        await world.change("companies", made["id"], **values)
        moments.append(world.running.clock())
    return world, made, moments


async def test_versions_and_moments_are_told(make_world):
    world, made, moments = await written(make_world)
    path = f"/data/companies/{made['id']}"
    first = await world.ask("GET", f"{path}?_version=0")
    assert first == made
    second = await world.ask("GET", f"{path}?_version=1")
    assert (second["name"], second["size"], second["label"]) == ("Two", 1.5, "Two")
    for version, moment in enumerate(moments):
        at_version = await world.ask("GET", f"{path}?_version={version}")
        assert await world.ask("GET", f"{path}?_asOf={moment}") == at_version
    await world.ask("GET", f"{path}?_version=4", status=404)
    await world.ask("GET", f"{path}?_asOf=1", status=404)
    await world.ask("GET", f"{path}?_version=x", status=400)
    await world.delete("companies", made["id"])
    assert await world.ask("GET", f"{path}?_version=0") == made


async def test_a_record_is_made_what_it_was(make_world):
    world, made, _ = await written(make_world)
    found = await world.ask("PUT", f"/data/companies/{made['id']}/revert?to=0")
    assert {**found, "version": 0, "lastUpdate": made["lastUpdate"]} == made
    assert found["version"] == 4
    trail = await world.ask("GET", f"/data/companies/{made['id']}/auditLogs")
    assert trail["items"][0]["newRecord"].keys() == {"name", "size", "tags", "address", "owner"}


async def test_the_past_of_what_may_not_be_read_now_stays_closed(make_world):
    world, made, _ = await written(make_world)  # it was theirs, and is not any more
    path = f"/data/companies/{made['id']}"
    await world.ask("GET", f"{path}?_version=0", caller=NARROW, status=403)
    await world.ask("PUT", f"{path}/revert?to=0", caller=NARROW, status=403)
