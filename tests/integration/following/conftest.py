"""An app whose records keep something of each other, over a real database."""

import asyncio
import itertools
import time
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from bson import ObjectId

from engine.compiler import compile_app
from engine.definitions import Sources
from engine.records.outbox import OUTBOX, REVISION
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.outbox import REMOVALS, sweep
from server.runtime.running import SYSTEM, RunningApp
from server.settings import Settings
from server.store import EmbeddedDatabase, open_store, reconcile_indexes

HERE = Path(__file__).parent
numbers = itertools.count()


def pytest_collection_modifyitems(items):
    """The database and its clients live on one event loop, so all tests run there."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class World:
    """One app over its own database, asked through its API by the engine itself unless another caller is given."""

    def __init__(self, running):
        self.running = running
        self._clients = {}

    @property
    def store(self):
        return self.running.store

    def client(self, caller=SYSTEM):
        async def identify(scope, running, address):
            return caller

        served = ServedApp("world", Edition(index_routes(self.running.compiled.routes), self.running), 1.0)
        http = build_http(Host([served]), Settings(), "/api", identify)
        return httpx.AsyncClient(transport=httpx.ASGITransport(http), base_url="http://world/api")

    async def ask(self, method, path, body=None, *, caller=SYSTEM, status=200):
        async with self.client(caller) as client:
            answer = await client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def create(self, entity, **values):
        return await self.ask("POST", f"/data/{entity}", values)

    async def change(self, entity, key, **values):
        return await self.ask("PUT", f"/data/{entity}/{key}", values)

    async def delete(self, entity, key, parameters=""):
        return await self.ask("DELETE", f"/data/{entity}/{key}{parameters}")

    async def read(self, entity, key):
        return await self.ask("GET", f"/data/{entity}/{key}")

    async def exists(self, entity, key):
        return await self.store.get(entity, ObjectId(key)) is not None

    async def settle(self):
        """Waits for all that follows what was written; nothing may be left in any outbox."""
        await self.running.outbox.settle()
        for entity in self.running.compiled.following:
            left = await self.store.find(entity, {OUTBOX: {"$exists": True}})
            assert not left, f"{entity} has intents left: {left}"
        assert not await self.store.find(REMOVALS, {})

    async def restart(self):
        """What a new process does that finds the database as it is."""
        await sweep(self.running)
        await self.settle()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database(tmp_path_factory):
    """The URI of a database server for all tests."""
    server = EmbeddedDatabase(tmp_path_factory.mktemp("following"))
    yield await server.start()
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def make_world(database):
    """Makes worlds from entity files; one name is one database."""
    stores = []

    async def make(entities, app="name: world\n", groups=None, name=None):
        files = {"app.yaml": app}
        files |= {f"entities/{entity}.yaml": text for entity, text in entities.items()}
        files |= {f"groups/{group}.yaml": text for group, text in (groups or {}).items()}
        compiled = compile_app(Sources(".", files))
        store = await open_store(database, name or f"following{next(numbers)}")
        stores.append(store)
        report = await reconcile_indexes(store, compiled.indexes)
        assert not report.failed
        return World(RunningApp(compiled, store))

    yield make
    for store in stores:
        await store.close()


async def eventually(condition, seconds=10):
    """Waits until an asynchronous condition holds."""
    give_up = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < give_up, "it did not come true"
        await asyncio.sleep(0.05)


__all__ = ["OUTBOX", "REVISION", "eventually"]
