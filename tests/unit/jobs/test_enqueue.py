"""New jobs: workers are woken when the job is there for them, not before."""

import asyncio
from types import SimpleNamespace

from engine.jobs import JobType
from server.runtime.jobs import JobKind, enqueue
from server.runtime.running import SYSTEM
from server.runtime.units import Unit


class Shelf:
    def __init__(self):
        self.documents = []

    async def insert(self, collection, document):
        self.documents.append(document)


def world(unit=None):
    return SimpleNamespace(unit=unit, store=Shelf(), clock=lambda: 0, job_added=asyncio.Event())


async def run(context):
    return None


KIND = JobKind(JobType.EXECUTE_ACTION, run)


async def test_a_worker_is_woken_for_a_new_job():
    running = world()
    job = await enqueue(running, KIND, SYSTEM, "A job", data={}, payload={})
    assert [one["_id"] for one in running.store.documents] == [job.id]
    assert running.job_added.is_set()


async def test_a_worker_is_woken_when_the_unit_is_written_that_the_job_belongs_to():
    running = world(Unit())
    await enqueue(running, KIND, SYSTEM, "A job", data={}, payload={})
    assert not running.job_added.is_set()
    for effect in running.unit.after:
        effect()
    assert running.job_added.is_set()
