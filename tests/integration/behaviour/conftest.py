"""Apps with actions and listeners over a real database, asked over HTTP without a socket."""

import asyncio
import contextlib
import itertools
import time

import httpx
import pytest
import pytest_asyncio

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime import records
from server.runtime.calls import Calls
from server.runtime.hooks import load_hooks
from server.runtime.jobs import JOB_KINDS, Timing, Worker, prepare_jobs
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.settings import Settings
from server.store import EmbeddedDatabase, open_store, reconcile_indexes

FAST = Timing(lease=3, first_poll=0.01, longest_poll=0.05, check=0.05, first_retry=20)
numbers = itertools.count()


def files_of(entities, hooks=None, **more):
    files = {"app.yaml": "name: crm\nlabel: CRM\n"}
    files |= {f"entities/{name}.yaml": text for name, text in entities.items()}
    files |= {f"groups/{name}.yaml": text for name, text in more.items()}
    if hooks is not None:
        files["hooks.py"] = hooks
    return files


async def make_user(running, name, *groups, developer=False):
    """A caller with these groups."""
    body = {
        "firstName": name,
        "lastName": "Test",
        "email": f"{name}@example.com",
        "groups": [{"primary": index == 0, "group": group} for index, group in enumerate(groups)],
        "permissions": {"developer": developer},
    }
    record = await records.create_record(running, SYSTEM, "sys.users", body)
    return Caller(user={**record, "id": str(record["id"])}, groups=groups, developer=developer)


class Stage:
    """One app that is acted on."""

    def __init__(self, running, developer):
        self.running = running
        self.developer = developer

    @property
    def store(self):
        return self.running.store

    def client(self, caller=None):
        async def identify(scope, running, address):
            return caller or self.developer

        served = ServedApp("crm", Edition(index_routes(self.running.compiled.routes), self.running), 1.0)
        http = build_http(Host([served]), Settings(), "/api", identify)
        transport = httpx.ASGITransport(http, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://crm/api", timeout=30)

    async def ask(self, method, path, body=None, caller=None, status=200, **options):
        async with self.client(caller) as client:
            answer = await client.request(method, path, json=body, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def user(self, name, *groups):
        return await make_user(self.running, name, *groups)

    async def create(self, entity, **values):
        return await self.ask("POST", f"/data/{entity}", values)

    async def read(self, entity, key):
        return await self.ask("GET", f"/data/{entity}/{key}")

    async def all(self, entity, **query):
        return (await self.ask("GET", f"/data/{entity}", params={"_sortType": "asc", **query}))["items"]

    async def act(self, path, body=None, **options):
        return await self.ask("PUT", f"/data/{path}", body, **options)

    async def finished(self, answer, seconds=20):
        """The job as clients see it once it has ended."""
        give_up = time.monotonic() + seconds
        while True:
            job = await self.ask("GET", f"/status/jobs/{answer['jobId']}")
            if job["status"] in ("FINISHED", "STOPPED", "CANCELED"):
                return job
            assert time.monotonic() < give_up, job
            await asyncio.sleep(0.02)

    async def idle(self, seconds=20):
        """Waits until no job is left to do."""
        give_up = time.monotonic() + seconds
        while True:
            jobs = (await self.ask("GET", "/status/jobs", params={"_size": 100}))["items"]
            if all(job["status"] in ("FINISHED", "STOPPED", "CANCELED") for job in jobs):
                return jobs
            assert time.monotonic() < give_up, jobs
            await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def worker(self, timing=FAST):
        task = asyncio.create_task(Worker(lambda: self.running, JOB_KINDS, timing).run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def behaviour_database(tmp_path_factory):
    """The URI of a database server for all tests."""
    server = EmbeddedDatabase(tmp_path_factory.mktemp("behaviour"))
    yield await server.start()
    await server.stop()


@pytest.fixture
async def stage(behaviour_database):
    """Opens apps made from texts, each with a database of its own."""
    stores = []

    async def open_stage(entities, hooks=None, *, private=True, seconds=60.0, **groups):
        compiled = compile_app(Sources(".", files_of(entities, hooks, **groups)))
        store = await open_store(behaviour_database, f"stage{next(numbers)}_{time.time_ns() % 10**9}")
        stores.append(store)
        running = RunningApp(
            compiled, store, hooks=load_hooks(compiled.app), calls=Calls(private), action_timeout=seconds
        )
        await reconcile_indexes(store, compiled.indexes)
        await prepare_jobs(store)
        return Stage(running, await make_user(running, "dev", developer=True))

    yield open_stage
    for store in stores:
        await store.close()
