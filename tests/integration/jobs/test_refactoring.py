"""Definitions that change over live data: stored records are brought to them, once, whoever starts and whatever dies."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from bson import ObjectId

from engine.compiler import compile_app
from engine.definitions import Sources
from server.runtime import lists, records
from server.runtime.audit import prepare_audit
from server.runtime.jobs import keep_shapes
from server.runtime.jobs.refactoring import SHAPES
from server.runtime.jobs.stored import JOBS
from server.runtime.running import SYSTEM, RunningApp
from server.store import reconcile_indexes
from tests.integration.jobs.conftest import Office

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[3]

BEFORE = """
recordLabel: "{t}"
auditLogs: true
fields:
  t:     {type: text}
  size:  {type: text}
  tags:  {type: text}
  first: {type: text, many: true}
  day:   {type: text}
  owner: {type: text}
  mail:  {type: integer}
  phone: {type: phone}
  box:   {type: nested, fields: {n: {type: text}, x: {type: text}}}
  gone:  {type: text}
  rate:  {type: percentage}
  html:  {type: html}
"""
AFTER = """
recordLabel: "{t} {size}"
auditLogs: true
fields:
  t:     {type: text}
  size:  {type: integer}
  tags:  {type: text, many: true}
  first: {type: text}
  day:   {type: date}
  owner: {type: relationship, entity: people}
  mail:  {type: text}
  phone: {type: text}
  box:   {type: nested, many: true, fields: {n: {type: integer}, x: {type: text}, y: {type: text, default: new}}}
  rate:  {type: decimal}
  html:  {type: longText}
  state: {type: choice, options: [a, b], default: b}
  twice: {type: integer, calculated: "size * 2"}
  stamp: {type: text, defaultExpression: "t + '!'"}
  code:  {type: autoIncrement}
  open:  {type: boolean, default: true}
  boss:  {type: relationship, entity: people, default: Ada}
  many:  {type: text, many: true, default: [p, q]}
"""
PEOPLE = "recordLabel: name\nfields: {name: {type: text}}\n"


def compiled(things):
    files = {"app.yaml": "name: shop\n", "entities/things.yaml": things, "entities/people.yaml": PEOPLE}
    return compile_app(Sources(".", files))


OLD, NEW = compiled(BEFORE), compiled(AFTER)


async def start(open_office, name=None, app=OLD):
    office = await open_office(name, app)
    await prepare_audit(office.store)
    await keep_shapes(office.running)
    return office


def changed(office, app):
    return Office(RunningApp(app, office.store))


async def make(office, **values):
    return ObjectId(str((await records.create_record(office.running, SYSTEM, "things", values))["id"]))


async def refactorings(office):
    found = await office.store.find(JOBS, {"type": "SYSTEM_REFACTORING"}, sort=[("_id", 1)])
    return [job["_id"] for job in found]


async def bring(office):
    """Starts with the office's definitions and waits for the job."""
    await keep_shapes(office.running)
    (*_, job) = await refactorings(office)
    async with office.worker():
        done = await office.until(job, "FINISHED")
    await office.running.outbox.settle()
    assert not done.has_errors, await office.lines(job)
    return job


async def shown(office, key):
    return await lists.read_record(office.running, SYSTEM, "things", str(key), [])


async def test_old_values_become_text_that_the_new_type_reads(open_office):
    office = await start(open_office)
    ada = (await records.create_record(office.running, SYSTEM, "people", {"name": "Ada"}))["id"]
    good = await make(
        office,
        **{"t": "g", "size": "42", "tags": "x", "first": ["p", "q"], "day": "2020-01-02", "owner": "Ada", "mail": 7},
        **{"phone": "17028459380", "box": {"n": "5", "x": "y"}, "rate": 0.5, "html": "<p>hi</p>", "gone": "x"},
    )
    bad = await make(office, t="b", size="abc", day="soon", owner="Nobody", box={"n": "five"})
    empty = await make(office, t="e")
    office = changed(office, NEW)
    await bring(office)
    found = await office.store.get("things", good)
    assert (found["size"], found["tags"], found["first"], found["mail"]) == (42, ["x"], "p", "7")
    assert found["owner"] == {"id": ObjectId(str(ada)), "label": "Ada"}
    record = await shown(office, good)
    assert (record["day"], record["phone"], str(record["rate"])) == ("2020-01-02", "1-702-845-9380", "0.5")
    assert (record["html"], record["label"], record["twice"]) == ("<p>hi</p>", "g 42", 84)
    assert [(one["n"], one["x"], one["y"]) for one in record["box"]] == [(5, "y", "new")]
    assert found["version"] == 0
    left = await office.store.get("things", bad)
    assert (left["size"], left["day"], left["owner"], left["box"][0]["n"]) == (None, None, None, None)
    assert (await shown(office, empty))["tags"] == []
    total = await lists.list_records(office.running, SYSTEM, "things", [("size", "greater(1)")])
    assert [one["id"] for one in total["items"]] == [str(good)]


async def test_new_fields_are_filled_and_records_numbered_in_the_order_of_their_making(open_office):
    office = await start(open_office)
    keys = [await make(office, t=f"r{n}") for n in range(5)]
    ada = (await records.create_record(office.running, SYSTEM, "people", {"name": "Ada"}))["id"]
    office = changed(office, NEW)
    await bring(office)
    found = [await office.store.get("things", key) for key in keys]
    assert [one["code"] for one in found] == [1, 2, 3, 4, 5]
    assert {(one["state"], one["open"], str(one["boss"]["id"]), *one["many"]) for one in found} == {
        ("b", True, str(ada), "p", "q")
    }
    assert [one["stamp"] for one in found] == [f"r{n}!" for n in range(5)]
    late = await office.store.get("things", await make(office, t="late"))
    assert late["code"] == 6


async def test_a_field_that_becomes_required_gets_its_default_where_it_is_empty(open_office):
    old = compiled("fields: {t: {type: text}, n: {type: integer, default: 3}}")
    new = compiled("fields: {t: {type: text}, n: {type: integer, default: 3, required: true}}")
    office = await start(open_office, app=old)
    cleared, kept = await make(office, t="a", n=None), await make(office, t="b", n=9)
    office = changed(office, new)
    await records.update_record(office.running, SYSTEM, "things", str(kept), {"t": "c"})
    await bring(office)
    assert [(await office.store.get("things", key))["n"] for key in (cleared, kept)] == [3, 9]


async def test_what_follows_is_done_and_the_trail_tells_what_was_changed(open_office):
    office = await start(open_office)
    key = await make(office, t="a", size="42")
    office = changed(office, NEW)
    await bring(office)
    rows = await office.store.find("sys.audit", {"record": key, "event": "refactored"})
    assert [(row["old"]["size"], row["new"]["size"], row["version"], row["origin"]) for row in rows] == [
        ("42", 42, 0, "system")
    ]
    async with office.client() as client:
        told = await client.get("/data/things/auditLogs", params={"eventTypes": "SYSTEM_REFACTORING"})
    assert [item["eventType"] for item in told.json()["items"]] == ["SYSTEM_REFACTORING"]


async def test_nothing_to_do_makes_no_job(open_office):
    office = await start(open_office)
    await make(office, t="a")
    await keep_shapes(office.running)
    await keep_shapes(changed(office, compiled(BEFORE + "  more: {type: text}\n")).running)
    await keep_shapes(changed(office, compiled(BEFORE.replace("  gone:  {type: text}\n", ""))).running)
    assert await refactorings(office) == []


async def test_a_database_of_which_nothing_is_known_is_taken_as_it_is(open_office):
    office = await open_office(None, NEW)
    await keep_shapes(office.running)
    assert await refactorings(office) == []
    assert (await office.store.get(SHAPES, "things"))["former"] == []


async def test_servers_that_start_together_make_one_job(open_office):
    office = await start(open_office, "together")
    await make(office, t="a")
    others = [await open_office("together", NEW) for _ in range(3)]
    await asyncio.gather(*(keep_shapes(one.running) for one in others))
    assert len(await refactorings(office)) == 1


async def test_a_job_that_was_noted_but_not_made_is_made_by_the_next_start(open_office):
    office = changed(await start(open_office), NEW)
    await keep_shapes(office.running)
    (job,) = await refactorings(office)
    await office.store.delete(JOBS, {"_id": job})
    await office.store.update(SHAPES, {"_id": "things"}, {"$set": {"made": False}})
    await keep_shapes(office.running)
    assert await refactorings(office) == [job]


async def test_what_an_unfinished_job_left_is_done_by_that_of_the_next_change(open_office):
    office = await start(open_office)
    key = await make(office, t="a", size="42")
    await keep_shapes(changed(office, NEW).running)
    office = changed(office, compiled(AFTER.replace("size:  {type: integer}", "size: {type: decimal, many: true}")))
    job = await bring(office)
    assert [str(one) for one in (await office.store.get("things", key))["size"]] == ["42"]
    _, second = await refactorings(office)
    assert second == job


WORKER = """
import asyncio, sys
from server.runtime.jobs import JOB_KINDS, Worker
from server.runtime.running import RunningApp
from server.store import open_store
from tests.integration.jobs.conftest import FAST
from tests.integration.jobs.test_refactoring import NEW

async def work():
    running = RunningApp(NEW, await open_store(sys.argv[1], sys.argv[2]))
    await Worker(lambda: running, JOB_KINDS, FAST, None).run()

asyncio.run(work())
"""


async def test_a_worker_that_is_killed_in_the_middle_leaves_the_rest_to_the_next(open_office, jobs_database):
    name = f"killed{ObjectId()}"
    office = await start(open_office, name)
    keys = [ObjectId() for _ in range(250)]
    made = [
        {"_id": key, "version": 0, "label": "r", "t": f"r{n}", "size": str(n), "tags": "x"}
        for n, key in enumerate(keys)
    ]
    await office.store.insert_many("things", made)
    office = changed(office, NEW)
    await keep_shapes(office.running)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, jobs_database, name),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CASTWORK_CRASH_POINT": "beforeWrite:130"},
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    before = await office.store.count("things", {"code": {"$gt": 0}})
    assert 0 < before < 250
    await bring(office)
    found = await office.store.find("things", {}, sort=[("_id", 1)])
    assert [one["size"] for one in found] == list(range(250))
    assert all(one["tags"] == ["x"] and one["state"] == "b" for one in found)
    codes = [one["code"] for one in found]
    assert codes == sorted(set(codes))


async def test_records_are_written_while_the_job_waits(open_office):
    office = await start(open_office)
    key = await make(office, t="a", size="42", tags="x", box={"n": "1"})
    office = changed(office, NEW)
    await keep_shapes(office.running)
    answer = await records.update_record(office.running, SYSTEM, "things", str(key), {"t": "b", "size": 5})
    assert (answer["size"], answer["tags"]) == (5, ["x"])
    await bring(office)
    record = await shown(office, key)
    assert (record["t"], record["size"], record["version"], record["box"][0]["n"]) == ("b", 5, 1, 1)


async def test_a_record_that_would_repeat_a_unique_value_stays_and_is_told_of(open_office):
    office = await start(open_office, app=compiled("fields: {t: {type: text}, a: {type: text}}"))
    keys = [await make(office, a=value) for value in ("5", "5.0", "6")]
    office = changed(office, compiled("fields: {t: {type: text}, a: {type: integer, unique: true}}"))
    assert not (await reconcile_indexes(office.store, office.running.compiled.indexes)).failed
    await keep_shapes(office.running)
    (job,) = await refactorings(office)
    async with office.worker():
        done = await office.until(job, "FINISHED")
    assert done.has_errors
    assert [(await office.store.get("things", key))["a"] for key in keys] == [5, "5.0", 6]
    told = await office.results(job)
    assert told.keys() == {str(keys[1])}
    assert (await shown(office, keys[1]))["a"] is None


async def test_without_transactions_the_same_is_done(open_office):
    office = await start(open_office)
    keys = [await make(office, t=f"r{n}", size=str(n)) for n in range(5)]
    office = changed(office, NEW)
    office.store.transactions = False
    await bring(office)
    found = [await office.store.get("things", key) for key in keys]
    assert [(one["size"], one["code"], one["twice"]) for one in found] == [(n, n + 1, 2 * n) for n in range(5)]
    assert (await office.store.get(SHAPES, "things"))["former"] == []


async def test_a_new_aggregate_is_counted_for_the_records_that_are_there(open_office):
    fields = "recordLabel: name\nfields: {name: {type: text}%s}\n"
    count = ", things: {type: integer, calculated: {aggregate: {entity: things, where: {owner.id: $record.id}, operation: count}}}"

    def app(people):
        files = {"app.yaml": "name: shop\n", "entities/people.yaml": people}
        things = "fields: {t: {type: text}, owner: {type: relationship, entity: people}}"
        return compile_app(Sources(".", {**files, "entities/things.yaml": things}))

    office = await start(open_office, app=app(fields % ""))
    ada, bob = [
        (await records.create_record(office.running, SYSTEM, "people", {"name": n}))["id"] for n in ("Ada", "Bob")
    ]
    for _ in range(2):
        await make(office, owner=str(ada))
    office = changed(office, app(fields % count))
    await bring(office)
    found = [await office.store.get("people", ObjectId(str(key))) for key in (ada, bob)]
    assert [one["things"] for one in found] == [2, 0]
