"""Functions of hooks.py that run for one record in a background job: stopping, states, progress, and what is said."""

import asyncio
import time

import pytest

from server.runtime.jobs.context import JobContext
from server.store import StoreUnavailable
from tests.integration.behaviour.test_hooks import PEOPLE, functions

THINGS = """
recordLabel: name
auditLogs: true
fields:
  name:  {type: text, required: true, unique: true}
  size:  {type: integer}
actions:
  slow:    {run: slow, background: true, saveLinked: true, parameters: {size: {type: integer}}}
  outer:   {steps: [{set: {size: 1}}, {action: {name: slow}}, {log: {level: WARN, message: "after {name}"}}]}
  noted:   {steps: [{log: {level: WARN, message: "noted {name}"}}, {fail: {code: zero, message: Zero}, when: {size: 0}}]}
  many:    {type: many, run: many}
listeners:
  heard:   {on: [action.slow], steps: [{create: {entity: people, values: {name: heard}}}]}
  woken:   {on: [created], when: {size: 99}, background: true, run: woken}
"""

HEEDS = """
import asyncio
SEEN.append('start')
await ctx.data.create('people', {'name': 'begun'})
for _ in range(300):
    if ctx.job.stopping:
        return
    await asyncio.sleep(0.02)
"""
DEAF = """
import asyncio
SEEN.append('start')
await ctx.data.create('people', {'name': 'begun'})
await asyncio.sleep(0.7)
SEEN.append('end')
return 'done'
"""
KEEPS = """
import asyncio
start = ctx.job.state or 0
SEEN.append(start)
ctx.log('INFO', f'from {start}')
for number in range(start, 5):
    await ctx.data.create('people', {'name': f'p{number}'})
    ctx.job.progress(number + 1, 5)
    await ctx.job.checkpoint(number + 1)
    SEEN.append('kept')
    while GATE and not ctx.job.stopping:
        await asyncio.sleep(0.02)
    if ctx.job.stopping:
        return
return {'from': start}
"""


@pytest.fixture
def things(stage):
    async def open_things(slow="pass", **bodies):
        text = functions(slow=slow, woken=bodies.pop("woken", "pass"), **bodies)
        app = await stage({"things": THINGS, "people": PEOPLE}, "SEEN, GATE = [], [1]\n" + text)
        app.seen = app.running.hooks["slow"].__globals__["SEEN"]
        app.gate = app.running.hooks["slow"].__globals__["GATE"]
        return app

    return open_things


async def until(condition, seconds=20):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.02)


async def stop(app, reference):
    await app.ask("PUT", f"/status/jobs/{reference['jobId']}/stop")


async def resume(app, reference):
    await app.ask("PUT", f"/status/jobs/{reference['jobId']}/resume")


async def names(app):
    return sorted(one["name"] for one in await app.all("people"))


async def messages(app, reference):
    lines = await app.ask("GET", f"/status/jobs/{reference['jobId']}/logs")
    return [line["message"] for line in lines["items"]]


@pytest.mark.parametrize("action", ["slow", "outer"])
async def test_a_function_that_returns_because_its_job_stops_is_undone_and_run_again(things, action):
    app = await things(HEEDS)
    one, two = [await app.create("things", name=name) for name in "ab"]
    reference = await app.act(f"things/{one['id']},{two['id']}/{action}?_async=true")
    async with app.worker():
        await until(lambda: app.seen)
        await stop(app, reference)
        job = await app.finished(reference, seconds=5)
        assert (job["status"], job["recordsProcessed"], job["results"]) == ("STOPPED", 0, {})
        assert (app.seen, await names(app)) == (["start"], [])
        assert (await app.read("things", one["id"]))["version"] == one["version"]
        await resume(app, reference)
        await until(lambda: len(app.seen) == 2)
        await stop(app, reference)
        assert (await app.finished(reference, seconds=5))["status"] == "STOPPED"
    assert (app.seen, await names(app)) == (["start", "start"], [])


@pytest.mark.parametrize("count", [1, 2])
async def test_a_function_that_does_not_look_is_run_once_and_its_record_done_before_the_job_stops(things, count):
    app = await things(DEAF)
    made = [await app.create("things", name=f"n{number}") for number in range(count)]
    reference = await app.act(f"things/{','.join(one['id'] for one in made)}/slow")
    async with app.worker():
        await until(lambda: app.seen)
        await stop(app, reference)
        job = await app.finished(reference, seconds=5)
        assert app.seen == ["start", "end"]
        assert job["status"] == ("STOPPED" if count > 1 else "FINISHED")
        assert (job["recordsProcessed"], await names(app)) == (1, ["begun", "heard"])
        assert job["results"] == {made[0]["id"]: {"status": "ok", "response": "done"}}
        if count > 1:
            await resume(app, reference)
            job = await app.finished(reference)
    assert (job["status"], job["recordsProcessed"], app.seen) == ("FINISHED", count, ["start", "end"] * count)


@pytest.mark.parametrize("transactions", [True, False])
async def test_what_a_function_kept_stays_and_it_goes_on_from_there(things, transactions):
    app = await things(KEEPS)
    app.store.transactions = transactions
    one = await app.create("things", name="a")
    reference = await app.act(f"things/{one['id']}/slow", {"size": 3})
    async with app.worker():
        await until(lambda: "kept" in app.seen)
        assert (await app.ask("GET", f"/status/jobs/{reference['jobId']}"))["progress"] == 20
        await stop(app, reference)
        job = await app.finished(reference, seconds=5)
        assert (job["status"], job["recordsProcessed"]) == ("STOPPED", 0)
        assert (await names(app), (await app.read("things", one["id"]))["size"]) == (["heard", "p0"], 3)
        app.gate.clear()
        await resume(app, reference)
        job = await app.finished(reference)
    assert (job["status"], job["results"]) == (
        "FINISHED",
        {one["id"]: {"status": "ok", "response": {"from": 1}}},
    )
    assert await names(app) == ["heard", *(f"p{number}" for number in range(5))]
    assert [line for line in await messages(app, reference) if line.startswith("from")] == ["from 0", "from 1"]
    rows = (await app.ask("GET", f"/data/things/{one['id']}/auditLogs"))["items"]
    assert [row["eventType"] for row in rows].count("USER_ACTION_PERFORMED") == 1


async def test_without_transactions_a_function_that_stops_is_run_again_all_the_same(things):
    app = await things(HEEDS)
    app.store.transactions = False
    one = await app.create("things", name="a")
    reference = await app.act(f"things/{one['id']}/slow")
    async with app.worker():
        for count in (1, 2):
            await until(lambda count=count: len(app.seen) == count)
            await stop(app, reference)
            job = await app.finished(reference, seconds=5)
            assert (job["status"], job["results"]) == ("STOPPED", {})
            await resume(app, reference)
        await until(lambda: len(app.seen) == 3)


async def test_a_state_is_for_the_record_that_kept_it(things):
    app = await things(KEEPS)
    one, two = [await app.create("things", name=name) for name in "ab"]
    reference = await app.act(f"things/{one['id']},{two['id']}/slow")
    async with app.worker():
        await until(lambda: "kept" in app.seen)
        await stop(app, reference)
        await app.finished(reference, seconds=5)
        app.gate.clear()
        await resume(app, reference)
        job = await app.finished(reference)
    assert {key: entry["response"]["from"] for key, entry in job["results"].items()} == {one["id"]: 1, two["id"]: 0}


async def test_a_job_stopped_by_force_hears_nothing_more_of_its_function(things):
    app = await things(DEAF)
    one = await app.create("things", name="a")
    reference = await app.act(f"things/{one['id']}/slow")
    async with app.worker():
        await until(lambda: app.seen)
        await stop(app, reference)
        await app.ask("PUT", f"/status/jobs/{reference['jobId']}/forceStop")
        await asyncio.sleep(1)
    assert (await names(app), app.seen.count("start")) == ([], 1)


async def test_a_record_that_was_done_is_not_done_again_where_the_job_could_not_be_told(things, monkeypatch):
    app = await things(
        "SEEN.append(ctx.record['name'])\nctx.record['size'] = (ctx.record['size'] or 0) + 1\nawait ctx.save()"
    )
    made = [await app.create("things", name=name) for name in "abc"]
    whole, failed = JobContext.note, []

    async def note(context, note):
        if note.processed and not failed:
            failed.append(note)
            raise StoreUnavailable("away")
        await whole(context, note)

    monkeypatch.setattr(JobContext, "note", note)
    async with app.worker():
        job = await app.finished(await app.act(f"things/{','.join(one['id'] for one in made)}/slow"))
    assert failed
    assert (job["recordsProcessed"], job["hasErrors"], list(job["results"])) == (
        3,
        False,
        [one["id"] for one in made],
    )
    assert (app.seen, [one["size"] for one in await app.all("things")]) == (["a", "b", "c"], [1, 1, 1])


async def test_what_is_said_of_a_record_stands_in_the_jobs_log(things):
    app = await things(
        "ctx.log('WARN', f\"did {ctx.record['name']}\")\nif ctx.record['name'] == 'n2':\n    ctx.fail('no', 'No')"
    )
    made = [await app.create("things", name=f"n{size}", size=size) for size in (1, 0, 2)]
    async with app.worker():
        logged = await app.act("things/noted?_all=true&_async=true")
        await app.finished(logged)
        ran = await app.act(f"things/{made[0]['id']},{made[2]['id']}/outer?_async=true")
        await app.finished(ran)
    assert await messages(app, logged) == ["Started", "noted n1", "noted n2", "Finished with errors"]
    assert await messages(app, ran) == ["Started", "did n1", "after n1", "did n2", "Finished with errors"]


@pytest.mark.parametrize("end", ["return", "1 / 0", "ctx.fail('no', 'No')"])
async def test_the_last_lines_of_a_function_are_in_the_jobs_log(things, end):
    app = await things(
        many=f"async for one in ctx.records():\n    await ctx.save(one)\n    ctx.log('WARN', f\"did {{one['name']}}\")\n{end}"
    )
    for name in "abc":
        await app.create("things", name=name)
    async with app.worker():
        reference = await app.act("things/many?_all=true&_async=true")
        await app.finished(reference)
    said = await messages(app, reference)
    assert said[1:4] == ["did a", "did b", "did c"]
    assert said[-1].startswith("Finished")


async def test_an_action_that_a_function_runs_is_not_repeated_by_a_stop(things):
    app = await things(
        DEAF,
        many="async for one in ctx.records():\n    await ctx.data.action('things', one['id'], 'slow')\n    if ctx.job.stopping:\n        return",
    )
    for name in "ab":
        await app.create("things", name=name)
    reference = await app.act("things/many?_all=true&_async=true")
    async with app.worker():
        await until(lambda: app.seen)
        await stop(app, reference)
        assert (await app.finished(reference, seconds=5))["status"] == "STOPPED"
    assert (app.seen, await names(app)) == (["start", "end"], ["begun", "heard"])


async def test_a_background_listener_looks_after_its_job_too(things):
    app = await things(woken=HEEDS)
    await app.create("things", name="a", size=99)
    (job,) = (await app.ask("GET", "/status/jobs"))["items"]
    reference = {"jobId": job["id"]}
    async with app.worker():
        await until(lambda: app.seen)
        await stop(app, reference)
        assert (await app.finished(reference, seconds=5))["status"] == "STOPPED"
    assert (app.seen, await names(app)) == (["start"], [])
