"""Schedules: each time makes one job, whichever server notices it and however many do."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.jobs import load_job
from server.runtime.jobs.schedules import GRACE, Scheduler
from server.runtime.jobs.stored import JOBS, SCHEDULES
from tests.integration.jobs.conftest import FILES

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[3]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BEGIN = 1_790_000_000_000 // DAY * DAY  # a midnight

COMPANIES = (
    FILES["entities/companies.yaml"]
    + """
actions:
  close:
    type: many
    parameters: {state: {type: text, default: closed}}
    queue: narrow
    respond: "params.state"
  sweep:
    type: global
    run: sweep
"""
)
HOOKS = "async def sweep(ctx): ...\n"


async def sweep(ctx):
    await ctx.data.create("companies", {"name": "swept"})


def app_of(schedules, timezone="UTC"):
    written = "".join(f"  {name}: {text}\n" for name, text in schedules.items())
    app = FILES["app.yaml"] + f"timezone: {timezone}\n" + (f"schedules:\n{written}" if written else "")
    return {**FILES, "app.yaml": app, "entities/companies.yaml": COMPANIES, "hooks.py": HOOKS}


def compiled_of(schedules, timezone="UTC"):
    return compile_app(Sources(".", app_of(schedules, timezone)))


HOURLY = "{cron: '0 * * * *', entity: companies, action: sweep}"
CATCHING_UP = "{cron: '0 * * * *', entity: companies, action: sweep, missed: run}"


@pytest.fixture
def open_shop(open_office):
    """Makes offices with schedules; several with one name share a database, as servers do."""

    async def open_one(schedules, name=None, timezone="UTC"):
        office = await open_office(name, compiled_of(schedules, timezone))
        office.running = replace(office.running, hooks={"sweep": sweep})
        return office

    return open_one


async def times(office, schedule=None):
    """The times whose jobs were made, in hours since the beginning, in order."""
    jobs = await office.store.find(JOBS, {"data.scheduleName": schedule or {"$gt": ""}}, sort=[("_id", 1)])
    return [(job["data"]["scheduleDate"] - BEGIN) / HOUR for job in jobs]


async def test_each_time_makes_one_job(open_shop):
    office = await open_shop({"hourly": HOURLY})
    scheduler = Scheduler()
    for minute in range(0, 179, 4):
        await scheduler.look(office.running, BEGIN + minute * MINUTE)
    assert await times(office) == [1, 2]
    await scheduler.look(office.running, BEGIN + 3 * HOUR)
    assert await times(office) == [1, 2, 3]


async def test_a_new_schedule_has_missed_nothing(open_shop):
    office = await open_shop({"hourly": CATCHING_UP})
    await Scheduler().look(office.running, BEGIN + 30 * MINUTE)
    await Scheduler().look(office.running, BEGIN + 59 * MINUTE)
    assert await times(office) == []


async def test_the_job_is_the_schedules_own_and_runs_with_all_rights(open_shop):
    office = await open_shop(
        {
            "nightly": "{cron: '0 3 * * *', entity: companies, action: close, params: {state: done}}",
            "sweeping": "{cron: '0 3 * * *', entity: companies, action: sweep}",
        }
    )
    await office.companies(2)
    scheduler = Scheduler()
    await scheduler.look(office.running, BEGIN)
    await scheduler.look(office.running, BEGIN + 3 * HOUR)
    by_name = {one["data"]["scheduleName"]: load_job(one) for one in await office.store.find(JOBS, {})}
    assert by_name["nightly"].queue == "narrow"
    async with office.client() as client:
        for name, job in by_name.items():
            async with office.worker():
                await office.until(job.id, "FINISHED")
            shown = (await client.get(f"/status/jobs/{job.id}")).json()
            assert shown["label"].startswith(f"Schedule {name}: ")
            assert (shown["runBy"], shown["hasErrors"]) == (None, False)
            assert shown["data"]["scheduleDate"] == BEGIN + 3 * HOUR
    assert (await office.job(by_name["nightly"].id)).results == {"status": "ok", "response": "done"}
    assert await office.store.count("companies", {"name": "swept"}) == 1


async def test_times_are_those_of_the_apps_time_zone(open_shop):
    office = await open_shop(
        {"early": "{cron: '0 3 * * *', entity: companies, action: sweep}"}, timezone="Asia/Kathmandu"
    )
    scheduler = Scheduler()
    for quarter in range(97):
        await scheduler.look(office.running, BEGIN + quarter * 15 * MINUTE)
    assert await times(office) == [21.25]


@pytest.mark.parametrize(
    ("schedule", "away", "made"),
    [
        (HOURLY, 2 * MINUTE, [1]),  # a little late is not missed
        (HOURLY, GRACE + MINUTE, []),
        (HOURLY, 3 * HOUR + MINUTE, [4]),  # the last one is a little late, and is for all of them
        (CATCHING_UP, 2 * MINUTE, [1]),
        (CATCHING_UP, 3 * HOUR + 30 * MINUTE, [4]),
        (CATCHING_UP, 400 * DAY, [400 * 24 + 1]),
    ],
)
async def test_what_was_missed_while_no_server_was_up(open_shop, schedule, away, made):
    office = await open_shop({"hourly": schedule})
    await Scheduler().look(office.running, BEGIN + 59 * MINUTE)
    restarted, now = Scheduler(), BEGIN + HOUR + away
    await restarted.look(office.running, now)
    assert await times(office) == made
    await restarted.look(office.running, now)
    await Scheduler().look(office.running, now)
    assert await times(office) == made
    following = (now - BEGIN) // HOUR + 1
    await restarted.look(office.running, BEGIN + following * HOUR)
    assert await times(office) == [*made, following]


async def test_new_definitions_count_from_when_they_come(open_shop):
    office = await open_shop({"hourly": HOURLY, "gone": HOURLY})
    scheduler, running = Scheduler(), office.running
    await scheduler.look(running, BEGIN + 30 * MINUTE)
    changed = replace(
        running, compiled=compiled_of({"hourly": "{cron: '45 * * * *', entity: companies, action: sweep}"})
    )
    for minute in range(50, 171, 10):  # the 45th minute of the first hour was before
        await scheduler.look(changed, BEGIN + minute * MINUTE)
    assert await times(office, "hourly") == [1.75, 2.75]
    assert await times(office, "gone") == []
    back = replace(running, compiled=compiled_of({"gone": CATCHING_UP}))
    await scheduler.look(back, BEGIN + 200 * MINUTE)
    await scheduler.look(back, BEGIN + 4 * HOUR)
    assert await times(office, "gone") == [4]
    assert await office.store.count(SCHEDULES, {}) == 1


async def test_an_app_without_schedules_makes_no_jobs_and_keeps_nothing(open_shop):
    office = await open_shop({})
    scheduler = Scheduler()
    for hour in range(3):
        await scheduler.look(office.running, BEGIN + hour * HOUR)
    assert await office.store.count(JOBS, {}) == await office.store.count(SCHEDULES, {}) == 0


async def test_a_job_that_was_decided_on_is_made_by_whoever_comes_next(open_shop):
    office = await open_shop({"hourly": HOURLY})
    dying = Scheduler()
    await dying.look(office.running, BEGIN)

    class Cut(Exception):
        pass

    class Dying:
        def __getattr__(self, name):
            return getattr(office.store, name)

        async def insert(self, collection, document):
            raise Cut

    with pytest.raises(Cut):
        await dying.look(replace(office.running, store=Dying()), BEGIN + HOUR)
    assert await times(office) == []
    await Scheduler().look(office.running, BEGIN + 30 * HOUR + 30 * MINUTE)
    assert await times(office) == [1]


async def test_rivals_in_one_process_never_make_two(open_shop):
    offices = [await open_shop({"hourly": HOURLY, "often": CATCHING_UP}, "rivals") for _ in range(4)]
    schedulers = [Scheduler() for _ in offices]
    for hour in range(21):
        looks = [
            one.look(office.running, BEGIN + hour * HOUR + place)
            for place, (one, office) in enumerate(zip(schedulers, offices, strict=True))
        ]
        await asyncio.gather(*looks)
    assert await times(offices[0], "hourly") == await times(offices[0], "often") == list(range(1, 21))


async def test_four_processes_make_one_job_for_each_of_fifty_times(open_shop, jobs_database, tmp_path):
    office = await open_shop({}, "processes")
    schedules = {"hourly": HOURLY, "halfPast": "{cron: '30 * * * *', entity: companies, action: sweep, missed: run}"}
    for name, text in app_of(schedules).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    script = str(Path(__file__).parent / "scheduling_process.py")
    command = (sys.executable, script, jobs_database, "processes", str(tmp_path), str(BEGIN), "50")
    processes = [
        await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(4)
    ]
    try:
        for process in processes:
            assert await asyncio.wait_for(process.stdout.readline(), 120)
        for process in processes:
            process.stdin.write(b"go\n")
        codes = await asyncio.wait_for(asyncio.gather(*(process.wait() for process in processes)), 300)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert codes == [0, 0, 0, 0]
    assert Counter(await times(office, "hourly")) == Counter(range(1, 51))
    assert Counter(await times(office, "halfPast")) == Counter(hour + 0.5 for hour in range(50))


async def test_a_worker_looks_after_schedules(open_shop):
    office = await open_shop({"always": "{cron: '* * * * *', entity: companies, action: sweep, missed: run}"})
    await Scheduler().look(office.running, BEGIN)
    async with office.worker():
        give_up = asyncio.get_running_loop().time() + 30
        while not await office.store.count("companies", {"name": "swept"}):
            assert asyncio.get_running_loop().time() < give_up, "nothing was run"
            await asyncio.sleep(0.05)
