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

ENTITIES = {
    "companies": "recordLabel: name\nauditLogs: true\nfields:\n  name: {type: text, required: true}\n",
    "contacts": """
recordLabel: name
fields:
  name: {type: text, required: true}
  company: {type: relationship, entity: companies}
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


async def test_no_label_is_stale_and_no_row_is_missing_after_a_kill(make_world, database, tmp_path):
    (tmp_path / "entities").mkdir()
    (tmp_path / "app.yaml").write_text("name: world\n")
    for name, text in ENTITIES.items():
        (tmp_path / "entities" / f"{name}.yaml").write_text(text)
    world = await make_world(ENTITIES, name="killed")
    company = await world.create("companies", name="name 0")
    key = ObjectId(company["id"])
    reference = {"id": key, "label": "name 0"}
    documents = [
        {"_id": ObjectId(), "version": 0, "label": f"c{number}", "name": f"c{number}", "company": dict(reference)}
        for number in range(REFERRERS)
    ]
    await world.store.insert_many("contacts", documents)
    began = time.monotonic()
    await world.change("companies", company["id"], name="undisturbed")
    await world.settle()
    undisturbed = time.monotonic() - began
    bar = max(SECONDS, 2 * undisturbed)
    slowest, interrupted = 0.0, 0
    for _ in range(KILLS):
        process = await start(database, "killed", tmp_path, company["id"])
        await asyncio.sleep(random.uniform(0, 0.5))
        await kill(process)
        label = (await world.store.get("companies", key))["label"]
        stale = {"company.id": key, "company.label": {"$ne": label}}
        interrupted += bool(await world.store.find("companies", PENDING, limit=1))
        process = await start(database, "killed", tmp_path, "-")
        began = time.monotonic()
        while await world.store.find(
            "companies", PENDING, limit=1
        ):  # to count who is stale would keep the database busy
            assert time.monotonic() - began < bar, "intents are left"
            await asyncio.sleep(0.05)
        slowest = max(slowest, time.monotonic() - began)
        assert await world.store.count("contacts", stale) == 0
        await kill(process)
    version = (await world.store.get("companies", key))["version"]
    rows = await world.store.find(AUDIT, {"record": key})
    assert sorted(row["version"] for row in rows) == list(range(version + 1))
    assert interrupted, "no kill met a cascade"
    print(
        f"{KILLS} kills, {interrupted} in a cascade of {REFERRERS}; slowest recovery {slowest:.1f} s, {undisturbed:.1f} s undisturbed"
    )
