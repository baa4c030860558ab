"""Desks of jobs: what one worker leaves there, and what the next one finds."""

from dataclasses import replace

from bson import ObjectId

from engine.jobs import Note, apply_note
from server.runtime.jobs.desk import Pause, clear_desk, leave, take_desk
from tests.integration.jobs.conftest import kind_of

NOW = 1_700_000_000_000


async def a_job(office):
    return replace(await office.enqueue(kind_of(None)), fence=3, checkpoint={"after": ObjectId()})


async def test_what_the_job_was_not_told_is_found_by_the_next_worker(office):
    job = await a_job(office)
    assert await take_desk(office.store, job, NOW) is None
    note = Note(checkpoint={"after": ObjectId()}, processed=1, entries=1, entry_bytes=10)
    assert await leave(office.store, job, note)
    found = await take_desk(office.store, replace(job, fence=5), NOW)
    assert found == note
    assert await take_desk(office.store, replace(apply_note(job, note), fence=6), NOW) is None


async def test_an_item_in_the_middle_is_found_until_something_is_noted_of_it(office):
    job = await a_job(office)
    await take_desk(office.store, job, NOW)
    assert await leave(office.store, job, Pause("a", {"at": 7}))
    assert await take_desk(office.store, replace(job, fence=5), NOW) == Pause("a", {"at": 7})
    assert await take_desk(office.store, replace(job, fence=7, checkpoint={"after": ObjectId()}), NOW) is None


async def test_a_worker_whose_desk_is_another_ones_leaves_nothing(office):
    job = await a_job(office)
    await take_desk(office.store, job, NOW)
    late = replace(job, fence=5)
    await take_desk(office.store, late, NOW)
    assert not await leave(office.store, job, Note(processed=1))
    assert await take_desk(office.store, job, NOW) is None
    assert not await leave(office.store, job, Note(processed=1)), "the desk does not go back"
    assert await leave(office.store, late, Note(processed=1))
    await clear_desk(office.store, late)
    assert not await leave(office.store, late, Note(processed=1))
