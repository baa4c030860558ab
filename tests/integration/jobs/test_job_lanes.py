"""Whose turn it is, where many wait and clocks differ."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
from bson import ObjectId

from engine.jobs import Job, Starter, State, to_document
from server.runtime.jobs.lanes import MOST_CANDIDATES, LaneReader
from server.runtime.jobs.stored import JOBS
from server.runtime.running import wall_clock
from tests.integration.jobs.conftest import FAST, kind_of

LANE = "mix/normal"


def waiting(age, user=None, **values):
    """A job that was made so many seconds ago."""
    made = ObjectId(
        ObjectId.from_datetime(datetime.fromtimestamp(time.time() - age, UTC)).binary[:4] + ObjectId().binary[4:]
    )
    given = {"type": "EXECUTE_ACTION", "label": "x", "queue": "mix", "state": State.FRESH, "create_date": 0}
    return Job(made, **given | values, starter=Starter(user=user))


async def put(store, *jobs):
    await store.insert_many(JOBS, [to_document(job) for job in jobs])
    return [job.id for job in jobs]


async def eventually(condition, seconds=60):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not come true"
        await asyncio.sleep(0.05)


async def ids(reading):
    return [job.id for job in await reading]


@pytest.mark.parametrize("ages", [[0], [3, 2, 1], [400, 100, 99, 1], [40 * 86_400, 20], [90 * 86_400, 3]])
async def test_the_oldest_job_is_found_first_at_whatever_age(office, ages):
    made = await put(office.store, *(waiting(age) for age in ages))
    found = await ids(LaneReader().first(office.store, LANE, wall_clock()))
    assert found[0] == made[0]
    assert found == made[: len(found)]


async def test_a_reader_goes_on_where_the_oldest_was(office):
    made = await put(office.store, *(waiting(500 - n * 7) for n in range(60)))
    reader, taken = LaneReader(), []
    while found := await ids(reader.first(office.store, LANE, wall_clock())):
        taken.append(found[0])
        await office.store.delete(JOBS, {"_id": found[0]})
    assert taken == made
    (late,) = await put(office.store, waiting(1_000))  # made by a server whose clock is behind
    assert await ids(reader.first(office.store, LANE, wall_clock())) == [late]
    (later,) = await put(office.store, waiting(-500))
    assert (await ids(reader.first(office.store, LANE, wall_clock())))[:1] == [late]
    await office.store.delete(JOBS, {"_id": late})
    assert await ids(reader.first(office.store, LANE, wall_clock())) == [later]


async def test_no_more_are_read_than_are_needed(office):
    await put(office.store, *(waiting(5) for _ in range(150)))
    assert len(await LaneReader().first(office.store, LANE, wall_clock())) == MOST_CANDIDATES


async def test_jobs_that_are_to_be_tried_again_later_are_passed_over(office):
    now = wall_clock()
    _, ready = await put(office.store, waiting(9, not_before=now + 60_000), waiting(8, not_before=now - 1))
    assert await ids(LaneReader().first(office.store, LANE, now)) == [ready]


async def test_others_are_found_behind_many_of_the_same(office):
    await put(office.store, *(waiting(50, "b" * 24) for _ in range(200)))
    made = await put(
        office.store,
        *(waiting(9, "a" * 24), waiting(8), waiting(7, "c" * 24), waiting(6, "b" * 24), waiting(5, low_priority=True)),
    )
    reader = LaneReader()
    assert await ids(reader.others(office.store, LANE, wall_clock(), ["b" * 24])) == made[:3]
    assert await ids(reader.others(office.store, LANE, wall_clock(), ["a" * 24, "b" * 24, "c" * 24])) == [made[1]]
    assert await ids(reader.others(office.store, LANE, wall_clock(), [])) != []


@pytest.mark.parametrize("skew", [-600_000, 600_000])
async def test_a_worker_whose_clock_is_wrong_loses_and_delays_nothing(open_office, skew):
    wrong, right = await open_office(f"skew{skew}"), await open_office(f"skew{skew}")
    wrong.running.clock = lambda: wall_clock() + skew
    begun, runs = asyncio.Event(), []

    async def run(context):
        runs.append(context.running is wrong.running)
        begun.set()
        if len(runs) == 1:
            raise RuntimeError
        await asyncio.sleep(FAST.lease + 1)

    kind = kind_of(run, queue="narrow")
    job = await wrong.enqueue(kind)
    async with wrong.worker(kind):
        await asyncio.wait_for(begun.wait(), 60)
        async with right.worker(kind):
            done = await right.until(job.id, "FINISHED")
    assert len(runs) == 2
    assert (done.failures, done.has_errors) == (1, False)


async def test_a_worker_with_nothing_to_do_asks_one_question_a_round_and_hears_of_new_jobs(office):
    asked = []
    find = office.store.find

    async def listening(collection, wanted, **options):
        if "lane" in wanted:
            asked.append(wanted["lane"])
        return await find(collection, wanted, **options)

    async def run(context):
        return None

    kind = kind_of(run)
    office.store.find = listening
    async with office.worker(kind):
        await eventually(lambda: len(asked) >= 6)
        assert asked == [{"$gt": ""}] * len(asked)
        (job,) = await put(office.store, waiting(0))  # by another process: nobody calls this one
        await office.until(job, "FINISHED")
        job = await office.enqueue(kind)
        await office.until(job.id, "FINISHED")
        asked.clear()
        await eventually(lambda: asked[-6:] == [{"$gt": ""}] * 6)  # it is quiet again
