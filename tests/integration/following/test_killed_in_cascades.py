"""A server that is killed in the middle of a cascade leaves nothing behind that the next one does not put right.

REFERRERS and KILLS in the environment make it a longer proof; the default is a short one.
"""

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import pytest_asyncio
from bson import ObjectId

from engine.records.audit import AUDIT
from engine.records.outbox import PENDING

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[3]
REFERRERS = int(os.environ.get("REFERRERS", "500"))
KILLS = int(os.environ.get("KILLS", "3"))
started = []
SECONDS = 10
"""How long the next process may take; twice as long as a cascade takes that nobody disturbs, where that is more."""

ONE_LEVEL = {
    "companies": "recordLabel: name\nauditLogs: true\nfields:\n  name: {type: text, required: true}\n",
    "contacts": """
recordLabel: name
fields:
  name: {type: text, required: true}
  company: {type: relationship, entity: companies}
""",
}
TWO_LEVELS = {
    **ONE_LEVEL,
    "contacts": ONE_LEVEL["contacts"].replace("recordLabel: name", "recordLabel: '{company.label}'"),
    "deals": """
recordLabel: name
fields:
  name: {type: text, required: true}
  contact: {type: relationship, entity: contacts}
""",
}


async def start(uri, database, folder, company):
    arguments = (str(Path(__file__).parent / "renaming_process.py"), uri, database, str(folder), company)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    started.append(process)
    assert await asyncio.wait_for(process.stdout.readline(), 30), "it did not start"
    return process


async def kill(process):
    process.send_signal(signal.SIGKILL)
    await process.wait()
    started.remove(process)


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def no_survivors():
    yield
    for process in list(started):
        await kill(process)


async def pending(world):
    for entity in world.running.compiled.following:
        if await world.store.find(entity, PENDING, limit=1):
            return True
    return False


async def stale(world, key):
    """How many references show another label; asked when no intents are left, because counting keeps the database
    busy."""
    label = (await world.store.get("companies", key))["label"]
    return await world.store.count("contacts", {"company.id": key, "company.label": {"$ne": label}})


@pytest.mark.parametrize(("levels", "referrers"), [(ONE_LEVEL, REFERRERS), (TWO_LEVELS, REFERRERS // 10)])
async def test_no_label_is_stale_and_no_row_is_missing_after_a_kill(make_world, database, tmp_path, levels, referrers):
    (tmp_path / "entities").mkdir()
    (tmp_path / "app.yaml").write_text("name: world\n")
    for name, text in levels.items():
        (tmp_path / "entities" / f"{name}.yaml").write_text(text)
    name = f"killed{len(levels)}"
    world = await make_world(levels, name=name)
    company = await world.create("companies", name="name 0")
    key = ObjectId(company["id"])
    below = {"id": key, "label": "name 0"}
    for entity, field in zip([*levels][1:], ("company", "contact"), strict=False):
        documents = [
            {"_id": ObjectId(), "version": 0, "label": f"{number}", "name": f"{number}", field: dict(below)}
            for number in range(referrers)
        ]
        await world.store.insert_many(entity, documents)
        below = {"id": documents[-1]["_id"], "label": documents[-1]["label"]}
    began = time.monotonic()
    await world.change("companies", company["id"], name="undisturbed")
    await world.settle()
    undisturbed = time.monotonic() - began
    bar = max(SECONDS, 2 * undisturbed)
    slowest, interrupted = 0.0, 0
    for _ in range(KILLS):
        process = await start(database, name, tmp_path, company["id"])
        await asyncio.sleep(random.uniform(0, 0.5))
        await kill(process)
        interrupted += await pending(world)
        process = await start(database, name, tmp_path, "-")
        began = time.monotonic()
        while await pending(world) or await stale(world, key):  # a write of the dead may arrive late
            assert time.monotonic() - began < bar, "labels are stale"
            await asyncio.sleep(0.05)
        slowest = max(slowest, time.monotonic() - began)
        label = (await world.store.get("companies", key))["label"]
        if "deals" in levels:
            assert await world.store.count("contacts", {"label": {"$ne": label}}) == 0
            assert await world.store.count("deals", {"contact.label": label}) == referrers
        await kill(process)
    version = (await world.store.get("companies", key))["version"]
    rows = await world.store.find(AUDIT, {"record": key})
    assert sorted(row["version"] for row in rows) == list(range(version + 1))
    assert interrupted, "no kill met a cascade"
    print(
        f"{KILLS} kills, {interrupted} in a cascade of {referrers}; "
        f"slowest recovery {slowest:.1f} s, {undisturbed:.1f} s undisturbed"
    )
