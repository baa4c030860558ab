"""An app over a real database, workers that hurry, and kinds of jobs made for tests."""

import asyncio
import contextlib
import itertools
import time
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from bson import ObjectId

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.jobs import JobType
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime import records
from server.runtime.jobs import JOB_KINDS, JobKind, Timing, Worker, enqueue, prepare_jobs, table_of
from server.runtime.jobs.stored import LOGS, RESULTS, read_job
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.settings import Settings
from server.store import EmbeddedDatabase, open_store

FILES = {
    "app.yaml": "name: crm\nlabel: CRM\nqueues: {mix: {workers: 4}, narrow: {workers: 1}}\n",
    "entities/companies.yaml": (
        "label: Companies\nrecordLabel: name\nfields:\n  name: {type: text}\n"
        "  state: {type: choice, options: [open, closed]}\n  size: {type: decimal}\n"
    ),
    "groups/cleaners.yaml": (
        "label: Cleaners\nentities:\n  companies: {read: always, delete: {state: closed}}\napi: {data: true, jobs: true}\n"
    ),
    "groups/readers.yaml": "label: Readers\nentities:\n  companies: {read: always}\napi: {data: true, jobs: true}\n",
}
COMPILED = compile_app(Sources(".", FILES))
HIDING = compile_app(Sources(".", {**FILES, "app.yaml": FILES["app.yaml"] + "forbidden: hide\n"}))

FAST = Timing(lease=5, first_poll=0.01, longest_poll=0.1, check=0.1, first_retry=20)
PASSWORD = "correct horse 7"

HERE = Path(__file__).parent
numbers = itertools.count()


def pytest_collection_modifyitems(items):
    """The database and its clients live on one event loop, so all tests run there."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def kind_of(run, **options):
    """A kind of job that only the test knows."""
    return JobKind(JobType.EXECUTE_ACTION, run, **options)


class Office:
    """One app and its jobs."""

    def __init__(self, running):
        self.running = running

    @property
    def store(self):
        return self.running.store

    @contextlib.asynccontextmanager
    async def worker(self, *kinds, timing=FAST, queues=None):
        """A worker that runs the test's kinds, or those of the product."""
        task = asyncio.create_task(
            Worker(lambda: self.running, table_of(*kinds) if kinds else JOB_KINDS, timing, queues).run()
        )
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def enqueue(self, kind, caller=SYSTEM, **options):
        return await enqueue(self.running, kind, caller, "A job", **{"data": {}, "payload": {}, **options})

    async def job(self, key):
        return await read_job(self.store, ObjectId(key) if isinstance(key, str) else key)

    async def until(self, key, *states, seconds=60):
        """The job as soon as its state or status is one of these; so many seconds may pass in which nothing changes."""
        seen, give_up = None, 0.0
        while (job := await self.job(key)).state not in states and job.state.status not in states:
            if job != seen:
                seen, give_up = job, time.monotonic() + seconds
            assert time.monotonic() < give_up, f"the job is {job.state}, not {states}: {await self.lines(key)}"
            await asyncio.sleep(0.02)
        return job

    async def lines(self, key):
        """The messages of a job's log."""
        found = await self.store.find(LOGS, {"job": ObjectId(key) if isinstance(key, str) else key}, sort=[("_id", 1)])
        return [line["message"] for line in found]

    async def results(self, key):
        found = await self.store.find(RESULTS, {"job": key}, sort=[("number", 1)])
        return {entry["key"]: entry["result"] for entry in found}

    async def companies(self, count, **values):
        """Ids of new companies."""
        made = [
            {
                "_id": ObjectId(),
                "version": 0,
                "label": f"c{n}",
                "name": f"c{n}",
                "state": "open",
                "size": None,
                **values,
            }
            for n in range(count)
        ]
        await self.store.insert_many("companies", made)
        return [document["_id"] for document in made]

    async def user(self, name, *groups, developer=False):
        """A caller with these groups, and the id of the user."""
        record = await records.create_record(
            self.running,
            SYSTEM,
            "sys.users",
            {
                "firstName": name,
                "lastName": "Test",
                "email": f"{name}@example.com",
                "groups": [{"primary": index == 0, "group": group} for index, group in enumerate(groups)],
                "permissions": {"developer": developer},
            },
        )
        return Caller(user={**record, "id": str(record["id"])}, groups=groups, developer=developer)

    def client(self, caller=SYSTEM):
        """A client of the app's API in whose requests nobody but the caller asks."""

        async def identify(scope, running, address):
            return caller

        served = ServedApp("crm", Edition(index_routes(self.running.compiled.routes), self.running), 1.0)
        http = build_http(Host([served]), Settings(), "/api", identify)
        return httpx.AsyncClient(transport=httpx.ASGITransport(http), base_url="http://crm/api")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def jobs_database(tmp_path_factory):
    """The URI of a database server for all tests."""
    server = EmbeddedDatabase(tmp_path_factory.mktemp("jobs"))
    yield await server.start()
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_office(jobs_database):
    """Makes offices; several with one name share a database, as servers do."""
    stores = []

    async def open_one(name=None, compiled=COMPILED):
        store = await open_store(jobs_database, name or f"jobs{next(numbers)}")
        stores.append(store)
        await prepare_jobs(store)
        return Office(RunningApp(compiled, store))

    yield open_one
    for store in stores:
        await store.close()


@pytest_asyncio.fixture(loop_scope="session")
async def office(open_office):
    return await open_office()
