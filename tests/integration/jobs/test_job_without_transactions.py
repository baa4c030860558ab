"""Jobs where the database has no transactions: the double in memory, and a server that stands alone."""

import asyncio

import pytest
import pytest_asyncio

from engine.jobs import State
from server.runtime.jobs import delete_query_later, prepare_jobs
from server.runtime.jobs.context import Work
from server.runtime.running import SYSTEM, RunningApp
from server.store import open_store
from tests.integration.jobs.conftest import COMPILED, Office, kind_of


@pytest_asyncio.fixture(loop_scope="session", params=["alone", "memory"])
async def plain(request, open_office):
    """An office whose database undoes nothing."""
    if request.param == "alone":
        office = await open_office()
        office.store.transactions = False
        yield office
        return
    store = await open_store("memory:", "crm")
    await prepare_jobs(store)
    yield Office(RunningApp(COMPILED, store))
    await store.close()


async def test_records_are_deleted_in_the_background(plain):
    await plain.companies(20)
    job = await delete_query_later(plain.running, SYSTEM, "companies", [("state", "open")])
    async with plain.worker():
        done = await plain.until(job.id, "FINISHED")
    assert (done.records_count, done.records_processed, done.has_errors, done.underway) == (20, 20, False, None)
    assert await plain.store.count("companies", {}) == 0
    assert {one["status"] for one in (await plain.results(job.id)).values()} == {"ok"}
    assert await plain.lines(job.id) == ["Started", "Finished"]


@pytest.mark.parametrize("wrote", [True, False], ids=["after the write", "before the write"])
async def test_an_item_that_was_under_way_is_told_so_and_no_other_is_repeated(plain, wrote):
    calls = []

    async def load(running, items):
        return {}

    async def effect(running, item, loaded, again):
        if item == 4 and not again and not wrote:
            raise asyncio.CancelledError
        calls.append((item, again))
        if item == 4 and not again:
            raise asyncio.CancelledError
        return {"item": item}

    async def run(context):
        work = Work(load, effect, key=str, checkpoint=lambda item: item + 1)
        await context.each(range(context.job.checkpoint or 0, 8), work)

    kind = kind_of(run)
    job = await plain.enqueue(kind)
    async with plain.worker(kind):
        done = await plain.until(job.id, "FINISHED")
    first, second = range(5 if wrote else 4), range(5, 8)
    assert calls == [*((item, False) for item in first), (4, True), *((item, False) for item in second)]
    assert (done.records_processed, done.entries, done.checkpoint) == (8, 8, 8)
    assert list(await plain.results(job.id)) == [str(item) for item in range(8)]


async def test_a_job_is_stopped_between_items_and_resumed(plain):
    reached, go = asyncio.Event(), asyncio.Event()
    done = []

    async def load(running, items):
        return {}

    async def effect(running, item, loaded, again):
        if item == 3:
            reached.set()
            await go.wait()
        await asyncio.sleep(0.005)
        done.append(item)

    async def run(context):
        work = Work(load, effect, key=str, checkpoint=lambda item: item + 1)
        await context.each(range(context.job.checkpoint or 0, 200), work)

    kind = kind_of(run)
    job = await plain.enqueue(kind)
    async with plain.client() as client, plain.worker(kind):
        await asyncio.wait_for(reached.wait(), 60)
        assert (await client.put(f"/status/jobs/{job.id}/stop")).json()["status"] == "STOPPING"
        go.set()
        stopped = await plain.until(job.id, "STOPPED")
        assert done == list(range(stopped.checkpoint))
        assert (await plain.client().put(f"/status/jobs/{job.id}/resume")).json()["status"] == "RUNNING"
        await plain.until(job.id, State.FINISHED)
    assert done == list(range(200))
